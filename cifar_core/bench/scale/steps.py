"""The steps of a dataset's way that are measured, each run by itself in a process (`measure.py`)."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from cifar_core.data import check_dataset, dataset_job, open_dataset, read_check, summarise
from cifar_core.data.dataset import hash_of_pictures
from cifar_core.data.import_findings import spool_folder
from cifar_core.data.sources.own.importing import ImportWatcher, import_pictures
from cifar_core.data.sources.own.spool import remove_spool
from cifar_core.data.store import dataset_folder, require_unchanged
from cifar_core.evaluate.confusion import confusion_matrix
from cifar_core.evaluate.predictions import CheckedPredictions
from cifar_core.samples import SampleFilter, sample_table, select_samples
from cifar_core.workspace import Workspace

Seconds = dict[str, float]


def import_source(workspace: Workspace, name: str, source: str) -> Seconds:
    """Import a folder or archive, or go on with an import that was killed."""
    phases: Seconds = {}
    began = [("Looking inside", time.perf_counter())]

    def note(phase: str, done: int, total: int, unit: str) -> None:
        if phase != began[0][0]:
            end_phase(phase)

    def end_phase(after: str) -> None:
        now = time.perf_counter()
        phases[began[0][0]] = phases.get(began[0][0], 0.0) + now - began[0][1]
        began[0] = after, now

    job = dataset_job(workspace, name)
    job.make()
    import_pictures(workspace, Path(source), name, watcher=ImportWatcher(note), kept=spool_folder(job))
    end_phase("")
    remove_spool(spool_folder(job))
    return phases


def open_and_hash(workspace: Workspace, name: str, _: str) -> Seconds:
    """What a training does before its first batch."""
    return _timed(
        opened=lambda: open_dataset(workspace, name),
        unchanged=lambda: require_unchanged(open_dataset(workspace, name)),
        test_pictures=lambda: hash_of_pictures(open_dataset(workspace, name).test),
    )


def check(workspace: Workspace, name: str, _: str) -> Seconds:
    """The check that follows an import; then what the Data page shows of it."""
    dataset = open_dataset(workspace, name)
    (dataset_folder(workspace, name) / "check.json").unlink(missing_ok=True)
    return _timed(
        made=lambda: check_dataset(workspace, dataset),
        read=lambda: read_check(workspace, dataset),
        shown=lambda: summarise(dataset, check_dataset(workspace, dataset)),
    )


def test_table(workspace: Workspace, name: str, _: str) -> Seconds:
    """What Confusion and Misclassified compute of the test pictures, with made-up predictions."""
    dataset = open_dataset(workspace, name)
    labels, classes = np.asarray(dataset.test.labels), len(dataset.class_names)
    probs = np.random.default_rng(0).dirichlet(np.full(classes, 0.3), len(labels)).astype(np.float32)
    probs[np.arange(len(labels)), labels] += 1
    predictions = CheckedPredictions(labels, probs / probs.sum(axis=1, keepdims=True), dataset.class_names)
    table = sample_table(predictions, dataset.test.ids.tolist())
    return _timed(
        table=lambda: sample_table(predictions, dataset.test.ids.tolist()),
        mistakes=lambda: select_samples(table, SampleFilter(), "loss"),
        confusion=lambda: confusion_matrix(predictions),
    )


def _timed(**steps: Callable[[], object]) -> Seconds:
    seconds = {}
    for name, step in steps.items():
        start = time.perf_counter()
        step()
        seconds[name] = time.perf_counter() - start
    return seconds


STEPS: dict[str, Callable[[Workspace, str, str], Seconds]] = {
    "import": import_source,
    "open": open_and_hash,
    "check": check,
    "table": test_table,
}
