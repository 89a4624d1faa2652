"""Computes an analysis and keeps its result, unless what is kept is what would come out."""

import contextlib
from collections.abc import Iterator

from cifar_core.analyse.compute import COMPUTE
from cifar_core.analyse.declaration import Analysis, P
from cifar_core.analyse.job import analysis_job, missing_needs
from cifar_core.analyse.kept import KeptResult, inputs_of, keep, read_kept
from cifar_core.errors import RunError, StorageError
from cifar_core.jobs.job import JobFolder
from cifar_core.jobs.progress import OnProgress, no_progress
from cifar_core.runs import Run
from cifar_core.storage.locks import hold_lock
from cifar_core.workspace import Workspace

_LOOK_SECONDS = 0.5  # between two looks whether a person stops the waiting


def compute_and_keep(
    workspace: Workspace, run: Run, analysis: Analysis[P], parameters: P, progress: OnProgress = no_progress
) -> KeptResult[P]:
    """The result of an analysis: the kept one where it is fresh, else computed now and kept.

    Two who ask at once compute it once: the second waits, then finds the first one's result.

    Returns:
        The result, which is not stale; `unkept` says why it could not be kept, as in a folder that may only be read.

    Raises:
        RunError: no such run, or it lacks what the analysis needs.
        CancelledError: by `progress`; an earlier kept result is whole.
        CifarCoreError: the analysis failed.
    """
    if missing := missing_needs(workspace, run, analysis, parameters):
        raise RunError(missing)
    with _alone(workspace, run, analysis, parameters, progress):
        kept = read_kept(workspace, run, analysis, parameters)
        if kept is not None and not kept.stale:
            return kept
        inputs = inputs_of(workspace, run, analysis, parameters)  # before: what changes meanwhile makes it stale
        result = COMPUTE[analysis.id](workspace, run, parameters, progress)
        unkept = ""
        progress("Saving", 0, 0, "")
        try:
            keep(workspace, run, analysis, parameters, inputs, result)
        except StorageError as error:
            unkept = f"The {analysis.title} was computed, but could not be kept with the run. {error}"
    return KeptResult(result.values, result.arrays, parameters, unkept=unkept)


@contextlib.contextmanager
def _alone(
    workspace: Workspace, run: Run, analysis: Analysis[P], parameters: P, progress: OnProgress
) -> Iterator[None]:
    """While nobody else computes the same result."""
    job = analysis_job(workspace, run.id, analysis, parameters)
    with contextlib.ExitStack() as stack:
        while not _held(job, stack):
            progress("Waiting for the process that computes it", 0, 0, "")
        yield


def _held(job: JobFolder, stack: contextlib.ExitStack) -> bool:
    """Whether this process holds the lock now, or nobody can: in a folder that may only be read, nothing is kept."""
    try:
        job.make()
        return stack.enter_context(hold_lock(job.path / "compute.lock", timeout=_LOOK_SECONDS))
    except StorageError:
        return True
