"""Tables as CSV in which a spreadsheet runs no formula.

A spreadsheet runs a cell that begins with `=`, `+`, `-` or `@` as a formula. So a text cell or column title that begins
with one of those, a tab, a carriage return, a line feed or an apostrophe gets an apostrophe in front. Removing one
leading apostrophe from every text cell restores the original. Numbers are written unchanged.

A file begins with the byte order mark of UTF-8, because without it spreadsheets read letters as those of another
encoding. `pandas.read_csv` takes the mark off by itself; Python reads the file with `encoding="utf-8-sig"`.
"""

import csv

import pandas as pd

from cifar_core.text import guarded_cell


def table_csv(table: pd.DataFrame) -> bytes:
    """A table as CSV: UTF-8, commas, text in double quotes, numbers unquoted and exact, rows ended by a line feed.

    Read it with `pandas.read_csv(..., keep_default_na=False, na_values=[""])`: a class may be named "NA", and only an
    empty cell is without a value. The docstring of the module explains the apostrophes and the byte order mark.
    """
    safe = table.copy()
    for column, dtype in enumerate(table.dtypes):
        if not pd.api.types.is_numeric_dtype(dtype):
            safe.isetitem(column, [_safe_cell(value) for value in table.iloc[:, column]])
    safe.columns = pd.Index([_safe_cell(name) for name in table.columns])
    text = safe.to_csv(index=False, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    return text.encode("utf-8-sig")


def _safe_cell(value: object) -> str:
    # Bytes that are not UTF-8 become "?"; a category that is missing is a NaN.
    return guarded_cell("" if value is None or value != value else str(value).encode("utf-8", "replace").decode())
