"""The process that prepares one dataset: `python -m cifar_core.data.prepare_process --job=DIR`, by `preparation.py`.

The lock of its job is the lock of the dataset.
"""

import contextlib
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from cifar_core.data.array_files import write_array
from cifar_core.data.checks.about import read_about, write_about
from cifar_core.data.checks.check import check_dataset, warning_sentences
from cifar_core.data.checks.cleaned import plan_cleaned_copy, save_cleaned_copy
from cifar_core.data.dataset import Dataset
from cifar_core.data.import_findings import (
    PREVIEW_PICTURES,
    Findings,
    findings_file,
    preview_file,
    spool_folder,
    write_findings,
)
from cifar_core.data.preparation import DataRequest, remove_leftovers
from cifar_core.data.sources.cifar10 import get_cifar10, import_official, official_files
from cifar_core.data.sources.cifar_binary import import_binary, is_binary_cifar
from cifar_core.data.sources.drawn10 import DRAWN10_NAME, DRAWN10_TEST_PICTURES, DRAWN10_TRAIN_PICTURES, draw_drawn10
from cifar_core.data.sources.own.importing import ImportRefusedError, ImportWatcher, import_pictures, look_inside
from cifar_core.data.sources.own.spool import remove_spool
from cifar_core.data.store import open_dataset
from cifar_core.errors import DataError, StorageError
from cifar_core.jobs.job import JobFolder
from cifar_core.jobs.process import Reporter, run_job_process
from cifar_core.jobs.progress import CancelledError
from cifar_core.machine import lower_priority
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
            _import(workspace, job, request, reporter)
        elif request.kind == "look":
            _look(job, request, reporter)
        elif request.kind == "clean":
            _clean(workspace, name, request, reporter)
        elif name == DRAWN10_NAME:
            _draw(workspace, job, reporter)
        else:
            get_cifar10(workspace, reporter)
        if request.kind == "get":
            check_dataset(workspace, open_dataset(workspace, name))
    except CancelledError:
        if job.cancel_file.exists():  # a person gave it up; else the machine was told to end
            _remove_upload(request)
            remove_spool(spool_folder(job))
        raise


def _draw(workspace: Workspace, job: JobFolder, reporter: Reporter) -> None:
    """Draw `drawn10` beside the screens and beside the start of a training; on an idle machine as fast as before."""
    lower_priority()
    remove(preview_file(job))  # of an earlier drawing
    count = DRAWN10_TRAIN_PICTURES + DRAWN10_TEST_PICTURES
    reporter("Drawing", 0, count, "pictures")  # shown until the drawing processes have started
    draw_drawn10(workspace, lambda done, total: reporter("Drawing", done, total, "pictures"), Preview(job))


def _look(job: JobFolder, request: DataRequest, reporter: Reporter) -> None:
    source = Path(request.source)
    remove(findings_file(job))  # of an earlier look
    if known := _known_sentence(source):
        findings = Findings([known])
    else:
        watcher = ImportWatcher(reporter)
        findings = look_inside(source, encoding=request.options.encoding, watcher=watcher, shown=request.shown)
    write_findings(job, findings)


def _known_sentence(source: Path) -> str:
    """What these files are, where they are those of a well-known dataset; else empty."""
    if files := official_files(source):
        return f"These are the official files of {files.title}."
    return "These are files of CIFAR in its binary form." if is_binary_cifar(source) else ""


def _import(workspace: Workspace, job: JobFolder, request: DataRequest, reporter: Reporter) -> None:
    """Import the source; an upload is removed then, while after a refusal it stays for another try."""
    source, name = Path(request.source), job.path.name
    try:
        if files := official_files(source):
            import_official(workspace, source, name, files, reporter, shown=request.shown)
            findings = Findings([_known_sentence(source)], imported=True)
        elif is_binary_cifar(source):
            import_binary(workspace, source, name, reporter, shown=request.shown)
            findings = Findings([_known_sentence(source)], imported=True)
        else:
            watcher = ImportWatcher(reporter, reporter.say, Preview(job))
            _, findings = import_pictures(
                workspace,
                source,
                name,
                options=request.options,
                watcher=watcher,
                shown=request.shown,
                kept=spool_folder(job),
            )
    except ImportRefusedError as error:  # what was read stays: the others may be imported
        _report(job, error.findings, reporter)
        raise
    except (DataError, StorageError) as error:
        remove_spool(spool_folder(job))
        if isinstance(error, DataError):
            remove(findings_file(job))  # of the look: what was found there cannot be imported
        raise
    remove_spool(spool_folder(job))
    _remove_upload(request)
    warnings = _check(workspace, open_dataset(workspace, name), reporter)
    _report(job, replace(findings, sentences=[*findings.sentences, *warnings]), reporter)


def _check(workspace: Workspace, dataset: Dataset, reporter: Reporter) -> list[str]:
    """Check a dataset that was just stored; sentences on what makes its numbers untrue."""

    def tell(phase: str, done: int, total: int, unit: str) -> None:
        with contextlib.suppress(CancelledError):  # the dataset is there, so what is left to do cannot be cancelled
            reporter(phase, done, total, unit)

    check = check_dataset(workspace, dataset, tell)
    return warning_sentences(check.duplicates, check.shortcuts, len(dataset.test.labels), dataset.held)


def _clean(workspace: Workspace, name: str, request: DataRequest, reporter: Reporter) -> None:
    dataset = open_dataset(workspace, request.source)
    plan = plan_cleaned_copy(dataset, check_dataset(workspace, dataset, reporter).groups)
    reporter("Saving", 0, 1, "files")
    copy = save_cleaned_copy(workspace, dataset, plan, name)
    with contextlib.suppress(DataError, StorageError):  # the words about the source are no reason to fail
        write_about(workspace, name, read_about(workspace, dataset.name))
    check_dataset(workspace, copy)
    reporter.report[:] = plan.sentences


def _report(job: JobFolder, findings: Findings, reporter: Reporter) -> None:
    write_findings(job, findings)
    reporter.report[:] = findings.report


class Preview:
    """Writes the pictures read or drawn last for whoever watches, now and then."""

    EVERY = 0.5  # seconds

    def __init__(self, job: JobFolder) -> None:
        self._file = preview_file(job)
        self._next = 0.0

    def __call__(self, pictures: np.ndarray) -> None:
        if time.monotonic() >= self._next:
            write_array(self._file, pictures[:PREVIEW_PICTURES], durable=False)
            self._next = time.monotonic() + self.EVERY


def _remove_upload(request: DataRequest) -> None:
    if request.is_upload:
        remove(Path(request.source))


if __name__ == "__main__":
    run_job_process(DataRequest, prepare)
