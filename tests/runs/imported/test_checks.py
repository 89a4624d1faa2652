"""Every damage to a file of predictions is refused with one sentence that names the row and the rule."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cifar_core.data import Dataset
from cifar_core.errors import DataError
from cifar_core.runs import import_predictions, list_runs
from cifar_core.runs.imported.checks import ROUNDED_SUM, check_rows
from cifar_core.runs.imported.given import Expected, Given
from cifar_core.workspace import Workspace
from tests.runs.conftest import snapshot
from tests.runs.imported.prediction_files import made_up_logits, softmax, table_of, write_table

NAMES = ("cat", "dog", "frog")
EXPECTED = Expected("pets", NAMES, np.array([f"test/{NAMES[row % 3]}/{row:03d}.png" for row in range(12)]))
PROBS = softmax(np.random.default_rng(0).normal(size=(12, 3)))


def rows(
    values: np.ndarray = PROBS, *, keys: Any = None, labels: Any = None, logits: bool = False, by: Any = "id"
) -> Given:
    return Given(by, EXPECTED.ids.tolist() if keys is None else keys, labels, values, logits)


def refusal(damaged: Given) -> str:
    with pytest.raises(ValueError) as caught:
        check_rows(damaged, EXPECTED)
    return str(caught.value)


@settings(max_examples=60)
@given(order=st.permutations(range(12)), by=st.sampled_from(["id", "index", "path", "end"]))
def test_any_order_and_any_name_of_a_picture_gives_the_same(order: list[int], by: str) -> None:
    keys = {
        "id": lambda row: str(EXPECTED.ids[row]),
        "index": lambda row: row,
        "path": lambda row: f"C:\\mine\\{EXPECTED.ids[row]}".replace("/", "\\"),
        "end": lambda row: str(EXPECTED.ids[row]).partition("/")[2],
    }[by]
    found = check_rows(
        rows(PROBS[order], keys=[keys(row) for row in order], by="index" if by == "index" else "id"), EXPECTED
    )
    assert (found.probs == PROBS.astype(np.float32)).all() and found.labels is None and found.notes == ()


@settings(max_examples=80)
@given(row=st.integers(0, 11), column=st.integers(0, 2), bad=st.sampled_from([np.nan, np.inf, -np.inf]))
def test_a_value_that_is_no_number_is_named(row: int, column: int, bad: float) -> None:
    for logits in (False, True):
        values = PROBS.copy() if not logits else np.log(PROBS)
        values[row, column] = bad
        text = refusal(rows(values, logits=logits))
        assert f"row {row + 1} ({EXPECTED.ids[row]}) has {bad} for {NAMES[column]}" in text


@settings(max_examples=80)
@given(row=st.integers(0, 11), column=st.integers(0, 2), bad=st.one_of(st.floats(-1e9, -1e-5), st.floats(1.00001, 1e9)))
def test_logits_called_probabilities_are_told_from_them(row: int, column: int, bad: float) -> None:
    values = PROBS.copy()
    values[row, column] = bad
    text = refusal(rows(values))
    assert f"row {row + 1} ({EXPECTED.ids[row]}) has the probability {bad:.6g} of {NAMES[column]}" in text
    assert "between 0 and 1: if these are logits, call the columns logit_CLASS" in text


@settings(max_examples=80)
@given(row=st.integers(0, 11), scale=st.one_of(st.floats(0.001, 0.9949), st.floats(1.0051, 1.3)))
def test_a_row_that_does_not_add_up_is_named(row: int, scale: float) -> None:
    values = np.full((12, 3), 1 / 3)
    values[row] *= scale
    text = refusal(rows(values))
    assert f"row {row + 1} ({EXPECTED.ids[row]}) has probabilities that add up to " in text
    assert f"must add up to 1 within {ROUNDED_SUM:g}: if they were rounded, write more decimals" in text


@settings(max_examples=80)
@given(row=st.integers(0, 11), scale=st.floats(1 - 0.0049, 1 + 0.0049))
def test_a_rounded_row_is_kept_or_divided_by_its_sum_and_that_is_said(row: int, scale: float) -> None:
    values = PROBS.copy()
    values[row] *= scale
    found = check_rows(rows(values), EXPECTED)
    kept = (found.probs == values.astype(np.float32)).all()
    assert bool(kept) == (found.notes == ())
    if abs(scale - 1) > 0.00101:
        np.testing.assert_allclose(found.probs[row], PROBS[row], rtol=1e-6)
        assert "of 1 picture add up to 1 only within" in found.notes[0]
    others = np.arange(12) != row
    assert (found.probs[others] == PROBS[others].astype(np.float32)).all()


@settings(max_examples=60)
@given(a=st.integers(0, 11), b=st.integers(0, 11))
def test_a_doubled_picture_is_named_with_both_rows(a: int, b: int) -> None:
    if a == b:
        return
    for by, keys in (("id", EXPECTED.ids.tolist()), ("index", list(range(12)))):
        keys[b] = keys[a]
        first, second = sorted((a + 1, b + 1))
        text = refusal(rows(keys=keys, by=by))
        assert f"rows {first} and {second} are both of the picture {EXPECTED.ids[a]}" in text


@settings(max_examples=60)
@given(row=st.integers(0, 11), key=st.text("ab/\\.test0é\n\x1b\u202e", max_size=30))
def test_an_unknown_picture_is_named(row: int, key: str) -> None:
    ids = set(EXPECTED.ids.tolist())
    if any(name == key or name.endswith("/" + key) or key.endswith(name) for name in ids):
        return
    keys = EXPECTED.ids.tolist()
    keys[row] = key
    assert re.match(
        rf"row {row + 1} is of the picture '.*', which the test part of pets does not have", refusal(rows(keys=keys))
    )


@settings(max_examples=60)
@given(
    row=st.integers(0, 11),
    index=st.one_of(st.integers(max_value=-1), st.integers(min_value=12), st.text("0123-+.x٣ ", max_size=9)),
)
def test_an_index_outside_of_the_part_is_named(row: int, index: int | str) -> None:
    keys: list[int | str] = list(range(12))
    keys[row] = index
    if isinstance(index, str) and index.isascii() and index.isdecimal() and int(index) < 12:
        return
    text = refusal(rows(keys=keys, by="index"))
    assert text.startswith(f"row {row + 1} has the index ") and text.endswith("have the indices 0 to 11")


@settings(max_examples=40)
@given(gone=st.sets(st.integers(0, 11), min_size=1, max_size=11))
def test_missing_pictures_are_counted_and_named(gone: set[int]) -> None:
    stay = [row for row in range(12) if row not in gone]
    text = refusal(rows(PROBS[stay], keys=EXPECTED.ids[stay].tolist()))
    assert f"of pets has 12 pictures: {len(gone)} of them are missing ({EXPECTED.ids[min(gone)]}" in text


def test_a_picture_that_several_ids_end_in_is_refused() -> None:
    doubtful = Expected("pets", NAMES, np.array(["test/cat/a.png", "test/dog/a.png"]))
    with pytest.raises(ValueError, match=r"row 1 is of the picture 'a.png', and the ids of several test pictures"):
        check_rows(Given("id", ["a.png", "dog/a.png"], None, PROBS[:2], False), doubtful)
    with pytest.raises(ValueError, match=r"'frog/a.png', which the test part of pets does not have"):
        check_rows(Given("id", ["frog/a.png", "dog/a.png"], None, PROBS[:2], False), doubtful)


@pytest.mark.parametrize(
    ("label", "rule"),
    [
        ("lion", "has the label 'lion', which is no class of pets and no number from 0 to 2"),
        ("dgo", "(did you mean 'dog'?)"),
        (3, "has the label '3'"),
        (-1, "has the label '-1'"),
        ("-1", "has the label '-1'"),
        ("1.0", "has the label '1.0'"),
        (None, "has no label: give each row one, or leave the column out"),
        ("", "has no label"),
    ],
)
def test_a_label_that_is_none_is_named(label: Any, rule: str) -> None:
    labels: list[Any] = [" CAT", "1", 2] * 4
    assert check_rows(rows(labels=labels), EXPECTED).labels.tolist() == [0, 1, 2] * 4  # type: ignore[union-attr]
    labels[4] = label
    text = refusal(rows(labels=labels))
    assert text.startswith("row 5 (test/dog/004.png) has ") and rule in text


def test_a_class_that_is_named_as_a_number_goes_by_its_name() -> None:
    expected = Expected("digits", ("2", "1", "0"), EXPECTED.ids)
    found = check_rows(rows(labels=["2", "1", "0"] * 4), expected)
    assert found.labels is not None and found.labels.tolist() == [0, 1, 2] * 4


def test_probabilities_called_logits_are_refused() -> None:
    assert "its logits are probabilities" in refusal(rows(logits=True))


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3, 1e300])
def test_the_softmax_of_any_logits_is_one_of_float64(scale: float) -> None:
    logits = np.random.default_rng(0).normal(size=(12, 3)) * scale
    found = check_rows(rows(logits, logits=True), EXPECTED)
    np.testing.assert_allclose(found.probs, softmax(logits), rtol=1e-6, atol=1e-37)  # float32 goes no lower
    assert found.notes == ("The imported file has logits: the probabilities are their softmax.",)


DAMAGE: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], str]] = {
    "an unknown id": (
        lambda table: table.replace({"id": {"test/00007.png": "test/99.png"}}),
        "row 8 is of the picture",
    ),
    "a doubled id": (
        lambda table: table.replace({"id": {"test/00007.png": "test/00002.png"}}),
        "rows 3 and 8 are both",
    ),
    "a picture twice": (lambda table: pd.concat([table, table[4:5]]), "rows 5 and 101 are both"),
    "a picture too few": (lambda table: table.drop(index=9), "1 of them are missing (test/00009.png)"),
    "only a header": (lambda table: table.head(0), "it has 0 rows, and the test part of tiny has 100 pictures"),
    "a class too few": (lambda table: table.drop(columns="p_cat"), "no column of 1 class: cat"),
    "a class too many": (lambda table: table.assign(p_zebra=0.0), "column p_zebra is of no class of the dataset"),
    "no id": (lambda table: table.drop(columns="id"), "no column id or index"),
    "NaN": (lambda table: table.assign(p_cat=table["p_cat"].where(table.index != 3)), "row 4 (test/00003.png) has"),
    "logits": (lambda table: table.assign(p_cat=-2.5), "row 1 (test/00000.png) has the probability -2.5 of cat"),
    "a half": (lambda table: table.assign(p_cat=table["p_cat"] / 2), "has probabilities that add up to"),
    "a strange label": (lambda table: table.assign(true="lion"), "row 1 (test/00000.png) has the label 'lion'"),
}


@pytest.mark.fault(88)
@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_refused_and_nothing_changes(
    workspace: Workspace, dataset: Dataset, tmp_path: Path, damage: str, ending: str
) -> None:
    change, rule = DAMAGE[damage]
    table = change(table_of(dataset, softmax(made_up_logits(dataset))))
    if damage == "NaN" and ending == "csv":
        rule = "row 4 has an empty cell where the number of the class cat is expected"
    before = snapshot(workspace.root)
    with pytest.raises(DataError) as caught:
        import_predictions(workspace, write_table(tmp_path / f"upload.{ending}", table), "tiny", "x", shown="mine.csv")
    text = str(caught.value)
    assert text.startswith("mine.csv was refused: ") and rule in text and text.endswith(".") and "\n" not in text
    assert snapshot(workspace.root) == before and list_runs(workspace) == []
