"""Reads predictions from a CSV, row by row, as spreadsheets, pandas and this program write it."""

import contextlib
import csv
import io
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from cifar_core.runs.imported.columns import Columns, find_columns
from cifar_core.runs.imported.given import Expected, Given
from cifar_core.text import one_line, original_cell

_SEPARATORS = ",;\t"
_MAX_HEADER = 1024 * 1024  # characters; 1,000 classes take 70,000


def read_csv(stream: BinaryIO, expected: Expected) -> Given:
    """Read a CSV with a header: UTF-8, with commas, semicolons (then also decimal commas) or tabs.

    Raises:
        ValueError: it is no such table.
    """
    with _csv_errors(), io.TextIOWrapper(stream, "utf-8-sig", newline="") as text:
        head = text.readline(_MAX_HEADER)
        if not head.strip():
            raise ValueError("it is empty: the first line names the columns, and each picture has one more line")
        separator = max(_SEPARATORS, key=head.count)
        text.seek(0)
        rows = csv.reader(text, delimiter=separator, strict=True, skipinitialspace=True)
        header = [original_cell(name) for name in next(rows)]
        columns = find_columns(header, expected.class_names)
        return _read_rows(rows, header, columns, expected, decimal_comma=separator == ";")


def _read_rows(
    rows: Iterator[list[str]], header: list[str], columns: Columns, expected: Expected, *, decimal_comma: bool
) -> Given:
    keys: list[str | int] = []
    labels: list[str | int | None] = []
    values = np.empty((expected.most_rows, len(columns.classes)))
    for cells in rows:
        if not cells:
            continue  # an empty line
        number = len(keys) + 1
        if len(cells) != len(header):
            raise ValueError(f"row {number:,} has {len(cells)} cells where the header has {len(header)}")
        numbers = [cells[place] for place in columns.classes]
        if decimal_comma:
            numbers = [cell.replace(",", ".") for cell in numbers]
        try:
            values[number - 1] = list(map(float, numbers))
        except ValueError:
            raise ValueError(_no_number(number, numbers, expected.class_names)) from None
        keys.append(original_cell(cells[columns.key]))
        if columns.label is not None:
            labels.append(original_cell(cells[columns.label]) or None)
        if number == expected.most_rows:
            break
    return Given(columns.by, keys, None if columns.label is None else labels, values[: len(keys)], columns.logits)


def _no_number(row: int, cells: list[str], class_names: tuple[str, ...]) -> str:
    for cell, name in zip(cells, class_names, strict=True):
        try:
            float(cell)
        except ValueError:
            what = f"'{one_line(cell, 40)}'" if cell else "an empty cell"
            return f"row {row:,} has {what} where the number of the class {one_line(name)} is expected"
    raise AssertionError("every cell is a number")


@contextlib.contextmanager
def _csv_errors() -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError as error:
        raise ValueError("it is neither an NPZ or Parquet file nor a CSV in UTF-8: save it as one of these") from error
    except csv.Error as error:
        raise ValueError(f"it is no CSV ({one_line(error)})") from error
