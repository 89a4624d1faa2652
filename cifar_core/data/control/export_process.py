"""The process that exports a dataset, by `export_job.py`: `python -m cifar_core.data.control.export_process`."""

from pathlib import Path

from cifar_core.data.control.export_job import ExportRequest
from cifar_core.data.control.exporting import export_dataset
from cifar_core.jobs.job import JobFolder
from cifar_core.jobs.process import Reporter, run_job_process
from cifar_core.workspace import Workspace


def export(job: JobFolder, request: ExportRequest, reporter: Reporter) -> None:
    """Export the dataset; where it is goes into the report."""
    reporter.check_cancel()
    workspace = Workspace(job.path.parents[2])  # of data/.jobs/NAME.export, which `export_job` named
    out = Path(request.out) if request.out else None
    reporter.report.append(str(export_dataset(workspace, request.dataset, out, progress=reporter)))


if __name__ == "__main__":
    run_job_process(ExportRequest, export)
