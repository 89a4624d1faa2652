"""CSV files in which a spreadsheet runs no formula, and which read back unchanged."""

import ast
import codecs
import csv
import io
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifar_core.export import table_csv
from tests.conftest import ROOT

RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # what a spreadsheet may run as a formula

# Lone surrogates cannot be written as UTF-8; nothing else is left out.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    [
        "=cmd|' /C calc'!A0",
        "+1",
        "-1",
        "@SUM(1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "'quoted",
        "''",
        'a,"b"\r\nc',
        "NA",
        "",
        "＝1",
    ]
)


def read(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def original(cell: str) -> str:
    """The documented rule reversed."""
    return cell.removeprefix("'")


@pytest.mark.fault(47)
@given(st.lists(st.tuples(texts, texts, st.floats(allow_nan=False, allow_infinity=False)), min_size=1, max_size=8))
def test_tables_read_back_equal_and_no_cell_begins_a_formula(rows: list[tuple[str, str, float]]) -> None:
    table = pd.DataFrame(rows, columns=["a", "b", "number"])
    header, *lines = read(table_csv(table))
    assert header == ["a", "b", "number"]
    for line, row in zip(lines, rows, strict=True):
        assert tuple(original(cell) for cell in line[:2]) == row[:2]
        assert float(line[2]) == row[2]
        assert not any(cell.startswith(RISKY) for cell in line[:2])


@pytest.mark.fault(47)
@given(texts)
def test_column_titles_are_safe_too(title: str) -> None:
    (cell,), _ = read(table_csv(pd.DataFrame({title: [1]})))
    assert original(cell) == title
    assert not cell.startswith(RISKY)


@pytest.mark.fault(47)
@pytest.mark.parametrize("begin", [*RISKY, "'"])
def test_each_risky_beginning_gets_one_apostrophe(begin: str) -> None:
    assert read(table_csv(pd.DataFrame({"a": [f"{begin}x"]})))[1] == [f"'{begin}x"]


def test_numbers_are_unquoted_and_exact() -> None:
    table = pd.DataFrame({"single": np.array([0.1, 1e-7], np.float32), "double": [-0.1, 1 / 3], "whole": [-1, 2]})
    content = table_csv(table)
    assert content.splitlines()[1] == b"0.1,-0.1,-1"
    back = pd.read_csv(io.BytesIO(content))
    assert (back["single"].astype(np.float32) == table["single"]).all()
    assert (back["double"] == table["double"]).all()


@pytest.mark.fault(85)
def test_spreadsheets_are_told_that_it_is_utf8() -> None:
    content = table_csv(pd.DataFrame({"é": ["猫"]}))
    assert content == codecs.BOM_UTF8 + '"é"\n"猫"\n'.encode()
    assert pd.read_csv(io.BytesIO(content)).columns.tolist() == ["é"], "the mark is no part of the first title"


def test_a_class_named_na_is_text_and_an_empty_cell_is_no_number() -> None:
    """As the docstring of `table_csv` says how to read it."""
    table = pd.DataFrame({"class": ["NA", "nan"], "recall": [0.5, np.nan]})
    back = pd.read_csv(io.BytesIO(table_csv(table)), keep_default_na=False, na_values=[""])
    assert back["class"].tolist() == ["NA", "nan"]
    assert back["recall"].dtype == float and back["recall"].isna().tolist() == [False, True]


def test_categories_are_text_and_the_table_is_not_changed() -> None:
    table = pd.DataFrame({"true": pd.Categorical(["=a", "b"])})
    assert read(table_csv(table))[1:] == [["'=a"], ["b"]]
    assert table["true"].tolist() == ["=a", "b"]


def test_a_category_that_is_missing_is_an_empty_cell() -> None:
    table = pd.DataFrame({"predicted": pd.Categorical(["cat", None], ["cat", "nan"]), "text": ["a", None]})
    assert read(table_csv(table)) == [["predicted", "text"], ["cat", "a"], ["", ""]]


def test_text_that_is_not_utf8_is_replaced() -> None:
    assert read(table_csv(pd.DataFrame({"a": pd.Series(["\udcff"], dtype=object)})))[1] == ["?"]


@pytest.mark.fault(47)
def test_no_other_module_writes_csv() -> None:
    modules = [path for folder in ("cifar_core", "pages") for path in (ROOT / folder).rglob("*.py")]
    writers = {path.name for path in modules if writes_csv(ast.parse(path.read_text("utf-8")))}
    assert writers == {"csv_table.py"}


def writes_csv(module: ast.Module) -> bool:
    """Whether the code calls what writes CSV; an example that is shown to people does not."""
    calls = (ast.unparse(node.func) for node in ast.walk(module) if isinstance(node, ast.Call))
    return any(re.search(r"\.to_csv$|csv\.writer$|DictWriter$", called) for called in calls)
