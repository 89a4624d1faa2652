"""Makes a run of the predictions of a model that was trained elsewhere, from a file: whole, or not at all."""

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from cifar_core.config import make_config
from cifar_core.data import Dataset, hash_of_pictures, open_dataset, read_check
from cifar_core.data.array_files import write_array
from cifar_core.data.sources.archive_limits import archive_errors, open_regular_file, shown_name
from cifar_core.data.sources.zips import ZIP_SIGNATURES
from cifar_core.errors import DataError, RunError
from cifar_core.evaluate import CheckedPredictions, accuracy, log_loss, wilson_interval
from cifar_core.lifecycle.status import write_imported_status
from cifar_core.limits import require_room
from cifar_core.runs.about import clean_run_name
from cifar_core.runs.control.admission import exclusive_run_changes
from cifar_core.runs.control.create import made_now
from cifar_core.runs.control.ids import new_run_id
from cifar_core.runs.epoch_log import line_text
from cifar_core.runs.imported.checks import check_rows
from cifar_core.runs.imported.csv_file import read_csv
from cifar_core.runs.imported.given import Expected, Given
from cifar_core.runs.imported.npz_file import read_npz
from cifar_core.runs.imported.parquet_file import read_parquet
from cifar_core.runs.listing import list_runs
from cifar_core.runs.records import TrainingRecord
from cifar_core.runs.run import IMPORTED, MAX_PERSON, DatasetFacts
from cifar_core.runs.run_folder import RunFolder
from cifar_core.runs.sample_files import Samples, hash_of_samples, samples_content
from cifar_core.storage.atomic import make_folder, new_folder, write_atomic
from cifar_core.storage.json_files import write_json
from cifar_core.text import clean_text, counted, size_text
from cifar_core.train import EpochLine
from cifar_core.workspace import Workspace

_PARQUET = b"PAR1"
_NPY = b"\x93NUMPY"
_EPOCH = 1  # the predictions are those of one moment


@dataclass(frozen=True)
class ImportedPredictions:
    """The result of an import."""

    run: str  # id of the new run
    pictures: int
    differing_labels: int  # pictures whose true class in the file is not that of the dataset


def import_predictions(
    workspace: Workspace,
    path: Path,
    dataset: str,
    name: str,
    *,
    split: Literal["test"] = "test",
    shown: str = "",
    person: str = "",
) -> ImportedPredictions:
    """Make a run of the predictions in a file; everything works on it that needs predictions alone.

    The file is a CSV, an NPZ or a Parquet file, told by its content. A table has a column `id` or `index`, one for each
    class, by its name or its number from 0, with no prefix or one of `p_`, `prob_` and `logit_`, and perhaps one for
    the true class (`true`, `label`, `ground_truth`). An NPZ file has the arrays `ids` or `index`, `probs` or `logits`,
    and perhaps `labels`. The rows may stand in any order. Labels that differ from the dataset's are used as they are.

    Args:
        workspace: where the run is made.
        path: the file.
        dataset: name of the dataset whose pictures were predicted.
        name: what people call the run, as `rename_run` takes it.
        split: the part that was predicted.
        shown: the name of the file for errors, where the person knows it by another one than `path` has.
        person: who asks, where there is a login.

    Raises:
        DataError: the dataset is not ready, or the file breaks a rule; the sentence names the row and the rule.
        RunError: the name breaks a rule.
        ConfigError: the server's `settings.json` breaks a rule.
        StorageError: there is no room, or the disk refused. In all cases the workspace stays as it was.
    """
    name = clean_run_name(name)
    person = clean_text(person, "person", MAX_PERSON, RunError)
    opened = open_dataset(workspace, dataset)
    file = shown_name(path, shown)
    expected = Expected(opened.name, opened.class_names, opened.test.ids)
    try:
        rows = check_rows(read_file(path, file, expected), expected)
    except ValueError as error:
        raise DataError(f"{file} was refused: {error}.") from error
    labels = np.array(opened.test.labels) if rows.labels is None else rows.labels
    differing = int((labels != opened.test.labels).sum())
    require_room(workspace, rows.probs.nbytes + labels.nbytes + opened.test.ids.nbytes, "The new run")
    facts = _facts(workspace, opened, labels)
    notes = (*_order_notes(rows.probs, opened), *_label_notes(differing, opened), *rows.notes)
    with exclusive_run_changes(workspace):
        run_id = new_run_id()
        while (workspace.runs / run_id).exists():
            run_id = new_run_id()
        origin = {"id": run_id, "origin": IMPORTED, "person": person, **made_now(list_runs(workspace))}
        with new_folder(workspace.runs / run_id) as made:
            folder = RunFolder(made)
            if name:
                write_json(folder.about, {"name": name})
            _write_records(folder, origin, facts, notes)
            _write_results(folder, labels, opened.test.ids, rows.probs, opened.class_names)
    return ImportedPredictions(run_id, len(labels), differing)


