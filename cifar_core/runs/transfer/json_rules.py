"""What the JSON files of a run may say, for a run on its way out of a workspace or into one. Reads them.

Their values keep to the same limits as everywhere (`cifar_core.storage.json_types`); here it is said which of them travel, and texts
that could not be shown are refused rather than cleaned. Who made the run, and which run it was made from, stays behind.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from cifar_core.config import RunConfig, make_config
from cifar_core.errors import CifarCoreError
from cifar_core.lifecycle.states import ACTIVE
from cifar_core.lifecycle.status import state_now
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
        """What tells the run from every other one."""
        return str(self.config["origin"])

    @property
    def dataset(self) -> DatasetFacts | None:
        """What the run knows of its dataset."""
        return None if self.facts is None else dataset_of(self.facts["dataset"])

    def renamed(self, run_id: str) -> "JsonRecords":
        """The same records for a run of another id, which keeps the old one as its name where it has none."""
        about = {**self.about, "name": self.about["name"] or self.config["id"]}
        return replace(self, config={**self.config, "id": run_id}, about=about)

    def texts(self) -> dict[str, bytes]:
        """The content of their files, by name."""
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
            raise ValueError("it is a link")
        content = read_json(path, max_bytes=MOST_BYTES[name])
        if not isinstance(content, dict):
            raise ValueError("it holds no mapping")
        return check(content)
    except OSError as error:
        raise ValueError(f"{name} cannot be read ({error.strerror})") from error
    except (ValueError, CifarCoreError) as error:
        raise ValueError(f"{name} breaks a rule: {error}") from error


def _config(content: dict[str, Any]) -> dict[str, Any]:
    if newer_schema(content):
        raise ValueError(f"it was made by a newer version of this program (schema {newer_schema(content)})")
    made = creation_of(content)
    return {
        "schema_version": made.schema_version,
        "id": made.id,
        "created": made.created,
        "settings": make_config(made.settings).flat(),
        "expected_seconds": made.expected_seconds,
        "versions": made.versions,
        "code": made.code,
        "origin": origin_of(made),  # of the settings as they were written
    }


def _status(content: dict[str, Any]) -> dict[str, Any]:
    """Of a status as it is now."""
    if content["status"] in ACTIVE:
        raise ValueError(f"the run is {content['status']}, and only one that has ended travels")
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
    facts = training_record_of(content)
    if len(facts.warnings) > MAX_WARNINGS:
        raise ValueError(f"warnings must be a list of at most {MAX_WARNINGS:,} sentences")
    checked = {
        "dataset": asdict(facts.dataset),
        "device": _text(content, "device", _MAX_DEVICE),
        "threads": facts.threads,
        "exact": facts.exact,
        "warnings": [_text({"warnings": item}, "warnings", MAX_ERROR) for item in facts.warnings],
        "precision": facts.precision,
    }
    return checked if facts.peak_memory is None else {**checked, "peak_memory": facts.peak_memory}


def _text(content: dict[str, Any], key: str, longest: int, *, lines: bool = False) -> str:
    value = content.get(key, "")
    if not isinstance(value, str) or len(value) > longest:
        raise ValueError(f"{key} must be a text of at most {longest:,} characters")
    if not can_be_shown(value.replace("\n", "") if lines else value):
        raise ValueError(f"{key} holds signs that cannot be shown")
    return value
