"""Computes the predictions of a run again, where their file is damaged or gone, from the weights of its best epoch.

Checks here, without torch, whether that is possible; `cifar_core.runs.predict.recompute_process`, a process of its own,
computes and writes them.
"""

import subprocess

from cifar_core.errors import RunError
from cifar_core.processes import Program, child_environment, command_of
from cifar_core.runs.listing import read_run
from cifar_core.runs.old_schemas import as_stored
from cifar_core.runs.result_checks import check_weights
from cifar_core.runs.results import open_run_dataset
from cifar_core.runs.run_folder import run_folder
from cifar_core.workspace import Workspace


def recompute_predictions(workspace: Workspace, run_id: str) -> None:
    """Compute the predictions of a run's best epoch again, and wait for them. On the same machine they are bit-exact.

    Metrics, weights and the predictions of other epochs stay as they are.

    Args:
        workspace: where the run is.
        run_id: a run that has ended, or `latest`.

    Raises:
        DataError: the run's dataset is absent or broken.
        RunError: no such run, it is active, it has no finished epoch, its dataset has changed, or its best weights
            cannot be used; in all cases nothing has changed.
    """
    run = read_run(workspace, run_id)
    if run.active:
        raise RunError(f"Run {run.id} is {run.status} and still writes its predictions: pause or stop it first.")
    if run.best is None:
        raise RunError(f"Run {run.id} has no finished epoch yet, so there is nothing to recompute.")
    classes = len(open_run_dataset(workspace, run).class_names)
    folder = as_stored(run_folder(workspace, run.id))
    try:
        check_weights(folder, run.best.epoch, run.config.model, classes)
    except ValueError as error:
        raise RunError(
            f"The predictions of run {run.id} can only be recomputed from its best weights, but {error}. "
            "Its metrics are whole; duplicate the run to train the network again."
        ) from error
    done = subprocess.run(
        command_of(Program.RECOMPUTE, f"--run-dir={folder.path}"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=child_environment(),
        check=False,
    )
    if done.returncode != 0:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise RunError(
            lines[-1] if lines else f"Recomputing ended with exit code {done.returncode} and gave no reason."
        )
