"""The formats of pictures that are read, told by their content, and a sentence about each common one that is not.

Reads and writes nothing but its arguments.
"""

import io
import re

from PIL import TiffImagePlugin
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from cifar_core.errors import DataError
from cifar_core.text import MB

FORMATS = "PNG, JPEG, WEBP, BMP, GIF, TIFF, PPM, PGM or PBM"  # as sentences name them
EXTENSIONS = ("png", "jpg", "jpeg", "jfif", "webp", "bmp", "ppm", "pgm", "pbm", "pnm", "tif", "tiff", "gif")
PILLOW_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM")  # datasets store their places here: only append
MAX_PIXELS = 25_000_000
# Where Pillow begins to warn of a decompression bomb. Reduced while it is decoded, a JPEG of this size takes 0.2 GB, a
# progressive one 0.6 GB, and 0.8 GB in CMYK.
MAX_JPEG_PIXELS = 89_478_485

_RAW = "a camera's raw picture"
_POSTSCRIPT = "a PostScript drawing (EPS)"
_SIGNATURES = (  # offset, bytes, what it is
    (0, b"%PDF-", "a PDF document"),
    (0, b"8BPS", "a Photoshop document (PSD)"),
    (0, b"%!PS", _POSTSCRIPT),
    (0, b"\xc5\xd0\xd3\xc6", _POSTSCRIPT),
    (0, b"\0\0\0\x0cJXL ", "a JPEG XL picture"),
    (0, b"\0\0\0\x0cjP  ", "a JPEG 2000 picture"),
    (4, b"ftypcrx ", _RAW),  # Canon CR3
    (0, b"II*\0\x10\0\0\0CR", _RAW),  # Canon CR2
    (6, b"HEAPCCDR", _RAW),  # Canon CRW
    (0, b"FUJIFILMCCD-RAW", _RAW),
    (0, b"IIRO", _RAW),  # Olympus
    (0, b"IIRS", _RAW),
    (0, b"MMOR", _RAW),
    (0, b"IIU\0", _RAW),  # Panasonic
    (0, b"\0MRM", _RAW),  # Minolta
    (0, b"FOVb", _RAW),  # Sigma
)
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_HEAD = 4096  # bytes in which an SVG has its first element

_PLAIN_PNM = re.compile(rb"P[123]\s")  # numbers as text
_MAX_PLAIN_PNM = 4 * MB  # takes about a second to decode

_TIFF_HEADERS = (b"II*\0", b"MM\0*", b"II+\0")
_NEW_SUBFILE_TYPE, _BITS, _COMPRESSION, _PHOTOMETRIC, _STRIP_OFFSETS, _PLANAR = 254, 258, 259, 262, 273, 284
_TILE_WIDTH, _TILE_LENGTH, _TILE_OFFSETS, _SUB_DIRECTORIES = 322, 323, 324, 330
_SAMPLE_FORMAT, _YCBCR_SUBSAMPLING, _DNG_VERSION = 339, 530, 50706
_MAX_PARTS = 300_000  # strips or tiles: 25 million pixels in tiles of 16 x 16, the colours apart


def not_a_picture(name: str) -> str:
    """The sentence about a file that is none of the formats that are read."""
    return f"{name} is not a {FORMATS} picture."


def too_large(name: str) -> str:
    """The sentence about a picture with too many pixels."""
    jpeg, other = MAX_JPEG_PIXELS // 1_000_000, MAX_PIXELS // 1_000_000
    rule = f"a JPEG may have {jpeg} million pixels, another picture {other} million"
    return f"{name} is too large ({rule}): make it smaller."


def unidentified(content: bytes, name: str) -> str:
    """The sentence about a file that Pillow knows nothing to do with."""
    if not content:
        return f"{name} is an empty file."
    kind = "JPEG" if content.startswith(b"\xff\xd8\xff") else "TIFF" if content.startswith(_TIFF_HEADERS) else ""
    return (
        f"{name} is damaged, or a kind of {kind} that is not read here: export it again."
        if kind
        else not_a_picture(name)
    )


