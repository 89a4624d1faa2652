"""`train`: create a run, start its process and follow it. Other commands that start a run use `begin` as well."""

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import click

from cifar_core.cluster.choice import require_place
from cifar_core.commands.console import (
    clear_line,
    json_option,
    print_json,
    say,
    say_caveats,
    show_progress,
    waiting_text,
    workspace_option,
)
from cifar_core.commands.options import chosen, place_options, setting_options, take_place
from cifar_core.commands.torchrun import resume_here, serve_here, train_here, with_processes
from cifar_core.config import RunConfig, make_config
from cifar_core.data import dataset_state
from cifar_core.errors import CifarCoreError, ConfigError, RunError, TrainingError
from cifar_core.interrupts import CtrlC, note_ctrl_c
from cifar_core.lifecycle.place import LOCAL, Place
from cifar_core.lifecycle.ranks.torchrun import torchrun_here
from cifar_core.presets import PRESETS
from cifar_core.runs import (
    EpochLine,
    QueuePlace,
    Run,
    Status,
    accuracy_caveats,
    continue_run,
    create_run,
    estimated,
    fine_tune_run,
    gain_words,
    list_runs,
    measured_gain,
    queue_places,
    read_metrics,
    read_run,
    read_speed,
    slots,
    start_run,
    stop_run,
)
from cifar_core.runs.control.actions import STOP_SECONDS
from cifar_core.runs.run import GOES_ON
from cifar_core.text import clock, counted, range_words
from cifar_core.train import set_aside
from cifar_core.workspace import Workspace

_LOOK_SECONDS = 0.2
_WAITING_SECONDS = 0.5  # longer, because each look reads all runs


@click.command()
@click.option("--preset", metavar="|".join(PRESETS), help="Starting point, else default; options beside it win.")
@click.option("--continue", "continues", metavar="RUN", help="Train this run for --epochs more, as a new run.")
@click.option("--from", "weights_of", metavar="RUN", help="Begin with the weights of this run, on another --dataset.")
@click.option("--name", default="", help="What to call the run; else it is called by its id.")
@place_options
@setting_options
@json_option
@workspace_option
def train(
    workspace: Workspace,
    preset: str | None,
    continues: str | None,
    weights_of: str | None,
    name: str,
    as_json: bool,
    **settings: Any,
) -> None:
    """Train a network and keep everything in a new run folder. Ctrl-C stops it and keeps what it has.

    --continue goes on from a finished run: a constant learning rate stays, another schedule runs anew over the epochs
    from a tenth of its peak. Dataset, split, seed, network and optimiser are those of the run, and so is, without
    --backend, where it is computed.
    """
    bases = {"--preset": preset, "--continue": continues, "--from": weights_of}
    given = [option for option, value in bases.items() if value is not None]
    if len(given) > 1:
        raise click.UsageError(f"{' and '.join(given)} exclude each other: each says what the settings start from.")
    place = _place(workspace, settings, continues or weights_of)
    changes, torchrun = chosen(settings), torchrun_here()
    if torchrun:
        changes = with_processes(changes, torchrun)
    make = _maker(workspace, changes, name, preset=preset, continues=continues, weights_of=weights_of, place=place)
    if torchrun:
        run_id = train_here(workspace, torchrun, lambda nonce: make(nonce=nonce))
        _say_beginning(workspace, run_id)
        run = serve_here(workspace, torchrun, run_id, partial(_show_epochs, workspace))
    else:
        run_id, ctrl_c = begin(workspace, make, start_run)
        with _report_that_it_goes_on(workspace, run_id):
            _say_beginning(workspace, run_id)
        run = follow(workspace, run_id, ctrl_c)
    _report_end(run, as_json)


def resume_under_torchrun(workspace: Workspace, run_id: str, as_json: bool) -> bool:
    """Where torchrun has started this process, go on with a run here until it has ended; False where it has not.

    Raises:
        CifarCoreError: as `resume_here`; TrainingError where the run does not finish.
    """
    torchrun = torchrun_here()
    if torchrun is None:
        return False
    resume_here(workspace, torchrun, run_id)
    _report_end(serve_here(workspace, torchrun, run_id, partial(_show_epochs, workspace)), as_json)
    return True


