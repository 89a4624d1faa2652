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
CONVERSION = (
    "A picture that is not 32 x 32 is turned upright as its camera noted, cut to the largest square around its centre, "
    "and shrunk or enlarged smoothly (bicubic, antialiased). Grey is repeated in all three channels, transparent parts "
    "lie on white, CMYK and 16 bits become 8-bit RGB (where the dataset's grey pictures hold 12 bits in 16, white is "
    "the highest level of 12 bits), colour profiles are ignored, and of an animation or a file with several pages the "
    "first counts. A JPEG of more than 25 million pixels is reduced to half its width and height while it is decoded."
)

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


@dataclass(frozen=True)
class Picture:
    """A picture as the networks take it, and what is known of its file."""

    pixels: np.ndarray  # uint8 [3, 32, 32]
    width: int  # upright, before it was resized
    height: int
    grey_peak: int | None  # as above


def decode_picture(content: bytes, *, name: str, grey_bits: int = 16) -> np.ndarray:
    """The pixels of `read_picture`, uint8 [3, 32, 32]."""
    return read_picture(content, name=name, grey_bits=grey_bits).pixels


def read_picture(content: bytes, *, name: str, grey_bits: int = 16) -> Picture:
    """Decode a picture file and convert it as `CONVERSION` says. The format is told by its content.

    Args:
        content: the whole file.
        name: what the error message calls it.
        grey_bits: how many of the bits of 16-bit grey hold the picture, 16 or 12.

    Returns:
        The picture, the same for the same bytes.

    Raises:
        DataError: it is not such a picture, is damaged or incomplete, or has too many pixels (which is checked before
            decoding).
    """
    upright = decode_upright(content, name=name, grey_bits=grey_bits)
    return Picture(fit_picture(upright.image), upright.width, upright.height, upright.grey_peak)


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


def fit_picture(image: Image.Image) -> np.ndarray:
    """The largest central square of an upright picture, resized: uint8 [3, 32, 32]."""
    if image.size != (SIZE, SIZE):
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        square = image.crop((left, top, left + side, top + side))
        image = square.resize((SIZE, SIZE), Image.Resampling.BICUBIC)  # Pillow widens the filter when it shrinks
    return np.ascontiguousarray(np.asarray(image).transpose(2, 0, 1))


def to_image(pixels: np.ndarray) -> Image.Image:
    """A picture of the dataset, uint8 [3, 32, 32], as a Pillow image with the very same pixels."""
    return Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))  # [32, 32, 3]


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
    return UprightPicture(rgb, width, height, None if stated else peak)


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
