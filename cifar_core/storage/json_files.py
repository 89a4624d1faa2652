"""JSON files: written whole or not at all, read strictly and with a limit."""

import codecs
import errno
import json
import math
import os
import stat
from pathlib import Path
from typing import Any, NoReturn

from cifar_core.storage.atomic import write_atomic
from cifar_core.storage.disk_errors import ALLOW
from cifar_core.text import MB

MAX_JSON_BYTES = 16 * MB
_DIGITS_SHOWN = 40  # of a number that is too large, in the message
_FLAGS = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)  # do not wait for a pipe; Windows: change no byte


def write_json(path: Path, value: Any, *, durable: bool = True) -> None:
    """Write `value` as JSON, whole or not at all; NaN and infinity are refused (ValueError)."""
    write_atomic(path, json.dumps(value, allow_nan=False, indent=1).encode(), durable=durable)


def read_json(path: Path | str, *, max_bytes: int = MAX_JSON_BYTES) -> Any:
    """Read a JSON file of at most `max_bytes`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: too large, not JSON, NaN or infinite somewhere, or nested too deep; the message says which.
    """
    return decode_json(read_start(path, max_bytes + 1), Path(path).name, max_bytes=max_bytes)


def decode_json(content: bytes, name: str, *, max_bytes: int = MAX_JSON_BYTES) -> Any:
    """Read the content of a JSON file, called `name` in messages; ValueError as `read_json`."""
    if len(content) > max_bytes:
        raise ValueError(f"{name} has more than the {max_bytes:,} bytes allowed")
    try:
        return _STRICT.decode(content.decode("utf-8-sig" if content.startswith(codecs.BOM_UTF8) else "utf-8"))
    except RecursionError as error:
        raise ValueError(f"{name} is nested too deep") from error
    except ValueError as error:
        raise ValueError(f"{name} is not JSON ({error})") from error


def read_start(path: Path | str, most: int) -> bytes:
    """The first bytes of a file, at most `most`, in few system calls, because lists read thousands of files.

    Raises:
        OSError: it does not exist, may not be read, or is not a file, such as a pipe, for which reading would wait for
            ever.
    """
    try:
        handle = os.open(path, os.O_RDONLY | _FLAGS)
    except PermissionError as error:
        raise PermissionError(error.errno, f"{error.strerror}, {ALLOW}", error.filename) from error
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            number = errno.EISDIR if stat.S_ISDIR(found.st_mode) else errno.EINVAL
            raise OSError(number, os.strerror(number) if number == errno.EISDIR else "It is not a file", str(path))
        # This is complete: a read from a disk returns fewer bytes only at the end of the file.
        return os.read(handle, min(found.st_size, most))
    finally:
        os.close(handle)


def holds(path: Path, content: bytes) -> bool:
    """Whether a file is there, can be read, and has this content."""
    try:
        return read_start(path, len(content) + 1) == content
    except OSError:
        return False


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not a number")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{digits[:_DIGITS_SHOWN]} is too large")
    return number


_STRICT = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)
