"""The process that prepares one dataset: `python -m cifar_core.data.prepare_process --job=DIR`, by `preparation.py`.

The lock of its job is the lock of the dataset.
"""

from pathlib import Path

from cifar_core.data.preparation import DataRequest, remove_leftovers
from cifar_core.data.sources.cifar10 import get_cifar10, import_official, official_files
from cifar_core.data.sources.cifar_binary import import_binary, is_binary_cifar
from cifar_core.data.sources.drawn10 import DRAWN10_NAME, DRAWN10_TEST_PICTURES, DRAWN10_TRAIN_PICTURES, draw_drawn10
from cifar_core.data.sources.importing import ImportRefusedError, import_pictures
from cifar_core.jobs.job import JobFolder
from cifar_core.jobs.process import Reporter, run_job_process
from cifar_core.storage.atomic import remove
from cifar_core.workspace import Workspace


def prepare(job: JobFolder, request: DataRequest, reporter: Reporter) -> None:
    """Prepare the dataset; what an import says of its files goes into the report."""
    # The folder is data/.jobs/NAME, which `dataset_job` made.
    workspace, name = Workspace(job.path.parents[2]), job.path.name
    try:
        reporter.check_cancel()
        remove_leftovers(workspace, name)
        if request.kind == "import":
            _import(workspace, name, request, reporter)
        elif name == DRAWN10_NAME:
            count = DRAWN10_TRAIN_PICTURES + DRAWN10_TEST_PICTURES
            reporter("Drawing", 0, count, "pictures")  # shown until the drawing processes have started
            draw_drawn10(workspace, lambda done, total: reporter("Drawing", done, total, "pictures"))
        else:
            get_cifar10(workspace, reporter)
    except ImportRefusedError as error:
        reporter.report += error.report
        raise
    finally:
        if request.remove_source:
            remove(Path(request.source))


def _import(workspace: Workspace, name: str, request: DataRequest, reporter: Reporter) -> None:
    source = Path(request.source)
    if files := official_files(source):
        import_official(workspace, source, name, files, reporter, shown=request.shown)
        return
    if is_binary_cifar(source):
        import_binary(workspace, source, name, reporter, shown=request.shown)
        return
    _, report = import_pictures(
        workspace, source, name, progress=reporter, shown=request.shown, leave_out=request.leave_out
    )
    reporter.report += report


if __name__ == "__main__":
    run_job_process(DataRequest, prepare)
