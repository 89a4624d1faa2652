"""Two answers to the same pictures: which of them changed, the difference of the accuracies, and what chance explains.

A and B are two networks (or two epochs of one) that were measured on the same N pictures. Every difference is B - A.
"""

import math
from typing import NamedTuple, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cifar_core.errors import DataError
from cifar_core.evaluate.metrics import wilson_interval
from cifar_core.evaluate.predictions import CheckedPredictions, Ints
from cifar_core.text import counted

Bools = NDArray[np.bool_]

# What became of a picture from A to B; `verdicts` gives indices into this.
VERDICTS = ("fixed", "broken", "both wrong", "both right")
INTERVAL_METHOD = "Newcombe 1998, method 10"
LEVEL = 0.05  # of the test: a smaller p is taken for more than chance
_EXACT_DRAWS = 20_000  # changed pictures; up to there, whole numbers of any length are quick
_FEW = 30  # pictures; below, a sentence says that they are few


class Interval(NamedTuple):
    """A value and the bounds of its 95 % confidence interval."""

    value: float
    low: float
    high: float

    @property
    def holds_zero(self) -> bool:
        """Whether 0 lies in the interval."""
        return self.low <= 0 <= self.high


class PairedComparison(NamedTuple):
    """How the answers of A and B to the same pictures differ."""

    n: int  # pictures; the four counts add up to it
    accuracy_a: Interval  # 0 to 1 (`wilson_interval`)
    accuracy_b: Interval
    difference: Interval  # B - A, -1 to 1 (`paired_difference`)
    fixed: int  # wrong in A, right in B
    broken: int  # right in A, wrong in B
    both_wrong: int
    both_right: int
    mcnemar_p: float  # two-sided, 0 to 1 (`mcnemar_p`)


class Noise(Protocol):
    """What is known of how far other seeds of the same settings move the difference."""

    @property
    def words(self) -> str:
        """What is known, a sentence: `A and B differ in the seed alone.`"""

    def explains(self, difference: float) -> bool:
        """Whether other seeds of the same settings alone would give a difference (-1 to 1) as large as this one."""


def compare_right(right_a: Bools, right_b: Bools) -> PairedComparison:
    """Compare which of the same pictures A and B get right.

    Args:
        right_a: bool [N], N from 1: whether A is right on a picture.
        right_b: bool [N]: whether B is, on the same picture.

    Raises:
        DataError: there are no pictures, or not as many of A as of B.
    """
    if right_a.shape != right_b.shape or right_a.ndim != 1:
        raise DataError(f"A has answers to {len(right_a):,} pictures and B to {len(right_b):,}: they must be the same.")
    n = len(right_a)
    if n == 0:
        raise DataError("There are no pictures to compare on.")
    both_right = int((right_a & right_b).sum())
    broken, fixed = int((right_a & ~right_b).sum()), int((~right_a & right_b).sum())
    both_wrong = n - both_right - broken - fixed
    return PairedComparison(
        n=n,
        accuracy_a=_share(both_right + broken, n),
        accuracy_b=_share(both_right + fixed, n),
        difference=paired_difference(fixed, broken, both_wrong, both_right),
        fixed=fixed,
        broken=broken,
        both_wrong=both_wrong,
        both_right=both_right,
        mcnemar_p=mcnemar_p(fixed, broken),
    )


def paired_difference(fixed: int, broken: int, both_wrong: int, both_right: int) -> Interval:
    """The difference of two accuracies on the same pictures, B - A, with its 95 % interval.

    Newcombe 1998, "Improved confidence intervals for the difference between binomial proportions based on paired
    data", method 10: the distances of both accuracies from the bounds of their Wilson intervals, squared, added, and
    lessened by their correlation phi (with a continuity correction where it is positive, and 0 where it is not
    defined).

    Raises:
        DataError: the four counts add up to 0.
    """
    n = fixed + broken + both_wrong + both_right
    if n == 0:
        raise DataError("There are no pictures to compare on.")
    a, b = _share(both_right + broken, n), _share(both_right + fixed, n)
    phi = _correlation(fixed, broken, both_wrong, both_right)

    def distance(of_b: float, of_a: float) -> float:
        return math.sqrt(max(0.0, of_b**2 - 2 * phi * of_b * of_a + of_a**2))

    value = (fixed - broken) / n
    low = value - distance(b.value - b.low, a.high - a.value)
    high = value + distance(b.high - b.value, a.value - a.low)
    return Interval(value, max(-1.0, low), min(1.0, high))


