"""Thresholds against loops over the pictures."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cifar_core.errors import ConfigError
from cifar_core.evaluate import (
    OUTCOMES,
    coverage_curve,
    cross_fitted_answers,
    halves,
    outcomes,
    threshold_for,
    wilson_interval,
)
from tests.evaluate.calibration.cases import CASES, Example, checked, examples

cases = pytest.mark.parametrize("case", CASES)


@cases
def test_the_curve_equals_a_loop(case: str) -> None:
    labels, probs = CASES[case]
    confidence, right = probs.astype(np.float64).max(axis=1), probs.argmax(axis=1) == labels
    curve = coverage_curve(checked(labels, probs))
    assert curve["threshold"].tolist() == [step / 100 for step in range(101)]
    for row in curve.itertuples():
        answered = confidence >= row.threshold
        assert (row.n, row.coverage) == (answered.sum(), pytest.approx(answered.mean()))
        if row.n:
            assert row.accuracy == pytest.approx(right[answered].mean())
            assert (row.accuracy_low, row.accuracy_high) == wilson_interval(int(right[answered].sum()), int(row.n))
        else:
            assert np.isnan([row.accuracy, row.accuracy_low, row.accuracy_high]).all()
    assert curve["coverage"].iloc[0] == 1 and curve["coverage"].is_monotonic_decreasing


@settings(max_examples=60, deadline=None)
@given(examples(), st.floats(0, 1))
def test_every_picture_has_one_outcome(example: Example, threshold: float) -> None:
    labels, probs = example
    for label, row, found in zip(labels, probs, outcomes(checked(labels, probs), threshold), strict=True):
        right = "right" if row.argmax() == label else "wrong"
        assert OUTCOMES[found] == f"{right}, {'rejected' if row.max() < threshold else 'answered'}"


@settings(max_examples=100, deadline=None)
@given(examples(), st.floats(0.05, 1))
def test_the_threshold_is_the_lowest_that_reaches_the_accuracy(example: Example, wanted: float) -> None:
    labels, probs = example
    confidence, right = probs.max(axis=1), probs.argmax(axis=1) == labels
    reaching = [each for each in np.unique(confidence) if right[confidence >= each].mean() >= wanted]
    assert threshold_for(checked(labels, probs), wanted) == (min(reaching) if reaching else None)


@settings(max_examples=40, deadline=None)
@given(examples())
def test_each_half_is_answered_by_the_threshold_of_the_other(example: Example) -> None:
    labels, probs = example
    second, answered = halves(labels), cross_fitted_answers(checked(labels, probs), 0.8)
    for half in (second, ~second):
        threshold = threshold_for(checked(labels[~half], probs[~half]), 0.8)
        expected = probs[half].max(axis=1) >= (2 if threshold is None else threshold)
        assert answered[half].tolist() == expected.tolist()


def test_without_pictures_no_threshold_reaches_anything() -> None:
    nothing = checked(np.zeros(0, dtype=int), np.zeros((0, 3)))
    assert threshold_for(nothing, 0.9) is None and len(outcomes(nothing, 0.5)) == 0
    curve = coverage_curve(nothing)
    assert curve["n"].sum() == 0 and curve["coverage"].isna().all() and curve["accuracy"].isna().all()


@pytest.mark.parametrize("accuracy", [0.0, -0.1, 1.01, float("nan")])
def test_a_wanted_accuracy_is_a_share(accuracy: float) -> None:
    with pytest.raises(ConfigError, match="must be above 0 and at most 1"):
        threshold_for(checked([0], [[0.6, 0.4]]), accuracy)
