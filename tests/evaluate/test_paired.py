"""Two answers to the same pictures against SciPy, statsmodels and scikit-learn; the interval against its coverage."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, multinomial
from sklearn.metrics import recall_score
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import confint_proportions_2indep

from cifar_core.errors import DataError
from cifar_core.evaluate import (
    VERDICTS,
    CheckedPredictions,
    PairedComparison,
    class_changes,
    compare_predictions,
    compare_right,
    comparison_sentence,
    verdicts,
)
from cifar_core.evaluate.paired import mcnemar_p, paired_difference

Counts = tuple[int, int, int, int]  # fixed, broken, both wrong, both right
EDGES: list[Counts] = [
    (0, 0, 0, 1),
    (0, 0, 1, 0),
    (1, 0, 0, 0),
    (0, 1, 0, 0),
    (0, 0, 40, 60),
    (50, 0, 0, 0),
    (0, 50, 0, 0),
    (25, 25, 0, 0),
    (8, 1, 3, 2),
    (772, 742, 2100, 6386),
    (13_000, 12_000, 5, 5),
]
NAMES = ("cat", "dog", "frog", "ship")


def compared(counts: Counts) -> PairedComparison:
    """The comparison of right and wrong answers with these counts, in a shuffled order."""
    cells = np.random.default_rng(0).permutation(np.repeat(np.arange(4), counts))
    return compare_right(np.isin(cells, (1, 3)), np.isin(cells, (0, 3)))


def assert_as_oracles(counts: Counts) -> None:
    """Check every number of a comparison."""
    fixed, broken, both_wrong, both_right = counts
    found, n = compared(counts), sum(counts)
    assert (found.fixed, found.broken, found.both_wrong, found.both_right, found.n) == (*counts, n)
    for accuracy, right in ((found.accuracy_a, both_right + broken), (found.accuracy_b, both_right + fixed)):
        wilson = binomtest(right, n).proportion_ci(method="wilson")
        assert accuracy == pytest.approx((right / n, wilson.low, wilson.high), abs=1e-12)
    assert found.difference.value == pytest.approx(found.accuracy_b.value - found.accuracy_a.value, abs=1e-12)
    assert -1 <= found.difference.low <= found.difference.value <= found.difference.high <= 1
    exact = mcnemar([[both_right, broken], [fixed, both_wrong]], exact=True).pvalue
    assert found.mcnemar_p == pytest.approx(1.0 if fixed == broken == 0 else exact, rel=1e-9)
    if fixed + broken:
        assert found.mcnemar_p == pytest.approx(binomtest(fixed, fixed + broken).pvalue, rel=1e-9)
    back = compared((broken, fixed, both_wrong, both_right))
    assert [-back.difference.value, -back.difference.high, -back.difference.low] == pytest.approx(found.difference)
    assert back.mcnemar_p == found.mcnemar_p


@pytest.mark.parametrize("counts", EDGES)
def test_edge_cases_equal_the_oracles(counts: Counts) -> None:
    assert_as_oracles(counts)


@given(st.tuples(*[st.integers(0, 60)] * 4).filter(any))
@settings(max_examples=60, deadline=None)
def test_random_counts_equal_the_oracles(counts: Counts) -> None:
    assert_as_oracles(counts)


def test_p_of_many_changes_is_exact_enough() -> None:
    """Above the number of changes that is computed with whole numbers, and at the ends."""
    assert mcnemar_p(100_000, 100_900) == pytest.approx(binomtest(100_000, 200_900).pvalue, rel=1e-7)
    assert mcnemar_p(0, 0) == mcnemar_p(3, 3) == mcnemar_p(1, 0) == 1.0
    assert mcnemar_p(0, 30_000) == 0.0


def test_the_interval_is_the_published_one() -> None:
    """Airway hyper-responsiveness of Bentur et al. 2009, as in Fagerland, Lydersen and Laake, chapter 8."""
    assert paired_difference(1, 7, 12, 1) == pytest.approx((-6 / 21, -0.507, -0.026), abs=5e-4)


@pytest.mark.parametrize(("fixed", "broken"), [(20, 20), (20, 19), (0, 0), (5, 0)])
def test_without_correlation_it_is_that_of_two_samples(fixed: int, broken: int) -> None:
    """Where phi is 0 (by its correction, or because it is not defined) statsmodels has the same interval."""
    both_wrong, both_right = (20, 20) if broken else (0, 30)
    n = fixed + broken + both_wrong + both_right
    low, high = confint_proportions_2indep(
        both_right + fixed, n, both_right + broken, n, compare="diff", method="newcomb"
    )
    assert paired_difference(fixed, broken, both_wrong, both_right)[1:] == pytest.approx((low, high), abs=1e-9)


@pytest.mark.parametrize(
    ("cells", "most"), [((0.1, 0.05, 0.25, 0.6), 0.98), ((0.02, 0.02, 0.06, 0.9), 1), ((0.3, 0.1, 0.3, 0.3), 0.96)]
)
def test_the_interval_holds_the_truth_as_often_as_it_says(cells: tuple[float, ...], most: float) -> None:
    """The coverage over all tables of 24 pictures, summed without chance."""
    n, covered = 24, 0.0
    tables = [(f, b, w, n - f - b - w) for f in range(n + 1) for b in range(n + 1 - f) for w in range(n + 1 - f - b)]
    for table, weight in zip(tables, multinomial(n, cells).pmf(tables), strict=True):
        difference = paired_difference(*table)
        covered += weight * (difference.low <= cells[0] - cells[1] <= difference.high)
    assert 0.94 < covered < most


def test_the_verdict_of_each_picture() -> None:
    labels = np.array([0, 1, 2, 3, 0])
    found = verdicts(labels, np.array([1, 1, 0, 3, 2]), np.array([0, 2, 1, 3, 2]))
    assert [VERDICTS[index] for index in found] == ["fixed", "broken", "both wrong", "both right", "both wrong"]


def predictions(labels: np.ndarray, predicted: np.ndarray, names: tuple[str, ...] = NAMES) -> CheckedPredictions:
    """Sure predictions of these classes."""
    return CheckedPredictions(labels, np.eye(len(names))[predicted], names)


def test_changes_of_each_class() -> None:
    """Recalls equal scikit-learn's, intervals those of the class alone; a class without pictures has none."""
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 3, 200)
    predicted = [np.where(rng.random(200) < share, labels, rng.integers(0, 4, 200)) for share in (0.5, 0.7)]
    a, b = (predictions(labels, each) for each in predicted)
    table = class_changes(a, b)
    assert table["class"].tolist() == list(NAMES) and table["n"].tolist() == [*np.bincount(labels), 0]
    for column, each in zip(("recall_a", "recall_b"), predicted, strict=True):
        expected = recall_score(labels, each, labels=range(4), average=None, zero_division=np.nan)
        assert table[column].to_numpy() == pytest.approx(expected, nan_ok=True)
    cats = labels == 0
    alone = compare_right(a.predicted[cats] == 0, b.predicted[cats] == 0)
    assert tuple(table.loc[0, ["difference", "low", "high"]]) == pytest.approx(alone.difference)
    assert tuple(table.loc[0, ["fixed", "broken"]]) == (alone.fixed, alone.broken)
    assert table.loc[3, ["recall_a", "difference", "low"]].isna().all() and table.loc[3, "fixed"] == 0
    assert compare_predictions(a, b).fixed == table["fixed"].sum()


