"""Reads predictions from an NPZ file of NumPy: of unknown origin, so nothing is unpickled and no claim is trusted."""

from collections.abc import Mapping
from typing import BinaryIO

import numpy as np

from cifar_core.data.sources.archive_limits import ArchiveLimits
from cifar_core.data.sources.zips import ZipFiles
from cifar_core.errors import MALFORMED_ARRAY
from cifar_core.runs.imported.given import Expected, Given
from cifar_core.text import first_names, one_line

_MAX_ARRAYS = 100
_KEYS = ("ids", "index")
_PROBS = ("probs", "pred_probs")  # the second is cleanlab's name
_LOGITS = "logits"
_CLASSES = "class_names"  # where it is there, it names the columns of the values
_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def read_npz(stream: BinaryIO, expected: Expected) -> Given:
    """Read the arrays `ids` or `index` [R], `probs` or `logits` [R, K] in the dataset's order of classes, `labels` [R].

    Raises:
        ValueError: one is missing, damaged, of pickled objects or of another shape.
        DataError: it is no zip, or a dangerous one.
    """
    limits = ArchiveLimits(_MAX_ARRAYS, expected.most_bytes, 4 * expected.most_bytes)
    archive = ZipFiles(stream, limits, "The NPZ file")
    arrays = _Arrays(archive, expected.most_bytes)
    key = next((name for name in _KEYS if name in arrays.names), None)
    if key is None:
        raise ValueError(
            f"it has no array ids or index, which say of which picture a row is ({arrays.listed}): {expected.example}"
        )
    value = next((name for name in (*_PROBS, _LOGITS) if name in arrays.names), None)
    if value is None:
        raise ValueError(
            f"it has no array probs or logits, the numbers of each class ({arrays.listed}): {expected.example}"
        )
    values = _numbers(arrays.read(value), value, len(expected.class_names))
    if _CLASSES in arrays.names:
        values = values[:, _class_order(arrays.read(_CLASSES), expected)]
    rows = min(len(values), expected.most_rows)
    keys = _items(arrays.read(key), key, len(values), "U" if key == "ids" else "iu")
    labels = _items(arrays.read("labels"), "labels", len(values), "Uiu") if "labels" in arrays.names else None
    return Given(
        "id" if key == "ids" else "index", keys[:rows], labels and labels[:rows], values[:rows], value == _LOGITS
    )


class _Arrays:
    """The arrays of the file, each read when it is asked for."""

    def __init__(self, archive: ZipFiles, most_bytes: int) -> None:
        self._archive, self._most_bytes = archive, most_bytes
        self.names: Mapping[str, int] = {
            info.filename.removesuffix(".npy"): place
            for place, info in enumerate(archive.infos)
            if info.filename.endswith(".npy")
        }

    @property
    def listed(self) -> str:
        """What there is, for an error."""
        names = first_names([one_line(name, 40) for name in self.names])
        return f"its arrays are {names}" if names else "it holds no arrays of NumPy"

    def read(self, name: str) -> np.ndarray:
        """A whole array of numbers or texts."""
        with self._archive.open(self._archive.infos[self.names[name]]) as stream:
            try:
                shape, by_columns, kind = _header(stream)
            except MALFORMED_ARRAY as error:
                raise ValueError(f"its array {name} cannot be read ({one_line(error)})") from error
            if kind.hasobject:
                raise ValueError(
                    f"its array {name} holds pickled Python objects, which are never opened: make it an array of "
                    "numbers or texts, such as with numpy.array(values, dtype=str)"
                )
            size = int(np.prod(shape, dtype=object)) * kind.itemsize
            if size > self._most_bytes:
                raise ValueError(f"its array {name} is of {list(shape)} {kind}, far more than the predictions take")
            content = stream.read(size + 1)
        if len(content) != size:
            raise ValueError(f"its array {name} is cut short or longer than its header says")
        array = np.frombuffer(content, kind) if size else np.empty(0, kind)
        return array.reshape(shape, order="F" if by_columns else "C")


def _header(stream: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether it is stored by columns, and type; numpy evaluates no code of the header."""
    version = np.lib.format.read_magic(stream)
    if version not in _READERS:
        raise ValueError(f"version {version} of the format is not known")
    return _READERS[version](stream)


def _numbers(array: np.ndarray, name: str, classes: int) -> np.ndarray:
    """The values as float64 [R, K]."""
    if array.ndim != 2 or array.shape[1] != classes or array.dtype.kind not in "fiu":
        raise ValueError(
            f"its array {name} is {array.dtype} {list(array.shape)}, where numbers [pictures, {classes}] are expected: "
            f"a column for each of the {classes} classes, in the order of the dataset"
        )
    return array.astype(np.float64)


def _class_order(array: np.ndarray, expected: Expected) -> list[int]:
    """The column of each class of the dataset."""
    named = _items(array, _CLASSES, len(expected.class_names), "U")
    if sorted(named) != sorted(expected.class_names):
        strange = first_names([one_line(name, 40) for name in named if name not in expected.class_names])
        raise ValueError(
            f"its array {_CLASSES} names other classes than {expected.dataset} has ({strange or 'one stands twice'})"
        )
    return [named.index(name) for name in expected.class_names]


def _items(array: np.ndarray, name: str, rows: int, kinds: str) -> list:
    """The keys or labels of the rows as texts or whole numbers."""
    if array.dtype.kind == "S" and "U" in kinds:
        array = np.char.decode(array, "utf-8", "replace")
    if array.dtype.kind not in kinds or array.shape != (rows,):
        what = {"U": "texts", "iu": "whole numbers", "Uiu": "texts or whole numbers"}[kinds]
        raise ValueError(f"its array {name} is {array.dtype} {list(array.shape)}, where {what} [{rows}] are expected")
    try:
        return list(array.tolist())
    except ValueError as error:  # characters that do not exist in Unicode
        raise ValueError(f"its array {name} holds texts that are none ({one_line(error)})") from error
