"""Formats: told by content, each read as it is meant; what is not read is named with the way out."""

import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cifar_core.data import decode_picture
from cifar_core.data.pictures import read_picture
from cifar_core.errors import DataError
from cifar_core.machine import peak_memory
from tests.conftest import ROOT
from tests.data.test_pictures import encode

pytestmark = pytest.mark.fault(84)
WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, STRIPS, ROWS, STRIP_BYTES = 256, 257, 258, 259, 262, 273, 278, 279
SHORT, LONG = 3, 4


def tiff(tags: dict[int, int | tuple[int, ...]], data: bytes = b"", *, order: str = "<") -> bytes:
    """A TIFF written by hand: one directory, then `data`; the strip offset -1 stands for where that begins."""
    begin = 8 + 2 + 12 * len(tags) + 4
    longs: dict[int, tuple[int, ...]] = {}
    entries = b""
    for tag, value in sorted(tags.items()):
        values = value if isinstance(value, tuple) else (begin if value == -1 else value,)
        if len(values) > 2:
            longs[tag] = values
            entries += struct.pack(f"{order}HHII", tag, SHORT, len(values), begin + len(data))
            data += struct.pack(f"{order}{len(values)}H", *values)
        elif len(values) == 1 and values[0] > 65_535:
            entries += struct.pack(f"{order}HHII", tag, LONG, 1, values[0])
        else:
            padded = (*values, 0)[:2]
            entries += struct.pack(f"{order}HHI2H", tag, SHORT, len(values), *padded)
    magic = b"II*\0" if order == "<" else b"MM\0*"
    return magic + struct.pack(f"{order}IH", 8, len(tags)) + entries + bytes(4) + data


def grey_tiff(levels: np.ndarray, tags: dict[int, int | tuple[int, ...]], *, order: str = "<") -> bytes:
    """Uncompressed samples [32, 32] as a TIFF; 8 bits in `tags` may be changed to others."""
    size = {WIDTH: 32, HEIGHT: 32, BITS: 8, COMPRESSION: 1, PHOTOMETRIC: 1, STRIPS: -1, STRIP_BYTES: levels.nbytes}
    return tiff(size | {ROWS: 32} | tags, levels.tobytes(), order=order)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a"])
@pytest.mark.parametrize("form", ["PPM", "TIFF", "GIF"])
def test_more_formats_are_read_by_their_content(form: str, name: str, noise: np.ndarray) -> None:
    """Whatever the file is called."""
    image = Image.fromarray(noise[0].transpose(1, 2, 0))
    image = image.quantize(200).convert("RGB") if form == "GIF" else image
    picture = read_picture(encode(image, form), name=name)
    assert np.array_equal(picture.pixels, np.asarray(image).transpose(2, 0, 1))
    assert (picture.width, picture.height, picture.grey_peak) == (32, 32, None)


@pytest.mark.parametrize(
    ("content", "level"),
    [
        (b"P1\n# a comment\n2 2\n0110", None),
        (b"P4\n2 2\n\x40\x80", None),
        (b"P2 1 1 9 3", 85),
        (b"P2 # wide\n1 1#high\r9 # white\n# 7\n3#the end", 85),
        (b"P5 1 1 255 \x55", 85),
        (b"P3 1 1 3 1 1 1", 85),
        (b"P6 1 1 65535 \x55\x55\x55\x55\x55\x55", 85),
    ],
)
def test_each_kind_of_pnm(content: bytes, level: int | None) -> None:
    """Bits, grey and colour; as text and as bytes."""
    pixels = decode_picture(content, name="a")
    assert pixels.shape == (3, 32, 32)
    if level is None:
        assert (pixels[0, 0, 0], pixels[0, 0, 31], pixels[0, 31, 0], pixels[0, 31, 31]) == (255, 0, 0, 255)
    else:
        assert np.unique(pixels).tolist() == [level]


