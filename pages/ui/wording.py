"""How numbers and states are worded, the same on every screen."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Literal

import pandas as pd

from cifar_core.evaluate import wilson_interval
from cifar_core.runs import EndRequest, Estimate, QueuePlace, Run, Status, TrainingProgress, estimated, trial_words
from cifar_core.text import clock, whole_percent
from cifar_core.text import percent as share_text
from cifar_core.text import range_words as range_words
from pages.ui.markdown import escaped

PERCENT_FORMAT = "%.1f %%"  # the format of table columns that `in_percent` has made
_SECONDS_FOR_PERCENT = 60.0  # a percentage of less says more than was measured
BadgeColour = Literal["blue", "green", "orange", "red", "gray"]
STATUS_DISPLAY: dict[Status, tuple[str, BadgeColour, str]] = {  # word, colour, icon
    Status.QUEUED: ("waiting", "gray", ":material/hourglass_top:"),
    Status.RUNNING: ("training", "blue", ":material/play_circle:"),
    Status.PAUSED: ("paused", "orange", ":material/pause_circle:"),
    Status.FINISHED: ("finished", "green", ":material/check_circle:"),
    Status.STOPPED: ("stopped", "gray", ":material/stop_circle:"),
    Status.FAILED: ("failed", "red", ":material/error:"),
    Status.INTERRUPTED: ("interrupted", "orange", ":material/power_off:"),
}


IMPORTED_DISPLAY: tuple[str, BadgeColour, str] = ("imported", "green", ":material/move_to_inbox:")  # no training
ENDING_DISPLAY: dict[EndRequest, tuple[str, BadgeColour, str]] = {
    EndRequest.STOP: ("stopping", "gray", ":material/stop_circle:"),
    EndRequest.PAUSE: ("pausing", "orange", ":material/pause_circle:"),
}


def in_percent(table: pd.DataFrame, columns: Collection[str]) -> pd.DataFrame:
    """Return the table with these columns of shares (0 to 1) as percents, rounded as `percent` rounds them.

    A browser would round a half up, so that a table said 68.3 where a sentence says 68.2.
    """
    return table.assign(**{name: [round(100 * share, 1) for share in table[name].astype(float)] for name in columns})


def status_display(run: Run) -> tuple[str, BadgeColour, str]:
    """Return word, colour and icon of a run's status, also where it is ending, does not respond or cannot be read."""
    if run.problem:
        return "unreadable", "red", ":material/broken_image:"
    if run.ending is not None:
        return ENDING_DISPLAY[run.ending]
    if run.silent_since is not None:
        return "not responding", "red", ":material/heart_broken:"
    return STATUS_DISPLAY[run.status] if run.has_network else IMPORTED_DISPLAY


def source_words(run: Run) -> str:
    """Return whose predictions a run holds, and of which dataset: `simple_cnn on drawn10`."""
    return f"{run.config.model.model if run.has_network else 'imported predictions'} on {run.config.data.dataset}"


def origin_words(run: Run) -> str:
    """Return which run a run was made from, or of which sweep it is a trial, as Markdown; empty where neither is so."""
    if run.sweep or not run.parent:
        return escaped(trial_words(run))
    parent = escaped(run.parent)
    match run.origin:
        case "continued":
            return f"continues {parent} after epoch {run.parent_epoch}"
        case "fine-tuned":
            return f"began with the weights of {parent} (epoch {run.parent_epoch})"
        case _:
            return f"made from {parent}"


def silence_line(run: Run) -> str:
    """Return what it means that a run does not respond, and what can be done."""
    if run.silent_since is None:
        return ""
    silence = f"Not responding since {clock_time(run.silent_since)}"
    if run.waits and not run.is_elsewhere:
        return (
            f"{silence}, so others pass it in the queue; when it responds again, it joins the end of the queue. "
            "Stop ends it within half a minute."
        )
    return (
        f"{silence}. It may be stuck, or the machine may be very busy. Stop ends it within half a minute; "
        "Resume then goes on from its last checkpoint."
    )


def queue_line(place: QueuePlace | None) -> str:
    """Return who is ahead of a waiting run and how long: `behind quiet-otter and 2 more; starts in 3 to 5 min`.

    A run that waits for nobody is starting.
    """
    return (place.behind(escaped) if place else "") or "starting…"


def waiting_line(run: Run | None, places: Mapping[str, QueuePlace]) -> str:
    """Return what a run that waits is waiting for: its place in the queue, or the cluster that computes it.

    Args:
        run: that waits; None where it is gone.
        places: of the runs in the queue, by id.
    """
    if run is not None and run.is_elsewhere and run.waits:
        return f"waiting for {escaped(run.place.words)}; it starts by itself when there is room there"
    return queue_line(places.get(run.id) if run else None)


