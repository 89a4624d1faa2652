"""Decoding pictures: one defined conversion for every format, and a plain refusal of anything else."""

import hashlib
import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from cifar_core.data import FORMATS, decode_picture, normalised_view, to_image, usable_std
from cifar_core.data.dataset import channel_statistics
from cifar_core.data.pictures import decode_upright, read_picture
from cifar_core.errors import DataError
from cifar_core.machine import peak_memory
from tests.conftest import ROOT

TOO_LARGE = r"a is too large \(a JPEG may have 89 million pixels, another picture 25 million\): make it smaller"


def encode(image: Image.Image, form: str = "PNG", **options: object) -> bytes:
    """The image as a file."""
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def png_of(width: int, height: int, *, kind: int = 2, depth: int = 8, rows: bytes = b"") -> bytes:
    """A PNG written by hand, so that its header may lie."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("form", "options"), [("PNG", {}), ("BMP", {}), ("WEBP", {"lossless": True})])
def test_a_picture_of_the_right_size_keeps_every_pixel(
    noise: np.ndarray, form: str, options: dict[str, object]
) -> None:
    """Encoded without loss by way of `to_image`, it decodes to the same pixels."""
    content = encode(to_image(noise[0]), form, **options)
    pixels = decode_picture(content, name="a.gif")
    assert np.array_equal(pixels, noise[0])
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous


def test_pixels_stay_what_they_have_been() -> None:
    """Known results of the first version, without the formats whose encoders may change."""
    ramp = np.arange(90 * 70 * 4, dtype=np.uint32).reshape(90, 70, 4) * 2_654_435_761 >> 24
    colour = Image.fromarray(ramp.astype(np.uint8))
    sixteen = Image.fromarray((ramp[..., 0] * 257 + ramp[..., 1]).clip(0, 65_535).astype(np.uint16))
    digest = hashlib.sha256()
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA"):
        digest.update(decode_picture(encode(colour.convert(mode)), name="a"))
    digest.update(decode_picture(encode(colour.convert("RGB"), "BMP"), name="a"))
    digest.update(decode_picture(encode(sixteen), name="a"))
    assert digest.hexdigest() == "7b63033202a1f51e9fcffd15ab04a461ebb7bb4aa8be1ab2238a9bcd584fffac"


def test_a_jpeg_is_what_pillow_decodes(noise: np.ndarray) -> None:
    """The decoder takes no short cut."""
    content = encode(to_image(noise[0]), "JPEG", quality=90)
    expected = np.asarray(Image.open(io.BytesIO(content))).transpose(2, 0, 1)
    assert np.array_equal(decode_picture(content, name="a"), expected)


def test_the_middle_square_is_taken() -> None:
    """A wide picture loses its sides, a tall one top and bottom."""
    wide = Image.new("RGB", (96, 32), "blue")
    wide.paste("red", (32, 0, 64, 32))
    for image in (wide, wide.rotate(90, expand=True)):
        assert np.array_equal(decode_picture(encode(image), name="a")[:, 5, 5], (255, 0, 0))
        assert np.unique(decode_picture(encode(image), name="a")[0]).tolist() == [255]


def test_shrinking_averages() -> None:
    """A fine chequerboard becomes grey, not a pattern."""
    board = (np.indices((256, 256)).sum(axis=0) % 2 * 255).astype(np.uint8)
    pixels = decode_picture(encode(Image.fromarray(board)), name="a")
    assert pixels.min() >= 120
    assert pixels.max() <= 135


@pytest.mark.fault(51)
@pytest.mark.parametrize("size", [(1, 1), (1, 10_000), (33, 31), (7, 500)])
def test_odd_sizes_have_a_result(size: tuple[int, int]) -> None:
    """One colour stays that colour."""
    pixels = decode_picture(encode(Image.new("RGB", size, (10, 20, 30))), name="a")
    assert pixels.shape == (3, 32, 32)
    assert pixels.reshape(3, -1).T.tolist() == [[10, 20, 30]] * 1024


@pytest.mark.fault(51)
def test_a_camera_held_sideways() -> None:
    """The EXIF orientation is applied before anything else."""
    image = Image.new("RGB", (32, 32), "black")
    image.paste("white", (0, 0, 32, 16))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn right to see it upright
    pixels = decode_picture(encode(image, exif=exif), name="a")
    assert np.array_equal(pixels[0, 16], [0] * 16 + [255] * 16)


@pytest.mark.fault(51)
def test_grey_palette_and_one_bit() -> None:
    """All three channels are equal, or the palette's colours."""
    grey = Image.fromarray(np.arange(1024, dtype=np.uint16).reshape(32, 32).astype(np.uint8))
    pixels = decode_picture(encode(grey), name="a")
    assert np.array_equal(pixels[0], np.asarray(grey))
    assert np.array_equal(pixels[0], pixels[2])
    palette = Image.new("RGB", (32, 32), (200, 100, 50)).quantize(4)
    assert decode_picture(encode(palette), name="a")[:, 0, 0].tolist() == [200, 100, 50]
    assert decode_picture(encode(Image.new("1", (32, 32), 1)), name="a").min() == 255


