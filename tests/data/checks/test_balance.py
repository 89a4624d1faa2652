"""How the pictures are spread over the classes: what is called balanced, by chance, nearly so, or imbalanced."""

import numpy as np
import pytest
from scipy.stats import chi2

from cifar_core.data.checks.balance import _beyond_chance, imbalance
from tests.data.checks.support import labels_only


def counts(*numbers: int) -> list[int]:
    return [label for label, number in enumerate(numbers) for _ in range(number)]


@pytest.mark.parametrize("freedom", [1, 2, 9, 99, 999])
def test_chance_ends_where_the_chi_squared_distribution_says(freedom: int) -> None:
    limit = chi2.ppf(0.999, freedom)
    assert not _beyond_chance(0.96 * limit, freedom)
    assert _beyond_chance(1.04 * limit, freedom)


@pytest.mark.parametrize(
    ("train", "imbalanced", "words"),
    [
        ((20, 20, 20), False, "train: balanced, 20 pictures of each class."),
        ((24, 16, 20), False, "train: class0 has 24 pictures, class1 16: no more uneven than chance makes it."),
        ((5200, 5000, 4600), False, "class2 4,600: nearly balanced, 1.1 times as many."),
        ((900, 100, 500), True, "train: class0 has 900 pictures, class1 100: 9.0 times as many."),
        ((3, 1, 0), True, "train: class0 has 3 pictures, class2 none."),
        ((3, 0, 0), True, "train: class0 has 3 pictures, 2 classes none."),
    ],
)
def test_a_part_is_judged_by_its_counts(train: tuple[int, ...], imbalanced: bool, words: str) -> None:
    found = imbalance(labels_only(counts(*train), counts(1, 1, 1), 3))
    assert words in found.parts[0].sentence
    assert found.parts[0].imbalanced is imbalanced
    assert found.found is imbalanced
    assert found.sentences[1] == "test: balanced, 1 picture of each class."


def test_an_imbalanced_test_part_says_what_one_answer_reaches() -> None:
    found = imbalance(labels_only(counts(50, 50), counts(90, 10), 2))
    assert found.parts[1].ratio == 9
    assert found.parts[1].sentence.endswith("9.0 times as many. Always answering class0 is right for 90 % of it.")


def test_parts_with_other_shares_are_named_beyond_chance_alone() -> None:
    shift = imbalance(labels_only(counts(500, 500), counts(90, 10), 2)).shift
    assert shift is not None
    assert (shift.train_share, shift.test_share) == (0.5, 0.9)
    assert "class0 is 50 % of train and 90 % of test." in shift.sentence
    assert imbalance(labels_only(counts(500, 500), counts(56, 44), 2)).shift is None, "chance makes that"
    assert imbalance(labels_only(counts(50_000, 50_000), counts(5_200, 4_800), 2)).shift is None, "too little"
    assert imbalance(labels_only(counts(1000, 1), counts(1, 1), 2)).shift is None, "too few to judge"


def test_chance_alone_is_hardly_ever_called_imbalance() -> None:
    draw = np.random.default_rng(0)
    sets = [labels_only(list(draw.integers(0, 10, 300)), list(draw.integers(0, 10, 100)), 10) for _ in range(200)]
    assert sum(imbalance(drawn).found for drawn in sets) <= 3
