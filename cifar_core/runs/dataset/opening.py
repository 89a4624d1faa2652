"""Opens the pictures that a run was measured on: in its own dataset, or in the one that a person linked."""

from dataclasses import replace

import numpy as np

from cifar_core.data import Dataset, open_dataset
from cifar_core.errors import DataError, RunError
from cifar_core.runs.old_schemas import as_stored
from cifar_core.runs.run import DatasetFacts, LinkedDataset, Run
from cifar_core.runs.run_folder import run_folder
from cifar_core.runs.sample_files import Samples, read_samples
from cifar_core.text import one_line
from cifar_core.workspace import Workspace


def open_run_dataset(workspace: Workspace, run: Run, *, exact: bool = False) -> Dataset:
    """The dataset that a run was trained on; where that is gone or another one now, the linked one, if any.

    Of a linked dataset whose classes or pictures stand in another order, the test part is given in the order of the
    run, and all labels by the classes of the run; its training part has an order of its own.

    Args:
        workspace: where.
        run: whose pictures are wanted.
        exact: refuse a dataset whose fingerprint is not the run's, for whoever needs the training part too.

    Raises:
        DataError: it is absent or broken.
        RunError: the run cannot be read, has not opened its data yet, or the dataset's content has changed.
    """
    try:
        return open_own_dataset(workspace, run)
    except (DataError, RunError):
        if run.problem or run.dataset is None or run.linked_dataset is None:
            raise
        return _open_linked(workspace, run, run.dataset, run.linked_dataset, exact)


def open_own_dataset(workspace: Workspace, run: Run) -> Dataset:
    """The dataset that a run was trained on, under the name that its settings give.

    Raises:
        DataError: it is absent or broken.
        RunError: the run cannot be read, has not opened its data yet, or the dataset's content has changed.
    """
    if run.problem:
        raise RunError(run.problem)
    if run.dataset is None:
        raise RunError(f"Run {run.id} has not opened its dataset yet: wait for its first epoch.")
    dataset = open_dataset(workspace, run.dataset.name)
    if dataset.fingerprint != run.dataset.fingerprint:
        raise RunError(
            f"The dataset {dataset.name} is not the one run {run.id} was trained on (its fingerprint differs): "
            "its pictures would not match the predictions. Train a new run on it."
        )
    return dataset


def _open_linked(workspace: Workspace, run: Run, facts: DatasetFacts, link: LinkedDataset, exact: bool) -> Dataset:
    dataset = open_dataset(workspace, link.name)
    if dataset.fingerprint != link.fingerprint:
        raise RunError(
            f"The dataset {link.name} has changed since run {run.id} was linked to it: link the run again, with "
            f"`runs link {run.id} DATASET` or where its pictures are missing."
        )
    if dataset.fingerprint == facts.fingerprint:
        return dataset
    if exact:
        raise RunError(
            f"The dataset {facts.name} of run {run.id} is gone, and the linked one, {link.name}, has the same test "
            "pictures but may have others in training: bring back the run's own dataset for this."
        )
    return in_order_of_run(workspace, run, dataset)


def in_order_of_run(workspace: Workspace, run: Run, dataset: Dataset) -> Dataset:
    """A dataset whose test part has the run's pictures by their ids, in the run's order and with its classes.

    Raises:
        RunError: its classes, or the ids or true classes of its test pictures, are others than the run's.
    """
    names, samples = run.dataset.class_names if run.dataset else (), _test_samples(workspace, run)
    if set(names) != set(dataset.class_names):
        raise RunError(f"The dataset {dataset.name} has other classes than run {run.id}.")
    place = np.array([names.index(name) for name in dataset.class_names], np.int64)
    to, of = np.argsort(samples.ids, kind="stable"), np.argsort(dataset.test.ids, kind="stable")
    if not np.array_equal(samples.ids[to], dataset.test.ids[of]):
        raise RunError(f"The dataset {dataset.name} has other test pictures than run {run.id}: their ids differ.")
    order = np.empty(len(to), np.int64)
    order[to] = of
    test = dataset.test.take(order)
    test = replace(test, labels=place[test.labels])
    differ = np.flatnonzero(test.labels != samples.labels)
    if len(differ):
        raise RunError(
            f"The dataset {dataset.name} has other labels than run {run.id}: {len(differ):,} of its test pictures are "
            f"of another class, such as {one_line(samples.ids[differ[0]])}."
        )
    train = replace(dataset.train, labels=place[dataset.train.labels])
    return replace(dataset, class_names=names, train=train, test=test)


def _test_samples(workspace: Workspace, run: Run) -> Samples:
    """The labels and ids of the test pictures of a run; RunError where they cannot be read."""
    try:
        return read_samples(as_stored(run_folder(workspace, run.id)).samples("test"))
    except (OSError, ValueError, DataError) as error:
        raise RunError(f"The test pictures of run {run.id} cannot be told: {one_line(error)}") from error