@pytest.mark.fault(51)
def test_transparent_parts_lie_on_white() -> None:
    """Alpha channels, and palettes with a transparent colour."""
    half = Image.new("RGBA", (32, 32), (0, 0, 0, 128))
    assert abs(int(decode_picture(encode(half), name="a")[0, 0, 0]) - 127) <= 1
    clear = Image.new("LA", (32, 32), (0, 0))
    assert decode_picture(encode(clear), name="a").min() == 255
    palette = Image.new("P", (32, 32), 0)
    palette.putpalette([0, 0, 0, 9, 9, 9])
    assert decode_picture(encode(palette, transparency=0), name="a").min() == 255
    keyed = Image.new("RGB", (32, 32), (1, 2, 3))
    assert decode_picture(encode(keyed, transparency=(1, 2, 3)), name="a").min() == 255


@pytest.mark.fault(51)
def test_sixteen_bits_are_scaled() -> None:
    """The whole range becomes 0..255, not clipped at 255."""
    levels = np.linspace(0, 65_535, 1024).astype(np.uint16).reshape(32, 32)
    pixels = decode_picture(encode(Image.fromarray(levels)), name="a")
    assert np.array_equal(pixels[1], np.rint(levels / 257).astype(np.uint8))
    rows = b"".join(b"\0" + struct.pack(">3H", 65_535, 32_768, 0) * 32 for _ in range(32))
    assert decode_picture(png_of(32, 32, depth=16, rows=rows), name="a")[:, 0, 0].tolist() == [255, 128, 0]


@pytest.mark.fault(84)
def test_twelve_bits_in_sixteen() -> None:
    """White is then at 4095; the highest level is said, so that an import can decide."""
    levels = np.linspace(0, 4095, 1024).astype(np.uint16).reshape(32, 32)
    content = encode(Image.fromarray(levels))
    assert np.array_equal(decode_picture(content, name="a")[0], np.rint(levels / 257))
    assert np.array_equal(decode_picture(content, name="a", grey_bits=12)[0], np.rint(levels / 4095 * 255))
    assert read_picture(content, name="a", grey_bits=12).grey_peak == 4095
    assert read_picture(encode(Image.fromarray(levels * 16)), name="a").grey_peak == 65_520
    assert read_picture(encode(Image.new("L", (9, 9), 7)), name="a").grey_peak is None
    for mode in ("L", "RGB"):
        eight = encode(Image.new(mode, (9, 9)))
        assert np.array_equal(decode_picture(eight, name="a"), decode_picture(eight, name="a", grey_bits=12))


@pytest.mark.fault(84)
@pytest.mark.parametrize("kind", [b"P2", b"P5"])
@pytest.mark.parametrize("grey_bits", [12, 16])
def test_a_pgm_says_what_white_is(kind: bytes, grey_bits: int) -> None:
    """It is scaled once, and is no evidence of 12 bits however dark it is."""
    levels = [0, 1_000, 4_095]
    body = b" ".join(b"%d" % level for level in levels) if kind == b"P2" else struct.pack(">3H", *levels)
    picture = read_picture(kind + b" 3 1 4095\n" + body, name="a", grey_bits=grey_bits)
    assert picture.grey_peak is None
    assert picture.pixels[0, 16, 16] == 62  # the middle one, 1000 of 4095
    whole = read_picture(kind + b" 3 1 65535\n" + body, name="a", grey_bits=grey_bits)
    assert whole.grey_peak == 4_095
    assert whole.pixels[0, 16, 16] == (62 if grey_bits == 12 else 4)


@pytest.mark.fault(51, 84)
def test_a_transparent_level_of_16_bit_grey_lies_on_white() -> None:
    """It is not taken for the highest level either."""
    levels = np.full((32, 32), 40_000, np.uint16)
    levels[:16] = 100
    picture = read_picture(encode(Image.fromarray(levels), transparency=40_000), name="a")
    assert np.unique(picture.pixels[:, :16]).tolist() == [0]
    assert np.unique(picture.pixels[:, 16:]).tolist() == [255]
    assert picture.grey_peak == 100
    rows = b"".join(b"\0" + struct.pack(">2H", 100, 0) * 32 for _ in range(32))
    assert decode_picture(png_of(32, 32, kind=4, depth=16, rows=rows), name="a").min() == 255


