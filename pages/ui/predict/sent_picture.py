"""Pictures that a component of ours sends from the browser, checked before anything looks into them.

Whoever steers the browser can send anything: what is no file of a reasonable size ends here, and what is no picture
where it is decoded, as an uploaded file.
"""

import base64
import binascii
from typing import Any

from cifar_core.errors import DataError
from cifar_core.text import MB, size_text

MAX_SENT_MB = 20  # of one file: screenshots and photos; a larger one can be uploaded


def sent_file(content: Any, name: str) -> bytes:
    """Return the file that a component sent as base64.

    Raises:
        DataError: it is no base64 text, or too large.
    """
    if not isinstance(content, str):
        raise DataError(f"{name} is no picture: the browser sent no file.")
    size = len(content) * 3 // 4 - content[-2:].count("=")
    if size > MAX_SENT_MB * MB:
        raise DataError(
            f"{name} has {size_text(size)}, more than the {MAX_SENT_MB} MB that can be taken here: upload it."
        )
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError) as error:
        raise DataError(f"{name} is no picture: the browser sent no file.") from error