def estimate_words(estimate: Estimate | None) -> str:
    """Return how long a run will take from its start to its end: `40 to 60 s`; in words where nothing was timed yet.

    A preset's size alone says nothing of seconds: machines differ by more than a hundred times.
    """
    return range_words(estimate.low, estimate.high) if estimate else "not timed yet"


def percent(share: float | None) -> str:
    """Return a share with one decimal; a few thousand pictures support no more."""
    return "–" if share is None else share_text(share)


def date_and_time(then: datetime | None) -> str:
    """Return a moment in local time: `22 Nov 13:50`, with the year where it is not this one."""
    try:
        here = then.astimezone() if then else None
    except (OverflowError, OSError):  # on Windows, and for years outside the calendar
        here = None
    if here is None:
        return "–"
    return here.strftime("%d %b %H:%M" if here.year == datetime.now().year else "%d %b %Y %H:%M")


def clock_time(seconds: float) -> str:
    """Return a moment, in seconds since 1970, in local time: `14:03`, with the day where it is not today."""
    then = datetime.fromtimestamp(seconds)
    return then.strftime("%H:%M" if then.date() == datetime.now().date() else "%d %b %H:%M")


def progress_line(progress: TrainingProgress) -> str:
    """Return `epoch 4/10 · batch 512/703 · 14,210 pictures/s · 0:31 left`; before the first batch, the phase."""
    if not progress.batches or not progress.epoch:
        return f"{escaped(progress.phase)}…"
    parts = [f"epoch {progress.epoch}/{progress.epochs}", f"batch {progress.batch:,}/{progress.batches:,}"]
    if progress.images_per_second > 0:
        parts.append(f"{progress.images_per_second:,.0f} pictures/s")
    return " · ".join([*parts, f"{clock(progress.seconds_left)} left"])


def progress_share(run: Run) -> float:
    """Return how much of a run is done, 0 to 1, also after its end; one that stopped early by itself is done, too."""
    return 1.0 if run.status is Status.FINISHED else run.done


def position_line(run: Run) -> str:
    """Return where a run stands: as `progress_line`, and after its end `paused in epoch 4 of 10 · 35 % done`."""
    if run.active:
        return progress_line(run.progress) if run.progress else "starting…"
    epochs, done = run.config.optimizer.epochs, run.last.epoch if run.last else 0
    if run.status is Status.FINISHED:
        return f"finished after epoch {done} of {epochs}"
    at = run.progress
    epoch = at.epoch if at is not None and at.batches and at.epoch else min(done + 1, epochs)
    share = whole_percent(progress_share(run))
    return f"{status_display(run)[0]} in epoch {epoch} of {epochs} · {share} done"


def epoch_word(run: Run) -> Literal["best", "last"]:
    """Return what the reported epoch is called: the best only where a validation part chose it."""
    return "last" if run.best is None or run.best.validation_accuracy is None else "best"


def estimate_error_line(run: Run) -> str:
    """Return how the training time compares with the estimate; empty where there is none.

    As in `Training took 0:12, as expected (0:10 to 0:14).`, `Training took 0:15; 0:10 to 0:14 was expected.`, and where
    a percentage says something, `Training took 3:10, 30 % more than the longest time expected (2:00 to 2:26).`
    """
    expected = estimated(run)
    if run.status is not Status.FINISHED or run.last is None or expected is None:
        return ""
    expected = expected.times(run.last.epoch / run.config.optimizer.epochs)
    if run.expected_low is None:  # a run of an earlier version
        return f"Training took {clock(run.seconds)}; {clock(expected.middle)} was expected."
    bounds = " to ".join(dict.fromkeys((clock(expected.low), clock(expected.high))))
    if clock(expected.high) == clock(0):  # that nothing was expected is not what is meant
        bounds = range_words(expected.low, expected.high)
    took = f"Training took {clock(run.seconds)}"
    if expected.low <= run.seconds <= expected.high or clock(run.seconds) in bounds.split(" to "):
        return f"{took}, as expected ({bounds})."
    if min(run.seconds, expected.low) < _SECONDS_FOR_PERCENT:
        return f"{took}; {bounds} was expected."
    slower = run.seconds > expected.high
    off = abs(run.seconds / (expected.high if slower else expected.low) - 1)
    much = f"{whole_percent(off)} {'more than the longest' if slower else 'less than the shortest'}"
    return f"{took}, {much} time expected ({bounds})."


def accuracy_interval(run: Run, share: float) -> str:
    """Return the confidence interval of a test accuracy: `95 % interval 78.7 to 80.3 %`.

    It is empty where n is not known, and where test pictures were seen in training: then no interval holds.
    """
    if run.dataset is None or not run.dataset.test or run.dataset.test_seen:
        return ""
    low, high = wilson_interval(round(share * run.dataset.test), run.dataset.test)
    return f"95\u00a0% interval {100 * low:.1f} to {percent(high)}"
