"""The data map, AUM and forgetting of many pictures at once, against loops over one picture, torch and edge cases."""

import itertools
import math
import time

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cifar_core.errors import DataError
from cifar_core.evaluate import (
    LEARNING_COLUMNS,
    CheckedPredictions,
    answers_to,
    learning_of_classes,
    learning_table,
    pictures_of,
    summarise_learning,
    unforgettable,
)
from cifar_core.train import LOSS_CLIP

SHAPES = st.tuples(st.integers(1, 9), st.integers(0, 7))


@st.composite
def records(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, list[int]]:
    """Any records of few pictures over few epochs, in float16 as they are kept; NaN where they were not shown."""
    shape = draw(SHAPES)
    p_true = draw(hnp.arrays(np.float16, shape, elements=st.floats(0, 1, width=16)))
    margin = draw(hnp.arrays(np.float32, shape, elements=st.floats(-90, 90, width=32)))
    right, shown = (draw(hnp.arrays(bool, shape)) for _ in range(2))
    gaps = draw(st.lists(st.integers(1, 4), min_size=shape[0], max_size=shape[0]))
    return np.where(shown, p_true, np.float16(np.nan)), margin, right, shown, list(np.cumsum(gaps))


def one_by_one(p_true, margin, right, shown, epochs) -> dict[str, float]:  # type: ignore[no-untyped-def] # [E] each
    """The row of one picture, as one would write it down by hand."""
    times = [index for index in range(len(epochs)) if shown[index]]
    if not times:
        return dict.fromkeys(LEARNING_COLUMNS[:4], math.nan) | dict.fromkeys(LEARNING_COLUMNS[4:], 0)
    p = [float(p_true[index]) for index in times]
    mean = sum(p) / len(p)
    course = [bool(right[index]) for index in times]
    return {
        "confidence": mean,
        "variability": math.sqrt(sum((value - mean) ** 2 for value in p) / len(p)),
        "correctness": sum(course) / len(course),
        "aum": sum(float(margin[index]) for index in times) / len(times),
        "first_right": next((epochs[index] for index in times if right[index]), 0),
        "forgetting": sum(before and not after for before, after in itertools.pairwise(course)),
        "never_learned": float(not any(course)),
        "shown": len(times),
    }


@given(records())
def test_each_row_is_what_one_writes_down_by_hand(given: tuple) -> None:  # type: ignore[type-arg]
    table = learning_table(*given)
    epochs = given[-1]
    assert tuple(table) == LEARNING_COLUMNS and len(table) == given[0].shape[1]
    for number in range(len(table)):
        expected = one_by_one(*(values[:, number] for values in given[:4]), epochs)
        assert table.iloc[number].astype(float).to_dict() == pytest.approx(expected, abs=1e-9, nan_ok=True)


def test_the_map_of_records_without_gaps_is_that_of_torch() -> None:
    rng = np.random.default_rng(1)
    p_true, margin = rng.random((30, 5000)).astype(np.float16), rng.normal(0, 20, (30, 5000)).astype(np.float16)
    table = learning_table(p_true, margin, p_true > 0.5, np.ones(p_true.shape, bool), range(1, 31))
    stored = torch.tensor(p_true).double()
    assert np.allclose(table["confidence"], stored.mean(0), rtol=0, atol=1e-12)
    assert np.allclose(table["variability"], stored.std(0, correction=0), rtol=0, atol=1e-12)
    assert np.allclose(table["aum"], torch.tensor(margin).double().mean(0), rtol=0, atol=1e-12)


def test_a_confidence_that_hardly_moves_keeps_its_digits() -> None:
    """The variance is not a difference of two large numbers, of which little would be left."""
    p_true = (0.999 + 1e-7 * np.arange(50) % 2e-7)[:, None]
    table = learning_table(p_true, p_true, p_true > 0, p_true > 0, range(50))
    assert table["variability"][0] == pytest.approx(np.std(p_true, ddof=0), rel=1e-6)


def test_one_epoch_and_an_epoch_without_any_picture() -> None:
    p_true = np.array([[0.25, np.nan]])
    table = learning_table(p_true, p_true, np.array([[True, True]]), ~np.isnan(p_true), [7])
    assert table.loc[0].tolist() == [0.25, 0.0, 1.0, 0.25, 7, 0, False, 1]
    assert table.loc[1, ["first_right", "forgetting", "never_learned", "shown"]].tolist() == [0, 0, False, 0]
    assert table.loc[1, ["confidence", "variability", "correctness", "aum"]].isna().all()
    gap = np.array([[0.9], [np.nan], [0.1]])
    found = learning_table(gap, gap, gap > 0.5, ~np.isnan(gap), [1, 2, 3]).loc[0]
    assert (found["forgetting"], found["shown"]) == (1, 2), "forgotten over an epoch at which it was not shown"


