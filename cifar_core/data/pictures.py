"""Convert pictures of any common format to the input of the networks: uint8 [3, 32, 32].

Reads and writes nothing but its arguments.
"""

import io
import logging
import struct
import warnings
import zlib
from dataclasses import dataclass

import numpy as np
from PIL import ExifTags, Image, ImageOps
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile

from cifar_core.data.dataset import Fit
from cifar_core.data.picture_formats import (
    MAX_JPEG_PIXELS,
    MAX_PIXELS,
    PILLOW_FORMATS,
    refuse_other_formats,
    too_large,
    unidentified,
    without_comments,
)
from cifar_core.errors import DataError

SIZE = 32  # pixels, width and height of the input of the networks
# A standard deviation below it is the rounding error of a constant channel: one grey level in one pixel of ten million
# gives more.
_NO_SPREAD = 1e-6
_WHITE = 65_535  # of 16 bits
WHITE_OF_12_BITS = 4_095
_TURNED_ASIDE = (5, 6, 7, 8)  # EXIF orientations that exchange width and height
_FITTED: dict[Fit, str] = {
    "crop": "cut to the central square, and shrunk or enlarged smoothly (bicubic, antialiased)",
    "pad": "and shrunk or enlarged smoothly (bicubic, antialiased): the whole picture with borders, which are black",
    "stretch": "and stretched: its width and its height are each shrunk or enlarged smoothly (bicubic, antialiased)",
}

# Pillow warns about a decompression bomb above 89 megapixels and raises above twice that; here both are refused.
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)
# What Pillow prints about damaged tags of a TIFF; the person gets a sentence, or a picture that needs none of them.
warnings.filterwarnings("ignore", module=r"PIL\.TiffImagePlugin")
logging.getLogger("PIL").addHandler(logging.NullHandler())

# What Pillow's decoders raise on broken bytes; the tests feed them random and truncated files.
_UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    NotImplementedError,
    struct.error,
    zlib.error,
)
_TOO_LARGE = (Image.DecompressionBombWarning, Image.DecompressionBombError)


@dataclass(frozen=True)
class UprightPicture:
    """A decoded picture as a person sees it: upright, in 8-bit RGB, transparent parts on white."""

    image: Image.Image  # RGB; smaller than the file says where a large JPEG was reduced while it was decoded
    width: int  # upright, as the file says
    height: int
    grey_peak: int | None  # the highest level of a 16-bit grey picture whose file does not say how many levels count
    format: int  # of the file, index into `PILLOW_FORMATS`


@dataclass(frozen=True)
class Picture:
    """A picture as the networks take it, and what is known of its file."""

    pixels: np.ndarray  # uint8 [3, 32, 32]
    width: int  # upright, before it was resized
    height: int
    grey_peak: int | None  # as above
    format: int  # as above
    upright: Image.Image  # the whole picture, RGB


def conversion(fit: Fit) -> str:
    """What happens to a picture on its way to the network, in sentences."""
    return (
        f"A picture that is not 32 x 32 is turned upright as its camera noted, {_FITTED[fit]}. Grey is repeated in all "
        "three channels, transparent parts lie on white, CMYK and 16 bits become 8-bit RGB (where the dataset's grey "
        "pictures hold 12 bits in 16, white is the highest level of 12 bits), colour profiles are ignored, and of an "
        "animation or a file with several pages the first counts. A JPEG of more than 25 million pixels is reduced to "
        "half its width and height while it is decoded."
    )


def decode_picture(content: bytes, *, name: str, grey_bits: int = 16, fit: Fit = "crop") -> np.ndarray:
    """The pixels of `read_picture`, uint8 [3, 32, 32]."""
    return read_picture(content, name=name, grey_bits=grey_bits, fit=fit).pixels