def _report_end(run: Run, as_json: bool) -> None:
    """Print what became of a run; TrainingError where it did not finish."""
    if as_json:
        print_json(summary(run))
    if run.status is not Status.FINISHED:
        raise unfinished(run)
    say(_closing(run))
    say_caveats(run)
    for warning in run.warnings:
        say(warning)


def _place(workspace: Workspace, options: dict[str, Any], base: str | None) -> Place:
    """Where the run is computed, taken out of the options and checked: else where the run was that it goes on from."""
    asked = take_place(workspace, options)
    if torchrun_here():
        if asked not in (None, LOCAL):
            raise ConfigError(
                ["torchrun has started this command, so it trains here: leave out --backend, or torchrun."]
            )
        return LOCAL
    place = asked or (read_run(workspace, base).place if base else LOCAL)
    require_place(workspace, place)
    return place


def _maker(
    workspace: Workspace,
    changes: dict[str, Any],
    name: str,
    *,
    preset: str | None,
    continues: str | None,
    weights_of: str | None,
    place: Place,
) -> Callable[..., str]:
    """What makes the run of these options; `begin` calls it, torchrun's rank 0 with a `nonce`."""
    if continues is not None:
        return partial(continue_run, workspace, continues, changes, name=name, place=place)
    if weights_of is not None:
        return partial(fine_tune_run, workspace, weights_of, changes, name=name, place=place)
    config = make_config(changes, preset=preset or "default")
    say_set_aside(workspace, config)
    return partial(create_run, workspace, config, name=name, place=place)


def _say_beginning(workspace: Workspace, run_id: str) -> None:
    """Say what a run is, and of one of several processes what a second one gains on this machine."""
    run = read_run(workspace, run_id)
    say(_beginning(run))
    if run.config.machine.processes > 1:
        say(gain_words(measured_gain(read_speed(workspace), run.config)))


def _beginning(run: Run) -> str:
    """What a run is and how long it will take; of one that goes on from another run, from where."""
    expected, settings = estimated(run), run.config
    about = f", {range_words(expected.low, expected.high)} of training" if expected else ""
    what = f"{settings.model.model} on {settings.data.dataset}, {counted(settings.optimizer.epochs, 'epoch')}{about}"
    what += f", on {run.place.words}" if run.is_elsewhere else ""
    if settings.machine.processes > 1:
        what += f", {settings.machine.processes} processes"
    if run.origin in GOES_ON:
        what += f", from the weights of run {run.parent} after epoch {run.parent_epoch}"
        what += f", learning rate {settings.optimizer.learning_rate:g} ({settings.optimizer.schedule})"
    return f"Run {run.id}: {what}."


def say_set_aside(workspace: Workspace, config: RunConfig) -> None:
    """Say where a run does not use the validation pictures of its dataset's own."""
    sentence = set_aside(config.data, dataset_state(workspace, config.data.dataset).validation)
    if sentence:
        say(sentence)


def begin(workspace: Workspace, make: Callable[[], str], start: Callable[[Workspace, str], None]) -> tuple[str, CtrlC]:
    """Create and start a run, so that Ctrl-C at any moment leaves no run that trains unnoticed.

    Args:
        workspace: of the run.
        make: creates the run and returns its id.
        start: starts it; not called where Ctrl-C was pressed before.

    Returns:
        The run's id, and the record of Ctrl-C: where it was or will be pressed, `follow` stops the run.
    """
    ctrl_c = note_ctrl_c()
    run_id = make()
    if not ctrl_c.pressed:
        with _report_that_it_goes_on(workspace, run_id):
            start(workspace, run_id)
    return run_id, ctrl_c


