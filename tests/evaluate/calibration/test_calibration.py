"""Bins, scores and the temperature against torchmetrics, scikit-learn and SciPy, on random and edge cases."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import softmax
from sklearn import metrics as sk
from torchmetrics.functional.classification import multiclass_calibration_error

from cifar_core.errors import ConfigError, DataError
from cifar_core.evaluate import (
    BINS,
    CheckedPredictions,
    bin_of,
    calibration_scores,
    cross_fitted,
    explain_mce,
    fit_temperature,
    halves,
    log_loss,
    reliability_table,
    trust_sentence,
    widest_gap,
    wilson_interval,
    with_temperature,
)
from cifar_core.evaluate.calibration.temperature import HIGHEST, LOWEST, nll_slopes
from tests.evaluate.calibration.cases import CASES, Example, checked, examples, random_predictions

cases = pytest.mark.parametrize("case", CASES)


def torchmetrics_error(labels: np.ndarray, probs: np.ndarray, norm: Any) -> float:
    """ECE (l1) or MCE (max); exactly 1.0 is moved into the last bin, for which torchmetrics has one more."""
    inside = np.minimum(probs.astype(np.float32), np.nextafter(np.float32(1), np.float32(0)))
    given_to = torch.from_numpy(inside), torch.from_numpy(labels)
    return float(multiclass_calibration_error(*given_to, probs.shape[1], BINS, norm, validate_args=False))


@cases
def test_scores_equal_torchmetrics_and_scikit_learn(case: str) -> None:
    assert_as_oracles(*CASES[case])


@settings(max_examples=60, deadline=None)
@given(examples())
def test_scores_of_any_predictions_equal_the_oracles(example: Example) -> None:
    assert_as_oracles(*example)


def assert_as_oracles(labels: np.ndarray, probs: np.ndarray) -> None:
    """Check the four scores."""
    found, classes = calibration_scores(checked(labels, probs)), range(probs.shape[1])
    exact = probs.astype(np.float64)
    clipped = np.clip(exact, 1e-12, 1)
    assert found.nll == pytest.approx(-np.log(clipped[np.arange(len(labels)), labels]).mean(), abs=1e-9)
    on_edge = np.isclose(exact.max(axis=1)[:, None] * 15, np.arange(15), rtol=0, atol=1e-5).any()
    if not on_edge:  # there torchmetrics rounds otherwise
        assert found.ece == pytest.approx(torchmetrics_error(labels, probs, "l1"), abs=1e-6)
        assert found.mce == pytest.approx(torchmetrics_error(labels, probs, "max"), abs=1e-6)
    if len(classes) > 2:
        rows = exact / exact.sum(axis=1, keepdims=True)
        oracle = sk.brier_score_loss(labels, rows, labels=list(classes), scale_by_half=False)
        assert found.brier == pytest.approx(oracle, abs=1e-6)
    assert found.brier == pytest.approx(((exact - np.eye(len(classes))[labels]) ** 2).sum(axis=1).mean(), abs=1e-12)


def test_the_bins_share_their_edges_with_those_above() -> None:
    edges = np.arange(16) / 15
    assert bin_of(edges).tolist() == [*range(15), 14]
    assert bin_of(edges.astype(np.float32)).tolist() == [*range(15), 14]
    assert bin_of(edges[1:] - 1e-6).tolist() == list(range(15))
    assert bin_of([0.0, 1.0, 0.5, 1 / 3]).tolist() == [0, 14, 7, 5]


@cases
def test_the_reliability_table_equals_a_loop(case: str) -> None:
    labels, probs = CASES[case]
    table = reliability_table(checked(labels, probs))
    confidence, right = probs.astype(np.float64).max(axis=1), probs.argmax(axis=1) == labels
    assert len(table) == 15 and table["n"].sum() == len(labels) and table["right"].sum() == right.sum()
    for row in table.itertuples():
        low, high = row.Index / 15 - 1e-7, (row.Index + 1) / 15 - 1e-7  # an edge belongs to the bin above
        inside = (confidence >= low) & ((confidence < high) | (row.Index == 14))
        assert (row.low, row.high, row.n) == (row.Index / 15, (row.Index + 1) / 15, inside.sum())
        if not row.n:
            assert np.isnan([row.confidence, row.accuracy, row.accuracy_low, row.accuracy_high, row.gap]).all()
            continue
        assert row.confidence == pytest.approx(confidence[inside].mean())
        assert row.accuracy == pytest.approx(right[inside].mean())
        assert row.gap == pytest.approx(row.accuracy - row.confidence)
        assert (row.accuracy_low, row.accuracy_high) == wilson_interval(int(row.right), int(row.n))


def test_the_sentence_counts_those_that_say_ninety_per_cent() -> None:
    confidences, right = [0.85, 0.949, 0.9, 0.95], [True, True, False, True]
    labels = np.tile(np.where(right, 0, 1), 10)
    probs = np.tile([[each, 1 - each] for each in confidences], (10, 1))
    ninety = "When it says about 90 % (85 to 95 %)"
    assert trust_sentence(checked(labels, probs)) == f"{ninety}, it is right 67 times in 100 (n = 30)."
    few = checked(labels[:8], probs[:8])
    assert trust_sentence(few) == f"{ninety}, it is right 67 times in 100 (n = 6)."
    sure = checked(np.zeros(60, dtype=int), np.tile([1.0, 0.0], (60, 1)))
    assert trust_sentence(sure) == "When it says 95 % or more, it is right 100 times in 100 (n = 60)."
    assert trust_sentence(checked([1], [[0.0, 1.0]])).endswith("in 100 (n = 1).")


def test_a_rounded_share_is_not_called_all_or_none() -> None:
    probs = np.tile([0.9, 0.1], (300, 1))
    one = np.arange(300) == 0
    assert "it is right more than 99 times in 100 (n = 300)" in trust_sentence(checked(one.astype(int), probs))
    assert "it is right less than once in 100 (n = 300)" in trust_sentence(checked(1 - one.astype(int), probs))


def test_the_widest_gap_is_the_mce_and_a_bin_of_few_pictures_is_named() -> None:
    labels, probs = random_predictions(5000, 4, 1)
    table = reliability_table(checked(labels, probs))
    assert abs(widest_gap(table)["gap"]) == pytest.approx(calibration_scores(checked(labels, probs)).mce)
    many = reliability_table(checked(np.arange(60) % 2, np.tile([0.9, 0.1], (60, 1))))
    lonely = reliability_table(checked([1, *[0] * 60], [[0.6, 0.4], *[[0.99, 0.01]] * 60]))
    assert explain_mce(many, many) == ""
    assert "of 60 pictures before scaling and 1 after it: few pictures" in explain_mce(many, lonely)


@cases
def test_the_temperature_is_that_of_scipy(case: str) -> None:
    labels, probs = CASES[case]
    found = fit_temperature(checked(labels, probs))
    assert LOWEST <= found <= HIGHEST

    def nll(logarithm: float) -> float:
        q = softmax(np.log(np.clip(probs.astype(np.float64), 1e-12, 1)) / np.exp(logarithm), axis=1)
        return float(-np.log(np.clip(q[np.arange(len(labels)), labels], 1e-300, 1)).mean())

    best = minimize_scalar(nll, bounds=np.log([LOWEST, HIGHEST]), method="bounded", options={"xatol": 1e-10})
    assert nll(np.log(found)) <= best.fun + 1e-9
    if best.fun < min(nll(best.x - 0.1), nll(best.x + 0.1)) - 1e-6:  # it has a minimum that can be told from others
        assert found == pytest.approx(np.exp(best.x), rel=1e-4)


@pytest.mark.parametrize(("true", "classes"), [(0.4, 2), (1.0, 10), (1.7, 10), (3.0, 100)])
def test_the_temperature_that_was_planted_is_found(true: float, classes: int) -> None:
    rng = np.random.default_rng(5)
    honest = softmax(rng.normal(size=(20000, classes)) * 2, axis=1)
    labels = (honest.cumsum(axis=1) < rng.random((20000, 1))).sum(axis=1).clip(0, classes - 1)
    found = fit_temperature(checked(labels, softmax(np.log(honest) * true, axis=1)))
    assert found == pytest.approx(true, rel=0.05)


def test_the_temperature_of_predictions_without_a_minimum() -> None:
    rng = np.random.default_rng(0)
    probs = rng.dirichlet(np.ones(5), 40)
    assert fit_temperature(checked(probs.argmax(axis=1), probs)) == LOWEST
    assert fit_temperature(checked(probs.argmin(axis=1), probs)) == HIGHEST
    assert fit_temperature(checked(rng.integers(0, 4, 40), np.full((40, 4), 0.25))) == 1.0
    assert fit_temperature(checked([1], [[0.3, 0.7]])) == LOWEST


@settings(max_examples=50, deadline=None)
@given(examples(), st.floats(0.05, 20))
def test_a_temperature_keeps_the_order_and_the_sum(example: Example, temperature: float) -> None:
    labels, probs = example
    scaled = with_temperature(probs, temperature)
    assert np.allclose(scaled, softmax(np.log(np.clip(probs, 1e-12, 1)) / temperature, axis=1), atol=1e-12)
    assert np.allclose(scaled.sum(axis=1), 1) and scaled.dtype == np.float64
    assert np.allclose(scaled[np.arange(len(labels)), probs.argmax(axis=1)], scaled.max(axis=1))
    assert (np.diff(np.take_along_axis(scaled, np.argsort(probs, axis=1), axis=1), axis=1) >= -1e-12).all()
    slopes, h = nll_slopes(checked(labels, probs), temperature), 1e-5 / temperature
    logs = np.log(np.clip(probs, 1e-12, 1))
    up, middle, down = (
        -np.log(np.clip(softmax(logs * b, axis=1), 1e-300, 1))[np.arange(len(labels)), labels]
        for b in (1 / temperature + h, 1 / temperature, 1 / temperature - h)
    )
    assert np.allclose(slopes.first, (up - down) / (2 * h), rtol=1e-3, atol=1e-3) and (slopes.second >= 0).all()
    assert np.all(up + down - 2 * middle >= -1e-9)


@pytest.mark.parametrize("temperature", [0.0, -1.0, np.inf, np.nan])
def test_a_temperature_is_a_number_above_zero(temperature: float) -> None:
    with pytest.raises(ConfigError, match="must be a number above 0"):
        with_temperature(np.array([[0.5, 0.5]]), temperature)


@settings(max_examples=40, deadline=None)
@given(examples())
def test_the_halves_share_every_class_and_are_scaled_by_each_other(example: Example) -> None:
    labels, probs = example
    second = halves(labels)
    assert abs(int(second.sum()) - int((~second).sum())) <= 1
    for label in np.unique(labels):
        assert abs(int(second[labels == label].sum()) - int((~second)[labels == label].sum())) <= 1
    found = cross_fitted(checked(labels, probs))
    for half in (second, ~second):
        expected = fit_temperature(checked(labels[~half], probs[~half])) if (~half).any() else 1.0
        assert np.allclose(found[half], with_temperature(probs[half], expected))


def test_many_classes_are_computed_in_blocks() -> None:
    labels, probs = random_predictions(3000, 1000, 0)
    predictions = checked(labels, probs)
    assert len(list(predictions.blocks())) > 1
    parts = [fit_temperature(predictions), calibration_scores(predictions).nll]
    assert parts[0] > 1 and parts[1] == pytest.approx(log_loss(predictions))
    scaled = with_temperature(probs, parts[0])
    assert np.allclose(scaled[2500:], with_temperature(probs[2500:], parts[0]))


@pytest.mark.parametrize("function", [calibration_scores, fit_temperature, cross_fitted, trust_sentence])
def test_without_pictures_there_is_nothing_to_measure(function: Any) -> None:
    nothing = CheckedPredictions(np.zeros(0, dtype=int), np.zeros((0, 3)), ["a", "b", "c"])
    with pytest.raises(DataError, match="no pictures to measure"):
        function(nothing)
    assert reliability_table(nothing)["n"].sum() == 0