def read_picture(content: bytes, *, name: str, grey_bits: int = 16, fit: Fit = "crop") -> Picture:
    """Decode a picture file and convert it as `conversion` says. The format is told by its content.

    Args:
        content: the whole file.
        name: what the error message calls it.
        grey_bits: how many of the bits of 16-bit grey hold the picture, 16 or 12.
        fit: how it is brought to 32 x 32 (`fit_picture`).

    Returns:
        The picture, the same for the same bytes.

    Raises:
        DataError: it is not such a picture, is damaged or incomplete, or has too many pixels (which is checked before
            decoding).
    """
    upright = decode_upright(content, name=name, grey_bits=grey_bits)
    pixels = fit_picture(upright.image, fit)
    return Picture(pixels, upright.width, upright.height, upright.grey_peak, upright.format, upright.image)


def decode_upright(content: bytes, *, name: str, grey_bits: int = 16) -> UprightPicture:
    """As `read_picture`, before the picture is cut and resized."""
    try:
        refuse_other_formats(content, name)
        with Image.open(io.BytesIO(without_comments(content)), formats=PILLOW_FORMATS) as image:
            most = MAX_JPEG_PIXELS if isinstance(image, JpegImageFile) else MAX_PIXELS
            if image.width * image.height > most:
                raise DataError(too_large(name))
            return _decode(image, grey_bits)
    except _TOO_LARGE as error:
        raise DataError(too_large(name)) from error
    except Image.UnidentifiedImageError as error:
        raise DataError(unidentified(content, name)) from error
    except _UNREADABLE as error:
        raise DataError(f"{name} is damaged or incomplete ({_first_line(error)}).") from error


def fit_picture(image: Image.Image, fit: Fit = "crop") -> np.ndarray:
    """An upright picture, RGB of any size, as uint8 [3, 32, 32].

    Args:
        image: one of 32 x 32 stays as it is.
        fit: `crop` takes the largest central square; where an odd number of pixels is cut away, one more goes at the
            right or at the bottom. `pad` scales the whole picture until its long side is 32 and lays it between two
            equal black borders; the short side is rounded to whole pixels and is at least 1, and where an odd number
            of pixels is left, the right or the bottom border is one pixel wider. `stretch` scales both sides to 32,
            each on its own.
    """
    if image.size != (SIZE, SIZE):
        if fit == "crop":
            image = image.crop(central_square(*image.size))
        image = _with_borders(image) if fit == "pad" else _resized(image, (SIZE, SIZE))
    return np.ascontiguousarray(np.asarray(image).transpose(2, 0, 1))


def central_square(width: int, height: int) -> tuple[int, int, int, int]:
    """The largest central square of a picture: left, top, right, bottom, in pixels."""
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    return left, top, left + side, top + side


def scaled_size(width: int, height: int, long_side: int) -> tuple[int, int]:
    """Width and height in whole pixels, at least 1, once the longer of them is scaled to `long_side`."""
    longest = max(width, height)
    return max(1, round(width * long_side / longest)), max(1, round(height * long_side / longest))


def _with_borders(image: Image.Image) -> Image.Image:
    size = scaled_size(*image.size, SIZE)
    whole = Image.new("RGB", (SIZE, SIZE))
    whole.paste(_resized(image, size), ((SIZE - size[0]) // 2, (SIZE - size[1]) // 2))
    return whole


def _resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    return image.resize(size, Image.Resampling.BICUBIC)  # Pillow widens the filter when it shrinks


def to_image(pixels: np.ndarray) -> Image.Image:
    """A picture of the dataset, uint8 [3, 32, 32], as a Pillow image with the very same pixels."""
    return Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))  # [32, 32, 3]


def to_png(pixels: np.ndarray, enlarge: int = 1) -> bytes:
    """A picture of the dataset, uint8 [3, 32, 32], as a PNG file in which each pixel is a square of this width."""
    image = to_image(pixels)
    if enlarge > 1:
        image = image.resize((image.width * enlarge, image.height * enlarge), Image.Resampling.NEAREST)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)  # twice as fast as the default, and of 32 x 32 pixels as small
    return buffer.getvalue()


