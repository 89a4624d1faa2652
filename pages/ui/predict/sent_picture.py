"""Picture files that come from the browser, checked before anything looks into them.

Whoever steers the browser can send anything: what is no file of a reasonable size ends here, and what is no picture
where it is decoded, as an uploaded file.
"""

import base64
import binascii
from typing import Any

from streamlit.typing import UploadedFile

from cifar_core.errors import DataError
from cifar_core.text import MB, size_text

# Of one file. One of 190 MB whose parts are tiny keeps a server busy for a minute and takes 2 GB.
MAX_PICTURE_MB = 20


def uploaded_file(file: UploadedFile, name: str) -> bytes:
    """Return the file that a widget of Streamlit holds, whose limit only the browser has checked.

    Raises:
        DataError: it is too large.
    """
    _check_size(file.size, name)
    return file.getvalue()


def sent_file(content: Any, name: str) -> bytes:
    """Return the file that a component sent as base64.

    Raises:
        DataError: it is no base64 text, or too large.
    """
    if not isinstance(content, str):
        raise DataError(f"{name} is no picture: the browser sent no file.")
    _check_size(len(content) * 3 // 4 - content[-2:].count("="), name)
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError) as error:
        raise DataError(f"{name} is no picture: the browser sent no file.") from error


def _check_size(size: int, name: str) -> None:
    if size > MAX_PICTURE_MB * MB:
        raise DataError(
            f"{name} has {size_text(size)}, more than the {MAX_PICTURE_MB} MB that a picture may have: make it smaller."
        )