def read_file(path: Path, file: str, expected: Expected) -> Given:
    """What a file says; raises ValueError or DataError where it cannot be read."""
    with archive_errors(file), open_regular_file(path, file) as stream:
        size = os.fstat(stream.fileno()).st_size
        if size > expected.most_bytes:
            raise ValueError(
                f"it has {size_text(size)}, more than the {size_text(expected.most_bytes)} that predictions of "
                f"{counted(len(expected.ids), 'picture')} may have"
            )
        start = stream.read(len(_NPY))
        stream.seek(0)
        if start.startswith(_NPY):
            raise ValueError(f"it is a single array and does not say of which pictures: {expected.example}")
        if start.startswith(_PARQUET):
            return read_parquet(stream, expected)
        return read_npz(stream, expected) if start.startswith(ZIP_SIGNATURES) else read_csv(stream, expected)


def _facts(workspace: Workspace, dataset: Dataset, labels: np.ndarray) -> DatasetFacts:
    """The facts about the dataset that the run keeps; what the model was trained on is not known."""
    check = read_check(workspace, dataset)
    try:
        test_pixels = hash_of_pictures(dataset.test)
    except OSError as error:
        raise DataError(f"The pictures of {dataset.name} cannot be read: {error.strerror}.") from error
    return DatasetFacts(
        name=dataset.name,
        class_names=dataset.class_names,
        mean=dataset.mean,
        std=dataset.std,
        fingerprint=dataset.fingerprint,
        train=0,
        validation=0,
        test=len(labels),
        test_hash=hash_of_samples(labels, [dataset.test.ids]),
        test_pixels=test_pixels,
        grey_bits=dataset.grey_bits,
        fit=dataset.fit,
        shortcuts=check.shortcuts if check else (),
    )


def _label_notes(differing: int, dataset: Dataset) -> tuple[str, ...]:
    """What a person should know of the labels, in sentences."""
    if not differing:
        return ()
    return (
        f"The true classes of {counted(differing, 'test picture')} are not those of the dataset {dataset.name}: they "
        "are used as the imported file gives them. To compare with runs on the labels of the dataset, import the file "
        "without its labels.",
    )


def _order_notes(probs: np.ndarray, dataset: Dataset) -> tuple[str, ...]:
    """A sentence where the dataset's own labels fit the predictions no better than by chance.

    So it is with an index that counts the pictures in another order, or columns in another order of classes.
    """
    right, n = int((probs.argmax(axis=1) == dataset.test.labels).sum()), len(probs)
    if wilson_interval(right, n)[0] > 1 / len(dataset.class_names):
        return ()
    return (
        f"By the labels of {dataset.name}, {right:,} of {counted(n, 'test picture')} are right, as by chance: the rows "
        "of the imported file may be in another order of pictures than it says, or its columns in another of classes.",
    )


def _write_records(folder: RunFolder, origin: dict[str, Any], facts: DatasetFacts, notes: tuple[str, ...]) -> None:
    """Write config.json, facts.json and status.json.

    The settings are the defaults with the dataset's name and one epoch: every reader of a run expects settings, and
    `Run.settings_in_effect` says that none of them means anything for this one.
    """
    config = make_config({"dataset": facts.name, "epochs": _EPOCH})
    write_json(folder.config, {**origin, "settings": config.flat()})
    record = TrainingRecord(facts, device="", threads=0, settings=config.flat(), warnings=notes)
    write_json(folder.facts, asdict(record))
    write_imported_status(folder)


def _write_results(
    folder: RunFolder, labels: np.ndarray, ids: np.ndarray, probs: np.ndarray, class_names: tuple[str, ...]
) -> None:
    """Write the predictions, and the line of the only epoch with what is known of it."""
    make_folder(folder.predictions)
    write_atomic(folder.samples("test"), samples_content(Samples(labels, ids)))
    write_array(folder.probs("test", _EPOCH), probs)
    found = CheckedPredictions(labels, probs, class_names)
    line = EpochLine(
        epoch=_EPOCH,
        train_loss=None,
        train_accuracy=None,
        validation_loss=None,
        validation_accuracy=None,
        test_loss=log_loss(found),
        test_accuracy=accuracy(found),
        learning_rate=None,
        seconds=None,
        images_per_second=None,
    )
    write_atomic(folder.metrics, f"{line_text(line)}\n".encode())