def follow(workspace: Workspace, run_id: str, ctrl_c: CtrlC) -> Run:
    """Show a run's progress until its process has ended; Ctrl-C asks it to stop.

    Raises:
        Abort: Ctrl-C was pressed again long after: the run does not react, so only this command ends.
    """
    shown, place, asked = 0, None, math.inf
    with _report_that_it_goes_on(workspace, run_id):
        while True:
            if ctrl_c.take():
                if time.monotonic() > asked + STOP_SECONDS:
                    raise click.Abort
                asked = min(asked, time.monotonic())
                _stop(workspace, run_id)
            run = read_run(workspace, run_id)
            shown = _show_epochs(workspace, run, shown)
            if not run.active:
                clear_line()
                return run
            if run.ticket is None:
                _show_run_progress(run)
                time.sleep(_LOOK_SECONDS)
            else:
                place = _show_place(workspace, run, place)
                time.sleep(_WAITING_SECONDS)


def unfinished(run: Run) -> TrainingError:
    """The error of a run that ended without finishing."""
    return TrainingError(f"Run {run.id} did not finish (status: {run.status}). {run.error}".strip())


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
        "expected_low": run.expected_low,
        "expected_high": run.expected_high,
        "images_per_second": run.last.images_per_second if run.last else None,
        "caveats": accuracy_caveats(run),
        "error": run.error,
    }


def _stop(workspace: Workspace, run_id: str) -> None:
    say("Stopping after this batch; what the run has so far is kept.")
    try:
        stop_run(workspace, run_id)
    except RunError:
        return  # it ended by itself meanwhile
    except CifarCoreError as error:  # the disk
        say(f"The run could not be asked to stop: {error} Press Ctrl-C to try again.")


@contextlib.contextmanager
def _report_that_it_goes_on(workspace: Workspace, run_id: str) -> Iterator[None]:
    """Where an error ends the command while the run goes on, say so."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(CifarCoreError):
            if read_run(workspace, run_id).active:
                say(
                    f"Run {run_id} goes on without this command. See how it does: "
                    f"python -m cifar_core runs show {run_id}"
                )
        raise


def _show_epochs(workspace: Workspace, run: Run, shown: int) -> int:
    """Print the epochs after the one with the number `shown`; returns the last one."""
    if run.last is None or run.last.epoch == shown:
        return shown
    metrics = read_metrics(workspace, run.id)
    for row in metrics[metrics["epoch"] > shown].to_dict("records"):
        line = EpochLine(**{str(name): value for name, value in row.items()})
        has_validation = line.validation_accuracy is not None and not math.isnan(line.validation_accuracy)
        validation = f", validation {line.validation_accuracy:.4f}" if has_validation else ""
        say(
            f"Epoch {line.epoch}/{run.config.optimizer.epochs}: loss {line.train_loss:.4f}, accuracy train "
            f"{line.train_accuracy:.4f}{validation}, test {line.test_accuracy:.4f}, {line.seconds:.1f} s, "
            f"{line.images_per_second:,.0f} pictures/s"
        )
    return run.last.epoch


def _show_place(workspace: Workspace, run: Run, shown: QueuePlace | None) -> QueuePlace | None:
    """Print a run's place in the queue whenever it moves up; nothing where it does not have to wait."""
    place = queue_places(list_runs(workspace), slots(workspace)).get(run.id)
    if place is None or place.seconds == 0:
        return shown
    if shown is None or place.position != shown.position:
        say(f"Run {run.id} waits for its turn: {waiting_text(place)}.")
    show_progress(0, 1, f"waiting, {waiting_text(place)}")
    return place


def _show_run_progress(run: Run) -> None:
    at = run.progress
    if at is None:
        return
    if at.batches == 0:
        show_progress(0, 1, f"waiting for {run.place.words}" if run.is_elsewhere and run.waits else at.phase)
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
    views = f", {best.looks} views of each picture" if (best.looks or 1) > 1 else ""
    expected = estimated(run)
    off = f" ({range_words(expected.low, expected.high)} was expected)" if expected else ""
    return (
        f"Run {run.id}: test accuracy {best.test_accuracy:.4f}{count}, epoch {best.epoch} ({chosen}){views}, "
        f"{run.seconds:.1f} s{off}. See its mistakes: python -m cifar_core analyze {run.id}"
    )
