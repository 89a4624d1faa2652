"""The judgement of the curves of a training, and what happened on the way."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifar_core.evaluate import curve_events, judge_curve
from cifar_core.evaluate.learning_curve import RECENT


def history(train: list[float], loss: list[float], accuracy: list[float], part: str = "validation") -> pd.DataFrame:
    """Metrics of a run; the training accuracy is a little above that of `part`."""
    return pd.DataFrame(
        {
            "epoch": range(1, len(train) + 1),
            "train_loss": train,
            "train_accuracy": [value + 0.01 for value in accuracy],
            f"{part}_loss": loss,
            f"{part}_accuracy": accuracy,
        }
    )


FALLING = [2.0, 1.0, 0.8, 0.6, 0.4]
OVERFITTING = [2.0, 1.0, 1.1, 1.2, 1.3]


@pytest.mark.parametrize(
    ("metrics", "kind", "start"),
    [
        (history([], [], []), "none", "No epoch is finished yet"),
        (history([2.0], [2.0], [0.3]), "first", "One epoch is done; a trend needs a few"),
        (history([1, 0.99], [1, 1], [0.5, 0.5]), "first", "2 epochs are done; a trend"),
        (history([2, 1.6, 1.3], [2, 1.6, 1.4], [0.3, 0.4, 0.5]), "improving", "Still improving: validation accuracy rose by 20.0 points over the last 2 epochs"),
        (history([2, 1.6, 1.3], [2, 1.6, 1.4], [0.5, 0.5, 0.5]), "improving", "Still improving: validation loss fell from 2.00 to 1.40 over the last 2 epochs"),
        (history([2, 1.6], [2, 1.6], [0.3, 0.4]), "improving", "Still improving: validation accuracy rose by 10.0 points over the last epoch;"),
        (history(FALLING, OVERFITTING, [0.5, 0.6, 0.6, 0.6, 0.6]), "overfitting", "Overfitting from epoch 3: the validation loss rose from 1.00 to 1.30 while the training loss fell; stop near there"),
        (history(FALLING, OVERFITTING, [0.5, 0.6, 0.6, 0.6, 0.6], "test"), "overfitting", "Overfitting from epoch 3: the test loss"),
        (history([2.3] * 3, [2.3] * 3, [0.1, 0.1, 0.11]), "not learning", "Not learning in 3 epochs: the best accuracy is 12.0 %, and guessing among 10 classes gives 10.0 %"),
        (history([1, 0.9, np.nan], [1, 1, np.nan], [0.5, 0.5, 0.1]), "unstable", "Diverged in epoch 3: the loss is no longer a number"),
        (history([1, 0.5, 1.2], [1, 0.6, 1.2], [0.6, 0.8, 0.5]), "unstable", "Unstable from epoch 3: the training loss rose from 0.50 to 1.20; try a lower"),
        (history([1, 0.5, 0.5, 0.5, 0.5], [1, 0.6, 0.6, 0.6, 0.6], [0.6] + [0.8] * 4), "plateau", "Plateau from epoch 3: the best validation accuracy hardly moves"),
    ],
)  # fmt: skip
def test_a_curve_is_judged(metrics: pd.DataFrame, kind: str, start: str) -> None:
    found = judge_curve(metrics)
    assert found.kind == kind and found.sentence.startswith(start)
    assert found.sentence.endswith(".") and "\n" not in found.sentence
    lasting = kind in ("overfitting", "unstable", "plateau", "not learning")
    assert curve_events(metrics) == ([found.sentence] if lasting else []), "what it is now is an event too"


def test_overfitting_with_a_rising_accuracy_says_so() -> None:
    found = judge_curve(history(FALLING, OVERFITTING, [0.5, 0.6, 0.62, 0.64, 0.66]))
    assert "though the validation accuracy still rose" in found.sentence


def test_without_a_validation_part_the_test_set_is_described() -> None:
    metrics = history([2, 1.6, 1.3], [2, 1.6, 1.4], [0.3, 0.4, 0.5], "test").assign(
        validation_loss=None, validation_accuracy=None
    )
    assert "test accuracy rose" in judge_curve(metrics).sentence


def test_the_accuracy_of_guessing_depends_on_the_number_of_classes() -> None:
    metrics = history([0.7] * 2, [0.7] * 2, [0.51, 0.51])
    assert judge_curve(metrics, classes=2).kind == "not learning"
    assert judge_curve(metrics, classes=10).kind != "not learning"


def test_a_long_plateau_and_overfitting_name_the_epoch_in_which_they_began() -> None:
    """However many epochs follow; the best loss is that of epoch 5."""
    train = [1 / epoch for epoch in range(1, 21)]
    flat = history([0.5] * 20, [1, 0.8, 0.6, 0.5, *[0.5] * 16], [0.2, 0.4, 0.6, 0.7, *[0.7] * 16])
    rising = history(train, [1, 0.8, 0.6, 0.5, 0.4, *np.linspace(0.5, 2, 15)], [0.2, 0.4, 0.6, 0.7, *[0.72] * 16])
    assert judge_curve(flat).sentence.startswith("Plateau from epoch 5: ")
    assert judge_curve(rising).sentence.startswith("Overfitting from epoch 6: ")
    for count in (10, 15, 20):
        assert [event.split(":")[0] for event in curve_events(flat[:count])] == ["Plateau from epoch 5"]
        assert curve_events(rising[:count])[-1].startswith("Overfitting from epoch 6: ")


def test_what_passed_is_kept_with_its_last_epoch_and_without_advice() -> None:
    """The loss jumps in epoch 5, and the training recovers; then it stands still for some epochs, and goes on."""
    train = [2, 1, 0.8, 0.6, 1.5, *[0.5] * 8, 0.4, 0.3, 0.2]
    accuracy = [0.2, 0.4, 0.5, 0.6, 0.3, *[0.65] * 8, 0.7, 0.75, 0.8]
    loss = [2, 1.2, 1, 0.9, 1.5, *[0.8] * 8, 0.7, 0.6, 0.5]
    assert curve_events(history(train, loss, accuracy)) == [
        "Unstable in epoch 5: the training loss rose from 0.60 to 1.50.",
        "Plateau from epoch 7 to 13: the best validation accuracy hardly moves.",
    ]
    assert judge_curve(history(train, loss, accuracy)).kind == "improving"


def test_a_short_plateau_that_passed_is_not_told() -> None:
    accuracy = [0.3, 0.5, 0.5, 0.5, 0.5, 0.6, 0.7]
    assert judge_curve(history([1] * 5, [1] * 5, accuracy[:5])).kind == "plateau"
    assert curve_events(history([1] * 7, [1] * 7, accuracy)) == []


LOSSES = st.floats(0, 5) | st.just(np.nan) | st.just(np.inf)


@given(st.lists(st.tuples(LOSSES, LOSSES, st.floats(0, 1)), max_size=30), st.integers(2, 1000))
def test_any_curve_is_judged_in_whole_sentences(rows: list[tuple[float, float, float]], classes: int) -> None:
    metrics = history(*map(list, zip(*rows, strict=True))) if rows else history([], [], [])
    found, events = judge_curve(metrics, classes=classes), curve_events(metrics, classes=classes)
    for sentence in (found.sentence, *events):
        assert re.fullmatch(r"[A-Z0-9].*\.", sentence) and len(sentence) < 250 and "nan" not in sentence
    assert len(events) == len({event.split(":")[0] for event in events}), "no event is told twice"
    assert len(events) <= max(1, len(rows) - 1)


@given(st.lists(st.tuples(st.floats(0, 5), st.floats(0, 5), st.floats(0, 1)), min_size=RECENT + 1, max_size=20))
def test_overfitting_and_instability_are_never_forgotten(rows: list[tuple[float, float, float]]) -> None:
    """What is said after an epoch is an event of the whole run, from the same epoch on."""
    metrics = history(*map(list, zip(*rows, strict=True)))
    heads = {event.split(":")[0].split(" to ")[0].replace(" in ", " from ") for event in curve_events(metrics)}
    for count in range(1, len(rows) + 1):
        found = judge_curve(metrics[:count])
        if found.kind in ("overfitting", "unstable"):
            assert found.sentence.split(":")[0].replace(" in ", " from ") in heads
