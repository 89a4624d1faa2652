"""`train`: make a run, start its process and follow it. Other commands that begin a run do it with `begin` as well."""

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import click

from cifar_core.commands.console import (
    clear_line,
    json_option,
    print_json,
    say,
    show_progress,
    waiting_text,
    workspace_option,
)
from cifar_core.commands.options import chosen, setting_options
from cifar_core.config import make_config
from cifar_core.errors import CifarCoreError, RunError, TrainingError
from cifar_core.interrupts import CtrlC, note_ctrl_c
from cifar_core.presets import PRESETS
from cifar_core.runs import (
    EpochLine,
    QueuePlace,
    Run,
    Status,
    create_run,
    list_runs,
    queue_places,
    read_metrics,
    read_run,
    slots,
    start_run,
    stop_run,
)
from cifar_core.text import clock
from cifar_core.workspace import Workspace

_LOOK_SECONDS = 0.2
_TIMEOUT = 30.0  # seconds; a run that was asked to stop and does not react has been ended by then, where that can be
_WAITING_SECONDS = 0.5  # all runs are looked at


@click.command()
@click.option("--preset", default="default", metavar="|".join(PRESETS), help="Starting point; options beside it win.")
@setting_options
@json_option
@workspace_option
def train(workspace: Workspace, preset: str, as_json: bool, **settings: Any) -> None:
    """Train a network and keep everything in a new run folder. Ctrl-C stops it and keeps what it has."""
    config = make_config(chosen(settings), preset=preset)
    run_id, ctrl_c = begin(workspace, lambda: create_run(workspace, config), start_run)
    with _said_that_it_goes_on(workspace, run_id):
        expected = read_run(workspace, run_id).expected_seconds
    about = f", about {clock(expected)}" if expected else ""
    say(f"Run {run_id}: {config.model.model} on {config.data.dataset}, {config.optimizer.epochs} epochs{about}.")
    run = follow(workspace, run_id, ctrl_c)
    if as_json:
        print_json(summary(run))
    if run.status is not Status.FINISHED:
        raise unfinished(run)
    say(_closing(run))


def begin(workspace: Workspace, make: Callable[[], str], start: Callable[[Workspace, str], None]) -> tuple[str, CtrlC]:
    """Make a run and start it, so that Ctrl-C at any moment of that leaves none that trains unsaid.

    Args:
        workspace: where.
        make: gives the run's id.
        start: sets it going; not called where Ctrl-C was pressed before.

    Returns:
        The run's id, and whether Ctrl-C was or is pressed from now on: `follow` stops the run then.
    """
    ctrl_c = note_ctrl_c()
    run_id = make()
    if not ctrl_c.pressed:
        with _said_that_it_goes_on(workspace, run_id):
            start(workspace, run_id)
    return run_id, ctrl_c


def follow(workspace: Workspace, run_id: str, ctrl_c: CtrlC) -> Run:
    """Show a run's progress until its process has ended; Ctrl-C asks it to stop.

    Raises:
        Abort: Ctrl-C was pressed again long after: the run does not react, and only the waiting for it ends.
    """
    told, place, asked = 0, None, math.inf
    with _said_that_it_goes_on(workspace, run_id):
        while True:
            if ctrl_c.take():
                if time.monotonic() > asked + _TIMEOUT:
                    raise click.Abort
                asked = min(asked, time.monotonic())
                _stop(workspace, run_id)
            run = read_run(workspace, run_id)
            told = _tell_epochs(workspace, run, told)
            if not run.active:
                clear_line()
                return run
            if run.ticket is None:
                _tell_progress(run)
                time.sleep(_LOOK_SECONDS)
            else:
                place = _tell_place(workspace, run, place)
                time.sleep(_WAITING_SECONDS)


def unfinished(run: Run) -> TrainingError:
    """The sentence for a run that ended, but not at its end."""
    return TrainingError(f"Run {run.id} is {run.status}. {run.error}".strip())


