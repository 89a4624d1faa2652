"""Shows a sweep while it goes on, until its owner has ended; Ctrl-C stops it."""

import contextlib
import math
import time
from collections.abc import Iterator

import click

from cifar_core.commands.console import clear_line, say, show_progress
from cifar_core.commands.sweeps.words import progress_text, run_line
from cifar_core.errors import CifarCoreError, SweepError, TrainingError
from cifar_core.interrupts import CtrlC
from cifar_core.runs import list_runs
from cifar_core.sweeps.control import stop_sweep
from cifar_core.sweeps.sweep import Sweep, Trial, TrialRun, read_sweep
from cifar_core.workspace import Workspace

_LOOK_SECONDS = 0.5  # each look reads all runs
_STOP_SECONDS = 20.0  # after which Ctrl-C, pressed again, ends this command alone


def follow_sweep(
    workspace: Workspace, sweep_id: str, ctrl_c: CtrlC, *, before: Sweep | None = None, stopping: bool = False
) -> Sweep:
    """Show each run that ends and the progress until the owner of a sweep has ended; Ctrl-C asks the sweep to stop.

    Args:
        workspace: of the sweep.
        sweep_id: of a sweep whose owner was started.
        ctrl_c: pressed before this call, or while it waits.
        before: the sweep as it was before; its runs that had ended are not shown.
        stopping: whether it was asked to stop already.

    Raises:
        Abort: Ctrl-C was pressed again long after: the owner does not react, so only this command ends.
    """
    shown = set(_ended(before)) if before else set()
    asked = time.monotonic() if stopping else math.inf
    while True:
        if ctrl_c.take():
            if time.monotonic() > asked + _STOP_SECONDS:
                raise click.Abort
            asked = min(asked, time.monotonic())
            _stop(workspace, sweep_id)
        runs = list_runs(workspace)
        found = read_sweep(workspace, sweep_id, runs)
        for run_id, (trial, run) in _ended(found).items():
            if run_id not in shown:
                shown.add(run_id)
                say(run_line(trial, run, found.plan.options.seeds))
        if not found.active:
            clear_line()
            return found
        show_progress(found.runs_done, found.plan.options.runs, progress_text(found, runs))
        time.sleep(_LOOK_SECONDS)


def _stop(workspace: Workspace, sweep_id: str) -> None:
    say("Stopping the sweep; its runs keep what they have.")
    try:
        stop_sweep(workspace, sweep_id)
    except SweepError:
        return  # it ended by itself meanwhile
    except CifarCoreError as error:  # the disk
        say(f"The sweep could not be asked to stop: {error} Press Ctrl-C to try again.")


def _ended(found: Sweep) -> dict[str, tuple[Trial, TrialRun]]:
    """The runs of a sweep that have ended, by id."""
    return {run.run: (trial, run) for trial in found.trials for run in trial.runs if run.counts}


@contextlib.contextmanager
def reported_where_it_goes_on(workspace: Workspace, sweep_id: str) -> Iterator[None]:
    """Where an error ends the command while the sweep goes on, say so."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(CifarCoreError):
            if read_sweep(workspace, sweep_id).active:
                say(
                    f"Sweep {sweep_id} goes on without this command. See how it does: "
                    f"python -m cifar_core sweep show {sweep_id}"
                )
        raise


def require_finished(found: Sweep) -> None:
    """Raise TrainingError, for exit code 1, where a sweep ended without finishing."""
    if found.status != "finished":
        ended = f"Sweep {found.id} did not finish (status: {found.status}). {found.reason}".strip()
        raise TrainingError(f"{ended} To resume it: python -m cifar_core sweep resume {found.id}")
