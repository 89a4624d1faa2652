"""Trains with this program or with the plain loop, each in a separate process, and returns the times."""

import contextlib
import itertools
import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cifar_core.config import RunConfig
from cifar_core.errors import RunError, TrainingError
from cifar_core.interrupts import CtrlC, ctrl_c_noted
from cifar_core.processes import Program, child_environment, command_of
from cifar_core.runs import Run, Status, create_run, epoch_ends, read_metrics, read_run, start_run, stop_run
from cifar_core.workspace import Workspace

Say = Callable[[str], None]  # shows a line of progress
_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Trained:
    """A finished run of this program, with the wall-clock time of its epochs including all saving and measuring."""

    run: Run
    metrics: pd.DataFrame  # one row per epoch
    epochs: list[float]  # seconds from one result to the next, so one entry fewer than epochs

    @property
    def seconds(self) -> float:
        """The time from the first batch to the results of the last epoch."""
        return float(self.metrics["seconds"].iloc[0]) + sum(self.epochs)


def train(workspace: Workspace, config: RunConfig) -> Trained:
    """Train a run as the app and the command line do, and wait until it has ended.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed; the run was stopped.
        TrainingError: the run did not finish.
    """
    with ctrl_c_noted() as ctrl_c:
        run_id = create_run(workspace, config)
        start_run(workspace, run_id)
        run = _wait_for_end(workspace, run_id, ctrl_c)
    if run.status is not Status.FINISHED:
        raise TrainingError(f"The measured run {run_id} did not finish (status: {run.status}). {run.error}")
    ends = epoch_ends(workspace, run_id)
    epochs = [after - before for before, after in itertools.pairwise(ends)]
    return Trained(run, read_metrics(workspace, run_id), epochs)


def _wait_for_end(workspace: Workspace, run_id: str, ctrl_c: CtrlC) -> Run:
    stop_requested = False
    while True:
        if ctrl_c.pressed and not stop_requested:
            stop_requested = True
            with contextlib.suppress(RunError):  # the run ended by itself meanwhile
                stop_run(workspace, run_id)
        run = read_run(workspace, run_id)
        if not run.active:
            return run
        time.sleep(_POLL_SECONDS)


def train_plain(workspace: Workspace, dataset: str, epochs: int, seed: int = 0) -> pd.DataFrame:
    """Train with the plain tutorial loop; return one row per epoch with `seconds` and `test_accuracy`.

    Raises:
        TrainingError: the loop failed.
    """
    environment = {name: value for name, value in child_environment().items() if not name.startswith(("OMP_", "GOMP_"))}
    options = [f"--workspace={workspace.root}", f"--dataset={dataset}", f"--epochs={epochs}", f"--seed={seed}"]
    return _rows_of(command_of(Program.BENCH_PLAIN, *options), environment, "The plain loop")


def time_records(workspace: Workspace, dataset: str, rounds: int) -> pd.DataFrame:
    """Train with and without training records in turns; one row per round, as `cifar_core.bench.records` prints it.

    Raises:
        TrainingError: the training failed.
    """
    options = [f"--workspace={workspace.root}", f"--dataset={dataset}", f"--rounds={rounds}"]
    return _rows_of(command_of(Program.BENCH_RECORDS, *options), child_environment(), "The training with records")


def _rows_of(command: list[str], environment: dict[str, str], what: str) -> pd.DataFrame:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise TrainingError(f"{what} failed: {last_line(done.stderr)}")
    return pd.DataFrame([json.loads(line) for line in done.stdout.splitlines()])


def last_line(stderr: str) -> str:
    """The last line that a failed program printed, which names its error."""
    return (stderr.strip().splitlines() or ["the program printed no error message."])[-1]


def spread(values: list[float]) -> dict[str, float]:
    """Return the median, the 95th percentile and the number of values."""
    return {"median": float(np.median(values)), "p95": float(np.percentile(values, 95)), "n": len(values)}