def _correlation(fixed: int, broken: int, both_wrong: int, both_right: int) -> float:
    """Phi of method 10: of being right in A and in B."""
    n = fixed + broken + both_wrong + both_right
    product = both_right * both_wrong - fixed * broken
    corrected = max(product - n / 2, 0.0) if product > 0 else product
    margins = (both_right + broken, fixed + both_wrong, both_right + fixed, broken + both_wrong)
    return corrected / math.prod(math.sqrt(margin) for margin in margins) if all(margins) else 0.0


def mcnemar_p(fixed: int, broken: int) -> float:
    """Exact two-sided McNemar test: how often chance alone would split the changed pictures at least as unevenly.

    Where A and B are equally good, each changed picture is fixed or broken with probability 1/2:
    p = 2 P(X <= min(fixed, broken)) of a binomial distribution of fixed + broken draws, at most 1; 1 where nothing
    changed (McNemar 1947; the exact form is the sign test).
    """
    changed, fewer = fixed + broken, min(fixed, broken)
    if fixed == broken:
        return 1.0
    # The terms C(changed, k) / 2^changed from k = fewer down to 0: the largest one, then the ratios of neighbours.
    ks = np.arange(fewer, 0, -1, dtype=np.float64)
    below = np.cumprod(ks / (changed - ks + 1)).sum()
    return float(min(1.0, 2 * _largest_term(changed, fewer) * (1 + below)))


def _largest_term(draws: int, k: int) -> float:
    """C(draws, k) / 2^draws; by logarithms where the whole numbers would be too long to be quick."""
    if draws <= _EXACT_DRAWS:
        return math.comb(draws, k) / 2**draws
    logarithm = math.lgamma(draws + 1) - math.lgamma(k + 1) - math.lgamma(draws - k + 1) - draws * math.log(2)
    return math.exp(logarithm)


def _share(right: int, n: int) -> Interval:
    """An accuracy with its Wilson interval."""
    return Interval(right / n, *wilson_interval(right, n))


def verdicts(labels: Ints, predicted_a: Ints, predicted_b: Ints) -> Ints:
    """What became of each picture from A to B.

    Args:
        labels: int [N], the true classes.
        predicted_a: int [N], what A predicts.
        predicted_b: int [N], what B predicts.

    Returns:
        int [N], indices into `VERDICTS`.
    """
    right_a, right_b = predicted_a == labels, predicted_b == labels
    return np.where(right_a, np.where(right_b, 3, 1), np.where(right_b, 0, 2)).astype(np.int64)


def compare_predictions(a: CheckedPredictions, b: CheckedPredictions) -> PairedComparison:
    """`compare_right` of two predictions.

    Raises:
        DataError: as `compare_right`; or labels or class names differ.
    """
    _require_alike(a, b)
    return compare_right(a.predicted == a.labels, b.predicted == b.labels)


