"""How well one property predicts the class: a rule written out in loops, and planted shortcuts."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, recall_score

from cifar_core.data import Dataset, Shortcut
from cifar_core.data.checks.properties import PIXEL_PROPERTIES
from cifar_core.data.checks.shortcuts import _edges, shortcuts
from tests.data.checks.support import dataset_of, split_of

_NONE = np.empty((0, 3, 32, 32), np.uint8)


def planted(
    labels: tuple[np.ndarray, np.ndarray],
    classes: int,
    brightness: tuple[np.ndarray, np.ndarray] | None = None,
    formats: tuple[np.ndarray, np.ndarray] | None = None,
) -> dict[str, Shortcut]:
    """The shortcuts of a dataset whose pictures differ in nothing but what is given."""
    tables = [np.ones((len(part), len(PIXEL_PROPERTIES)), np.float32) for part in labels]
    for table, values in zip(tables, brightness or (), strict=False):
        table[:, 0] = values
    stored = formats or (None, None)
    parts = [
        split_of(_NONE, part, name, None, kind) for part, name, kind in zip(labels, ("a", "b"), stored, strict=True)
    ]
    dataset: Dataset = dataset_of(*parts, classes)
    return {shortcut.id: shortcut for shortcut in shortcuts(dataset, *tables)}


def drawn(train: int, test: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(0)
    return draw.permutation(np.arange(train) % classes), draw.permutation(np.arange(test) % classes)


def test_the_rule_is_that_of_loops_and_scikit_learn() -> None:
    draw = np.random.default_rng(3)
    labels = (draw.choice(3, 600, p=[0.7, 0.2, 0.1]), draw.choice(3, 200, p=[0.2, 0.2, 0.6]))
    values = tuple((10 * part + draw.normal(0, 8, len(part))).astype(np.float32) for part in labels)
    found = planted(labels, 3, values)["brightness"]
    edges = _edges(values[0], 60)
    bins = [np.array([sum(value >= edge for edge in edges) for value in part]) for part in values]
    shares = np.array([[np.mean(bins[0][labels[0] == k] == b) for b in range(60)] for k in range(3)])
    guesses = shares.argmax(axis=0)[bins[1]]
    assert found.all_classes.accuracy == pytest.approx(balanced_accuracy_score(labels[1], guesses))
    best = int(found.class_name.removeprefix("class"))
    claimed = shares[best] > np.delete(shares, best, axis=0).mean(axis=0)
    guessed = claimed[bins[1]]
    recalls = [np.mean(guessed[labels[1] == k] == (k == best)) for k in range(3)]
    assert found.one_class.accuracy == pytest.approx((recalls[best] + np.mean(np.delete(recalls, best))) / 2)
    assert recalls[best] == pytest.approx(recall_score(labels[1] == best, guessed))


def test_a_property_that_is_the_class_tells_it_always() -> None:
    labels = drawn(200, 50, 10)
    found = planted(labels, 10, brightness=(20 * labels[0], 20 * labels[1]))
    assert list(found) == ["brightness"], "properties of one value are left out"
    assert found["brightness"].all_classes.accuracy == 1
    assert found["brightness"].possible
    assert found["brightness"].sentence == "Brightness alone tells the class of 100 % of the pictures (chance: 10 %)."
    formats = tuple(part.astype(np.uint8) % 7 for part in drawn(200, 50, 7))
    found = planted(drawn(200, 50, 7), 7, formats=(formats[0], formats[1]))
    assert found["format"].all_classes.accuracy == 1


def test_one_class_from_another_source_is_named() -> None:
    labels = drawn(1000, 400, 20)
    draw = np.random.default_rng(1)
    formats = tuple(np.where(part == 4, 1, draw.random(len(part)) < 0.02).astype(np.uint8) for part in labels)
    found = planted(labels, 20, formats=(formats[0], formats[1]))["format"]
    assert found.class_name == "class4"
    assert found.sentence == (
        "File format alone tells the class of 10 % of the pictures (chance: 5 %), "
        "and class4 from the other classes in 99 % (chance: 50 %)."
    )
    assert found.possible


@pytest.mark.parametrize("classes", [2, 10])
def test_a_property_without_meaning_stays_within_chance(classes: int) -> None:
    draw = np.random.default_rng(5)
    outside = 0
    for _ in range(40):
        labels = (draw.integers(0, classes, 500), draw.integers(0, classes, 300))
        found = planted(labels, classes, (draw.random(500), draw.random(300)))["brightness"]
        assert not found.possible
        outside += not found.all_classes.low <= 1 / classes <= found.all_classes.high
    assert outside <= 6, "a 95 % interval"


def test_a_class_without_test_pictures_is_measured_in_two_folds() -> None:
    labels = (np.repeat([0, 1, 2], 20), np.repeat([0, 1], 10))
    draw = np.random.default_rng(2)
    found = planted(labels, 3, (10.0 * labels[0], 10.0 * labels[1]))["brightness"]
    assert found.all_classes.accuracy == 1, "the third class too"
    assert found.all_classes.chance == pytest.approx(1 / 3)
    found = planted(labels, 3, (draw.random(60), draw.random(20)))["brightness"]
    assert found.all_classes.low < 1 / 3, "measured on pictures that did not make the rule"


def test_a_few_pictures_of_many_classes_hardly_ever_raise_an_alarm() -> None:
    labels, draw = drawn(52, 52, 13), np.random.default_rng(7)
    sets = [planted(labels, 13, (draw.random(52), draw.random(52)))["brightness"] for _ in range(100)]
    assert sum(found.possible for found in sets) <= 2


def test_a_handful_of_pictures_proves_nothing() -> None:
    labels = (np.array([0, 1, 0, 1]), np.array([0, 1]))
    found = planted(labels, 2, (np.array([1.0, 5.0, 1.0, 5.0]), np.array([1.0, 5.0])))["brightness"]
    assert found.all_classes.accuracy == 1
    assert not found.possible


def test_pictures_of_one_class_need_no_telling() -> None:
    labels = (np.ones(40, np.int64), np.ones(40, np.int64))
    assert planted(labels, 2, (np.arange(40), np.arange(40))) == {}


def test_a_class_without_any_picture_is_never_the_one_told() -> None:
    labels = (np.repeat([1, 2], 40), np.repeat([1, 2], 20))
    same = np.array([1.0, 1.0, 2.0, 2.0])
    found = planted(labels, 3, (np.tile(same, 20), np.tile(same, 10)))["brightness"]
    assert found.class_name != "class0"
    assert not found.possible


def test_a_rare_value_of_few_has_a_bin_of_its_own() -> None:
    assert _edges(np.array([1.0] * 1000 + [2.0]), 64).tolist() == [2]
    assert _edges(np.arange(1000.0), 4).tolist() == [250, 500, 750]
    assert _edges(np.array([0.0] * 900 + list(range(1, 101))), 4).tolist() == [], "more than bins, and hardly spread"
