"""Metrics against scikit-learn, torchmetrics and SciPy, on random and edge-case predictions."""

import warnings
from typing import Any

import numpy as np
import pytest
import torch
import torchmetrics.functional.classification as oracle
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn import metrics as sk

from cifar_core.errors import ConfigError, DataError
from cifar_core.evaluate import (
    CheckedPredictions,
    ConfusionMatrix,
    accuracy,
    averages,
    class_report,
    confusion_matrix,
    explain_averages,
    log_loss,
    normalise_matrix,
    top_k_accuracy,
    wilson_interval,
)

Example = tuple[np.ndarray, np.ndarray]


def checked(labels: Any, probs: Any) -> CheckedPredictions:
    """Of classes that are named by their numbers."""
    return CheckedPredictions(labels, probs, [str(index) for index in range(np.shape(probs)[1])])


def random_predictions(count: int, classes: int, seed: int, *, coarse: bool = False) -> Example:
    """Labels and probabilities; with `coarse` these are multiples of 1/K, so that many classes tie."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, count)
    if coarse:
        return labels, rng.multinomial(classes, np.full(classes, 1 / classes), count) / classes
    return labels, rng.dirichlet(np.full(classes, 0.5), count)


def edge_cases() -> dict[str, Example]:
    labels, probs = random_predictions(60, 4, 1)
    never_class_2 = probs.copy()
    never_class_2[:, 2] = 0
    never_class_2 /= never_class_2.sum(axis=1, keepdims=True)
    return {
        "random": random_predictions(300, 10, 0),
        "random float32": (labels, probs.astype(np.float32)),
        "ties": random_predictions(200, 5, 2, coarse=True),
        "all tie": (labels, np.full((60, 4), 0.25)),
        "a class never predicted": (labels, never_class_2),
        "a class absent from the labels": (np.where(labels == 1, 0, labels), probs),
        "one class only": (np.full(60, 3), np.tile(np.eye(4)[3], (60, 1))),
        "one picture": (labels[:1], probs[:1]),
        "all wrong": (labels, np.eye(4)[(labels + 1) % 4]),
        "two classes": random_predictions(50, 2, 3),
    }


cases = pytest.mark.parametrize("case", edge_cases())


@st.composite
def predictions(draw: st.DrawFn) -> Example:
    """Any predictions, with ties and zeros."""
    count, classes = draw(st.integers(1, 40)), draw(st.integers(2, 8))
    return random_predictions(count, classes, draw(st.integers(0, 2**32 - 1)), coarse=draw(st.booleans()))


def assert_as_sklearn(labels: np.ndarray, probs: np.ndarray) -> None:
    """Check that every metric of a split equals scikit-learn's."""
    classes = probs.shape[1]
    every, predicted = list(range(classes)), probs.argmax(axis=1)
    found = checked(labels, probs)
    matrix = confusion_matrix(found)
    assert matrix.counts.tolist() == sk.confusion_matrix(labels, predicted, labels=every).tolist()
    assert accuracy(found) == pytest.approx(sk.accuracy_score(labels, predicted))
    clipped = np.clip(probs.astype(np.float64), 1e-12, None)
    with warnings.catch_warnings():  # clipped rows add up to 1 + 1e-12, float32 ones to 1 + 1e-7: neither matters
        warnings.simplefilter("ignore", UserWarning)
        assert log_loss(found) == pytest.approx(sk.log_loss(labels, clipped, labels=every), rel=1e-9, abs=1e-9)
    report = class_report(matrix)
    by_them = sk.precision_recall_fscore_support(labels, predicted, labels=every, zero_division=np.nan)
    expected = dict(zip(("precision", "recall", "f1", "support"), by_them, strict=True))
    expected["f1"] = np.where(expected["support"] == 0, np.nan, expected["f1"])
    for column, values in expected.items():
        assert report[column].to_numpy() == pytest.approx(values, nan_ok=True), column
    assert report["predicted"].tolist() == np.bincount(predicted, minlength=classes).tolist()
    for recall, low, high, support in report[["recall", "recall_low", "recall_high", "support"]].itertuples(
        index=False
    ):
        exact = binomtest(round(recall * support), support).proportion_ci(method="wilson") if support else [np.nan] * 2
        assert (low, high) == pytest.approx(tuple(exact), abs=1e-9, nan_ok=True)
    found_averages = averages(report)
    columns = ["precision", "recall", "f1"]
    for kind in ("macro", "weighted"):
        theirs = dict(zip(columns, _averages_of_sklearn(labels, predicted, every, kind), strict=True))
        if kind == "macro":
            theirs["f1"] = np.nanmean(expected["f1"])
        elif not np.bincount(labels, minlength=classes)[predicted].any():
            theirs["precision"] = np.nan  # no class with pictures is predicted; they then give all classes one weight
        assert found_averages.loc[kind].tolist() == pytest.approx([theirs[name] for name in columns], nan_ok=True)