def refuse_other_formats(content: bytes, name: str) -> None:
    """Refuse what Pillow would not read, would misread, or would spend too much memory on.

    Raises:
        DataError: it is such a file; the message names its format and the way out.
    """
    kind = _other_format(content)
    if kind:
        raise DataError(f"{name} is {kind}: export it as JPEG or PNG.")
    if content.startswith((b"Pf", b"PF")):
        raise DataError(f"{name} has floating-point pixels, whose white is not known: export it as PNG.")
    if _PLAIN_PNM.match(content) and len(content) > _MAX_PLAIN_PNM:
        raise DataError(
            f"{name} is a PNM picture of numbers as text, which may have {_MAX_PLAIN_PNM // MB} MB: save it as PNG or "
            "as binary PPM."
        )
    if content.startswith(_TIFF_HEADERS):
        _refuse_odd_tiff(_first_directory(content), name)
    elif content.startswith(tuple(TiffImagePlugin.PREFIXES)):  # these Pillow and libtiff read differently
        raise DataError(_odd_tiff(name))


def without_comments(content: bytes) -> bytes:
    """The file, of a PNM of numbers as text without its comments: Pillow takes time by the square of their number."""
    return re.sub(rb"#[^\r\n]*", b"", content) if _PLAIN_PNM.match(content) else content


def _other_format(content: bytes) -> str:
    for offset, signature, kind in _SIGNATURES:
        if content.startswith(signature, offset):
            return kind
    if content[4:8] == b"ftyp":
        end = min(int.from_bytes(content[:4], "big"), 256)
        brands = {content[start : start + 4] for start in range(8, end, 4)}
        if brands & _AVIF_BRANDS:
            return "an AVIF picture"
        if brands & _HEIC_BRANDS:
            return "a HEIC picture, as phones make them"
    head = content[:_HEAD]
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") and b"<svg" in head and b"<html" not in head:
        return "an SVG drawing"
    return ""


def _first_directory(content: bytes) -> ImageFileDirectory_v2:
    stream = io.BytesIO(content)
    tags = ImageFileDirectory_v2(content[: 16 if content[2] == 43 else 8])  # 43: BigTIFF
    stream.seek(tags.next)
    tags.load(stream)
    return tags


def _refuse_odd_tiff(tags: ImageFileDirectory_v2, name: str) -> None:
    # Most raw formats are TIFF files that begin with a small preview, which Pillow would take for the picture.
    preview = tags.get(_NEW_SUBFILE_TYPE, 0) & 1 and _SUB_DIRECTORIES in tags
    if preview or _DNG_VERSION in tags or tags.get(_PHOTOMETRIC) == 32803:
        raise DataError(f"{name} is {_RAW}: export it as JPEG or PNG.")
    parts = max(len(_as_tuple(tags.get(tag, ()))) for tag in (_STRIP_OFFSETS, _TILE_OFFSETS))
    if _misread(tags) or parts > _MAX_PARTS:
        raise DataError(_odd_tiff(name))
    if tags.get(_TILE_WIDTH, 1) * tags.get(_TILE_LENGTH, 1) > MAX_PIXELS:
        raise DataError(too_large(name))


def _misread(tags: ImageFileDirectory_v2) -> bool:
    """Whether the samples have no known white, or are of a kind that Pillow 13 decodes wrongly or not at all."""
    bits = max(_as_tuple(tags.get(_BITS, 1)))
    raw = tags.get(_COMPRESSION, 1) == 1
    photometric = tags.get(_PHOTOMETRIC, 0)
    return (
        any(kind != 1 for kind in _as_tuple(tags.get(_SAMPLE_FORMAT, 1)))  # signed and floating-point
        or bits > 16
        or tags.get(_COMPRESSION) == 50001  # WEBP, which Pillow's libtiff lacks
        or (photometric == 0 and bits > 8)  # white is zero: Pillow would show the negative
        or (photometric == 6 and raw and tags.get(_YCBCR_SUBSAMPLING, (2, 2)) != (1, 1))
        or photometric == 8  # Lab
        or (tags.get(_PLANAR, 1) == 2 and raw and bits > 8)
    )


def _as_tuple(value: int | tuple[int, ...]) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value,)


def _odd_tiff(name: str) -> str:
    return (
        f"{name} is a kind of TIFF that is not read here (floating-point or signed samples, for example): "
        "export it again as PNG."
    )
