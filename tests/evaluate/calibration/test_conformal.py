"""Conformal sets against loops, and their promise: the wanted share of new pictures has its class in its set."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cifar_core.errors import ConfigError, DataError
from cifar_core.evaluate import (
    SET_COVERAGE,
    conformal_quantile,
    conformal_sets,
    conformal_table,
    cross_fitted_sets,
    fitted_sets,
    halves,
    wilson_interval,
)
from tests.evaluate.calibration.cases import CASES, Example, checked, examples, sure

cases = pytest.mark.parametrize("case", CASES)


@settings(max_examples=80, deadline=None)
@given(examples(), st.sampled_from([0.5, 0.8, 0.9, 0.95]))
def test_the_quantile_is_the_smallest_score_that_covers_enough(example: Example, coverage: float) -> None:
    labels, probs = example
    scores = 1 - probs[np.arange(len(labels)), labels]
    enough = [each for each in scores if (scores <= each).sum() >= coverage * (len(scores) + 1) - 1e-9]
    assert conformal_quantile(checked(labels, probs), coverage) == (min(enough) if enough else 1.0)


def test_nine_pictures_are_just_enough_for_ninety_per_cent() -> None:
    of_true = np.linspace(0.1, 0.9, 9)
    probs = np.column_stack([of_true, 1 - of_true])
    assert conformal_quantile(checked(np.zeros(9, dtype=int), probs), 0.9) == pytest.approx(0.9)
    assert conformal_quantile(checked(np.zeros(8, dtype=int), probs[:8]), 0.9) == 1.0
    assert conformal_sets(probs, 1.0).all() and not conformal_sets(probs[:8], 0.05).any()


def test_the_promised_coverage_holds_over_many_splits() -> None:
    labels, probs = sure(4000, 10, 7)
    rng, covered = np.random.default_rng(1), []
    for _ in range(300):
        order = rng.permutation(4000)
        fitted, new = order[:99], order[99:]
        sets = conformal_sets(probs[new], conformal_quantile(checked(labels[fitted], probs[fitted]), 0.9))
        covered.append(sets[np.arange(len(new)), labels[new]].mean())
    # the coverage given one quantile is Beta(90, 10): its mean is 0.9 exactly, its standard deviation 0.03
    assert np.mean(covered) == pytest.approx(0.9, abs=0.006)


@cases
def test_the_table_equals_a_loop(case: str) -> None:
    labels, probs = CASES[case]
    predictions = checked(labels, probs)
    sets = conformal_sets(probs, 0.6)
    assert sets.tolist() == [[1 - float(p) <= 0.6 for p in row] for row in probs.astype(np.float64)]
    table = conformal_table(sets, predictions)
    assert table["class"].tolist() == [*predictions.class_names, "all classes"]
    for row, chosen in zip(table.itertuples(), [*(np.eye(probs.shape[1])[:, labels] == 1), labels >= 0], strict=True):
        assert (row.n, row.empty) == (chosen.sum(), (~sets[chosen].any(axis=1)).sum())
        if not row.n:
            assert row.covered == 0 and np.isnan([row.coverage, row.low, row.high, row.mean_size]).all()
            continue
        held = sum(bool(sets[i, labels[i]]) for i in np.flatnonzero(chosen))
        assert (row.covered, row.coverage) == (held, pytest.approx(held / row.n))
        assert (row.low, row.high) == wilson_interval(held, int(row.n))
        assert row.mean_size == pytest.approx(sets[chosen].sum(axis=1).mean())


@settings(max_examples=40, deadline=None)
@given(examples())
def test_each_half_gets_the_quantile_of_the_other(example: Example) -> None:
    labels, probs = example
    second, sets = halves(labels), cross_fitted_sets(checked(labels, probs), 0.8)
    for half in (second, ~second):
        quantile = conformal_quantile(checked(labels[~half], probs[~half]), 0.8)
        assert (sets[half] == conformal_sets(probs[half], quantile)).all()


def test_what_cannot_be_is_refused() -> None:
    predictions = checked([0], [[0.6, 0.4]])
    for coverage in (0.0, 1.0, float("nan")):
        with pytest.raises(ConfigError, match="must lie between 0 and 1"):
            conformal_quantile(predictions, coverage)
    with pytest.raises(DataError, match=r"shape \[1, 3\], but the predictions \[1, 2\]"):
        conformal_table(np.ones((1, 3), dtype=bool), predictions)


def test_fitted_sets_come_from_others_or_from_halves() -> None:
    measured, others = checked(*sure(300, 5, 0)), checked(*sure(200, 5, 1))
    found = fitted_sets(measured, others)
    assert found.quantile == conformal_quantile(others, SET_COVERAGE) and found.fitted_on is others
    assert np.array_equal(found.sets, conformal_sets(measured.probs, found.quantile))
    alone = fitted_sets(measured)
    assert alone.quantile == conformal_quantile(measured, SET_COVERAGE) and alone.fitted_on is measured
    assert np.array_equal(alone.sets, cross_fitted_sets(measured, SET_COVERAGE))