def _averages_of_sklearn(labels: np.ndarray, predicted: np.ndarray, every: list[int], kind: str) -> list[float]:
    """Precision, recall and F1 on average."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of divisions
        found = sk.precision_recall_fscore_support(labels, predicted, labels=every, zero_division=np.nan, average=kind)
    return list(found[:3])


@cases
def test_metrics_equal_sklearn_on_edge_cases(case: str) -> None:
    assert_as_sklearn(*edge_cases()[case])


@settings(max_examples=40)
@given(predictions())
def test_metrics_equal_sklearn_on_any_predictions(example: Example) -> None:
    assert_as_sklearn(*example)


@settings(max_examples=40)
@given(predictions(), st.integers(1, 8))
def test_top_k_equals_sklearn_where_lower_indices_win_ties(example: Example, k: int) -> None:
    labels, probs = example
    classes = probs.shape[1]
    k = min(k, classes)
    if classes == 2:  # scikit-learn treats two classes as a binary problem with one score
        expected = sk.accuracy_score(labels, probs.argmax(axis=1)) if k == 1 else 1.0
    else:
        # scikit-learn lets the highest index win a tie; with the classes in reverse order that is our lowest.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # k = K is "trivially 1"
            expected = sk.top_k_accuracy_score(
                classes - 1 - labels, probs[:, ::-1], k=k, labels=list(range(classes)), normalize=True
            )
    assert top_k_accuracy(checked(labels, probs), k) == pytest.approx(expected)


def test_top_k_grows_to_one_and_starts_at_accuracy() -> None:
    labels, probs = random_predictions(200, 10, 4)
    values = [top_k_accuracy(checked(labels, probs), k) for k in range(1, 11)]
    assert values[0] == accuracy(checked(labels, probs))
    assert values == sorted(values)
    assert values[-1] == 1.0


@pytest.mark.parametrize("k", [0, 11, -1, True, 1.5])
def test_top_k_names_the_range(k: Any) -> None:
    with pytest.raises(ConfigError, match="from 1 to 10"):
        top_k_accuracy(checked(*random_predictions(5, 10, 0)), k)


def test_metrics_equal_torchmetrics() -> None:
    labels, probs = random_predictions(500, 10, 5)
    logits, target = torch.tensor(probs), torch.tensor(labels)
    found = checked(labels, probs)
    matrix = confusion_matrix(found)
    assert accuracy(found) == pytest.approx(float(oracle.multiclass_accuracy(logits, target, 10, average="micro")))
    assert matrix.counts.tolist() == oracle.multiclass_confusion_matrix(logits, target, 10).tolist()
    macro = float(oracle.multiclass_f1_score(logits, target, 10, average="macro"))
    assert averages(class_report(matrix)).loc["macro", "f1"] == pytest.approx(macro, abs=1e-6)


@given(predictions(), st.randoms(use_true_random=False))
def test_order_of_the_pictures_does_not_matter(example: Example, chance: object) -> None:
    labels, probs = example
    shuffled = np.array(chance.sample(range(len(labels)), len(labels)))  # type: ignore[attr-defined]
    found, other = checked(labels, probs), checked(labels[shuffled], probs[shuffled])
    assert (confusion_matrix(found).counts == confusion_matrix(other).counts).all()
    assert log_loss(found) == pytest.approx(log_loss(other))


@pytest.mark.parametrize("by", ["true", "predicted"])
@settings(max_examples=30)
@given(example=predictions())
def test_normalised_sums(by: str, example: Example) -> None:
    matrix = confusion_matrix(checked(*example))
    labels, predicted = example[0], example[1].argmax(axis=1)
    shares = normalise_matrix(matrix, by)  # type: ignore[arg-type]
    sums, counts = (
        (shares.sum(axis=1), matrix.counts.sum(axis=1))
        if by == "true"
        else (shares.sum(axis=0), matrix.counts.sum(axis=0))
    )
    defined = counts > 0
    assert sums[defined] == pytest.approx(1.0)
    assert np.isnan(sums[~defined]).all()
    every = list(range(len(matrix.counts)))
    by_sklearn = {"true": "true", "predicted": "pred"}[by]
    with np.errstate(invalid="ignore"):
        by_them = sk.confusion_matrix(labels, predicted, labels=every, normalize=by_sklearn)
    assert np.nan_to_num(shares) == pytest.approx(by_them)


def test_normalise_counts_and_unknown() -> None:
    matrix = ConfusionMatrix(np.array([[3, 1], [0, 0]]), ("a", "b"))
    assert normalise_matrix(matrix, "count").tolist() == [[3, 1], [0, 0]]
    with pytest.raises(ConfigError, match="not by 'rows'"):
        normalise_matrix(matrix, "rows")  # type: ignore[arg-type]


def test_no_pictures() -> None:
    nothing = checked([], np.zeros((0, 3)))
    matrix = confusion_matrix(nothing)
    assert matrix.counts.tolist() == [[0] * 3] * 3
    report = class_report(matrix)
    assert report[["precision", "recall", "f1", "recall_low", "recall_high"]].isna().all(axis=None)
    assert averages(report).isna().all(axis=None)
    for metric in (accuracy, log_loss):
        with pytest.raises(DataError, match="no pictures to measure"):
            metric(nothing)


@pytest.mark.fault(81)
def test_an_undefined_score_is_none_and_lowers_no_average() -> None:
    """By hand: `b` has no pictures and is predicted twice, `c` has none and is never predicted, as is `d`."""
    counts = np.array([[6, 2, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [2, 0, 0, 0]])
    report = class_report(ConfusionMatrix(counts, ("a", "b", "c", "d"))).set_index("class")
    assert report.loc["a", ["precision", "recall"]].tolist() == [0.75, 0.75]
    assert report.loc["b", "precision"] == 0, "it was predicted, and never rightly"
    assert report.loc["b", ["recall", "f1"]].isna().all()
    assert report.loc["c", ["precision", "recall", "f1"]].isna().all()
    assert report.loc["d", ["recall", "f1"]].tolist() == [0, 0], "its pictures were all missed"
    assert np.isnan(report.loc["d", "precision"]), "it is never predicted"
    means = averages(report)
    assert means.loc["macro"].tolist() == pytest.approx([0.75 / 2, 0.75 / 2, 0.75 / 2])
    assert means.loc["weighted"].tolist() == pytest.approx([0.75, 0.6, 0.6])
    assert explain_averages(report.reset_index(), "test") == (
        "Averages of precision are over 2 of 4 classes: c, d are never predicted. "
        "Averages of recall and F1 are over 2 of 4 classes: there are no test pictures of b, c."
    )
    whole = class_report(ConfusionMatrix(np.array([[1, 1], [1, 0]]), ("a", "b")))
    assert explain_averages(whole, "test") == ""


def test_log_loss_of_the_impossible_is_finite() -> None:
    assert log_loss(checked([0], [[0.0, 1.0]])) == pytest.approx(-np.log(1e-12))
    assert str(log_loss(checked([1], [[0.0, 1.0]]))) == "0.0"  # not -0.0


@given(st.integers(0, 200), st.integers(0, 200), st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_wilson_equals_scipy(first: int, second: int, level: float) -> None:
    correct, total = min(first, second), max(first, second, 1)
    expected = binomtest(correct, total).proportion_ci(level, method="wilson")
    low, high = wilson_interval(correct, total, level=level)
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert 0 <= low <= correct / total <= high <= 1


def test_wilson_by_hand_and_at_the_ends() -> None:
    assert wilson_interval(0, 0) == (0.0, 1.0)
    assert wilson_interval(7490, 10_000) == pytest.approx((0.74041, 0.75740), abs=1e-5)
    assert wilson_interval(5, 5)[1] == 1.0
    assert wilson_interval(0, 5)[0] == 0.0
    for wrong in ((6, 5), (-1, 5)):
        with pytest.raises(ConfigError, match="not a share"):
            wilson_interval(*wrong)
    with pytest.raises(ConfigError, match="level"):
        wilson_interval(1, 2, level=1.0)
