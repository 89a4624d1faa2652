"""The dataset of a run as its training process takes it up: opened or drawn, unchanged, checked; the facts about it.

Whatever takes long here obeys the requests to the run.
"""

import contextlib
import time

from cifar_core.config import RunConfig
from cifar_core.data import (
    Dataset,
    DatasetCheck,
    check_dataset,
    open_dataset,
    prepare_drawn10,
)
from cifar_core.data.sources.drawn10 import DRAWN10_NAME
from cifar_core.data.store import is_saved
from cifar_core.errors import RunError, StorageError
from cifar_core.lifecycle.requests import EndRequests
from cifar_core.lifecycle.states import EndRequest, TrainingProgress
from cifar_core.lifecycle.status import write_progress
from cifar_core.runs.going_on.seen_before import Seen, seen_by_weights, seen_count
from cifar_core.runs.records import read_creation, read_training_record
from cifar_core.runs.run import DatasetFacts
from cifar_core.runs.run_folder import RunFolder
from cifar_core.runs.training.kept_data import KeptData
from cifar_core.runs.training.recorder import STATUS_SECONDS
from cifar_core.train import unvalidated_classes
from cifar_core.train.batches import TrainingData


class CutShortError(Exception):
    """The run was asked to end before it had begun to train."""

    def __init__(self, request: EndRequest) -> None:
        super().__init__(request)
        self.request = request


def raise_if_ending(requests: EndRequests) -> None:
    """Raise CutShortError where the run is asked to end."""
    request = requests.now()
    if request is not None:
        raise CutShortError(request)


def checked_dataset(
    folder: RunFolder, config: RunConfig, starting: TrainingProgress, requests: EndRequests, kept: KeptData
) -> tuple[Dataset, DatasetCheck]:
    """Open the run's dataset, as it was when the run began, and check it; raises as `_dataset`."""
    dataset = _dataset(folder, config, starting, requests)
    kept.check(dataset)
    _require_same_dataset(folder, dataset)
    check = check_dataset(folder.workspace, dataset, lambda *_: raise_if_ending(requests))
    raise_if_ending(requests)
    return dataset, check


def seen_by_run(
    folder: RunFolder, dataset: Dataset, check: DatasetCheck, data: TrainingData, requests: EndRequests
) -> tuple[Seen, tuple[str, ...]]:
    """As `seen_by_weights`; raises CutShortError where the run was asked to end meanwhile."""
    train, validation = data.train.positions, data.validation.positions
    return seen_by_weights(folder, dataset, check.groups, train, validation, lambda *_: raise_if_ending(requests))


def _dataset(folder: RunFolder, config: RunConfig, starting: TrainingProgress, requests: EndRequests) -> Dataset:
    """Open the run's dataset; `drawn10` is drawn first where it is absent.

    Raises:
        CutShortError: the run was asked to end meanwhile.
    """
    workspace = folder.workspace
    if config.data.dataset != DRAWN10_NAME:
        return open_dataset(workspace, config.data.dataset)
    shown_at = 0.0

    def show(done: int, total: int) -> None:
        nonlocal shown_at
        raise_if_ending(requests)
        if time.monotonic() - shown_at > STATUS_SECONDS:
            shown_at = time.monotonic()
            phase = f"drawing pictures, {done:,} of {total:,}"
            with contextlib.suppress(StorageError):  # the run can go on without this progress being shown
                write_progress(folder, starting.before_training(phase))

    return prepare_drawn10(workspace, show)


def _require_same_dataset(folder: RunFolder, dataset: Dataset) -> None:
    """Raise RunError where the dataset has changed since the run began, or since the run that it continues."""
    before, continues = read_training_record(folder), read_creation(folder).dataset_fingerprint
    if continues and continues != dataset.fingerprint:
        raise RunError(
            f"The dataset {dataset.name} is not the one that this run's weights were trained on: its validation "
            "pictures may have been learned from. Start a new run instead."
        )
    if before and before.dataset.fingerprint != dataset.fingerprint:
        raise RunError(f"The dataset {dataset.name} has changed since this run began: start a new run instead.")


def dataset_facts(
    dataset: Dataset, data: TrainingData, kept: KeptData, seen: Seen, shortcuts: tuple[str, ...]
) -> DatasetFacts:
    """The facts about the dataset that the run keeps."""
    test_hash, test_pixels = kept.hashes
    return DatasetFacts(
        name=dataset.name,
        class_names=dataset.class_names,
        mean=dataset.mean,
        std=dataset.std,
        fingerprint=dataset.fingerprint,
        train=len(data.train),
        validation=len(data.validation),
        test=len(data.test),
        test_hash=test_hash,
        test_pixels=test_pixels,
        grey_bits=dataset.grey_bits,
        fit=dataset.fit,
        test_seen=seen_count(seen, "test"),
        validation_seen=seen_count(seen, "validation"),
        shortcuts=shortcuts,
        unvalidated=unvalidated_classes(dataset, data.validation.positions),
    )


def has_usual_start(folder: RunFolder, config: RunConfig, kept: KeptData) -> bool:
    """Whether the start of a run tells how long others will take: its process is new, and its pictures are there."""
    draws = config.data.dataset == DRAWN10_NAME and not is_saved(folder.workspace, DRAWN10_NAME)
    return kept.is_empty and not draws