def test_what_cannot_be_compared_is_refused() -> None:
    labels = np.array([0, 1])
    a = predictions(labels, labels)
    for b in (predictions(labels[::-1].copy(), labels), predictions(labels, labels, ("dog", "cat", "frog", "ship"))):
        with pytest.raises(DataError, match="not of the same pictures and classes"):
            class_changes(a, b)
    with pytest.raises(DataError, match="2 pictures and B to 3"):
        compare_right(np.ones(2, bool), np.ones(3, bool))
    with pytest.raises(DataError, match="no pictures to compare on"):
        compare_right(np.ones(0, bool), np.ones(0, bool))


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        (
            (320, 200, 1480, 8000),
            "B is better by 1.2 points (95 % interval 0.8 to 1.6); by chance alone p < 0.001.",
        ),
        ((40, 70, 400, 1490), "A is better by 1.5 points (95 % interval 0.5 to 2.5); by chance alone p = 0.005."),
        (
            (742, 772, 2100, 6386),
            "No difference is shown: B − A is −0.3 points (95 % interval −1.1 to 0.5, which holds 0); "
            "by chance alone p = 0.46.",
        ),
        (
            (60, 40, 360, 540),
            "B is ahead by 2.00 points (95 % interval 0.03 to 3.96), a borderline case: by chance alone p = 0.057.",
        ),
        (
            (0, 0, 20, 80),
            "A and B are right on the same pictures: no difference on 100 (95 % interval −2.9 to 2.9; p = 1).",
        ),
        (
            (1, 0, 0, 0),
            "No difference is shown: B − A is 100.0 points (95 % interval −12.2 to 100.0, which holds 0); "
            "by chance alone p = 1. On 1 picture only a very large difference can show.",
        ),
    ],
)
def test_the_sentence_claims_no_more_than_the_numbers(counts: Counts, sentence: str) -> None:
    assert comparison_sentence(compared(counts)) == sentence


def test_the_sentence_says_when_seeds_explain_the_difference() -> None:
    """As it is asked for the difference; where none is shown, nothing needs an explanation."""
    asked: list[float] = []
    noise = SimpleNamespace(words="A and B differ in the seed alone.", explains=lambda d: asked.append(d) or True)
    found = compared((320, 200, 1480, 8000))
    sentence = comparison_sentence(found, "lion", "yak", noise)
    assert sentence.startswith("yak is better by 1.2 points")
    assert sentence.endswith(" Seed noise alone explains it. A and B differ in the seed alone.")
    assert asked == [found.difference.value] and math.isclose(asked[0], 0.012)
    assert "Seed noise" not in comparison_sentence(compared((742, 772, 2100, 6386)), noise=noise)
    noise.explains = lambda _: False
    assert "Seed noise" not in comparison_sentence(found, noise=noise)