@pytest.mark.fault(51)
def test_cmyk() -> None:
    """No ink is white, all of it black."""
    assert decode_picture(encode(Image.new("CMYK", (32, 32), (0, 0, 0, 0)), "JPEG"), name="a").min() >= 253
    assert decode_picture(encode(Image.new("CMYK", (32, 32), (0, 0, 0, 255)), "JPEG"), name="a").max() <= 2


@pytest.mark.fault(51)
@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_the_first_frame_of_an_animation_is_taken(form: str) -> None:
    """The other frames are ignored."""
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "lime")]
    content = encode(frames[0], form, save_all=True, append_images=frames[1:], lossless=True)
    assert decode_picture(content, name="a")[:, 0, 0].tolist() == [255, 0, 0]


@pytest.mark.fault(48)
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0",
        b"<!DOCTYPE html><html>",
        b"<html><svg></svg></html>",
        b"PK\x03\x04",
        encode(Image.new("RGB", (32, 32)), "ICO"),
        np.random.default_rng(0).bytes(5000),
    ],
)
def test_what_is_not_a_picture_is_named(content: bytes) -> None:
    """The content decides, not the name."""
    with pytest.raises(DataError, match=rf"cat\.png is (not a {FORMATS} picture|an empty file)"):
        decode_picture(content, name="cat.png")


@pytest.mark.fault(49)
@pytest.mark.filterwarnings("error::PIL.Image.DecompressionBombWarning")  # pytest forgets the module's own filter
@pytest.mark.parametrize("size", [(60_000, 60_000), (5_001, 5_000), (10_000, 10_000)])
def test_bombs_are_refused_from_their_header(size: tuple[int, int]) -> None:
    """The file has no pixels at all: had they been read, the message would be another."""
    with pytest.raises(DataError, match=TOO_LARGE):
        decode_picture(png_of(*size), name="a")


@pytest.mark.fault(84)
@pytest.mark.parametrize("progressive", [False, True])
def test_a_large_jpeg_is_reduced_while_it_is_decoded(progressive: bool) -> None:
    """Its size is that of the file, upright; other formats of that size are refused."""
    image = Image.new("L", (5_002, 5_000), 70)
    exif = Image.Exif()
    exif[0x0112] = 6
    content = encode(image, "JPEG", exif=exif, progressive=progressive, quality=95)
    picture = read_picture(content, name="a")
    assert (picture.width, picture.height) == (5_000, 5_002)
    assert decode_upright(content, name="a").image.size == (2_500, 2_501)
    assert np.unique(picture.pixels).tolist() == [70]
    for form in ("PNG", "GIF", "PPM", "TIFF"):
        with pytest.raises(DataError, match=TOO_LARGE):
            decode_picture(encode(image, form), name="a")


DECODE = """
import sys
from pathlib import Path
from cifar_core.data.pictures import decode_picture
from cifar_core.errors import DataError
from cifar_core.machine import peak_memory
content = Path(sys.argv[1]).read_bytes()
before = peak_memory()
refusal = None
try:
    decode_picture(content, name="large.jpg")
except DataError as error:
    refusal = error
print(refusal, (peak_memory() - before) // 2**20)
"""


@pytest.mark.fault(49)
@pytest.mark.skipif(peak_memory() is None, reason="this system does not report the peak memory of a process")
def test_a_photograph_of_100_megapixels_costs_no_memory(tmp_path: Path) -> None:
    """A real one, seen from its header in a process whose memory is measured."""
    Image.new("L", (10_000, 10_000), 128).save(tmp_path / "large.jpg")
    command = [sys.executable, "-c", DECODE, str(tmp_path / "large.jpg")]
    output = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    sentence, megabytes = output.rsplit(" ", 1)
    assert sentence.startswith("large.jpg is too large (a JPEG may have 89 million pixels")
    assert int(megabytes) < 20


