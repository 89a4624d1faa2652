"""Pictures that a component of ours sends from the browser, checked before anything looks into them.

Whoever steers the browser can send anything: what is no file of a reasonable size ends here, and what is no picture
where it is decoded, as an uploaded file.
"""

import base64
import binascii
from typing import Any

from cifar_core.errors import DataError
from cifar_core.text import MB, size_text

MAX_PICTURE_MB = 20  # of one file


def sent_file(content: Any, name: str) -> bytes:
    """Return the file that a component sent as base64.

    Raises:
        DataError: it is no base64 text, or too large.
    """
    if not isinstance(content, str):
        raise DataError(f"{name} is no picture: the browser sent no file.")
    check_file_size(len(content) * 3 // 4, name)
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError) as error:
        raise DataError(f"{name} is no picture: the browser sent no file.") from error


def check_file_size(size: int, name: str) -> None:
    """Refuse the file of a picture that is too large.

    Args:
        size: in bytes.
        name: what the message calls it.

    Raises:
        DataError: it is too large.
    """
    if size > MAX_PICTURE_MB * MB:
        raise DataError(f"{name} has {size_text(size)}; a picture may have {MAX_PICTURE_MB} MB.")
