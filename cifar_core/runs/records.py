"""What the JSON files of a run say of how it was made and how it went, every field checked; no torch."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, Literal

from cifar_core import __version__
from cifar_core.config import Precision, RunConfig, make_config
from cifar_core.errors import RunError
from cifar_core.lifecycle.life_folder import CONFIG
from cifar_core.runs.run import SCHEMA_VERSION, DatasetFacts
from cifar_core.runs.run_folder import FACTS, MOST_BYTES, RunFolder
from cifar_core.storage.json_files import read_json
from cifar_core.storage.json_types import Amount, Commit, Count, FolderName, Moment, Ordinal, Sha256, Versions
from cifar_core.storage.parse import parse
from cifar_core.text import one_line

MAX_WARNINGS = 1000  # that a run keeps of its life; those of more resumes than that are passed over


@dataclass(frozen=True)
class CreationRecord:
    """`config.json`: written once, when the run is made."""

    schema_version: Ordinal
    id: FolderName  # the folder's name then
    created: Moment  # ISO 8601, UTC
    settings: dict[str, Any]  # not checked yet
    expected_seconds: Amount | None = None
    versions: Versions = field(default_factory=dict)
    program: str = ""  # version of this program
    code: Commit = ""
    person: str = ""
    made_from: FolderName | Literal[""] = ""
    origin: Sha256 | Literal[""] = ""  # of a run that was brought from elsewhere


@dataclass(frozen=True)
class TrainingRecord:
    """`facts.json`: written by the process that computes. Files of schema 1 lack all from `settings` on."""

    dataset: DatasetFacts
    device: str
    threads: Count
    settings: dict[str, Any] | None = None  # that the run began with
    exact: bool = True  # bit by bit what an uninterrupted run gives
    warnings: tuple[str, ...] = ()  # what a person should know of how it went, a sentence each
    peak_memory: Count | None = None  # bytes, of the process that computed
    precision: Precision = "float32"  # what the network computed in


def newer_schema(content: Any) -> int:
    """The schema of a `config.json` that a newer version of this program wrote; 0 of one that this version understands."""
    version = content.get("schema_version") if isinstance(content, dict) else None
    return version if isinstance(version, int) and version > SCHEMA_VERSION else 0


def creation_of(content: Any) -> CreationRecord:
    """How a run was made, from what its `config.json` says; ValueError where that is something else."""
    return parse(CreationRecord, content, exact=False)


def training_record_of(content: Any) -> TrainingRecord:
    """How a run went, from what its `facts.json` says; ValueError where that is something else."""
    return parse(TrainingRecord, content, exact=False)


def dataset_of(content: Any) -> DatasetFacts:
    """The facts of a dataset from JSON; ValueError where that is something else."""
    return parse(DatasetFacts, content, exact=False)


def read_creation(folder: RunFolder) -> CreationRecord:
    """How a run was made.

    Raises:
        RunError: unreadable, or by a newer version of this program.
    """
    try:
        content = read_json(folder.text_of(CONFIG), max_bytes=MOST_BYTES[CONFIG])
        if newer_schema(content):
            raise RunError(_newer(folder, content))
        return creation_of(content)
    except OSError as error:
        raise RunError(f"Run {folder.path.name} cannot be read ({error}).") from error
    except ValueError as error:
        raise RunError(f"Run {folder.path.name} cannot be read: its config.json breaks a rule ({error}).") from error


def read_training_record(folder: RunFolder) -> TrainingRecord | None:
    """What the run's process found, None before it has opened the data.

    Raises:
        RunError: unreadable; the sentence says why.
    """
    try:
        return training_record_of(read_json(folder.text_of(FACTS), max_bytes=MOST_BYTES[FACTS]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise RunError(f"What run {folder.path.name} found (facts.json) cannot be read ({error}).") from error


def require_changeable(folder: RunFolder) -> None:
    """Refuse to change a run that a newer version of this program has made; it is only looked at.

    Raises:
        RunError: it has.
    """
    try:
        read_creation(folder)
    except RunError as error:
        if error.__cause__ is None:  # other runs that cannot be read may be renamed, for they may be mended
            raise


def require_unedited(folder: RunFolder, config: RunConfig) -> None:
    """Refuse to go on with settings other than those the run began with.

    Raises:
        RunError: `config.json` was changed; the sentence names the settings.
    """
    facts = read_training_record(folder)
    began, now = facts.settings if facts else None, config.flat()
    if began is None:
        return
    changed = [name for name in now if name in began and began[name] != now[name]]
    if changed:
        told = ", ".join(f"{name} {began[name]} -> {now[name]}" for name in changed)
        raise RunError(
            f"The settings of run {folder.path.name} were changed after it began ({told}): a run keeps its settings. "
            "Put the old ones back in its config.json, or start a new run with the new ones."
        )


def run_config(folder: RunFolder) -> RunConfig:
    """The settings of a run, checked; those it began with.

    Raises:
        ConfigError: a setting breaks a rule.
        RunError: as `read_creation` and `require_unedited`.
    """
    config = make_config(read_creation(folder).settings)
    require_unedited(folder, config)
    return config


def _newer(folder: RunFolder, content: dict[str, Any]) -> str:
    program = one_line(content.get("program", ""), 40)
    return (
        f"Run {folder.path.name} was made by {f'version {program}' if program else 'a newer version'} of this program "
        f"(schema {content['schema_version']}); this is version {__version__} (schema {SCHEMA_VERSION}): update it to open the run."
    )


def origin_of(run: CreationRecord) -> str:
    """What tells a run from every other one wherever it is brought: given by its config, of which it is made."""
    made = {"id": run.id, "created": run.created, "settings": run.settings}
    return run.origin or hashlib.sha256(json.dumps(made, sort_keys=True).encode()).hexdigest()
