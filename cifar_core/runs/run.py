"""The types of a run: what its folder holds, as screens and commands read it."""

import datetime
import functools
import hashlib
from dataclasses import dataclass
from typing import Literal

import numpy as np

from cifar_core.config import RunConfig, changed_settings, nearest_preset, settings_in_effect
from cifar_core.data import Fit
from cifar_core.evaluate import CheckedPredictions
from cifar_core.lifecycle.place import LOCAL, Place
from cifar_core.lifecycle.states import ACTIVE, RESUMABLE, EndRequest, Status, TrainingProgress
from cifar_core.runs.sample_files import hash_of_samples
from cifar_core.storage.json_types import (
    Amount,
    ClassNames,
    FolderName,
    GreyBits,
    PictureCount,
    Sentences,
    Sha256,
    SomeClassNames,
    moment_of,
)
from cifar_core.train import LOWEST_LOSS, EpochLine, EpochRule, MeasuredSplit, validation_count

# The layout of a run's folder. 3: predictions of the test and the validation part, one file for each epoch.
# 2: the last two checkpoints, and a file of weights for each best epoch. 1: one file for each.
RUN_SCHEMA = 3
COLOURS = 9  # that runs have in charts and tables
MAX_RUN_NAME = 80  # characters
MAX_NOTE = 2000
MAX_ERROR = 2000
MAX_PERSON = 254  # as an e-mail address
MAX_LESSON = 80
# How a run came about: trained from the beginning, continued from another run, trained on another dataset from the
# weights of a run, imported as predictions that another program made, one fold of a cross-validation, or one trial of
# a sweep.
Origin = Literal["trained", "continued", "fine-tuned", "imported", "fold", "trial"]
IMPORTED: Origin = "imported"  # it has predictions of one epoch, and neither a network nor a training
FRESH: tuple[Origin, ...] = ("trained", "trial")  # they began with fresh weights: the same settings repeat them
GOES_ON: tuple[Origin, ...] = ("continued", "fine-tuned")  # they began with the weights of their parent
_UNKNOWN = datetime.datetime.fromtimestamp(0, datetime.UTC)
RETRIABLE = (Status.STOPPED, Status.FAILED, Status.INTERRUPTED)


@dataclass(frozen=True)
class DatasetFacts:
    """What a run keeps about its dataset, so that the run can be read where the dataset is absent or has changed."""

    name: FolderName
    class_names: ClassNames
    mean: tuple[Amount, Amount, Amount]  # per channel, of the training part, 0 to 1
    std: tuple[Amount, Amount, Amount]
    fingerprint: Sha256
    train: PictureCount  # how many the network trains on
    validation: PictureCount
    test: PictureCount
    # Of labels and ids: see `hash_of_samples`. Empty where the run was last trained before schema 3.
    test_hash: Sha256 | Literal[""] = ""
    test_pixels: Sha256 | Literal[""] = ""  # of its pixels and ids: see `hash_of_pictures`; older runs have none
    grey_bits: GreyBits = 16  # that 16-bit grey pictures of its source used; uploaded ones are read likewise
    fit: Fit = "crop"  # how its pictures were brought to 32 x 32; uploaded ones are likewise
    # How many of them are seen in training too (`seen_in_training`); None where nobody has looked.
    test_seen: PictureCount | None = None
    validation_seen: PictureCount | None = None
    # Sentences on properties that tell the class so well that an accuracy is doubtful.
    shortcuts: Sentences = ()
    # Classes without a validation picture, where such pictures choose the epoch; None in older runs: not known.
    unvalidated: SomeClassNames | None = None

    def count_of(self, split: MeasuredSplit) -> int:
        """How many pictures a part has."""
        return self.test if split == "test" else self.validation

    def seen_of(self, split: MeasuredSplit) -> int | None:
        """How many pictures of a part are seen in training too; None where that is not known."""
        return self.test_seen if split == "test" else self.validation_seen


