"""Starts an analysis of a run as a job (`process.py`), whose folder is in that of the run."""

from dataclasses import asdict, dataclass
from typing import Any

from cifar_core.analyse.declaration import Analysis, P
from cifar_core.analyse.inputs import missing_input
from cifar_core.errors import RunError
from cifar_core.jobs.job import JobFolder, Request, read_request
from cifar_core.jobs.start import start_job
from cifar_core.processes import Program
from cifar_core.runs import Run
from cifar_core.runs.run_folder import run_folder
from cifar_core.workspace import Workspace


@dataclass(frozen=True)
class AnalysisRequest(Request):
    """Which analysis is to be computed, and with which parameters."""

    analysis: str  # id
    parameters: dict[str, Any]


def analysis_job(workspace: Workspace, run_id: str, analysis: Analysis[P], parameters: P) -> JobFolder:
    """The job that computes this analysis of a run; RunError without such a run.

    Each kept result has one job: what makes no variants of the result does not make another job either.
    """
    return run_folder(workspace, run_id).job(f"analysis-{analysis.name_of(parameters)}")


def missing_needs(workspace: Workspace, run: Run, analysis: Analysis[P], parameters: P | None = None) -> str:
    """One sentence why an analysis of this run is not possible; empty where everything is there.

    Args:
        workspace, run: of which run.
        analysis: which analysis.
        parameters: that it would be computed with; the defaults where there are none.

    Raises:
        RunError: no such run.
    """
    needs = analysis.needs_of(analysis.parameters() if parameters is None else parameters)
    return next(filter(None, (missing_input(workspace, run, need) for need in needs)), "")


def start_analysis(workspace: Workspace, run: Run, analysis: Analysis[P], parameters: P) -> None:
    """Compute an analysis as a job; the same one that is in progress already is not started again.

    Raises:
        RunError: no such run, it lacks what the analysis needs, or the same analysis is being computed with other
            parameters.
        StorageError: the process could not be started.
    """
    if missing := missing_needs(workspace, run, analysis, parameters):
        raise RunError(missing)
    job = analysis_job(workspace, run.id, analysis, parameters)
    request = AnalysisRequest("analysis", analysis.id, asdict(parameters))  # type: ignore[call-overload]
    if not start_job(job, Program.ANALYSE, request) and read_request(job, AnalysisRequest) != request:
        raise RunError(
            f"The {analysis.title} of run {run.id} is being computed with other settings: wait until that is done, or "
            "stop it."
        )
