"""Convert pictures of any common format to the input of the networks: uint8 [3, 32, 32].

Reads and writes nothing but its arguments.
"""

import io
import struct
import warnings
import zlib
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps

from cifar_core.errors import DataError

SIZE = 32  # pixels, width and height of the input of the networks
# A standard deviation below it is the rounding error of a constant channel: one grey level in one pixel of ten million
# gives more.
_NO_SPREAD = 1e-6
FORMATS = ("PNG", "JPEG", "WEBP", "BMP")
MAX_PIXELS = 25_000_000
CONVERSION = (
    "A picture that is not 32 x 32 is turned upright as its camera noted, cut to the largest square around its centre, "
    "and shrunk or enlarged smoothly (bicubic, antialiased). Grey is repeated in all three channels, transparent parts "
    "lie on white, CMYK and 16 bits become 8-bit RGB, colour profiles are ignored, and of an animation the first frame "
    "counts."
)

# Pillow warns about a decompression bomb above 89 megapixels and raises above twice that; here both are refused.
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)

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


def decode_picture(content: bytes, *, name: str) -> np.ndarray:
    """Decode a PNG, JPEG, WEBP or BMP file and convert it as `CONVERSION` says. The format is told by its content.

    Args:
        content: the whole file.
        name: what the error message calls it.

    Returns:
        uint8 [3, 32, 32], the same for the same bytes.

    Raises:
        DataError: it is not such a picture, is damaged or incomplete, or has more than 25 million pixels (which is
            checked before decoding).
    """
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise DataError(_too_large(name))
            image.load()
            pixels = np.asarray(_fit(_to_rgb(_upright(image))))  # [32, 32, 3]
    except _TOO_LARGE as error:
        raise DataError(_too_large(name)) from error
    except Image.UnidentifiedImageError as error:
        raise DataError(f"{name} is not a PNG, JPEG, WEBP or BMP picture.") from error
    except _UNREADABLE as error:
        raise DataError(f"{name} is damaged or incomplete ({_first_line(error)}).") from error
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))  # [3, 32, 32]


def to_image(pixels: np.ndarray) -> Image.Image:
    """A picture of the dataset, uint8 [3, 32, 32], as a Pillow image with the very same pixels."""
    return Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))  # [32, 32, 3]


def _upright(image: Image.Image) -> Image.Image:
    # Only where there is EXIF data: reading the orientation costs as much as decoding a small JPEG.
    return ImageOps.exif_transpose(image) if "exif" in image.info else image


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode.startswith("I"):  # 16-bit grey: 65535 is white; Pillow's own conversion would clip at 255
        levels = np.asarray(image).astype(np.float64).clip(0, 65_535)
        return Image.fromarray(np.rint(levels / 257).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")


def _fit(image: Image.Image) -> Image.Image:
    if image.size == (SIZE, SIZE):
        return image
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    square = image.crop((left, top, left + side, top + side))
    return square.resize((SIZE, SIZE), Image.Resampling.BICUBIC)  # Pillow widens the filter when it shrinks


def _too_large(name: str) -> str:
    return f"{name} has more than {MAX_PIXELS // 1_000_000} million pixels: make it smaller first."


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
