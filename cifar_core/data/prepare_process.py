"""The process that prepares one dataset: `python -m cifar_core.data.prepare_process --workspace=DIR --name=NAME`, started by `jobs.py`.

Reads `job.json` of its folder and writes `state.json`; holds the dataset's lock for life. An error nobody foresaw ends it with
a traceback in `worker.log`, whose last line is what people are told.
"""

import argparse
from pathlib import Path

from cifar_core.data.preparation import LOG, Reporter, Request, job_folder, read_request, remove_leftovers
from cifar_core.data.sources.cifar10 import get_cifar10, import_official, is_official
from cifar_core.data.sources.drawn10 import NAME as DRAWN10
from cifar_core.data.sources.drawn10 import TEST, TRAIN, draw_drawn10
from cifar_core.data.sources.importing import ImportRefusedError, import_pictures
from cifar_core.data.store import dataset_lock
from cifar_core.errors import CifarCoreError, StorageError
from cifar_core.jobs.log import append_bounded, end_line
from cifar_core.jobs.progress import CancelledError
from cifar_core.storage.atomic import remove, sweep_temp
from cifar_core.storage.locks import hold_lock
from cifar_core.workspace import Workspace, open_workspace

LOCK_SECONDS = 15.0  # someone may just be asking whether the lock is free, or drawing drawn10 for a run


def run_job(workspace: Workspace, name: str) -> int:
    """Do what `job.json` asks, unless another process is at it; returns the exit code."""
    with hold_lock(dataset_lock(workspace, name), timeout=LOCK_SECONDS) as mine:
        if not mine:
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
            except StorageError:  # of the two errors the first is the cause
                raise error from None
            return error.exit_code
        else:
            reporter.end("done", report=report)
        finally:
            if request.remove_source:
                remove(Path(request.source))
    return 0


def prepare(workspace: Workspace, name: str, request: Request, reporter: Reporter) -> list[str]:
    """Make the dataset; returns the report of an import."""
    source = Path(request.source)
    if request.kind == "import" and is_official(source):
        import_official(workspace, source, name, reporter, shown=request.shown)
    elif request.kind == "import":
        return import_pictures(workspace, source, name, progress=reporter, shown=request.shown,
                               leave_out=request.leave_out)[1]  # fmt: skip
    elif name == DRAWN10:
        reporter("Drawing", 0, TRAIN + TEST, "pictures")  # its processes take a moment to start
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
        log = job_folder(space, arguments.name) / LOG  # tells the reason where the state could not be written
        append_bounded(log, f"\n{end_line('failed', str(error))}\n".encode())
        raise SystemExit(str(error)) from error
