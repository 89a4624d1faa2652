"""The files of kept results: `analyses/NAME.npz` in the folder of a run, written whole or not at all.

A file holds the arrays of the result, `_meta` (the rest of it as JSON) and `_sha256` (of all of these). It can be
computed again at any time, so a damaged one is as none; reading trusts no size or shape that it claims.
"""

import hashlib
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cifar_core.data.array_files import is_plain, open_npz
from cifar_core.data.dataset_limits import MAX_PREDICTIONS
from cifar_core.errors import DataError, StorageError
from cifar_core.runs.run_folder import RunFolder
from cifar_core.storage.atomic import TEMP_MARK, make_folder, sweep_temp, write_atomic
from cifar_core.storage.json_files import decode_json
from cifar_core.storage.json_types import Ordinal, Sha256
from cifar_core.storage.parse import parse
from cifar_core.text import MB, size_text

MAX_FILE = MAX_PREDICTIONS  # bytes of one kept result
_MAX_META = 4 * MB
_META, _HASH = "_meta", "_sha256"
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,59}", re.ASCII)


@dataclass(frozen=True)
class KeptMeta:
    """What a file says of its result, beside the arrays."""

    analysis: str  # id
    version: Ordinal  # of the analysis
    parameters: dict[str, Any]
    inputs: Sha256  # of what it was computed from
    values: dict[str, Any]


def write_kept_file(folder: RunFolder, name: str, meta: KeptMeta, arrays: Mapping[str, np.ndarray]) -> None:
    """Keep a result; an earlier one of that name is replaced.

    Raises:
        StorageError: the disk refused, or it is too large; the earlier one is whole.
        TypeError, ValueError: it holds something that no file may hold, such as objects or NaN in its JSON.
    """
    written = {key: np.asarray(array, order="C") for key, array in arrays.items()}
    for key, array in written.items():
        if not _NAME.fullmatch(key) or not is_plain(array):
            raise TypeError(f"{key} ({array.dtype}) cannot be kept as an array of a result")
    said = json.dumps(asdict(meta), allow_nan=False).encode()
    size = len(said) + sum(array.nbytes for array in written.values())
    if len(said) > _MAX_META or size > MAX_FILE:
        raise StorageError(
            f"The result {name} has {size_text(size)}, more than the {size_text(MAX_FILE)} that are kept of one result "
            f"({size_text(_MAX_META)} beside its arrays)."
        )
    written[_META] = np.frombuffer(said, np.uint8)
    written[_HASH] = np.array(_hash_of(said, arrays))
    buffer = io.BytesIO()
    np.savez(buffer, **written)  # type: ignore[arg-type]
    make_folder(folder.analyses)
    sweep_temp(folder.analyses)
    write_atomic(kept_file(folder, name), buffer.getbuffer())


def read_kept_file(folder: RunFolder, name: str) -> tuple[KeptMeta, dict[str, np.ndarray]]:
    """A kept result with its arrays.

    Raises:
        OSError: there is none, or it cannot be read.
        ValueError: it is damaged; the message ends the sentence "it ...".
    """
    path = kept_file(folder, name)
    if path.parent.is_symlink():
        raise ValueError("lies behind a symbolic link")
    try:
        with open_npz(path) as file:
            if len(set(file.names)) < len(file.names):
                raise ValueError("holds an array twice")
            found = {key.removesuffix(".npy"): file.read_all(key) for key in file.names}
    except DataError as error:
        raise ValueError(f"is no file of arrays ({str(error).rstrip('.')})") from error
    said, digest = found.pop(_META, np.empty(0, np.uint8)).tobytes(), str(found.pop(_HASH, ""))
    if digest != _hash_of(said, found):
        raise ValueError("does not keep its SHA-256")
    return parse(KeptMeta, decode_json(said, "its text", max_bytes=_MAX_META)), found


def kept_faults(folder: RunFolder) -> Iterator[str]:
    """A sentence for each kept result that is damaged, with the way out."""
    if not folder.analyses.is_dir():
        return
    for path in sorted(folder.analyses.iterdir()):
        if path.name.startswith(TEMP_MARK):  # left by a process that was killed
            continue
        name = path.relative_to(folder.path).as_posix()
        try:
            if path.suffix != ".npz" or not _NAME.fullmatch(path.stem):
                raise ValueError("is no kept result")
            read_kept_file(folder, path.stem)
        except FileNotFoundError:  # removed meanwhile
            continue
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            yield f"{name} cannot be used: it {reason}. Remove it: it is computed again when it is next needed."


def kept_file(folder: RunFolder, name: str) -> Path:
    """The file of a kept result."""
    assert _NAME.fullmatch(name), name
    return folder.analyses / f"{name}.npz"


def _hash_of(said: bytes, arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256(said)
    for key in sorted(arrays):
        array = np.asarray(arrays[key], order="C")
        digest.update(f"\n{key} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
