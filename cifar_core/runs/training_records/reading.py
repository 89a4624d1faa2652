"""Reads the training records of a run, for everyone who asks how each training picture was learned."""

from dataclasses import dataclass

import numpy as np

from cifar_core.data.sources.archive_limits import open_regular_file
from cifar_core.errors import RunError
from cifar_core.runs.epoch_log import read_lines
from cifar_core.runs.records import TrainingRecord, config_of, read_creation, read_training_record
from cifar_core.runs.results import UNREADABLE, reason_of
from cifar_core.runs.run_folder import RunFolder, run_folder
from cifar_core.runs.training_records.files import (
    kept_epochs,
    read_pictures_file,
    read_record,
    thinning_sentence,
)
from cifar_core.workspace import Workspace

_REMEDY = ". A new run with its settings keeps them."


@dataclass(frozen=True)
class TrainingAnswers:
    """The answers of the network to its N training pictures in the E epochs that are kept.

    They were noted in the steps of the training, so each is of another state of the network and of an augmented view,
    with dropout: not what the network answers to the picture as it is. The stored values are float16.
    """

    epochs: tuple[int, ...]  # 1-based, ascending
    labels: np.ndarray  # int64 [N]
    ids: np.ndarray  # str [N]
    positions: np.ndarray  # int64 [N], ascending, in the training part of the dataset
    p_true: np.ndarray  # float32 [E, N], the probability of the label; NaN where the epoch did not show the picture
    margin: np.ndarray  # float32 [E, N], the logit of the label minus the largest other one; likewise
    predicted: np.ndarray  # int16 [E, N], the class; -1 where the epoch did not show the picture
    note: str = ""  # sentences where not every epoch is kept

    @property
    def shown(self) -> np.ndarray:
        """Whether the epoch showed the picture: bool [E, N]. Pruning leaves some out."""
        return self.predicted >= 0

    @property
    def right(self) -> np.ndarray:
        """Whether the epoch showed the picture and the network predicted its label: bool [E, N]."""
        return self.predicted == self.labels


def has_training_records(workspace: Workspace, run_id: str) -> bool:
    """Whether a run has training records of at least one epoch, without reading them.

    Raises:
        RunError: no such run, or its `config.json` or `facts.json` cannot be read.
    """
    folder = run_folder(workspace, run_id)
    facts = read_training_record(folder)
    return facts is not None and bool(_kept(folder, facts)) and folder.trained_pictures.is_file()


def missing_training_records(workspace: Workspace, run_id: str) -> str:
    """One sentence why a run has no training records; empty where it has some. Raises as `has_training_records`."""
    if has_training_records(workspace, run_id):
        return ""
    folder = run_folder(workspace, run_id)
    facts = read_training_record(folder)
    return _why_there_are_none(folder, facts, gone=facts is not None and bool(_kept(folder, facts)))


def read_training_answers(workspace: Workspace, run_id: str) -> TrainingAnswers:
    """What a run noted of each training picture, each time that it was shown.

    Raises:
        RunError: no such run, or it has no training records or damaged ones; the sentence says why.
    """
    folder = run_folder(workspace, run_id)
    facts = read_training_record(folder)
    epochs = [] if facts is None else _kept(folder, facts)
    if facts is None or not epochs or not folder.training_records.is_dir():
        raise RunError(_why_there_are_none(folder, facts, gone=bool(epochs)))
    count, classes = facts.dataset.train, len(facts.dataset.class_names)
    path = folder.trained_pictures
    try:
        pictures = read_pictures_file(path, count, classes)
        p_true, margin = np.empty((len(epochs), count), np.float32), np.empty((len(epochs), count), np.float32)
        predicted = np.empty((len(epochs), count), np.int16)
        for row, epoch in enumerate(epochs):
            path = folder.record(epoch)
            with open_regular_file(path, path.name) as stream:
                found = read_record(stream, pictures.labels, classes)
            p_true[row], margin[row], predicted[row] = found["p_true"], found["margin"], found["predicted"]
    except FileNotFoundError as error:
        raise RunError(f"The training records of run {run_id} lack {path.name}{_REMEDY}") from error
    except UNREADABLE as error:
        raise RunError(
            f"The training records of run {run_id} cannot be read ({path.name}: {reason_of(error)}){_REMEDY}"
        ) from error
    note = _note(folder, facts)
    return TrainingAnswers(
        tuple(epochs), pictures.labels, pictures.ids, pictures.positions, p_true, margin, predicted, note
    )


def _kept(folder: RunFolder, facts: TrainingRecord) -> list[int]:
    creation = read_creation(folder)
    return kept_epochs(read_lines(folder)[0], facts, config_of(creation), creation.epoch_rule)


def _note(folder: RunFolder, facts: TrainingRecord) -> str:
    epochs, first = _epochs(folder), facts.recorded_from
    earlier = (
        f"They begin with epoch {first}: an earlier version of this program trained the ones before, or their records "
        "were deleted."
    )
    return " ".join(
        filter(None, [thinning_sentence(facts.record_every, facts.dataset.train, epochs), earlier * (first > 1)])
    )


def _epochs(folder: RunFolder) -> int:
    return config_of(read_creation(folder)).optimizer.epochs


def _why_there_are_none(folder: RunFolder, facts: TrainingRecord | None, *, gone: bool) -> str:
    run_id = folder.run_id
    if gone:
        return f"The training records of run {run_id} have been deleted{_REMEDY}"
    if facts is None or facts.record_every:
        return f"Run {run_id} has no training records yet: they come with the first epoch that it keeps."
    if facts.dataset.train == 0:
        return f"Run {run_id} has no training records, because this program did not train it."
    no_room = thinning_sentence(0, facts.dataset.train, _epochs(folder))
    if no_room in facts.warnings:
        return f"Run {run_id}: {no_room}"
    return f"Run {run_id} kept no training records, as an earlier version of this program trained it{_REMEDY}"
