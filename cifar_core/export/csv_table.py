"""Tables as CSV that a spreadsheet cannot mistake for a program.

A spreadsheet runs a cell that begins with `=`, `+`, `-` or `@` as a formula. So a text cell or column title that begins
with one of those, a tab, a carriage return, a line feed or an apostrophe gets one apostrophe in front. Taking one
leading apostrophe off every text cell gives the original back. Numbers are written as they are.
"""

import csv

import pandas as pd

RISKY = (
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
    "'",
    "＝",
    "＋",
    "－",
    "＠",
)  # the wide ones count as formulas in East Asia


def table_csv(table: pd.DataFrame) -> bytes:
    """A table as CSV: UTF-8, commas, text in double quotes, numbers bare and exact, one line feed a row.

    Read it back with `pandas.read_csv(..., keep_default_na=False)`; the module says what the apostrophes mean.
    """
    safe = table.copy()
    for place, dtype in enumerate(table.dtypes):
        if not pd.api.types.is_numeric_dtype(dtype):
            safe.isetitem(place, [_safe_cell(value) for value in table.iloc[:, place]])
    safe.columns = pd.Index([_safe_cell(name) for name in table.columns])
    text = safe.to_csv(index=False, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    return text.encode()


def _safe_cell(value: object) -> str:
    text = "" if value is None else str(value).encode("utf-8", "replace").decode()  # bytes that are no UTF-8 become "?"
    return f"'{text}" if text.startswith(RISKY) else text
