"""How many pictures each class has: is a part balanced, and has the test part the classes of the training part?

Pure functions of a dataset's labels.
"""

from dataclasses import dataclass

import numpy as np

from cifar_core.data.dataset import Dataset, class_counts
from cifar_core.text import counted, whole_percent

CLEAR_RATIO = 1.5  # below it, what is beyond chance is still too little to matter: 5,200 pictures beside 5,000
_Z = 3.09  # of the normal distribution, exceeded once in a thousand
_MIN_EXPECTED = 5  # pictures of a class; chi-squared is not to be trusted with fewer (Cochran 1954)


@dataclass(frozen=True)
class PartBalance:
    """The largest and the smallest class of one part."""

    part: str  # as in `parts_of`
    largest: str
    largest_count: int
    smallest: str
    smallest_count: int
    imbalanced: bool  # beyond chance, and by `CLEAR_RATIO` or more; always where a class has no picture
    sentence: str

    @property
    def ratio(self) -> float | None:
        """How many times as many pictures the largest class has; None where the smallest has none."""
        return self.largest_count / self.smallest_count if self.smallest_count else None


@dataclass(frozen=True)
class ShareShift:
    """The class whose share differs most between the training and the test part."""

    class_name: str
    train_share: float  # 0 to 1
    test_share: float
    sentence: str


@dataclass(frozen=True)
class Imbalance:
    """How the pictures of a dataset are spread over its classes."""

    parts: tuple[PartBalance, ...]
    shift: ShareShift | None  # None where the shares agree

    @property
    def found(self) -> bool:
        """Whether there is anything that a person should know."""
        return self.shift is not None or any(part.imbalanced for part in self.parts)

    @property
    def sentences(self) -> list[str]:
        """One for each part, and one on a shift."""
        return [part.sentence for part in self.parts] + ([self.shift.sentence] if self.shift else [])


def imbalance(dataset: Dataset) -> Imbalance:
    """The largest and the smallest class of each part, and whether the shares of train and test differ clearly.

    Counts that random drawing from equal classes gives in more than one case of a thousand (chi-squared test) are
    called no more uneven than chance makes them.
    """
    table = class_counts(dataset)
    parts = {str(part): table[part].to_numpy(np.int64) for part in table.columns.drop("class")}
    balances = tuple(_part_balance(part, counts, dataset.class_names) for part, counts in parts.items())
    return Imbalance(balances, _share_shift(parts["train"], parts["test"], dataset.class_names))


def _part_balance(part: str, counts: np.ndarray, names: tuple[str, ...]) -> PartBalance:
    most, least = int(counts.argmax()), int(counts.argmin())
    high, low = int(counts[most]), int(counts[least])
    expected = np.full(len(counts), counts.mean())
    by_chance = not _beyond_chance(float(((counts - expected) ** 2 / expected).sum()), len(counts) - 1)
    imbalanced = low == 0 or (not by_chance and high >= CLEAR_RATIO * low)
    if high == low:
        words = f"balanced, {counted(high, 'picture')} of each class"
    elif low == 0:
        words = f"{names[most]} has {counted(high, 'picture')}, {_without(counts, names)} none"
    else:
        words = f"{names[most]} has {counted(high, 'picture')}, {names[least]} {low:,}"
        if by_chance:
            words += ": no more uneven than chance makes it"
        else:
            words += f": {'' if imbalanced else 'nearly balanced, '}{high / low:,.1f} times as many"
    sentence = f"{part}: {words}."
    if imbalanced and part == "test":
        sentence += f" Always answering {names[most]} is right for {whole_percent(high / counts.sum())} of it."
    return PartBalance(part, names[most], high, names[least], low, imbalanced, sentence)


def _without(counts: np.ndarray, names: tuple[str, ...]) -> str:
    empty = np.flatnonzero(counts == 0)
    return names[empty[0]] if len(empty) == 1 else f"{len(empty)} classes"


def _share_shift(train: np.ndarray, test: np.ndarray, names: tuple[str, ...]) -> ShareShift | None:
    """The largest difference in share, where the parts differ beyond chance and clearly."""
    both = np.stack([train, test])
    expected = both.sum(axis=1, keepdims=True) * both.sum(axis=0) / both.sum()  # [2, K]
    judged = expected.min(axis=0) >= _MIN_EXPECTED
    statistic = float(((both - expected)[:, judged] ** 2 / expected[:, judged]).sum())
    if judged.sum() < 2 or not _beyond_chance(statistic, int(judged.sum()) - 1):
        return None
    shares = both / both.sum(axis=1, keepdims=True)
    place = int(np.where(judged, np.abs(shares[0] - shares[1]), -1).argmax())
    in_train, in_test = shares[:, place].tolist()
    if max(in_train, in_test) < CLEAR_RATIO * min(in_train, in_test):
        return None
    words = f"{names[place]} is {whole_percent(in_train)} of train and {whole_percent(in_test)} of test"
    return ShareShift(names[place], in_train, in_test, f"The parts hold the classes in different shares: {words}.")


def _beyond_chance(statistic: float, freedom: int) -> bool:
    """Whether chi-squared exceeds what chance gives in one case of a thousand (Wilson and Hilferty 1931)."""
    spread = 2 / (9 * freedom)
    return bool((statistic / freedom) ** (1 / 3) > 1 - spread + _Z * spread**0.5)
