"""What a run is, as plain facts: the shapes that the run folder holds and that screens and commands read."""

import datetime
import functools
from dataclasses import dataclass

import numpy as np

from cifar_core.config import RunConfig
from cifar_core.lifecycle.states import ACTIVE, RESUMABLE, Status, TrainingProgress
from cifar_core.storage.json_types import Amount, ClassNames, FolderName, Pictures, Sha256, moment_of
from cifar_core.train import EpochLine

SCHEMA_VERSION = 2  # 2: two checkpoints, weights of their own for each best epoch; 1: one file for each
_UNKNOWN = datetime.datetime.fromtimestamp(0, datetime.UTC)
RETRIABLE = (Status.STOPPED, Status.FAILED, Status.INTERRUPTED)


@dataclass(frozen=True)
class DatasetFacts:
    """What a run knows of its dataset; travels with the run, so that nothing is read from literals later."""

    name: FolderName
    class_names: ClassNames
    mean: tuple[Amount, Amount, Amount]  # per channel, of the training part, 0 to 1
    std: tuple[Amount, Amount, Amount]
    fingerprint: Sha256
    train: Pictures  # that the network trains on
    validation: Pictures
    test: Pictures


@dataclass(frozen=True)
class Run:
    """A run as it stands on the disk now."""

    id: str
    name: str  # the person's own; the id until they give one
    note: str
    status: Status
    config: RunConfig
    created: str  # ISO 8601, UTC
    error: str = ""  # why it failed or was interrupted, one sentence
    progress: TrainingProgress | None = None
    best: EpochLine | None = None  # chosen by the validation part; the last epoch where there is none
    last: EpochLine | None = None
    dataset: DatasetFacts | None = None  # None until its process has opened the data
    device: str = ""
    precision: str = ""  # what it computed in: float32 or bfloat16
    expected_seconds: float | None = None  # of training and measuring, as estimated when the run was made
    peak_memory: int | None = None  # bytes, of the process that computed; None before its end
    person: str = ""  # who made it, where there is a login
    made_from: str = ""  # id of the run whose settings it took (retry, duplicate)
    imported: bool = False  # brought from another workspace, without its checkpoint
    ticket: int | None = None  # of a waiting run: the lowest is next
    silent_since: float | None = (
        None  # seconds since 1970, where its training, or its waiting process, does not respond
    )
    exact: bool = True  # bit by bit what an uninterrupted run would have given
    warnings: tuple[str, ...] = ()  # what a person should know of how it went, a sentence each
    problem: str = ""  # why the folder cannot be read; the other fields then hold defaults

    @functools.cached_property
    def made_at(self) -> datetime.datetime:
        """When it was made, as it says itself, in UTC; of a run that cannot be read the first moment of 1970."""
        return moment_of(self.created) if self.created else _UNKNOWN

    @property
    def active(self) -> bool:
        """Whether its process trains, waits for its turn, or is being started."""
        return self.status in ACTIVE

    @property
    def waits(self) -> bool:
        """Whether it waits for its turn, or was passed over there because its process does not respond."""
        return self.status is Status.QUEUED and (self.ticket is not None or self.silent_since is not None)

    @property
    def resumable(self) -> bool:
        """Whether it was cut short and can go on here."""
        return self.status in RESUMABLE and not self.imported

    @property
    def seconds(self) -> float:
        """Training and measuring so far, start-up apart."""
        return self.progress.elapsed if self.progress else 0.0

    @property
    def overrun(self) -> float | None:
        """How much longer the epochs took than was expected, as a share (0.1: a tenth longer); None before the end."""
        if self.status is not Status.FINISHED or self.last is None or not self.expected_seconds:
            return None
        return self.seconds / (self.expected_seconds * self.last.epoch / self.config.optimizer.epochs) - 1


@dataclass(frozen=True)
class Predictions:
    """Class probabilities of a network for a part of its dataset, at the end of one epoch."""

    labels: np.ndarray  # int64 [N]
    probs: np.ndarray  # float32 [N, K]
    ids: np.ndarray  # str [N]
    class_names: tuple[str, ...]
    split: str
    epoch: int


MAX_RUN_NAME = 80  # characters
MAX_NOTE = 2000
MAX_ERROR = 2000
MAX_PERSON = 254  # as an e-mail address