@dataclass(frozen=True)
class LinkedDataset:
    """A dataset with the same test pictures, which shows those of a run whose own dataset is gone."""

    name: FolderName
    fingerprint: Sha256  # of the dataset when it was linked


@dataclass(frozen=True)
class Run:
    """A run as it was on the disk when it was read."""

    id: str
    name: str  # given by the person; the id where there is none
    note: str
    status: Status
    config: RunConfig
    created: str  # ISO 8601, UTC
    error: str = ""  # why it failed or was interrupted, one sentence
    progress: TrainingProgress | None = None
    best: EpochLine | None = None  # chosen by the validation part; the last epoch where there is no such part
    last: EpochLine | None = None
    dataset: DatasetFacts | None = None  # None until its process has opened the data
    linked_dataset: LinkedDataset | None = None  # chosen by a person; used where `dataset` is gone
    device: str = ""
    precision: str = ""  # of the network's computations: float32 or bfloat16
    expected_seconds: float | None = None  # of training and measuring, as estimated when the run was made
    expected_low: float | None = None  # the bounds of that; None in runs of earlier versions
    expected_high: float | None = None
    expected_start_up: float | None = None  # seconds before that
    start_up: float | None = None  # seconds that its process took until it trained; None where it drew its pictures
    peak_memory: int | None = None  # bytes, of the training process; None before its end
    place: Place = LOCAL  # where it is computed
    person: str = ""  # who made it: the login, or the unchecked name that somebody typed who came by a lesson's link
    lesson: str = ""  # of a class, which it was made for; empty for most
    origin: Origin = "trained"
    # Id of the run that it was made from: whose settings it took (retry, duplicate), or what it continues.
    parent: str = ""
    sweep: str = ""  # of a trial: the sweep's id; it may be in another workspace, or deleted
    trial: int = 0  # of a trial: the number of its candidate in the sweep, from 1
    validation_curve: tuple[float, ...] = ()  # validation accuracy after each epoch; empty without a validation part
    parent_epoch: int = 0  # of a run that began with its parent's weights: after which epoch they were taken
    earlier_epochs: int = 0  # of a continued run: epochs that its weights had been trained for, over all runs before
    colour: int = 0  # 0 to COLOURS - 1, its own for ever
    epoch_rule: EpochRule = LOWEST_LOSS  # chose `best`
    from_zip: bool = False  # brought from another workspace, without its checkpoint
    ticket: int | None = None  # of a waiting run: the lowest is next
    round: int = (
        0  # of a waiting run under fair share: runs of the same person ahead of it; it counts before the ticket
    )
    diverged: bool = False  # whether it failed because its loss or its weights were no longer numbers
    ending: EndRequest | None = None  # what a person has asked of it and it has not obeyed yet; None once it ended
    silent_since: float | None = None  # seconds since 1970, where its process trains or waits and does not respond
    exact: bool = True  # whether the results are bit by bit those of an uninterrupted run
    warnings: tuple[str, ...] = ()  # what a person should know about the training, a sentence each
    problem: str = ""  # why the folder cannot be read; the other fields then hold defaults

    @functools.cached_property
    def made_at(self) -> datetime.datetime:
        """When it was made, in UTC, as its config.json says; the beginning of 1970 for a run that cannot be read."""
        return moment_of(self.created) if self.created else _UNKNOWN

    @property
    def active(self) -> bool:
        """Whether its process trains, waits in the queue, or is being started."""
        return self.status in ACTIVE

    @property
    def waits(self) -> bool:
        """Whether it waits for a cluster, or in the queue, also where it was passed over since it does not respond."""
        waits = self.ticket is not None or self.silent_since is not None or self.is_elsewhere
        return self.status is Status.QUEUED and waits

    @property
    def is_elsewhere(self) -> bool:
        """Whether a cluster computes it: it needs no slot of this machine, and its times say nothing of it."""
        return self.place != LOCAL

    @property
    def resumable(self) -> bool:
        """Whether it ended before its last epoch and can be resumed in this workspace.

        A run that diverged cannot: from its checkpoint it would come to the same end.
        """
        return self.status in RESUMABLE and not self.from_zip and not self.diverged

    @property
    def has_network(self) -> bool:
        """Whether it was trained by this program, here or elsewhere; not where only its predictions were imported."""
        return self.origin != IMPORTED

    @property
    def is_trial(self) -> bool:
        """Whether a sweep of this workspace made it: lists leave it out until it is asked for.

        One that came as a .zip was brought by a person.
        """
        return self.sweep != "" and not self.from_zip

    @property
    def can_be_continued(self) -> bool:
        """Whether a new run can train it for more epochs: it has a network, and ended for good after an epoch."""
        ended = not (self.active or self.resumable or self.diverged or self.problem)
        return ended and self.has_network and self.best is not None

    @property
    def seconds(self) -> float:
        """Seconds of training and measuring so far, without the start-up."""
        return self.progress.elapsed if self.progress else 0.0

    @property
    def done(self) -> float:
        """How much of its epochs is done, 0 to 1."""
        epochs, at = self.config.optimizer.epochs, self.progress
        logged = self.last.epoch if self.last else 0
        part = at.epoch - 1 + at.batch / at.batches if at and at.epoch and at.batches else 0.0
        return min(1.0, max(logged, part) / epochs)

    @property
    def overrun(self) -> float | None:
        """How much longer the epochs took than was expected, as a share (0.1: a tenth longer); None before the end."""
        if self.status is not Status.FINISHED or self.last is None or not self.expected_seconds:
            return None
        return self.seconds / (self.expected_seconds * self.last.epoch / self.config.optimizer.epochs) - 1

    @property
    def own_validation(self) -> int:
        """How many validation pictures of its dataset's own the run has; 0 where it has none, or nobody knows yet.

        Their number is kept, not where they come from: what is no share of the training pictures is the dataset's own.
        A share may have one more of each class (`split_training`).
        """
        data, facts = self.config.data, self.dataset
        if facts is None or not data.own_validation:
            return 1 if not data.own_validation else 0
        share = validation_count(data, round(facts.train / data.train_share) + facts.validation, own=0)
        return 0 if share <= facts.validation <= share + len(facts.class_names) else facts.validation

    @functools.cached_property
    def settings_in_effect(self) -> list[str]:
        """Names of the settings that mean something for this run, in the order of the table; none without a network."""
        return [] if not self.has_network else settings_in_effect(self.config.flat(), self.own_validation)

    @functools.cached_property
    def seedless(self) -> tuple[object, ...]:
        """What two runs have in common that differ in the seed alone, apart from the dataset's content; hashable."""
        settings = self.config.flat()
        names = [name for name in self.settings_in_effect if name not in ("seed", "dataset")]
        values = (
            (name, tuple(value) if isinstance(value, list) else value) for name in names for value in [settings[name]]
        )
        return self.epoch_rule, *values

    @functools.cached_property
    def preset(self) -> str:
        """The preset that is nearest to its settings; `changed_settings` are what differs."""
        return nearest_preset(self.config.flat(), self.own_validation)

    @property
    def changed_settings(self) -> list[str]:
        """Names of the settings in effect that are not as its nearest preset has them, without the dataset."""
        return [] if not self.has_network else changed_settings(self.config.flat(), self.preset, self.own_validation)


def colour_of_id(run_id: str) -> int:
    """The colour of a run that was made before runs kept theirs."""
    return int.from_bytes(hashlib.sha256(run_id.encode()).digest()[:4]) % COLOURS


@dataclass(frozen=True)
class Predictions(CheckedPredictions):
    """Class probabilities of a network for a part of its dataset, at the end of one epoch."""

    ids: np.ndarray  # str [N]
    split: MeasuredSplit
    epoch: int
    seen: np.ndarray | None = None  # bool [N], whether it was seen in training too; None where not known

    @functools.cached_property
    def hash(self) -> str:
        """Identifies the measured pictures: two runs with the same hash can be compared picture by picture."""
        return hash_of_samples(self.labels, [self.ids])