def test_many_pictures_take_a_moment() -> None:
    rng = np.random.default_rng(0)
    p_true = rng.random((100, 50_000), np.float32).astype(np.float16)
    shown = rng.random(p_true.shape, np.float32) < 0.8
    start = time.perf_counter()
    table = learning_table(p_true, p_true, p_true > 0.5, shown, range(1, 101))
    assert time.perf_counter() - start < 5, "0.1 s on an idle machine"
    for number in (0, 10_484, 10_485, 49_999):  # on both sides of a border of what is computed at once
        expected = one_by_one(
            *(values[:, number] for values in (p_true, p_true, p_true > 0.5, shown)), list(range(1, 101))
        )
        assert table.iloc[number].astype(float).to_dict() == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("shape", "epochs"), [((2, 3), [1]), ((0, 3), []), ((3,), [1, 2, 3])])
def test_records_that_do_not_fit_together_are_refused(shape: tuple[int, ...], epochs: list[int]) -> None:
    values = np.zeros(shape)
    with pytest.raises(DataError, match="Records of"):
        learning_table(values, values, values > 0, values > 0, epochs)


@given(st.integers(2, 6), st.integers(0, 6), st.integers(0, 99))
def test_the_margin_of_probabilities_is_that_of_the_logits(classes: int, count: int, seed: int) -> None:
    logits = torch.tensor(np.random.default_rng(seed).normal(0, 3, (count, classes)))
    labels = np.arange(count) % classes
    names = [str(number) for number in range(classes)]
    found = answers_to(CheckedPredictions(labels, logits.softmax(1).numpy(), tuple(names)))
    own = logits[range(count), labels]
    others = logits.clone()
    others[range(count), labels] = -math.inf
    assert np.allclose(found.margin, own - others.max(1).values if count else own, atol=1e-5)
    assert np.allclose(found.p_true, logits.softmax(1)[range(count), labels], atol=1e-6)
    assert np.array_equal(found.right, logits.numpy().argmax(1) == labels)


def test_a_probability_of_0_gives_a_finite_margin() -> None:
    found = answers_to(CheckedPredictions(np.array([0, 1]), np.array([[1.0, 0.0], [1.0, 0.0]]), ("a", "b")))
    assert found.margin == pytest.approx([-math.log(LOSS_CLIP), math.log(LOSS_CLIP)])


def test_regions_are_the_ends_of_the_map_and_ties_stay_in_order() -> None:
    table = pd.DataFrame(
        {"confidence": [0.5, 0.9, np.nan, 0.1, 0.9, 0.5], "variability": [0.4, 0.0, np.nan, 0.1, 0.0, 0.4]},
        index=[9, 8, 7, 6, 5, 4],
    )
    assert pictures_of(table, "easiest").tolist() == [1, 4, 0, 5, 3]
    assert pictures_of(table, "hardest", 3).tolist() == [3, 0, 5]
    assert pictures_of(table, "most ambiguous").tolist() == [0, 5, 3, 1, 4]
    many = pd.DataFrame({"confidence": np.random.default_rng(0).integers(0, 9, 5000) / 8})
    by_hand = sorted(range(5000), key=lambda row: (-many["confidence"][row], row))
    assert pictures_of(many, "easiest").tolist() == by_hand


@given(records())
def test_the_summary_counts_what_the_table_says(given: tuple) -> None:  # type: ignore[type-arg]
    table = learning_table(*given).assign(true=lambda made: pd.Categorical(["cat"] * len(made), ["cat", "dog"]))
    summary = summarise_learning(table)
    knew = given[2] & given[3]
    assert (summary.n, summary.never_learned) == (len(table), int((given[3].any(0) & ~knew.any(0)).sum()))
    assert summary.unforgettable == sum(unforgettable(table)) <= summary.n - summary.forgotten
    assert summary.never_learned + summary.forgotten + summary.unforgettable + (table["shown"] == 0).sum() == len(table)
    of_classes = learning_of_classes(table)
    assert of_classes["class"].tolist() == ["cat", "dog"] and of_classes["n"].tolist() == [len(table), 0]
    assert of_classes.loc[0, list(summary._fields)].tolist() == pytest.approx(list(summary), nan_ok=True)
