"""CSV files as spreadsheets, pandas and this program write them; all others are refused in a sentence."""

import csv
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cifar_core.runs.imported.checks import check_rows
from cifar_core.runs.imported.csv_file import read_csv
from cifar_core.runs.imported.given import Expected, Given

EXPECTED = Expected("pets", ("cat", "-dog"), np.array([f"=test/cat/{row}" for row in range(3)]))
PLAIN = "id,cat,-dog\n=test/cat/0,0.25,0.75\n=test/cat/1,1,0\n=test/cat/2,5e-1,.5\n"
PROBS = [[0.25, 0.75], [1, 0], [0.5, 0.5]]


def read(text: str | bytes) -> Given:
    return read_csv(io.BytesIO(text if isinstance(text, bytes) else text.encode()), EXPECTED)


def semicolons(text: str) -> str:
    return text.replace(",", ";").replace(".", ",")


def guarded(text: str) -> str:
    """As this program writes it: every text in quotes, with an apostrophe where a spreadsheet could run it."""
    return text.replace("id,cat,-dog", '"id","cat","\'-dog"').replace("=test", "'=test")


@pytest.mark.parametrize(
    "written",
    [
        lambda text: text,
        semicolons,
        guarded,
        lambda text: text.replace(",", "\t"),
        lambda text: text.replace(",", ", "),
        lambda text: "\ufeff" + text.replace("\n", "\r\n"),
        lambda text: text + "\n\n",
        lambda text: text.replace("id,", "note,ID,").replace("=test", "a b,=test"),
        lambda text: text.replace("cat,-dog", "p_0,p_1"),
        lambda text: text.replace("id,cat,-dog", "Id,P_Cat ,P_-DOG"),
        lambda text: text.replace("cat,-dog", "0,1"),
        lambda text: text.replace("id", "filepath").replace("=test/cat/", "/data/me/=test/cat/"),
    ],
)
def test_what_programs_write_is_read(written: Callable[[str], str]) -> None:
    assert check_rows(read(written(PLAIN)), EXPECTED).probs.tolist() == PROBS


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "it is empty"),
        ("\n\n", "it is empty"),
        (b"\xff\xfe\x00\x01", "neither an NPZ or Parquet file nor a CSV in UTF-8"),
        ("hello", "it has no column of 2 classes: cat, -dog"),
        ("id,cat,-dog\nx,1\n", "row 1 has 2 cells where the header has 3"),
        ("id,cat,-dog\n=test/cat/0,1,0\nx,1,0,0\n", "row 2 has 4 cells where the header has 3"),
        ("id,cat,-dog\nx,one,0\n", "row 1 has 'one' where the number of the class cat is expected"),
        ("id,cat,-dog\nx,1,\n", "row 1 has an empty cell where the number of the class -dog is expected"),
        ('id,cat,-dog\n"x,1,0\n', "it is no CSV (unexpected end of data)"),
        ('id,cat,-dog\n"x"y,1,0\n', "it is no CSV ("),
        ("id,cat,-dog,cat\nx,1,0,1\n", "its column cat stands twice"),
        ("id,cat,-dog,Cat\nx,1,0,1\n", "its column Cat stands twice"),
        ("id,P_cat,P_-dog,P_lion\nx,1,0,1\n", "its column P_lion is of no class of the dataset"),
        (",cat,-dog\n0,1,0\n", "it has no column id or index, which say of which picture a row is: give"),
        (",cat,-dog\n0,1,0\n", "(the columns are '', cat, -dog)"),
        ("id,p_cat,p_-dog,p_lion\nx,1,0,1\n", "its column p_lion is of no class of the dataset"),
        ("id,0,1,2\nx,1,0,1\n", "its column 2 is of no class of the dataset"),
        ("cat,-dog\n1,0\n", "it has no column id or index"),
        (f"id,cat,-dog\n{'x' * 200_000},1,0\n", "it is no CSV (field larger than field limit"),
    ],
)
def test_what_is_no_table_of_predictions_is_refused(text: str | bytes, rule: str) -> None:
    with pytest.raises(ValueError) as caught:
        read(text)
    assert rule in str(caught.value)


def test_names_that_differ_in_case_alone_are_told_apart() -> None:
    expected = Expected("pets", ("cat", "Cat"), EXPECTED.ids)
    text = PLAIN.replace("cat,-dog", "Cat,cat")
    assert read_csv(io.BytesIO(text.encode()), expected).values.tolist() == [row[::-1] for row in PROBS]


def test_no_more_rows_are_read_than_can_be_right() -> None:
    """One more than there are pictures is enough to name one that is doubled or unknown."""
    found = read(PLAIN + "=test/cat/0,1,0\n" * 1000)
    assert len(found.keys) == 4
    with pytest.raises(ValueError, match="rows 1 and 4 are both of the picture =test/cat/0"):
        check_rows(found, EXPECTED)


@pytest.mark.fault(88)
@settings(max_examples=150)
@given(place=st.integers(0, len(PLAIN) - 1), change=st.one_of(st.binary(max_size=3), st.none()))
def test_any_damage_is_a_sentence_or_still_valid(place: int, change: bytes | None) -> None:
    content = PLAIN.encode()
    damaged = content[:place] if change is None else content[:place] + change + content[place + 1 :]
    try:
        found = check_rows(read(damaged), EXPECTED)
    except ValueError as error:
        assert str(error) and "\n" not in str(error)
    else:
        assert np.allclose(found.probs.sum(axis=1), 1, atol=1e-3)


def test_numbers_are_read_exactly() -> None:
    values: Any = np.random.default_rng(0).random((3, 1)).astype(np.float32)
    values = np.column_stack([values, 1 - values])
    buffer = io.StringIO()
    csv.writer(buffer).writerows([["id", "cat", "-dog"], *([f"=test/cat/{row}", *values[row]] for row in range(3))])
    assert (read(buffer.getvalue()).values.astype(np.float32) == values).all()
