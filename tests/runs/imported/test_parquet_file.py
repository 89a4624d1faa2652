"""Parquet files: only the needed columns are read, and a damaged or swollen file is refused in a sentence."""

import io
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cifar_core.runs.imported.checks import check_rows
from cifar_core.runs.imported.given import Expected, Given
from cifar_core.runs.imported.parquet_file import read_parquet

EXPECTED = Expected("pets", ("cat", "dog"), np.array([f"test/cat/{row}" for row in range(4)]))
PROBS = np.array([[0.25, 0.75], [1, 0], [0.5, 0.5], [0, 1]])


def table(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"id": EXPECTED.ids.tolist(), "p_cat": PROBS[:, 0], "p_dog": PROBS[:, 1], **columns})


def packed(frame: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    return buffer.getvalue()


def read(content: bytes) -> Given:
    return read_parquet(io.BytesIO(content), EXPECTED)


@pytest.mark.parametrize("kind", ["float32", "float64", "Float64"])
def test_a_table_is_read(kind: str) -> None:
    labelled = table(label=pd.Categorical(["cat", "dog"] * 2), note=[{"a": 1}] * 4)
    found = check_rows(read(packed(labelled.astype({"p_cat": kind, "p_dog": kind}))), EXPECTED)
    assert found.probs.tolist() == PROBS.tolist() and found.labels is not None
    assert found.labels.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("frame", "rule"),
    [
        (table().drop(columns="p_dog"), "it has no column of 1 class: dog"),
        (table().drop(columns="id"), "it has no column id or index"),
        (table(p_dog=["0"] * 4), "its column of the class dog holds"),
        (table(label=[0.5] * 4), "its column label holds double, where texts or whole numbers are expected"),
        (table(label=[True] * 4), "its column label holds bool"),
        (pd.concat([table()] * 20), "it has 80 rows and"),
    ],
)
def test_what_is_no_table_of_predictions_is_refused(frame: pd.DataFrame, rule: str) -> None:
    with pytest.raises(ValueError) as caught:
        read(packed(frame))
    assert rule in str(caught.value)


@pytest.mark.fault(92)
def test_what_unpacks_to_far_more_is_refused() -> None:
    swollen = packed(pd.DataFrame({"id": ["x" * 2 * EXPECTED.most_bytes], "p_cat": [0.5], "p_dog": [0.5]}))
    with pytest.raises(ValueError, match="unpacked, far more than the predictions of 4 pictures take"):
        read(swollen)


def test_an_empty_cell_is_named_with_its_row() -> None:
    with pytest.raises(ValueError, match=r"row 2 \(test/cat/1\) has nan for dog"):
        check_rows(read(packed(table(p_dog=[0.75, None, 0.5, 1]))), EXPECTED)


@pytest.mark.fault(88)
@settings(max_examples=100)
@given(place=st.floats(0, 1, exclude_max=True), change=st.one_of(st.binary(max_size=4), st.none()))
def test_any_damage_is_a_sentence_or_still_valid(place: float, change: bytes | None) -> None:
    content = packed(table())
    at = int(place * len(content))
    damaged = content[:at] if change is None else content[:at] + change + content[at + 1 :]
    try:
        found = check_rows(read(damaged), EXPECTED)
    except ValueError as error:
        assert str(error) and "\n" not in str(error)
    else:
        assert np.allclose(found.probs.sum(axis=1), 1, atol=1e-3)