@pytest.mark.parametrize(
    "body",
    [b"#\n" * 1_900_000 + b"1 " * 100, b"1 " * 1_900_000, b"1 1#\n" * 700_000],
    ids=["comments", "numbers", "both"],
)
def test_a_pnm_of_text_takes_no_long_time(body: bytes) -> None:
    """Pillow would take minutes for its comments."""
    count = body.count(b"1")
    began = time.perf_counter()
    assert np.unique(decode_picture(b"P2 1 %d 3 " % count + body, name="a")).tolist() == [85]
    assert time.perf_counter() - began < 4


@pytest.mark.parametrize("magic", [b"P1", b"P2", b"P3"])
def test_a_large_pnm_of_text_is_refused(magic: bytes) -> None:
    """A binary one may be as large as other pictures."""
    with pytest.raises(DataError, match=r"a is a PNM .* text, which may have 4 MB: save it as PNG or as binary PPM"):
        decode_picture(magic + b"\n2000 2000\n" + b"1 " * 2_100_000, name="a")
    assert decode_picture(b"P6 2000 1000 255\n" + bytes(6_000_000), name="a").max() == 0


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits"])
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_a_tiff_is_what_was_saved(mode: str, compression: str | None, noise: np.ndarray) -> None:
    """As a PNG of the same pixels; CMYK, which a PNG cannot hold, as Pillow converts it."""
    colour = Image.fromarray(noise[0].transpose(1, 2, 0))
    image = Image.fromarray(noise[0, 0].astype(np.uint16) * 200) if mode == "I;16" else colour.convert(mode)
    expected = decode_picture(encode(image.convert("RGB") if mode == "CMYK" else image), name="a")
    assert np.array_equal(decode_picture(encode(image, "TIFF", compression=compression), name="a"), expected)


def test_the_first_page_counts_and_is_turned_upright() -> None:
    """Of several; the orientation is a tag of the TIFF itself."""
    first = Image.new("RGB", (40, 20), "red")
    first.paste("blue", (0, 0, 40, 10))
    exif = Image.Exif()
    exif[0x0112] = 6
    content = encode(first, "TIFF", exif=exif, save_all=True, append_images=[Image.new("RGB", (9, 9), "lime")])
    picture = read_picture(content, name="a")
    assert (picture.width, picture.height) == (20, 40)
    assert picture.pixels[:, 16, 2].tolist() == [255, 0, 0]
    assert picture.pixels[:, 16, 29].tolist() == [0, 0, 255]


@pytest.mark.parametrize(("order", "dtype"), [("<", "<u2"), (">", ">u2")])
def test_a_tiff_of_16_bits_in_either_byte_order(order: str, dtype: str) -> None:
    levels = np.linspace(0, 65_535, 1024).reshape(32, 32).astype(dtype)
    picture = read_picture(grey_tiff(levels, {BITS: 16}, order=order), name="a")
    assert np.array_equal(picture.pixels[0], np.rint(levels / 257))
    assert picture.grey_peak == 65_535


@pytest.mark.parametrize("samples", [2, 4])
def test_a_tiff_whose_colours_are_multiplied_by_their_alpha(samples: int) -> None:
    """Half of 200 over white: 100 and half of white."""
    pixels = np.full((32, 32, samples), 100, np.uint8)
    pixels[..., -1] = 128
    tags: dict[int, int | tuple[int, ...]] = {BITS: (8,) * samples, 277: samples, 338: 1}
    result = decode_picture(grey_tiff(pixels, tags | {PHOTOMETRIC: 1 if samples == 2 else 2}), name="a")
    assert np.abs(result.astype(int) - 227).max() <= 1


@pytest.mark.parametrize("grey_bits", [12, 16])
def test_a_tiff_of_packed_12_bits_says_what_white_is(grey_bits: int) -> None:
    packed = np.tile(np.array([0x3E, 0x8F, 0xFF], np.uint8), 512)  # 1000 and 4095, again and again
    picture = read_picture(grey_tiff(packed, {BITS: 12}), name="a", grey_bits=grey_bits)
    assert picture.pixels[0, 0, :4].tolist() == [62, 255, 62, 255]
    assert picture.grey_peak is None


