"""The predictions of two runs or epochs on the same test pictures: read, and brought to one order. Writes nothing."""

import re
from dataclasses import dataclass, replace

import numpy as np

from cifar_core.errors import RunError
from cifar_core.runs.listing import resolve_run
from cifar_core.runs.results import read_predictions
from cifar_core.runs.run import Predictions
from cifar_core.text import counted, one_line
from cifar_core.workspace import Workspace

_EPOCH = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)


@dataclass(frozen=True)
class RunEpoch:
    """One epoch of one run, as people write it: `RUN@3`, or `RUN` for the best epoch."""

    run: str  # the id, or `latest`
    epoch: int | None = None  # None is the best one

    def __str__(self) -> str:
        return self.run if self.epoch is None else f"{self.run}@{self.epoch}"


def parse_run_epoch(text: str) -> RunEpoch:
    """The run and epoch that a text names.

    Raises:
        RunError: what follows the `@` is no epoch.
    """
    run, mark, epoch = text.partition("@")
    if not mark:
        return RunEpoch(run)
    if not _EPOCH.fullmatch(epoch):
        raise RunError(f"{one_line(text)} names no epoch: write RUN@3 for epoch 3 of a run, or RUN for its best one.")
    return RunEpoch(run, int(epoch))


def read_pair(workspace: Workspace, a: RunEpoch, b: RunEpoch) -> tuple[Predictions, Predictions]:
    """The test predictions of both, of the same pictures in the same order, with the same classes in the same order.

    Raises:
        RunError: as `read_predictions` and `align_pair`.
    """
    found = [read_predictions(workspace, resolve_run(workspace, item.run), item.epoch) for item in (a, b)]
    return align_pair(found[0], found[1], str(a), str(b))


def align_pair(a: Predictions, b: Predictions, name_a: str, name_b: str) -> tuple[Predictions, Predictions]:
    """Two predictions of the same pictures, in the order of A's ids and class names.

    Pictures are the same where their ids and the names of their true classes are, whatever the networks were trained
    on. A class that only one of them knows has the probability 0 in the other.

    Args:
        a: decides the order.
        b: is brought to it.
        name_a: of A's run, for an error.
        name_b: of B's run.

    Raises:
        RunError: the pictures or their true classes differ; the sentence says how.
    """
    names = (*a.class_names, *(name for name in b.class_names if name not in set(a.class_names)))
    b = _in_order_of(a.ids, b, name_a, name_b)
    a, b = _with_classes(a, names), _with_classes(b, names)
    differ = np.flatnonzero(a.labels != b.labels)
    if len(differ):
        first = int(differ[0])
        classes = [one_line(names[found.labels[first]]) for found in (a, b)]
        raise RunError(
            f"The true classes of {counted(len(differ), 'test picture')} differ: {one_line(a.ids[first])} is "
            f"{classes[0]} in {name_a} and {classes[1]} in {name_b}. Compare runs on the same labels."
        )
    return a, b


def _in_order_of(ids: np.ndarray, found: Predictions, name_a: str, name_b: str) -> Predictions:
    """The predictions in the order of these ids."""
    if len(ids) != len(found.ids):
        raise RunError(
            f"The test parts differ: {name_a} was measured on {counted(len(ids), 'picture')}, "
            f"{name_b} on {len(found.ids):,}. Compare runs that were measured on the same test pictures."
        )
    if np.array_equal(ids, found.ids):
        return found
    to, of = np.argsort(ids, kind="stable"), np.argsort(found.ids, kind="stable")
    strange = ids[to] != found.ids[of]
    if strange.any():
        missing = np.setdiff1d(ids, found.ids)
        first = one_line(missing[0] if len(missing) else ids[to][strange][0])
        raise RunError(
            f"The test parts differ: {max(1, len(missing)):,} of {len(ids):,} pictures of {name_a}, such as {first}, "
            f"are not among those of {name_b}. Compare runs that were measured on the same test pictures."
        )
    order = np.empty(len(ids), np.int64)
    order[to] = of
    seen = None if found.seen is None else found.seen[order]
    return replace(found, ids=found.ids[order], labels=found.labels[order], probs=found.probs[order], seen=seen)


def _with_classes(found: Predictions, names: tuple[str, ...]) -> Predictions:
    """The predictions over these classes, which hold all of theirs."""
    if found.class_names == names:
        return found
    place = np.array([names.index(name) for name in found.class_names])
    probs = np.zeros((len(found.labels), len(names)), found.probs.dtype)
    probs[:, place] = found.probs
    return replace(found, labels=place[found.labels], probs=probs, class_names=names)
