"""Files of tensors that carry their own SHA-256: any change of a bit is seen before a byte of them is used.

They are plain safetensors files (https://github.com/huggingface/safetensors): 8 bytes with the header's length, a JSON
header, the numbers. The hash stands in the header and covers the rest of the header and all numbers. No torch here.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

_HASH = "sha256"
_NOTES = "__metadata__"  # safetensors' own name for the part of the header that is free for notes
_LENGTH = 8  # bytes


class DamagedError(ValueError):
    """A file that is not as it was written; `str()` ends the sentence "it cannot be used: ..."."""


def seal(content: bytes) -> tuple[bytes, memoryview]:
    """Put the hash of a safetensors file into its header.

    Args:
        content: the whole file.

    Returns:
        The new file in two parts, so that the numbers are not copied.
    """
    header, body = _parts(content)
    header.setdefault(_NOTES, {})[_HASH] = _digest(header, body)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # the numbers stay where a processor likes them
    return len(text).to_bytes(_LENGTH, "little") + text, body


def check_seal(content: bytes, *, required: bool = True) -> dict[str, str]:
    """The notes of a sealed file.

    Args:
        content: the whole file.
        required: refuse a file without a hash; schema 1 wrote its weights without.

    Raises:
        DamagedError: the file is not as it was written.
    """
    header, body = _parts(content)
    notes = header.get(_NOTES, {})
    if not isinstance(notes, dict) or not all(isinstance(note, str) for note in notes.values()):
        raise DamagedError("its header is not one of ours")
    found = notes.pop(_HASH, "")
    if (found or required) and found != _digest({**header, _NOTES: notes}, body):
        raise DamagedError("its SHA-256 does not match")
    return notes


def read_sealed(path: Path, *, required: bool = True) -> tuple[bytes, dict[str, str]]:
    """The content of a sealed file and its notes.

    Raises:
        DamagedError: it is missing, cannot be read, or is not as it was written.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DamagedError(f"it cannot be read ({error.strerror})") from error
    return content, check_seal(content, required=required)


def _parts(content: bytes) -> tuple[dict[str, Any], memoryview]:
    end = _LENGTH + int.from_bytes(content[:_LENGTH], "little")
    if len(content) < end or end == _LENGTH:
        raise DamagedError("it is cut short" if content else "it is empty")
    try:
        header = json.loads(content[_LENGTH:end])
    except (ValueError, RecursionError) as error:
        raise DamagedError("its header is not one of ours") from error
    if not isinstance(header, dict):
        raise DamagedError("its header is not one of ours")
    return header, memoryview(content)[end:]


def _digest(header: dict[str, Any], body: memoryview) -> str:
    notes = {name: note for name, note in header.get(_NOTES, {}).items() if name != _HASH}
    found = hashlib.sha256(json.dumps({**header, _NOTES: notes}, sort_keys=True).encode())
    found.update(body)
    return found.hexdigest()
