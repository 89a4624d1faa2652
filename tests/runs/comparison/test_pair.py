"""Two runs' predictions on the same test pictures: read, brought to one order, and refused where they differ."""

from dataclasses import replace

import numpy as np
import pytest

from cifar_core.errors import RunError
from cifar_core.runs import Predictions, RunEpoch, align_pair, parse_run_epoch, read_pair, read_predictions
from cifar_core.workspace import Workspace
from tests.runs.exported_runs import RUN, store

PROBS = np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.3, 0.3, 0.4]], np.float32)
A = Predictions(np.array([0, 1, 2]), PROBS, ("cat", "dog", "frog"), np.array(["x", "y", "z"]), "test", 3)


def changed(order: list[int], classes: list[int], names: tuple[str, ...] = A.class_names) -> Predictions:
    """The same answers with pictures and classes in another order."""
    place = np.argsort(classes)
    return Predictions(
        place[A.labels][order],
        PROBS[order][:, classes],
        tuple(names[index] for index in classes),
        A.ids[order],
        "test",
        1,
        np.array([True, False, False])[order],
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("quiet-otter@3", RunEpoch("quiet-otter", 3)),
        ("latest", RunEpoch("latest")),
        ("latest@12", RunEpoch("latest", 12)),
    ],
)
def test_a_run_and_epoch_as_people_write_it(text: str, expected: RunEpoch) -> None:
    assert parse_run_epoch(text) == expected and str(expected) == text


@pytest.mark.parametrize("text", ["a@", "a@0", "a@x", "a@3@4", "a@-1", "a@1.5", "a@\u0663", "@\x1b[31m"])
def test_no_epoch_is_refused(text: str) -> None:
    with pytest.raises(RunError, match=r"names no epoch: write RUN@3") as caught:
        parse_run_epoch(text)
    assert "\x1b" not in str(caught.value)


def test_pictures_and_classes_in_another_order_are_the_same() -> None:
    a, b = align_pair(A, changed([2, 0, 1], [2, 0, 1]), "a", "b")
    assert a is A
    assert np.array_equal(b.ids, A.ids) and np.array_equal(b.labels, A.labels) and b.class_names == A.class_names
    assert np.array_equal(b.probs, PROBS) and b.seen is not None and b.seen.tolist() == [True, False, False]


def test_a_class_that_only_one_knows_has_no_probability_in_the_other() -> None:
    four = Predictions(A.labels, np.full((3, 4), 0.25), ("frog", "dog", "cat", "owl"), A.ids, "test", 1)
    a, b = align_pair(A, replace(four, labels=np.array([2, 1, 0])), "a", "b")
    assert a.class_names == b.class_names == ("cat", "dog", "frog", "owl")
    assert np.array_equal(a.probs[:, :3], PROBS) and not a.probs[:, 3].any()
    assert np.array_equal(a.labels, b.labels) and np.array_equal(a.predicted, A.predicted)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            lambda: replace(A, ids=A.ids[:2], labels=A.labels[:2], probs=PROBS[:2]),
            r"^The test parts differ: a was measured on 3 pictures, b on 2\. Compare runs",
        ),
        (
            lambda: replace(A, ids=np.array(["x", "y", "other"])),
            r"^The test parts differ: 1 of 3 pictures of a, such as z, are not among those of b\.",
        ),
        (
            lambda: replace(A, labels=np.array([0, 2, 2])),
            r"^The true classes of 1 test picture differ: y is dog in a and frog in b\.",
        ),
    ],
)
def test_other_test_parts_are_refused_with_the_reason(change: object, reason: str) -> None:
    with pytest.raises(RunError, match=reason):
        align_pair(A, change(), "a", "b")  # type: ignore[operator]


def test_two_epochs_of_a_stored_run(workspace: Workspace) -> None:
    store(workspace)
    a, b = read_pair(workspace, RunEpoch(RUN, 1), RunEpoch("latest"))
    best = read_predictions(workspace, RUN)
    assert (a.epoch, b.epoch) == (1, best.epoch) and np.array_equal(b.probs, best.probs)
    with pytest.raises(RunError, match="no predictions of epoch 9"):
        read_pair(workspace, RunEpoch(RUN, 9), RunEpoch(RUN))