def summary(run: Run) -> dict[str, Any]:
    """What `train --json` prints; accuracies are fractions of the test set at the epoch that counts."""
    best = run.best
    return {
        "run": run.id,
        "status": run.status.value,
        "dataset": run.config.data.dataset,
        "best_epoch": best.epoch if best else None,
        "epochs": run.last.epoch if run.last else 0,
        "test_accuracy": best.test_accuracy if best else None,
        "validation_accuracy": best.validation_accuracy if best else None,
        "train_seconds": run.seconds,
        "expected_seconds": run.expected_seconds,
        "images_per_second": run.last.images_per_second if run.last else None,
        "error": run.error,
    }


def _stop(workspace: Workspace, run_id: str) -> None:
    say("Stopping after this batch; what the run has so far is kept.")
    try:
        stop_run(workspace, run_id)
    except RunError:
        return  # it ended by itself meanwhile
    except CifarCoreError as error:  # the disk
        say(f"It could not be asked to stop: {error} Ctrl-C tries again.")


@contextlib.contextmanager
def _said_that_it_goes_on(workspace: Workspace, run_id: str) -> Iterator[None]:
    """Whatever ends the command, a run that goes on is not taken for one that has ended too."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(CifarCoreError):
            if read_run(workspace, run_id).active:
                say(f"Run {run_id} goes on without this command: python -m cifar_core runs show {run_id}")
        raise


def _tell_epochs(workspace: Workspace, run: Run, told: int) -> int:
    if run.last is None or run.last.epoch == told:
        return told
    metrics = read_metrics(workspace, run.id)
    for row in metrics[metrics["epoch"] > told].to_dict("records"):
        line = EpochLine(**{str(name): value for name, value in row.items()})
        judged = line.validation_accuracy is not None and line.validation_accuracy == line.validation_accuracy
        validation = f", validation {line.validation_accuracy:.4f}" if judged else ""
        say(f"Epoch {line.epoch}/{run.config.optimizer.epochs}: loss {line.train_loss:.4f}, accuracy train "
            f"{line.train_accuracy:.4f}{validation}, test {line.test_accuracy:.4f}, {line.seconds:.1f} s, "
            f"{line.images_per_second:,.0f} pictures/s")  # fmt: skip
    return run.last.epoch


def _tell_place(workspace: Workspace, run: Run, told: QueuePlace | None) -> QueuePlace | None:
    """Say where a run waits, anew when it moves up; not where it needs not wait at all."""
    place = queue_places(list_runs(workspace), slots(workspace)).get(run.id)
    if place is None or place.seconds == 0:
        return told
    if told is None or place.position != told.position:
        say(f"Run {run.id} waits for its turn: {waiting_text(place)}.")
    show_progress(0, 1, f"waiting, {waiting_text(place)}")
    return place


def _tell_progress(run: Run) -> None:
    at = run.progress
    if at is None:
        return
    if at.batches == 0:
        show_progress(0, 1, at.phase)
        return
    left = f", {clock(at.seconds_left)} left" if at.seconds_left is not None else ""
    text = f"epoch {at.epoch}/{at.epochs}, batch {at.batch}/{at.batches}, {at.images_per_second:,.0f} pictures/s{left}"
    show_progress((at.epoch - 1) * at.batches + at.batch, at.epochs * at.batches, text)


def _closing(run: Run) -> str:
    best = run.best
    if best is None:
        return f"Run {run.id} has finished."
    chosen = "chosen by the validation part" if best.validation_accuracy is not None else "the last one"
    count = f", n = {run.dataset.test:,}" if run.dataset else ""
    looks = f", {best.looks} looks at each picture" if (best.looks or 1) > 1 else ""
    missed = f" ({run.overrun:+.0%} against the estimate)" if run.overrun is not None else ""
    return (
        f"Run {run.id}: test accuracy {best.test_accuracy:.4f}{count}, epoch {best.epoch} ({chosen}){looks}, "
        f"{run.seconds:.1f} s{missed}. See its mistakes: python -m cifar_core analyze {run.id}"
    )
