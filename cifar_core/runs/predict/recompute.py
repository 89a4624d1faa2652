"""Computes the predictions of a run again, where their file is damaged or gone, from the weights of its best epoch.

Checks here, without torch, whether that is possible; the job `cifar_core.runs.predict.recompute_process` computes and
writes them. Its folder is `.jobs/recompute/` in the folder of the run.
"""

from cifar_core.errors import RunError
from cifar_core.jobs.job import JobFolder, Request
from cifar_core.jobs.start import start_job
from cifar_core.processes import Program
from cifar_core.runs.dataset.opening import open_run_dataset
from cifar_core.runs.imported.no_network import require_own_network
from cifar_core.runs.listing import read_run
from cifar_core.runs.old_schemas import as_stored
from cifar_core.runs.result_checks import check_weights
from cifar_core.runs.run_folder import run_folder
from cifar_core.workspace import Workspace


def recompute_job(workspace: Workspace, run_id: str) -> JobFolder:
    """The job that recomputes the predictions of a run; RunError without such a run."""
    return run_folder(workspace, run_id).job("recompute")


def start_recompute(workspace: Workspace, run_id: str) -> None:
    """Compute the predictions of a run's best epoch again as a job; one that is in progress is not started again.

    On the same machine they are bit-exact. Metrics, weights and the predictions of other epochs stay as they are.

    Args:
        workspace: where the run is.
        run_id: a run that has ended, or `latest`.

    Raises:
        DataError: the run's dataset is absent or broken.
        RunError: no such run, it is active, it has no network or no finished epoch, its dataset has changed, or its
            best weights cannot be used; in all cases nothing has changed.
        StorageError: the process could not be started.
    """
    run = read_run(workspace, run_id)
    require_own_network(run)
    if run.active:
        raise RunError(f"Run {run.id} is {run.status} and still writes its predictions: pause or stop it first.")
    if run.best is None:
        raise RunError(f"Run {run.id} has no finished epoch yet, so there is nothing to recompute.")
    classes = len(open_run_dataset(workspace, run, exact=True).class_names)
    folder = as_stored(run_folder(workspace, run.id))
    try:
        check_weights(folder, run.best.epoch, run.config.model, classes)
    except ValueError as error:
        raise RunError(
            f"The predictions of run {run.id} can only be recomputed from its best weights, but {error}. "
            "Its metrics are whole; duplicate the run to train the network again."
        ) from error
    start_job(recompute_job(workspace, run.id), Program.RECOMPUTE, Request("recompute"))
