"""Reads predictions from a Parquet file, the needed columns only."""

import importlib
from typing import Any, BinaryIO

import numpy as np

from cifar_core.runs.imported.columns import find_columns
from cifar_core.runs.imported.given import Expected, Given
from cifar_core.text import counted, one_line, size_text

# What pyarrow raises for a damaged file: its own errors are of these kinds.
_DAMAGED = (ValueError, OSError, NotImplementedError, RuntimeError, MemoryError, LookupError, TypeError)


def read_parquet(stream: BinaryIO, expected: Expected) -> Given:
    """Read a Parquet file with the columns of a CSV of predictions.

    Raises:
        ValueError: it is damaged, or no such table.
    """
    parquet = importlib.import_module("pyarrow.parquet")  # 40 ms and 5 MB that most processes never need
    try:
        file = parquet.ParquetFile(stream)
        header = list(file.schema_arrow.names)
        size = sum(file.metadata.row_group(place).total_byte_size for place in range(file.metadata.num_row_groups))
    except _DAMAGED as error:
        raise ValueError(f"it is a damaged Parquet file ({one_line(error)})") from error
    columns = find_columns(header, expected.class_names)
    if file.metadata.num_rows > 2 * expected.most_rows or size > expected.most_bytes:
        raise ValueError(
            f"it has {counted(file.metadata.num_rows, 'row')} and {size_text(size)} unpacked, far more than the "
            f"predictions of {counted(len(expected.ids), 'picture')} take"
        )
    used = [columns.key, *columns.classes, *([] if columns.label is None else [columns.label])]
    table = _read(file, [header[place] for place in used]).slice(0, expected.most_rows)
    values = [
        _numbers(table.column(header[place]), name)
        for place, name in zip(columns.classes, expected.class_names, strict=True)
    ]
    labels = None if columns.label is None else _items(table, header[columns.label])
    return Given(columns.by, _items(table, header[columns.key]), labels, np.column_stack(values), columns.logits)


def _read(file: Any, names: list[str]) -> Any:
    try:
        return file.read(columns=names, use_threads=False)
    except _DAMAGED as error:
        raise ValueError(f"it is a damaged Parquet file ({one_line(error)})") from error


def _numbers(column: Any, class_name: str) -> np.ndarray:
    """A column as float64 [R]; an empty cell is NaN, which is refused with its row later."""
    array = column.to_numpy()
    if array.dtype.kind not in "fiu":
        raise ValueError(
            f"its column of the class {one_line(class_name)} holds {column.type}, where numbers are expected"
        )
    return array.astype(np.float64)


def _items(table: Any, name: str) -> list[str | int | None]:
    """The keys or labels as texts or whole numbers; None for an empty cell."""
    column = table.column(name)
    items = column.to_pylist()
    wrong = next((item for item in items if not isinstance(item, str | int | None) or isinstance(item, bool)), None)
    if wrong is not None:
        raise ValueError(f"its column {one_line(name)} holds {column.type}, where texts or whole numbers are expected")
    return items