def _decode(image: ImageFile, grey_bits: int) -> UprightPicture:
    width, height = image.size
    stated = _stated_white(image)
    if width * height > MAX_PIXELS:  # half the width and height of 89 megapixels are 22
        image.draft(None, (width // 2, height // 2))
    image.load()
    upright: Image.Image = image
    peak = None
    if "exif" in image.info:  # not for all: reading the orientation costs as much as decoding a small JPEG
        if image.getexif().get(ExifTags.Base.Orientation) in _TURNED_ASIDE:
            width, height = height, width
        upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I"):
        rgb, peak = _grey_to_rgb(upright, stated or (_WHITE if grey_bits == 16 else WHITE_OF_12_BITS))
    else:
        rgb = _to_rgb(upright)
    if isinstance(image, GifImageFile) and image.dispose_extent is not None:
        rgb = _on_white(rgb, image.dispose_extent)
    # Several pictures in one JPEG file are a format of its own to Pillow.
    form = "JPEG" if isinstance(image, JpegImageFile) else image.format or ""
    return UprightPicture(rgb, width, height, None if stated else peak, PILLOW_FORMATS.index(form))


def _stated_white(image: ImageFile) -> int | None:
    """The level of white where the file says how many levels count; None where 12 bits may lie in its 16."""
    args = image.tile[0].args if image.tile else None
    if image.format == "PPM" and isinstance(args, tuple) and args[1] != _WHITE:
        return _WHITE  # Pillow scales by the maximum in the file's header
    return WHITE_OF_12_BITS if isinstance(args, tuple) and args[0] == "I;12" else None  # a TIFF


def _grey_to_rgb(image: Image.Image, white: int) -> tuple[Image.Image, int]:
    """16-bit grey as RGB, with its highest level. Pillow's own conversion would clip at 255."""
    levels = np.asarray(image)
    scaled = np.rint(np.arange(_WHITE + 1).clip(0, white) / (white / 255)).astype(np.uint8)
    clear = image.info.get("transparency", -1)  # one level may mean that nothing is there
    if clear >= 0:
        scaled[clear] = 255
    return Image.fromarray(scaled[levels]).convert("RGB"), int(levels.max(initial=0, where=levels != clear))


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.has_transparency_data:
        # Pillow converts grey multiplied by its alpha in two steps only.
        image = (image.convert("LA") if image.mode == "La" else image).convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")


def _on_white(rgb: Image.Image, frame: tuple[int, int, int, int]) -> Image.Image:
    """The first frame of a GIF, which need not fill the picture; Pillow gives the rest the first colour."""
    if frame == (0, 0, *rgb.size):
        return rgb
    white = Image.new("RGB", rgb.size, "white")
    white.paste(rgb.crop(frame), frame)
    return white


def _first_line(error: BaseException) -> str:
    lines = str(error).splitlines()
    return lines[0][:120] if lines else type(error).__name__


@dataclass(frozen=True)
class NormalisedView:
    """A normalised picture as it is displayed: nothing is clipped, 0 is mid-grey, a dataset has one range for all."""

    pixels: np.ndarray  # uint8 [3, 32, 32]
    bound: float  # black is -bound, white +bound; no picture of the dataset lies outside
    low: float  # smallest and largest value of this picture
    high: float


def usable_std(std: tuple[float, float, float]) -> tuple[float, float, float]:
    """The standard deviations to divide by: that of a constant channel counts as 1.

    Args:
        std: per channel, in units of 0..1.
    """
    red, green, blue = (value if value > _NO_SPREAD else 1.0 for value in std)
    return red, green, blue


def normalised_view(
    pixels: np.ndarray, mean: tuple[float, float, float], std: tuple[float, float, float]
) -> NormalisedView:
    """The input of the network, (x / 255 - mean) / std per channel, as a picture rescaled by a fixed range around 0.

    Args:
        pixels: uint8 [3, H, W].
        mean: per channel of the training part, in units of 0..1.
        std: likewise, made usable by `usable_std`.
    """
    centre, spread = np.array(mean)[:, None, None], np.array(usable_std(std))[:, None, None]
    values = (pixels / 255 - centre) / spread  # [3, H, W]
    bound = float(np.max(np.maximum(centre, 1 - centre) / spread))
    shown = np.rint((values / bound + 1) * 127.5).astype(np.uint8)
    return NormalisedView(shown, bound, float(values.min()), float(values.max()))
