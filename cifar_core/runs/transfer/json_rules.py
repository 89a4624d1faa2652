"""The rules for the JSON files of a run that is exported or imported: reads and checks them.

The limits of their values are those of `cifar_core.storage.json_types`. This module decides which values are
exported, and refuses texts with characters that cannot be shown, which are removed elsewhere. Who made the run and
which run it was made from are not exported.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from cifar_core.config import RunConfig, make_config
from cifar_core.errors import CifarCoreError
from cifar_core.lifecycle.runner import state_now
from cifar_core.lifecycle.states import ACTIVE
from cifar_core.runs.records import MAX_WARNINGS, creation_of, dataset_of, newer_schema, origin_of, training_record_of
from cifar_core.runs.run import MAX_ERROR, MAX_NOTE, MAX_RUN_NAME, DatasetFacts
from cifar_core.runs.run_folder import MOST_BYTES, RunFolder
from cifar_core.storage.json_files import read_json
from cifar_core.text import can_be_shown

_MAX_DEVICE = 64  # characters


@dataclass(frozen=True)
class JsonRecords:
    """The checked content of a run's JSON files; `facts` is None for a run that never opened its data."""

    settings: RunConfig
    config: dict[str, Any]
    status: dict[str, Any]
    about: dict[str, Any]
    facts: dict[str, Any] | None

    @property
    def origin(self) -> str:
        """A hash that identifies the run in every workspace."""
        return str(self.config["origin"])

    @property
    def dataset(self) -> DatasetFacts | None:
        """The facts about the run's dataset; None for a run that never opened its data."""
        return None if self.facts is None else dataset_of(self.facts["dataset"])

    def renamed(self, run_id: str) -> "JsonRecords":
        """The same records with another id; a run without a name gets its old id as its name."""
        about = {**self.about, "name": self.about["name"] or self.config["id"]}
        return replace(self, config={**self.config, "id": run_id}, about=about)

    def file_contents(self) -> dict[str, bytes]:
        """The content of each JSON file, by the name of the file."""
        records = {"config.json": self.config, "status.json": self.status, "about.json": self.about}
        if self.facts is not None:
            records["facts.json"] = self.facts
        return {name: json.dumps(record, allow_nan=False, indent=1).encode() for name, record in records.items()}


def read_json_records(folder: RunFolder) -> JsonRecords:
    """Read and check the JSON files of a run.

    Raises:
        ValueError: one is missing, cannot be read or breaks a rule; the text names file, field and rule.
    """
    config = _checked(folder, "config.json", _config)
    settings = make_config(config["settings"])
    facts = _checked(folder, "facts.json", _facts) if folder.facts.exists() else None
    about = _checked(folder, "about.json", _about) if folder.about.exists() else _about({})
    status = _checked(folder, "status.json", lambda _: _status(asdict(state_now(folder))))
    return JsonRecords(settings, config, status, about, facts)


def _checked(folder: RunFolder, name: str, check: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
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


def _config(content: dict[str, Any]) -> dict[str, Any]:
    if newer_schema(content):
        raise ValueError(f"it was made by a newer version of this program (schema {newer_schema(content)})")
    creation = creation_of(content)
    return {
        "schema_version": creation.schema_version,
        "id": creation.id,
        "created": creation.created,
        "settings": make_config(creation.settings).flat(),
        "expected_seconds": creation.expected_seconds,
        "versions": creation.versions,
        "code": creation.code,
        "origin": origin_of(creation),  # from the settings as they were written, without new defaults
    }


def _status(content: dict[str, Any]) -> dict[str, Any]:
    if content["status"] in ACTIVE:
        raise ValueError(
            f"the run has the status {content['status']}, and only a run that has ended can be exported or imported"
        )
    if content["progress"] is not None:
        _text(content["progress"], "phase", MAX_ERROR)
    return {
        "status": content["status"],
        "error": _text(content, "error", MAX_ERROR),
        "progress": content["progress"],
    }


def _about(content: dict[str, Any]) -> dict[str, Any]:
    return {"name": _text(content, "name", MAX_RUN_NAME), "note": _text(content, "note", MAX_NOTE, lines=True)}


def _facts(content: dict[str, Any]) -> dict[str, Any]:
    record = training_record_of(content)
    if len(record.warnings) > MAX_WARNINGS:
        raise ValueError(f"warnings must be a list of at most {MAX_WARNINGS:,} sentences")
    checked = {
        "dataset": asdict(record.dataset),
        "device": _text(content, "device", _MAX_DEVICE),
        "threads": record.threads,
        "exact": record.exact,
        "warnings": [_text({"warnings": item}, "warnings", MAX_ERROR) for item in record.warnings],
        "precision": record.precision,
    }
    return checked if record.peak_memory is None else {**checked, "peak_memory": record.peak_memory}


def _text(content: dict[str, Any], key: str, longest: int, *, lines: bool = False) -> str:
    value = content.get(key, "")
    if not isinstance(value, str) or len(value) > longest:
        raise ValueError(f"{key} must be a text of at most {longest:,} characters")
    if not can_be_shown(value.replace("\n", "") if lines else value):
        raise ValueError(f"{key} holds characters that cannot be shown")
    return value
