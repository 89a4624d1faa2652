"""The records of a run: `config.json` says how it was made, `facts.json` how it went; no torch."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, Literal

from cifar_core import __version__
from cifar_core.config import Precision, RunConfig, make_config
from cifar_core.errors import RunError
from cifar_core.lifecycle.life_folder import CONFIG
from cifar_core.runs.old_schemas import upgraded
from cifar_core.runs.run import RUN_SCHEMA, DatasetFacts, Origin
from cifar_core.runs.run_folder import FACTS, MOST_BYTES, RunFolder
from cifar_core.storage.json_files import read_json
from cifar_core.storage.json_types import Amount, Commit, Count, FolderName, Moment, Ordinal, Sha256, Versions
from cifar_core.storage.parse import parse
from cifar_core.text import one_line
from cifar_core.train import BY_SHARE, EpochRule, SplitRule

MAX_WARNINGS = 1000  # that a run keeps; further ones, as of very many resumes, are dropped


@dataclass(frozen=True)
class CreationRecord:
    """The content of `config.json`, written when the run is made, and when it is carried over to a newer schema."""

    schema_version: Ordinal  # of the folder
    first_schema: Ordinal  # that the run was made in
    epoch_rule: EpochRule  # which epoch is the best
    id: FolderName  # the folder's name when the run was made
    created: Moment  # ISO 8601, UTC
    settings: dict[str, Any]  # not checked yet
    split_rule: SplitRule = BY_SHARE  # gives rare classes their validation pictures; older runs name none
    expected_seconds: Amount | None = None
    expected_low: Amount | None = None  # older runs have no bounds
    expected_high: Amount | None = None
    expected_start_up: Amount | None = None
    versions: Versions = field(default_factory=dict)
    program: str = ""  # version of this program
    code: Commit = ""
    person: str = ""
    lesson: str = ""  # of a class
    origin: Origin = "trained"
    parent: FolderName | Literal[""] = ""
    sweep: FolderName | Literal[""] = ""  # of a trial
    trial: Count = 0
    # Of a run that goes on from its parent: the epoch after which it took the weights, how many epochs it continues in
    # all, and the fingerprint that its dataset must have, where that is the parent's.
    parent_epoch: Count = 0
    earlier_epochs: Count = 0
    dataset_fingerprint: Sha256 | Literal[""] = ""
    colour: Count | None = None  # older runs: see `colour_of_id`
    identity: Sha256 | Literal[""] = ""  # only of an imported run: see `identity_of`


@dataclass(frozen=True)
class TrainingRecord:
    """The content of `facts.json`, written by the training process. Files of schema 1 end before `settings`."""

    dataset: DatasetFacts
    device: str
    threads: Count
    settings: dict[str, Any] | None = None  # that the run began with
    exact: bool = True  # whether the results are bit by bit those of an uninterrupted run
    warnings: tuple[str, ...] = ()  # what a person should know about the training, a sentence each
    peak_memory: Count | None = None  # bytes, of the training process
    precision: Precision = "float32"  # of the network's computations
    start_up: Amount | None = None  # seconds from the start of the process until it trained
    # Every how many-th epoch has its training records kept, beside the last; 0: none, as in runs of earlier versions.
    record_every: Count = 0
    recorded_from: Ordinal = 1  # the first such epoch: later where an earlier version began


def newer_schema(content: Any) -> int:
    """The schema of a `config.json` that a newer version of this program wrote; 0 where this version understands it."""
    version = content.get("schema_version") if isinstance(content, dict) else None
    return version if isinstance(version, int) and version > RUN_SCHEMA else 0


def creation_of(content: Any) -> CreationRecord:
    """The checked content of a `config.json`; raises ValueError where it breaks a rule."""
    creation = parse(CreationRecord, upgraded(content), exact=False)
    named = (creation.sweep != "", creation.trial > 0)
    if set(named) != {creation.origin == "trial"}:
        raise ValueError("a trial must name its sweep and its number there, from 1, and no other run may")
    return creation


def training_record_of(content: Any) -> TrainingRecord:
    """The checked content of a `facts.json`; raises ValueError where it breaks a rule."""
    return parse(TrainingRecord, content, exact=False)


def config_of(creation: CreationRecord) -> RunConfig:
    """The checked settings of a run.

    Runs that are older than `own_validation` say nothing of it: they did not set any validation pictures aside.

    Raises:
        ConfigError: a setting breaks a rule.
    """
    return make_config({"own_validation": True, **creation.settings})


def read_creation(folder: RunFolder) -> CreationRecord:
    """How a run was made.

    Raises:
        RunError: `config.json` cannot be read, or a newer version of this program wrote it.
    """
    try:
        content = read_json(folder.text_of(CONFIG), max_bytes=MOST_BYTES[CONFIG])
        if newer_schema(content):
            raise RunError(_newer_version_text(folder, content))
        return creation_of(content)
    except OSError as error:
        raise RunError(f"Run {folder.path.name} cannot be read ({error}).") from error
    except ValueError as error:
        raise RunError(f"Run {folder.path.name} cannot be read: its config.json breaks a rule ({error}).") from error


def read_training_record(folder: RunFolder) -> TrainingRecord | None:
    """How the training went; None before the training process has opened the data.

    Raises:
        RunError: `facts.json` cannot be read; the sentence says why.
    """
    try:
        return training_record_of(read_json(folder.text_of(FACTS), max_bytes=MOST_BYTES[FACTS]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise RunError(f"The facts.json of run {folder.path.name} cannot be read ({error}).") from error


def require_changeable(folder: RunFolder) -> None:
    """Refuse to change a run that a newer version of this program has made; it can only be read.

    Raises:
        RunError: a newer version has made it.
    """
    try:
        read_creation(folder)
    except RunError as error:
        if error.__cause__ is None:  # only the error of a newer version has no cause; a damaged run may be renamed
            raise


def require_unedited(folder: RunFolder, config: RunConfig) -> None:
    """Refuse to use a run whose settings were edited after it began.

    Raises:
        RunError: `config.json` was changed; the sentence names the settings.
    """
    record = read_training_record(folder)
    began, now = record.settings if record else None, config.flat()
    if began is None:
        return
    changed = [name for name in now if name in began and began[name] != now[name]]
    if changed:
        changes = ", ".join(f"{name} {began[name]} -> {now[name]}" for name in changed)
        raise RunError(
            f"The settings of run {folder.path.name} were changed after it began ({changes}): "
            "a run keeps its settings. Put the old ones back in its config.json, or start a new run with the new ones."
        )


def run_config(folder: RunFolder) -> RunConfig:
    """The checked settings of a run, which are those it began with.

    Raises:
        ConfigError: a setting breaks a rule.
        RunError: as `read_creation` and `require_unedited`.
    """
    config = config_of(read_creation(folder))
    require_unedited(folder, config)
    return config


def _newer_version_text(folder: RunFolder, content: dict[str, Any]) -> str:
    program = one_line(content.get("program", ""), 40)
    return (
        f"Run {folder.path.name} was made by {f'version {program}' if program else 'a newer version'} of this program "
        f"(schema {content['schema_version']}); this is version {__version__} (schema {RUN_SCHEMA}): "
        "update it to open the run."
    )


def identity_of(creation: CreationRecord) -> str:
    """A hash of a run's id, date and settings, which identifies the run in every workspace that it is imported into."""
    content = {"id": creation.id, "created": creation.created, "settings": creation.settings}
    return creation.identity or hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
