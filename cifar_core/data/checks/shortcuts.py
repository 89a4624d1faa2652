"""How well one property alone predicts the class: a network learns such shortcuts first.

The idea is that of the spurious correlations of cleanlab's Datalab. Pure functions of properties and labels.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cifar_core.data.checks.properties import PIXEL_PROPERTIES, PROPERTIES
from cifar_core.data.dataset import Dataset
from cifar_core.text import whole_percent

_MAX_BINS = 64
_STRONG = 0.5  # of the way from chance to certainty
_MIN_IN_BIN = 10  # pictures that a bin is learned from, where the values are spread evenly
_Z = 1.96  # of a 95 % interval
_Z_CHANCE = 3.09  # what guessing exceeds once in a thousand
_ALONE = ("brightness", "contrast", "sharpness", "colourfulness")  # properties that are tried one by one
_COLOUR = ("red_green", "yellow_blue")  # only together they are a colour


@dataclass(frozen=True)
class Told:
    """How much a rule gets right, as a mean over the classes (balanced accuracy), with a 95 % interval."""

    accuracy: float
    low: float
    high: float
    chance: float  # what guessing gets right
    beyond_chance: bool  # more than guessing would get right in one case of a thousand

    @property
    def gain(self) -> float:
        """How far from chance (0) to certainty (1) the rule leads."""
        return (self.accuracy - self.chance) / (1 - self.chance)

    @property
    def strong(self) -> bool:
        """Whether it is beyond chance, and goes at least half the way from chance to 100 %."""
        return self.beyond_chance and self.gain >= _STRONG

    @property
    def named_from(self) -> float:
        """The accuracy from which on it is named: twice chance, or half the way from chance to 100 % if that is less.

        (Twice chance is out of reach for two classes.)
        """
        return min(2 * self.chance, (1 + self.chance) / 2)

    @property
    def clear(self) -> bool:
        """Whether it is beyond chance, and so much that it is named."""
        return self.beyond_chance and self.accuracy >= self.named_from


@dataclass(frozen=True)
class Shortcut:
    """What one property alone tells of the class of a picture that the rule was not made from."""

    id: str
    title: str
    all_classes: Told  # naming the class
    class_name: str  # the class that it tells best from the others
    one_class: Told  # telling that class from the others

    @property
    def possible(self) -> bool:
        """Whether a network could go by it instead of by what the pictures show."""
        return self.all_classes.clear or self.one_class.clear

    @property
    def strong(self) -> bool:
        """Whether it makes an accuracy doubtful by itself, so that it is said wherever one stands."""
        return self.all_classes.strong or self.one_class.strong

    @property
    def sentence(self) -> str:
        """In words, beside chance; also of the one class where that says more, as it never does of two classes."""
        told, one = self.all_classes, self.one_class
        words = [f"the class of {_beside_chance(told, ' of the pictures')}"]
        if one.clear and one.gain > told.gain and one.chance != told.chance:
            one_class = f"{self.class_name} from the other classes in {_beside_chance(one)}"
            words = [*words, one_class] if told.clear else [one_class]
        return f"{self.title} alone tells {', and '.join(words)}."


@dataclass(frozen=True)
class _Fold:
    """Pictures per class and bin, int64 [K, B]: those that a rule is learned from, those it is measured on."""

    learned: np.ndarray
    measured: np.ndarray


def shortcuts(dataset: Dataset, train_properties: np.ndarray, test_properties: np.ndarray) -> list[Shortcut]:
    """How well each property alone predicts the class, best first; properties of one value are left out.

    There are none where all pictures are of one class.

    The rule: a picture is of the class that has the largest share of its pictures in the picture's bin. Bins hold equal
    numbers of training pictures. It is learned on train and measured on test; where a class has no test pictures, it is
    learned on every other picture of each class and measured on the rest, and the other way round.

    Args:
        dataset: of N training and M test pictures.
        train_properties: float32 [N, P], by `picture_properties`.
        test_properties: float32 [M, P].
    """
    labels = np.concatenate([dataset.train.labels, dataset.test.labels])
    in_test = np.repeat([False, True], [len(train_properties), len(test_properties)])
    classes = len(dataset.class_names)
    if len(np.unique(labels)) < 2:
        return []
    if len(np.unique(dataset.test.labels)) == classes:
        folds = [(~in_test, in_test)]
    else:
        odd = _every_other(labels)
        folds = [(~odd, odd), (odd, ~odd)]
    found = []
    for name, title, values in _candidates(dataset, np.concatenate([train_properties, test_properties])):
        if any((column != column[0]).any() for column in values):
            counted = [_count(values, labels, classes, *fold) for fold in folds]
            found.append(_judge(name, title, counted, dataset.class_names))
    return sorted(
        found, key=lambda shortcut: (not shortcut.possible, -max(shortcut.all_classes.gain, shortcut.one_class.gain))
    )


def _beside_chance(told: Told, of: str = "") -> str:
    return f"{whole_percent(told.accuracy)}{of} (chance: {whole_percent(told.chance)})"


def _candidates(dataset: Dataset, properties: np.ndarray) -> Iterator[tuple[str, str, list[np.ndarray]]]:
    """Id, title and values [N + M] of each property; a colour has two values."""
    column = dict(zip(PIXEL_PROPERTIES, properties.T, strict=True))
    titles = {entry.name: entry.title for entry in PROPERTIES}
    for name in _ALONE:
        yield name, titles[name], [column[name]]
    yield "colour", "Mean colour", [column[name] for name in _COLOUR]
    train, test = dataset.train, dataset.test
    if train.sizes is not None and test.sizes is not None:
        width, height = np.concatenate([train.sizes, test.sizes]).astype(np.float64).T
        yield "size", "Size before resizing", [width * height]
        yield "shape", "Shape before resizing", [width / height]
    if train.formats is not None and test.formats is not None:
        yield "format", "File format", [np.concatenate([train.formats, test.formats])]


def _every_other(labels: np.ndarray) -> np.ndarray:
    """Every second picture of each class: bool [N]."""
    order = np.argsort(labels, kind="stable")
    first = np.searchsorted(labels[order], labels[order])
    odd = np.empty(len(labels), bool)
    odd[order] = (np.arange(len(labels)) - first) % 2 == 1
    return odd


def _count(
    values: list[np.ndarray], labels: np.ndarray, classes: int, learned: np.ndarray, measured: np.ndarray
) -> _Fold:
    bins = np.clip(np.count_nonzero(learned) // _MIN_IN_BIN, 2, _MAX_BINS)
    per_value = int(bins ** (1 / len(values)))
    place = np.zeros(len(labels), np.int64)
    for column in values:
        edges = _edges(column[learned], max(2, per_value))
        place = place * (len(edges) + 1) + np.searchsorted(edges, column, side="right")
    number = int(place.max()) + 1
    cell = labels * number + place
    tables = [
        np.bincount(cell[rows], minlength=classes * number).reshape(classes, number) for rows in (learned, measured)
    ]
    return _Fold(*tables)


def _edges(values: np.ndarray, bins: int) -> np.ndarray:
    """Where bins of about equal numbers begin, without the first; few different values get a bin each."""
    ordered = np.sort(values)
    different = ordered[np.flatnonzero(np.diff(ordered, prepend=ordered[:1] - 1.0))] if len(ordered) else ordered
    if len(different) <= bins:
        return different[1:]
    edges = np.unique(ordered[len(ordered) * np.arange(1, bins) // bins])
    return edges[edges > ordered[0]]


def _judge(name: str, title: str, folds: list[_Fold], class_names: tuple[str, ...]) -> Shortcut:
    """Learn the rules of each fold, and add up what they get right."""
    classes = len(class_names)
    number = np.arange(classes)
    named, taken, measured = (np.zeros((classes, *more), np.int64) for more in ((), (classes,), ()))
    apart = np.zeros(classes)
    for fold in folds:
        shares = fold.learned / np.maximum(fold.learned.sum(axis=1, keepdims=True), 1)  # [K, B]
        named_class = np.where(shares.any(axis=0), shares.argmax(axis=0), -1)  # [B]; nothing is known of an empty bin
        named += np.where(named_class == number[:, None], fold.measured, 0).sum(axis=1)
        # One class against the others: a picture is taken for it where its share is larger than the mean of theirs.
        others = (shares.sum(axis=0) - shares) / max(1, np.count_nonzero(shares.any(axis=1)) - 1)
        claimed = shares > others  # [K, B]
        taken += claimed @ fold.measured.T  # [class of the rule, class of the picture]
        apart += ((shares - others) * claimed).sum(axis=1)
        measured += fold.measured.sum(axis=1)
    best = int(np.where(measured > 0, apart, -1).argmax())
    right = np.where(number == best, taken[best], measured - taken[best])
    weights = np.where(number == best, np.count_nonzero(measured) - 1, 1)  # the class counts as much as all others
    all_classes = _told(named, measured, np.ones(classes))
    return Shortcut(name, title, all_classes, class_names[best], _told(right, measured, weights))


def _told(right: np.ndarray, measured: np.ndarray, weights: np.ndarray) -> Told:
    """Weighted mean over the classes of the share that is right, with its normal interval.

    The variance is that of a share with one more picture on each side, so that 10 of 10 does not count as certain.
    """
    there = measured > 0
    right, count, weights = right[there], measured[there], weights[there]
    accuracy = float((weights * right / count).sum() / weights.sum())
    share = (right + 1) / (count + 2)
    chance = float(weights.max() / weights.sum())
    half, guessed = (
        z * float(np.sqrt((weights**2 * right_share * (1 - right_share) / count).sum()) / weights.sum())
        for z, right_share in ((_Z, share), (_Z_CHANCE, chance))
    )
    low, high = max(0.0, accuracy - half), min(1.0, accuracy + half)
    return Told(accuracy, low, high, chance, accuracy - chance > guessed)