@pytest.mark.parametrize(
    "tags",
    [
        {339: 3, BITS: 32},
        {339: 2, BITS: 8},
        {339: 2, BITS: 16},
        {BITS: 32},
        {BITS: 16, PHOTOMETRIC: 0},
        {BITS: (8, 8, 8), PHOTOMETRIC: 6, 277: 3},
        {BITS: (8, 8, 8), PHOTOMETRIC: 8, 277: 3},
        {BITS: (16, 16, 16), PHOTOMETRIC: 2, 277: 3, 284: 2},
        {COMPRESSION: 50_001},
    ],
)
def test_samples_that_would_be_misread_are_refused(tags: dict[int, int | tuple[int, ...]]) -> None:
    """Floats, signed and 32-bit samples, white as zero, and what Pillow decodes wrongly."""
    content = grey_tiff(np.full((32, 32, 6), 100, np.uint8), tags)
    with pytest.raises(DataError, match=r"a is a kind of TIFF that is not read here.*: export it again as PNG"):
        decode_picture(content, name="a")
    assert decode_picture(grey_tiff(np.full((32, 32), 100, np.uint8), {}), name="a").max() == 100


@pytest.mark.parametrize("content", [b"Pf 1 1 -1.0\n" + bytes(4), b"II\0*" + bytes(20), b"MM\0+" + bytes(20)])
def test_floats_and_odd_headers_are_refused(content: bytes) -> None:
    with pytest.raises(DataError, match=r"a has floating-point pixels|a is a kind of TIFF that is not read"):
        decode_picture(content, name="a")


def box(brand: bytes, *more: bytes) -> bytes:
    """The beginning of a file of the HEIC and video family."""
    return struct.pack(">I", 16 + 4 * len(more)) + b"ftyp" + brand + bytes(4) + b"".join(more) + bytes(40)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (box(b"heic", b"mif1"), "a HEIC picture, as phones make them"),
        (box(b"mif1", b"heic"), "a HEIC picture, as phones make them"),
        (box(b"avif", b"mif1"), "an AVIF picture"),
        (box(b"crx ", b"isom"), "a camera's raw picture"),
        (b"II*\0\x10\0\0\0CR\x02\0" + bytes(40), "a camera's raw picture"),
        (b"FUJIFILMCCD-RAW 0201", "a camera's raw picture"),
        (b"IIRO\x08\0\0\0", "a camera's raw picture"),
        (b"IIU\0\x18\0\0\0", "a camera's raw picture"),
        (grey_tiff(np.zeros((32, 32), np.uint8), {50706: 1}), "a camera's raw picture"),
        (grey_tiff(np.zeros((32, 32), np.uint8), {254: 1, 330: 8}), "a camera's raw picture"),
        (grey_tiff(np.zeros((32, 32), np.uint8), {PHOTOMETRIC: 32_803}), "a camera's raw picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- made by hand -->\n<svg viewBox='0 0 1 1'/>", "an SVG drawing"),
        (b"%PDF-1.7", "a PDF document"),
        (b"8BPS\0\1", "a Photoshop document (PSD)"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "a PostScript drawing (EPS)"),
    ],
)
def test_what_people_bring_and_is_not_read_is_named(content: bytes, kind: str) -> None:
    """Also the raw formats that are TIFF files with a preview, which Pillow would open."""
    with pytest.raises(DataError) as refusal:
        decode_picture(content, name="cat.png")
    assert str(refusal.value) == f"cat.png is {kind}: export it as JPEG or PNG."


def test_a_jpeg_of_12_bits_is_no_damage_for_certain() -> None:
    content = encode(Image.new("L", (8, 8)), "JPEG")
    start = content.index(b"\xff\xc0") + 4
    with pytest.raises(DataError, match="a is damaged, or a kind of JPEG that is not read here"):
        decode_picture(content[:start] + b"\x0c" + content[start + 1 :], name="a")


