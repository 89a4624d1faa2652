"""Both sides of a comparison, each in processes of its own, one after the other. Runs land in the given workspace."""

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

Say = Callable[[str], None]  # told what is under way
_LOOK_SECONDS = 0.2


@dataclass(frozen=True)
class Trained:
    """A finished run of ours with the time on the clock of each of its epochs, with all that the app does for it."""

    run: Run
    metrics: pd.DataFrame  # a row an epoch
    epochs: list[float]  # seconds from result to result, so one less than there are epochs

    @property
    def seconds(self) -> float:
        """From the first batch to the last epoch's results."""
        return float(self.metrics["seconds"].iloc[0]) + sum(self.epochs)


def train(workspace: Workspace, config: RunConfig) -> Trained:
    """Train as the app and the command line do, and wait for the end.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed; the run was stopped.
        TrainingError: it did not finish.
    """
    with ctrl_c_noted() as ctrl_c:
        run_id = create_run(workspace, config)
        start_run(workspace, run_id)
        run = _followed(workspace, run_id, ctrl_c)
    if run.status is not Status.FINISHED:
        raise TrainingError(f"The run {run_id} of the measurement is {run.status}. {run.error}")
    ends = epoch_ends(workspace, run_id)
    epochs = [after - before for before, after in itertools.pairwise(ends)]
    return Trained(run, read_metrics(workspace, run_id), epochs)


def _followed(workspace: Workspace, run_id: str, ctrl_c: CtrlC) -> Run:
    is_asked = False
    while True:
        if ctrl_c.pressed and not is_asked:
            is_asked = True
            with contextlib.suppress(RunError):  # it ended by itself meanwhile
                stop_run(workspace, run_id)
        run = read_run(workspace, run_id)
        if not run.active:
            return run
        time.sleep(_LOOK_SECONDS)


def train_plain(workspace: Workspace, dataset: str, epochs: int, seed: int = 0) -> pd.DataFrame:
    """The tutorial loop on the same pictures: a row an epoch with `seconds` and `test_accuracy`.

    Raises:
        TrainingError: it failed.
    """
    environment = {name: value for name, value in child_environment().items() if not name.startswith(("OMP_", "GOMP_"))}
    options = [f"--workspace={workspace.root}", f"--dataset={dataset}", f"--epochs={epochs}", f"--seed={seed}"]
    command = command_of(Program.BENCH_PLAIN, *options)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise TrainingError(f"The plain loop failed: {(done.stderr.strip().splitlines() or ['no word'])[-1]}")
    return pd.DataFrame([json.loads(line) for line in done.stdout.splitlines()])


def spread(values: list[float]) -> dict[str, float]:
    """Median and 95th percentile."""
    return {"median": float(np.median(values)), "p95": float(np.percentile(values, 95)), "n": len(values)}
