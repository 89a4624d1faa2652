"""Times in words: what was expected of a run and what it took."""

from dataclasses import replace

import pytest

from cifar_core.runs import Estimate, Run, Span, Status, TrainingProgress
from cifar_core.train import EpochLine
from pages.ui.wording import estimate_error_line, estimate_words, range_words
from tests.runs.estimate.test_time_left import RUN

LAST = EpochLine(
    epoch=10,
    train_loss=1.0,
    train_accuracy=0.5,
    test_loss=1.0,
    test_accuracy=0.5,
    learning_rate=0.1,
    seconds=1.0,
    images_per_second=1.0,
    validation_loss=None,
    validation_accuracy=None,
)


def took(seconds: float, low: float | None, middle: float | None, high: float | None) -> Run:
    progress = TrainingProgress("finished", elapsed=seconds)
    expected = {"expected_low": low, "expected_seconds": middle, "expected_high": high}
    return replace(RUN, status=Status.FINISHED, progress=progress, last=LAST, **expected)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (took(12, 10, 12, 14), "Training took 0:12, as expected (0:10 to 0:14)."),
        (took(15, 10, 12, 14), "Training took 0:15; 0:10 to 0:14 was expected."),
        (took(15, 0.6, 1, 1.2), "Training took 0:15; 0:01 was expected."),
        (took(0.04, 0.4, 0.6, 0.8), "Training took 0:00, as expected (0:00 to 0:01)."),
        (took(190, 120, 130, 146), "Training took 3:10, 30 % more than the longest time expected (2:00 to 2:26)."),
        (took(90, 120, 130, 146), "Training took 1:30, 25 % less than the shortest time expected (2:00 to 2:26)."),
        (took(15, None, 12, None), "Training took 0:15; 0:12 was expected."),
        (replace(took(6, 10, 12, 14), last=replace(LAST, epoch=5)), "Training took 0:06, as expected (0:05 to 0:07)."),
        (took(6, None, None, None), ""),
        (replace(took(12, 10, 12, 14), status=Status.STOPPED), ""),
    ],
)
def test_a_run_says_how_right_its_estimate_was(run: Run, words: str) -> None:
    """A percentage of a few seconds says nothing."""
    assert estimate_error_line(run) == words


def test_an_estimate_is_a_range_and_before_any_timing_a_word() -> None:
    known = Estimate(Span(30, 40, 52), 5.0, Span(40, 48, 59), "")
    assert estimate_words(known) == range_words(40, 59) == "40 to 60 s"
    assert estimate_words(None) == "not timed yet"


def test_a_time_too_short_to_be_told_is_not_called_nothing() -> None:
    assert estimate_error_line(took(22, 0.1, 0.2, 0.3)) == "Training took 0:22; under 5 s was expected."
