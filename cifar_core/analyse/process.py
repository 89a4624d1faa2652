"""The process that computes an analysis of a run: `python -m cifar_core.analyse.process --job=DIR`, by `job.py`."""

from cifar_core.analyse.compute.keeping import compute_and_keep
from cifar_core.analyse.declaration import make_parameters
from cifar_core.analyse.job import AnalysisRequest
from cifar_core.analyse.table import ANALYSES
from cifar_core.errors import RunError, StorageError
from cifar_core.jobs.job import JobFolder
from cifar_core.jobs.process import Reporter, run_job_process
from cifar_core.runs import read_run
from cifar_core.runs.run_folder import RunFolder


def analyse(job: JobFolder, request: AnalysisRequest, reporter: Reporter) -> None:
    """Do the job: its folder lies in that of the run (`analysis_job`)."""
    reporter("Opening the run", 0, 0, "")
    folder, analysis = RunFolder(job.path.parents[1]), ANALYSES.get(request.analysis)
    if analysis is None:
        raise RunError(f"This version of the program has no analysis {request.analysis!r}: dismiss the job.")
    run, parameters = (
        read_run(folder.workspace, folder.run_id),
        make_parameters(analysis.parameters, request.parameters),
    )
    result = compute_and_keep(folder.workspace, run, analysis, parameters, reporter)
    if result.unkept:
        raise StorageError(result.unkept)


if __name__ == "__main__":
    run_job_process(AnalysisRequest, analyse)