@pytest.mark.slow
@pytest.mark.fault(84)
@pytest.mark.skipif(peak_memory() is None, reason="this system does not report the peak memory of a process")
@pytest.mark.parametrize(
    ("mode", "options", "limit"),
    [
        ("RGB", {}, 300),
        ("RGB", {"progressive": True, "subsampling": 2}, 450),
        ("RGB", {"progressive": True, "subsampling": 0}, 700),
        ("CMYK", {"progressive": True}, 900),
    ],
)
def test_the_memory_for_the_largest_jpeg(mode: str, options: dict[str, object], limit: int, tmp_path: Path) -> None:
    """A progressive one needs most, for all its scans are held until the last."""
    Image.new(mode, (11_584, 7_724), 128).save(tmp_path / "large.jpg", **options)
    command = [sys.executable, "-c", DECODE, str(tmp_path / "large.jpg")]
    output = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert output.split()[0] == "None"
    assert int(output.split()[1]) < limit


@pytest.mark.fault(50)
@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "BMP", "GIF", "PPM", "TIFF"])
def test_incomplete_pictures_are_refused(noise: np.ndarray, form: str) -> None:
    """They are not decoded with a grey lower half."""
    content = encode(to_image(noise[0]), form)
    with pytest.raises(DataError, match=r"a\.x is damaged or incomplete|a\.x is not"):
        decode_picture(content[: len(content) * 2 // 3], name="a.x")


@pytest.mark.fault(50)
def test_a_png_with_a_wrong_checksum_or_a_text_bomb() -> None:
    """Both count as damage."""
    content = bytearray(encode(Image.new("RGB", (32, 32))))
    content[content.index(b"IDAT") + 6] ^= 1
    with pytest.raises(DataError, match="damaged"):
        decode_picture(bytes(content), name="a")
    bomb = b"comment\0\0" + zlib.compress(bytes(50_000_000))
    chunk = struct.pack(">I", len(bomb)) + b"zTXt" + bomb + struct.pack(">I", zlib.crc32(b"zTXt" + bomb))
    whole = encode(Image.new("RGB", (32, 32)))
    with pytest.raises(DataError, match="damaged"):
        decode_picture(whole[:33] + chunk + whole[33:], name="a")


FUZZED = ["PNG", "JPEG", "WEBP", "BMP", "GIF", "PPM", "TIFF", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"]


@pytest.mark.fault(48, 50, 84)
@pytest.mark.filterwarnings("ignore::UserWarning")  # pytest forgets the module's own filter
@settings(max_examples=500)
@given(form=st.sampled_from(FUZZED), seed=st.integers(0, 2**32), changes=st.integers(1, 8))
@example(form="PNG", seed=0, changes=1)
def test_damaged_bytes_give_a_picture_or_a_data_error(form: str, seed: int, changes: int) -> None:
    """Never another exception, whatever bytes are changed."""
    rng = np.random.default_rng(seed)
    shape = [(20, 24, 3), (20, 24), (20, 24, 4)][seed % 3]
    image = Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8))
    image = image.convert("RGB") if form in ("JPEG", "BMP", "jpeg") and image.mode == "RGBA" else image
    whole = encode(image, form) if form.isupper() else encode(image, "TIFF", compression=form)
    content = bytearray(whole)
    for position in rng.integers(0, min(len(content), 400), changes):
        content[position] = rng.integers(0, 256)
    try:
        pixels = decode_picture(bytes(content), name="a")
    except DataError:
        return
    assert pixels.shape == (3, 32, 32)
    assert pixels.dtype == np.uint8


def test_normalised_values_are_shown_unclipped(noise: np.ndarray) -> None:
    """Zero is mid-grey and the extremes of the dataset are the ends of the scale."""
    mean, std = (0.5, 0.4, 0.3), (0.2, 0.25, 0.0)
    view = normalised_view(noise[0], mean, std)
    assert view.bound >= max(-view.low, view.high)
    flat = np.full((3, 32, 32), 255, np.uint8)
    flat[2] = 0
    assert normalised_view(flat, mean, std).pixels[0, 0, 0] > 250


@pytest.mark.parametrize("level", [0, 77, 200, 255])
def test_a_constant_channel_counts_as_1(level: int, noise: np.ndarray) -> None:
    """Also if rounding leaves it a tiny deviation; a real one, however small, is kept."""
    images = noise.copy()
    images[:, 1] = level
    std = usable_std(channel_statistics(images)[1])
    assert std[1] == 1.0
    assert (std[0], std[2]) == pytest.approx((images / 255).std(axis=(0, 2, 3))[[0, 2]])
    assert usable_std((0.0, 3e-9, 1e-5)) == (1.0, 1.0, 1e-5)
    mean = channel_statistics(images)[0]
    assert normalised_view(images[0], mean, (0.2, 3e-9, 0.2)).bound < 6