def test_a_phone_s_picture_with_a_second_one_inside(noise: np.ndarray) -> None:
    """An MPO is a JPEG; its first picture counts, and it is reduced like others."""
    image = Image.fromarray(noise[0].transpose(1, 2, 0))
    content = encode(image, "MPO", save_all=True, append_images=[Image.new("RGB", (32, 32))])
    assert np.array_equal(decode_picture(content, name="a"), decode_picture(encode(image, "JPEG"), name="a"))
    large = Image.new("L", (5_002, 5_000), 70)
    content = encode(large, "MPO", save_all=True, append_images=[Image.new("L", (32, 32))])
    assert np.unique(decode_picture(content, name="a")).tolist() == [70]


def test_the_first_frame_of_a_gif_may_be_small_and_transparent() -> None:
    """The rest of its picture is empty, and lies on white."""
    frames = [Image.new("P", (32, 32), level) for level in (0, 1)]
    for frame in frames:
        frame.putpalette([250, 0, 0, 0, 0, 250])
    assert decode_picture(encode(frames[0], "GIF", save_all=True, append_images=frames[1:]), name="a")[0].min() == 250
    assert decode_picture(encode(frames[0], "GIF", transparency=0), name="a").min() == 255
    content = bytearray(encode(frames[0].resize((16, 16)), "GIF"))
    content[6:10] = struct.pack("<2H", 32, 32)
    pixels = decode_picture(bytes(content), name="a")
    assert pixels[:, 15, 15].tolist() == [250, 0, 0]
    assert pixels[:, 16:, 16:].min() == 255


DECODE = """
import sys
from pathlib import Path
from cifar_core.data.pictures import decode_picture
from cifar_core.errors import DataError
from cifar_core.machine import peak_memory
content = Path(sys.argv[1]).read_bytes()
before = peak_memory()
try:
    decode_picture(content, name="a")
except DataError as error:
    print(error)
print((peak_memory() - before) // 2**20)
"""


@pytest.mark.fault(49)
@pytest.mark.skipif(peak_memory() is None, reason="this system does not report the peak memory of a process")
@pytest.mark.parametrize("kind", ["tile", "strips"])
def test_a_tiff_whose_parts_are_a_bomb(kind: str, tmp_path: Path) -> None:
    """The picture itself is small, or the file would be refused for its size. Nothing is printed either."""
    if kind == "tile":
        tags: dict[int, int | tuple[int, ...]] = {322: 29_984, 323: 29_984, 324: -1, 325: 9_000}
        data = zlib.compress(bytes(9_000_000))
        content = tiff({WIDTH: 16, HEIGHT: 16, BITS: 8, COMPRESSION: 8, PHOTOMETRIC: 1, 277: 1} | tags, data)
    else:
        rows = 400_000
        content = tiff({WIDTH: 1, HEIGHT: rows, BITS: 8, COMPRESSION: 1, PHOTOMETRIC: 1, ROWS: 1, STRIPS: (8,) * rows})
    (tmp_path / "a").write_bytes(content)
    command = [sys.executable, "-c", DECODE, str(tmp_path / "a")]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    sentence, megabytes = ended.stdout.splitlines()
    assert sentence.startswith("a is too large" if kind == "tile" else "a is a kind of TIFF")
    assert int(megabytes) < 40
    assert ended.stderr == ""


def test_a_damaged_tiff_prints_no_warning(tmp_path: Path) -> None:
    """Pillow would warn of the tags that are cut off; the sentence says enough."""
    (tmp_path / "a").write_bytes(encode(Image.new("RGB", (32, 32)), "TIFF")[:100])
    command = [sys.executable, "-c", DECODE, str(tmp_path / "a")]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert ended.stdout.startswith("a is damaged")
    assert ended.stderr == ""