def class_changes(a: CheckedPredictions, b: CheckedPredictions) -> pd.DataFrame:
    """How each class changed from A to B, one row per class in class order.

    Returns:
        columns `class`, `n` (its pictures), `recall_a`, `recall_b`, `difference` (B - A, with the bounds `low` and
        `high` of `paired_difference`), `fixed`, `broken` (counts). A class without pictures has NaN in place of shares.

    Raises:
        DataError: labels or class names of A and B differ.
    """
    _require_alike(a, b)
    classes = len(a.class_names)
    cells = verdicts(a.labels, a.predicted, b.predicted) + len(VERDICTS) * a.labels
    counts = np.bincount(cells, minlength=len(VERDICTS) * classes).reshape(classes, len(VERDICTS))
    rows = []
    for name, (fixed, broken, both_wrong, both_right) in zip(a.class_names, counts.tolist(), strict=True):
        n = fixed + broken + both_wrong + both_right
        recalls = (both_right + broken, both_right + fixed)
        shares = [count / n for count in recalls] if n else [math.nan] * 2
        change = paired_difference(fixed, broken, both_wrong, both_right) if n else Interval(*[math.nan] * 3)
        rows.append((name, n, *shares, *change, fixed, broken))
    columns = ["class", "n", "recall_a", "recall_b", "difference", "low", "high", "fixed", "broken"]
    return pd.DataFrame(rows, columns=columns)


def _require_alike(a: CheckedPredictions, b: CheckedPredictions) -> None:
    if a.class_names != b.class_names or not np.array_equal(a.labels, b.labels):
        raise DataError("A and B are not of the same pictures and classes: their labels or class names differ.")


def shows_difference(comparison: PairedComparison) -> bool:
    """Whether its interval leaves out 0, or its p is below `LEVEL`: both for a clear case, one for a borderline one."""
    return not comparison.difference.holds_zero or comparison.mcnemar_p < LEVEL


def comparison_sentence(
    comparison: PairedComparison, name_a: str = "A", name_b: str = "B", noise: Noise | None = None
) -> str:
    """What a comparison shows, in words that claim no more than its interval and its test do.

    Args:
        comparison: of A and B.
        name_a: what A is called.
        name_b: what B is called.
        noise: what is known of the seeds of their settings; None where nothing is.
    """
    sentences = [_difference_words(comparison, name_a, name_b)]
    if comparison.n < _FEW:
        sentences.append(f"On {counted(comparison.n, 'picture')} only a very large difference can show.")
    if noise is not None and shows_difference(comparison) and noise.explains(comparison.difference.value):
        sentences.append(f"Seed noise alone explains it. {noise.words}")
    return " ".join(sentences)


def _difference_words(comparison: PairedComparison, name_a: str, name_b: str) -> str:
    difference, p = comparison.difference, comparison.mcnemar_p
    if comparison.fixed == comparison.broken == 0:
        same = f"{name_a} and {name_b} are right on the same pictures"
        return f"{same}: no difference on {comparison.n:,} ({_interval_words(difference)}; p = 1)."
    if difference.value < 0:
        better, ahead = name_a, Interval(-difference.value, -difference.high, -difference.low)
    else:
        better, ahead = name_b, difference
    amount = f"{_points(ahead)[0]} points ({_interval_words(ahead)}"
    if not shows_difference(comparison):
        shown = f"{name_b} − {name_a} is {_points(difference)[0]} points ({_interval_words(difference)}"
        return f"No difference is shown: {shown}, which holds 0); by chance alone {p_words(p)}."
    if difference.holds_zero or p >= LEVEL:
        return f"{better} is ahead by {amount}), a borderline case: by chance alone {p_words(p)}."
    return f"{better} is better by {amount}); by chance alone {p_words(p)}."


def _interval_words(interval: Interval) -> str:
    """The bounds in percentage points: `95 % interval 0.3 to 2.1`."""
    _, low, high = _points(interval)
    return f"95 % interval {low} to {high}"


def _points(interval: Interval) -> list[str]:
    """A value and its bounds in percentage points, with the digits that tell a small one of them from 0."""
    digits = 2 if any(0 < abs(number) < 0.0005 for number in interval) else 1
    return [f"{100 * number:.{digits}f}".replace("-", "−") for number in interval]


def p_words(p: float) -> str:
    """A p as text, such as `p = 0.008`; only an exact 1 reads `p = 1`."""
    if p < 0.001:
        return "p < 0.001"
    if p == 1:
        return "p = 1"
    return f"p = {p:.3f}" if p < 0.1 else f"p = {min(p, 0.99):.2f}"
