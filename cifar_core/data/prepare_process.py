"""The process that prepares one dataset: `python -m cifar_core.data.prepare_process --workspace=DIR --name=NAME`.

`preparation.py` starts it. It reads `job.json` in the folder of its job, writes `state.json`, and holds the lock of the
dataset as long as it runs. An unexpected error ends it with a traceback in `worker.log`; people see its last line.
"""

import argparse
from pathlib import Path

from cifar_core.data.preparation import LOG, Reporter, Request, job_folder, read_request, remove_leftovers
from cifar_core.data.sources.cifar10 import get_cifar10, import_official, is_official
from cifar_core.data.sources.drawn10 import DRAWN10_NAME, DRAWN10_TEST_PICTURES, DRAWN10_TRAIN_PICTURES, draw_drawn10
from cifar_core.data.sources.importing import ImportRefusedError, import_pictures
from cifar_core.data.store import dataset_lock
from cifar_core.errors import CifarCoreError, StorageError
from cifar_core.jobs.log import append_bounded, end_line
from cifar_core.jobs.progress import CancelledError
from cifar_core.storage.atomic import remove, sweep_temp
from cifar_core.storage.locks import hold_lock
from cifar_core.workspace import Workspace, open_workspace

LOCK_SECONDS = 15.0  # another process may be testing the lock, or be drawing drawn10 for a run


def run_job(workspace: Workspace, name: str) -> int:
    """Do what `job.json` requests, unless another process does it already; returns the exit code."""
    with hold_lock(dataset_lock(workspace, name), timeout=LOCK_SECONDS) as acquired:
        if not acquired:
            return 0
        folder = job_folder(workspace, name)
        request = read_request(folder)
        reporter = Reporter(folder, name, request.kind)
        remove_leftovers(workspace, name)
        sweep_temp(folder, older_than=0, spare=[folder / "cancel"])
        try:
            report = prepare(workspace, name, request, reporter)
        except CancelledError:
            reporter.end("cancelled")
        except CifarCoreError as error:
            report = error.report if isinstance(error, ImportRefusedError) else []
            try:
                reporter.end("failed", error=str(error), report=report)
            except StorageError:  # the first of the two errors is the cause
                raise error from None
            return error.exit_code
        else:
            reporter.end("done", report=report)
        finally:
            if request.remove_source:
                remove(Path(request.source))
    return 0


def prepare(workspace: Workspace, name: str, request: Request, reporter: Reporter) -> list[str]:
    """Prepare the dataset; returns the report of an import."""
    source = Path(request.source)
    if request.kind == "import" and is_official(source):
        import_official(workspace, source, name, reporter, shown=request.shown)
    elif request.kind == "import":
        _, report = import_pictures(
            workspace, source, name, progress=reporter, shown=request.shown, leave_out=request.leave_out
        )
        return report
    elif name == DRAWN10_NAME:
        count = DRAWN10_TRAIN_PICTURES + DRAWN10_TEST_PICTURES
        reporter("Drawing", 0, count, "pictures")  # shown until the drawing processes have started
        draw_drawn10(workspace, lambda done, total: reporter("Drawing", done, total, "pictures"))
    else:
        get_cifar10(workspace, reporter)
    return []


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", required=True)
    parser.add_argument("--name", required=True)
    arguments = parser.parse_args()
    space = open_workspace(arguments.workspace)
    try:
        raise SystemExit(run_job(space, arguments.name))
    except CifarCoreError as error:
        log = job_folder(space, arguments.name) / LOG  # holds the reason where the state could not be written
        append_bounded(log, f"\n{end_line('failed', str(error))}\n".encode())
        raise SystemExit(str(error)) from error
