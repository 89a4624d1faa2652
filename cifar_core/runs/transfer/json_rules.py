"""The rules for the JSON files of a run that is exported or imported: reads and checks them.

The limits of their values are those of `cifar_core.storage.json_types`. This module decides which values are
exported, and refuses texts with characters that cannot be shown, which are removed elsewhere. Who made the run and
which run it was made from are not exported.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar

from cifar_core.config import RunConfig
from cifar_core.errors import CifarCoreError
from cifar_core.lifecycle.runner import state_now
from cifar_core.lifecycle.states import ACTIVE
from cifar_core.lifecycle.status import State
from cifar_core.runs.records import (
    MAX_WARNINGS,
    CreationRecord,
    TrainingRecord,
    config_of,
    creation_of,
    identity_of,
    newer_schema,
    training_record_of,
)
from cifar_core.runs.run import MAX_ERROR, MAX_LESSON, MAX_NOTE, MAX_RUN_NAME, RUN_SCHEMA, DatasetFacts
from cifar_core.runs.run_folder import MOST_BYTES, RunFolder
from cifar_core.storage.json_files import read_json
from cifar_core.text import can_be_shown

_MAX_DEVICE = 64  # characters
T = TypeVar("T")


@dataclass(frozen=True)
class JsonRecords:
    """The checked content of a run's JSON files; `training` is None for a run that never opened its data."""

    creation: CreationRecord
    settings: RunConfig
    state: State
    about: dict[str, str]
    training: TrainingRecord | None

    @property
    def identity(self) -> str:
        """A hash that identifies the run in every workspace."""
        return identity_of(self.creation)  # from the settings as they were written, without new defaults

    @property
    def dataset(self) -> DatasetFacts | None:
        """The facts about the run's dataset; None for a run that never opened its data."""
        return None if self.training is None else self.training.dataset

    def with_test_hash(self, found: str) -> "JsonRecords":
        """The same records with the hash of the test labels and ids, which runs of schema 1 and 2 do not tell."""
        if self.training is None:
            return self
        dataset = replace(self.training.dataset, test_hash=found)
        return replace(self, training=replace(self.training, dataset=dataset))

    def renamed(self, run_id: str) -> "JsonRecords":
        """The same records with another id; a run without a name gets its old id as its name."""
        about = {**self.about, "name": self.about["name"] or self.creation.id}
        return replace(self, creation=replace(self.creation, id=run_id, identity=self.identity), about=about)

    def file_contents(self) -> dict[str, bytes]:
        """The content of each JSON file of the present schema, by the name of the file."""
        expected = ("expected_seconds", "expected_low", "expected_high", "expected_start_up")
        rules = (
            "first_schema",
            "epoch_rule",
            "split_rule",
            "origin",
            "sweep",
            "trial",
            "parent_epoch",
            "earlier_epochs",
        )
        kept = ("id", *rules, "lesson", "created", "colour", *expected, "versions", "code")
        config = {name: getattr(self.creation, name) for name in kept}
        config |= {"schema_version": RUN_SCHEMA, "settings": self.settings.flat(), "identity": self.identity}
        progress = asdict(self.state.progress) if self.state.progress else None
        state = self.state
        status = {"status": state.status, "error": state.error, "progress": progress, "diverged": state.diverged}
        records = {"config.json": config, "status.json": status, "about.json": self.about}
        if self.training is not None:
            facts = asdict(self.training)
            records["facts.json"] = {name: value for name, value in facts.items() if name != "settings"}
        return {name: json.dumps(record, allow_nan=False, indent=1).encode() for name, record in records.items()}


def read_json_records(folder: RunFolder) -> JsonRecords:
    """Read and check the JSON files of a run.

    Raises:
        ValueError: one is missing, cannot be read or breaks a rule; the text names file, field and rule.
    """
    creation, settings = _checked(folder, "config.json", _config)
    training = _checked(folder, "facts.json", _facts) if folder.facts.exists() else None
    about = _checked(folder, "about.json", _about) if folder.about.exists() else _about({})
    state = _checked(folder, "status.json", lambda _: _ended(state_now(folder)))
    return JsonRecords(creation, settings, state, about, training)


def _checked(folder: RunFolder, name: str, check: Callable[[dict[str, Any]], T]) -> T:
    path = folder.path / name
    try:
        if path.is_symlink():
            raise ValueError("it is a symbolic link")
        content = read_json(path, max_bytes=MOST_BYTES[name])
        if not isinstance(content, dict):
            raise ValueError("it is not a JSON object")
        return check(content)
    except OSError as error:
        raise ValueError(f"{name} cannot be read ({error.strerror})") from error
    except (ValueError, CifarCoreError) as error:
        raise ValueError(f"{name} breaks a rule: {error}") from error


def _config(content: dict[str, Any]) -> tuple[CreationRecord, RunConfig]:
    if newer_schema(content):
        raise ValueError(f"it was made by a newer version of this program (schema {newer_schema(content)})")
    creation = creation_of(content)
    _require_text("lesson", creation.lesson, MAX_LESSON)
    return creation, config_of(creation)


def _ended(state: State) -> State:
    if state.status in ACTIVE:
        raise ValueError(
            f"the run has the status {state.status}, and only a run that has ended can be exported or imported"
        )
    _require_text("error", state.error, MAX_ERROR)
    if state.progress is not None:
        _require_text("phase", state.progress.phase, MAX_ERROR)
    return state


def _about(content: dict[str, Any]) -> dict[str, str]:
    name, note = content.get("name", ""), content.get("note", "")
    _require_text("name", name, MAX_RUN_NAME)
    _require_text("note", note.replace("\n", "") if isinstance(note, str) else note, MAX_NOTE)
    return {"name": name, "note": note}


def _facts(content: dict[str, Any]) -> TrainingRecord:
    record = training_record_of(content)
    _require_text("device", record.device, _MAX_DEVICE)
    if len(record.warnings) > MAX_WARNINGS:
        raise ValueError(f"warnings must be a list of at most {MAX_WARNINGS:,} sentences")
    for warning in record.warnings:
        _require_text("warnings", warning, MAX_ERROR)
    return record


def _require_text(field: str, value: Any, longest: int) -> None:
    if not isinstance(value, str) or len(value) > longest:
        raise ValueError(f"{field} must be a text of at most {longest:,} characters")
    if not can_be_shown(value):
        raise ValueError(f"{field} holds characters that cannot be shown")
