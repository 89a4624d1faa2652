"""A cleaned copy of a dataset: which of its pictures stay, in numbers before it is made; then the copy itself.

The plan reads nothing but labels and groups; saving reads the pictures that stay and writes a new dataset by the store.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cifar_core.data.checks.duplicates import Groups, in_conflict
from cifar_core.data.dataset import Dataset, Split
from cifar_core.data.originals.reader import opened_originals
from cifar_core.data.store import save_dataset
from cifar_core.data.stratified import MAX_TEST_SHARE, MIN_TEST_SHARE, choose_test
from cifar_core.errors import DataError
from cifar_core.text import counted, first_names
from cifar_core.workspace import Workspace

PARTS = ("train", "validation", "test")  # a picture that is in several stays in the last of them
_TRAIN, _VALIDATION, _TEST = range(3)
_LEAVES = -1
_SEED = 0  # draws the new test part where the pictures are split anew
_ID_PARTS = ("train/", "valid/", "test/")  # what an id may begin with


@dataclass(frozen=True)
class CleanedPlan:
    """Which pictures stay in the cleaned copy, and in which part.

    N pictures are those of the stored training part, then those of the test part. Parts are indices of `PARTS`.
    """

    class_names: tuple[str, ...]
    labels: np.ndarray  # int64 [N]
    part: np.ndarray  # int8 [N]: in the source
    new_part: np.ndarray  # int8 [N]: in the copy; -1 leaves
    kept_in: np.ndarray  # int8 [N]: the part of the source whose copy of the picture stays; -1 under several classes
    conflicts: int  # distinct pictures under two or more classes
    emptied: tuple[str, ...] = ()  # classes that a part would have lost, so that all pictures are split anew
    test_share: float = 0.0  # of the pictures that are split anew

    @property
    def leaving(self) -> int:
        """How many pictures leave."""
        return int((self.new_part == _LEAVES).sum())

    @property
    def split_anew(self) -> bool:
        """Whether a part would have lost a class, so that the distinct pictures are split anew."""
        return self.test_share > 0

    @property
    def before(self) -> np.ndarray:
        """Pictures of each class in each of `PARTS`, int64 [3, K]."""
        return _counts(self.labels, self.part, len(self.class_names))

    @property
    def after(self) -> np.ndarray:
        """As `before`, in the copy; classes that leave have none."""
        return _counts(self.labels, self.new_part, len(self.class_names))

    @property
    def stays(self) -> np.ndarray:
        """Which classes stay: bool [K]. One leaves where all its pictures stand under other classes too."""
        return (self.after.sum(axis=0) > 0) | (self.before.sum(axis=0) == 0)

    @property
    def sentences(self) -> list[str]:
        """What leaves and why, and how the rest is split, for people."""
        if not self.leaving:
            return ["No picture occurs twice: there is nothing to clean."]
        return [*_leaving_sentences(self), *_class_sentences(self)]


def plan_cleaned_copy(dataset: Dataset, groups: Groups) -> CleanedPlan:
    """Decide which pictures stay; 60,000 pictures take a fraction of a second.

    A picture that stands under two or more classes leaves all parts. Each other distinct picture stays once: in the
    test part if it is there, else among the dataset's own validation pictures, else in the training part; there the
    first one stays. The only picture of a class stays in the training part, if it is there. Where the training or the
    test part would lose a class by that, all these distinct pictures are split anew, with the share that the test part
    had.

    Raises:
        DataError: fewer than two classes, or too few pictures for two parts, would be left.
    """
    labels = np.concatenate([dataset.train.labels, dataset.test.labels])
    numbers = np.concatenate([groups.train, groups.test])
    part = _parts(dataset)
    conflicted = in_conflict(dataset, groups)
    # The only distinct picture of a class is learned from; of other classes, the copy in the test part stays.
    distinct = np.unique(numbers, return_index=True)[1][~conflicted]
    alone = (np.bincount(labels[distinct], minlength=len(dataset.class_names)) == 1)[labels]
    priority = np.lexsort((np.arange(len(part)), np.where(alone, part, -part)))
    keepers = priority[np.unique(numbers[priority], return_index=True)[1]]  # [G]: of each distinct picture, the one
    new_part = np.full(len(part), _LEAVES, np.int8)
    staying = keepers[~conflicted]
    new_part[staying] = part[staying]
    kept_in = np.where(conflicted, _LEAVES, part[keepers])[numbers].astype(np.int8)
    plan = CleanedPlan(dataset.class_names, labels, part, new_part, kept_in, int(conflicted.sum()))
    if not plan.leaving:
        return plan
    _require_classes(plan)
    return _split_anew(plan, staying) if _loses_class(plan) else plan


def parts_table(plan: CleanedPlan) -> pd.DataFrame:
    """Pictures of each part: columns `part`, `before` and `after`; `validation` where the source has such a part."""
    table = pd.DataFrame({"part": PARTS, "before": plan.before.sum(axis=1), "after": plan.after.sum(axis=1)})
    return table[(table["part"] != PARTS[_VALIDATION]) | (table["before"] > 0)].reset_index(drop=True)


def classes_table(plan: CleanedPlan) -> pd.DataFrame:
    """The classes whose pictures change: columns `class`, then `PART before` and `PART after` of each part."""
    columns: dict[str, np.ndarray] = {}
    for part in parts_table(plan)["part"]:
        row = PARTS.index(part)
        columns |= {f"{part} before": plan.before[row], f"{part} after": plan.after[row]}
    table = pd.DataFrame({"class": list(plan.class_names), **columns})
    return table[(plan.before != plan.after).any(axis=0)].reset_index(drop=True)


def save_cleaned_copy(workspace: Workspace, dataset: Dataset, plan: CleanedPlan, name: str) -> Dataset:
    """Store the pictures that stay as a new dataset, whole or not at all; the source is untouched.

    Raises:
        DataError: there is nothing to clean, or the name is taken or not allowed.
        StorageError: the disk refused; nothing is left behind.
    """
    if not plan.leaving:
        raise DataError(f"No picture of {dataset.name} occurs twice: there is nothing to clean.")
    train = _take(dataset, plan, np.isin(plan.new_part, (_TRAIN, _VALIDATION)), "train/")
    test = _take(dataset, plan, plan.new_part == _TEST, "test/")
    held = np.flatnonzero(plan.new_part[np.isin(plan.new_part, (_TRAIN, _VALIDATION))] == _VALIDATION)
    with opened_originals(workspace, dataset) as originals:
        return save_dataset(
            workspace,
            name,
            train,
            test,
            title=name,
            class_names=tuple(name for name, stays in zip(plan.class_names, plan.stays, strict=True) if stays),
            source=f"Cleaned copy of {dataset.name}. {dataset.source}",
            validation=held if len(held) else None,
            grey_bits=dataset.grey_bits,
            fit=dataset.fit,
            notes=(*dataset.notes, f"This is a cleaned copy of {dataset.name}.", *plan.sentences),
            originals=originals,
        )


def _parts(dataset: Dataset) -> np.ndarray:
    """The part of each picture in the source, int8 [N]."""
    train = np.full(len(dataset.train.labels), _TRAIN, np.int8)
    if dataset.validation is not None:
        train[dataset.validation] = _VALIDATION
    return np.concatenate([train, np.full(len(dataset.test.labels), _TEST, np.int8)])


def _counts(labels: np.ndarray, part: np.ndarray, classes: int) -> np.ndarray:
    return np.stack([np.bincount(labels[part == row], minlength=classes) for row in range(len(PARTS))])


def _require_classes(plan: CleanedPlan) -> None:
    """Raise DataError where fewer than two classes, or fewer pictures than two parts need, would be left."""
    sizes = plan.after.sum(axis=0)
    left = int((sizes > 0).sum())
    if left < 2:
        classes = "no class" if left == 0 else f"only the class {plan.class_names[int(sizes.argmax())]}"
        raise DataError(
            f"A cleaned copy would have {classes}: all other pictures stand under two or more classes. Correct the "
            "labels of the source and import it again."
        )
    if _loses_class(plan) and sizes.max() < 2:
        raise DataError(
            f"Only {counted(int(sizes.sum()), 'distinct picture')} would be left, one of each class: too few for a "
            "training and a test part. Add pictures to the source and import it again."
        )


def _lost(plan: CleanedPlan) -> np.ndarray:
    """Which staying classes have pictures in the training or the test part, but would have none there: bool [K].

    The only picture of a class is in one part, however the pictures are split.
    """
    lost, left = (plan.before > 0) & (plan.after == 0), plan.after.sum(axis=0)
    return (lost[_TRAIN] & (left > 0)) | (lost[_TEST] & (left > 1))


def _loses_class(plan: CleanedPlan) -> bool:
    """Whether a part would lose a class that stays, or all its pictures."""
    return bool(_lost(plan).any()) or not plan.after[[_TRAIN, _TEST]].any(axis=1).all()


def _split_anew(plan: CleanedPlan, staying: np.ndarray) -> CleanedPlan:
    """Draw a new test part from the pictures that stay, int64 [n]; there are no own validation pictures then."""
    share = (plan.part == _TEST).mean()
    # The share is at least one picture, so that there is a test part.
    share = float(min(MAX_TEST_SHARE, max(MIN_TEST_SHARE, share, 1 / len(staying))))
    rows = np.sort(staying)
    new_part = np.full(len(plan.part), _LEAVES, np.int8)
    new_part[rows] = np.where(choose_test(plan.labels[rows], share, _SEED), _TEST, _TRAIN)
    emptied = tuple(plan.class_names[label] for label in np.flatnonzero(_lost(plan)))
    return replace(plan, new_part=new_part, emptied=emptied, test_share=share)


def _leaving_sentences(plan: CleanedPlan) -> list[str]:
    sentences = []
    conflicted = plan.kept_in == _LEAVES
    if plan.conflicts:
        stand, they = ("stands", "it leaves") if plan.conflicts == 1 else ("stand", "they leave")
        sentences.append(
            f"{counted(plan.conflicts, 'picture')} {stand} under two or more classes: {they} all parts "
            f"({_copies(int(conflicted.sum()))})."
        )
    gone = (plan.new_part == _LEAVES) & ~conflicted
    if plan.split_anew:
        surplus = int(gone.sum())
        return [*sentences, f"{_copies(surplus)} of other pictures {_leave(surplus)}: each picture stays once."]
    for part, kept_in, words in (
        (_TRAIN, _TEST, ("training", "test", "training part")),
        (_VALIDATION, _TEST, ("validation", "test", "validation pictures")),
        (_TRAIN, _VALIDATION, ("training", "validation", "training part")),
        (_VALIDATION, _TRAIN, ("validation", "training", "validation pictures")),
        (_TEST, _TRAIN, ("test", "training", "test part")),
    ):
        count = int((gone & (plan.part == part) & (plan.kept_in == kept_in)).sum())
        if count:
            are = f"is also a {words[1]} picture" if count == 1 else f"are also {words[1]} pictures"
            they = "it leaves" if count == 1 else "they leave"
            sentences.append(f"{counted(count, f'{words[0]} picture')} {are}: {they} the {words[2]}.")
    surplus = int((gone & (plan.part == plan.kept_in)).sum())
    if surplus:
        are = "is a surplus copy" if surplus == 1 else "are surplus copies"
        sentences.append(
            f"{counted(surplus, 'picture')} {are} within a part and {_leave(surplus)}: the first one stays."
        )
    return sentences


def _class_sentences(plan: CleanedPlan) -> list[str]:
    sentences = []
    leaving = [name for name, stays in zip(plan.class_names, plan.stays, strict=True) if not stays]
    if leaving:
        sentences.append(
            f"Every picture of {first_names(leaving)} stands under another class too: "
            f"{'this class leaves' if len(leaving) == 1 else 'these classes leave'} the dataset."
        )
    had_some = (plan.before[_TEST] > 0) | plan.split_anew
    untested = np.flatnonzero(had_some & (plan.after[_TEST] == 0) & (plan.after[_TRAIN] > 0))
    missing = first_names([plan.class_names[label] for label in untested])
    note = [f"No test pictures: {missing}. Scores of such a class are undefined."] if missing else []
    if not plan.split_anew:
        return [*sentences, *note]
    classes = "the class" if len(plan.emptied) == 1 else "the classes"
    lost = f"lose {classes} {first_names(plan.emptied)}" if plan.emptied else "be empty"
    train, _, test = plan.after.sum(axis=1)
    sentences.append(
        f"The training or the test part would {lost} by that, so the {train + test:,} pictures that stay are split "
        f"anew: {test:,} into the test part (share {plan.test_share:.2g} of each class, seed {_SEED})."
    )
    if plan.before[_VALIDATION].any():
        sentences.append(
            "The copy has no validation pictures of its own then: a share of the training pictures validates each run."
        )
    return [*sentences, *note]


def _copies(count: int) -> str:
    return "1 copy" if count == 1 else f"{count:,} copies"


def _leave(count: int) -> str:
    return "leaves" if count == 1 else "leave"


def _take(dataset: Dataset, plan: CleanedPlan, chosen: np.ndarray, id_part: str) -> Split:
    """The chosen of the N pictures as a part whose ids begin with its name where they did so, and are unique."""
    from_train, from_test = np.split(chosen, [len(dataset.train.labels)])
    pieces = [
        split.take(np.flatnonzero(rows))
        for split, rows in ((dataset.train, from_train), (dataset.test, from_test))
        if rows.any()
    ]
    taken = pieces[0].join(pieces[1]) if len(pieces) > 1 else pieces[0]
    new_labels = np.cumsum(plan.stays) - 1
    ids = _new_ids(taken.ids.tolist(), id_part) if plan.split_anew else taken.ids
    return replace(taken, labels=new_labels[taken.labels].astype(np.int64), ids=ids)


def _new_ids(ids: list[str], id_part: str) -> np.ndarray:
    """Ids that say their new part; one that is taken gets a number before its ending: `train/cat/1-2.png`."""
    found: dict[str, None] = {}
    for old in ids:
        rest = next((old.removeprefix(part) for part in _ID_PARTS if old.startswith(part)), old)
        new, number = id_part + rest, 1
        folder, slash, file = rest.rpartition("/")
        stem, dot, ending = file.rpartition(".") if "." in file[1:] else (file, "", "")
        while new in found:
            number += 1
            new = f"{id_part}{folder}{slash}{stem}-{number}{dot}{ending}"
        found[new] = None
    return np.array(list(found))
