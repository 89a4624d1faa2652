"""What the JSON files of a run may say, for a run on its way out of a workspace or into one. Reads them.

Only what is listed here travels, each value checked: not who made the run, nor which run it was made from.
"""

import datetime
import json
import math
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, get_args

from cifar_core.config import Precision, RunConfig, make_config
from cifar_core.data.store import MAX_CLASS_NAME, MAX_CLASSES, known_name
from cifar_core.errors import CifarCoreError
from cifar_core.files import read_json
from cifar_core.lifecycle.states import ACTIVE, Progress, Status
from cifar_core.lifecycle.status import state_now
from cifar_core.runs.facts import dataset_of, made_of
from cifar_core.runs.folder import RunFolder, is_run_id
from cifar_core.runs.schema import SCHEMA_VERSION, DatasetFacts
from cifar_core.runs.store import MAX_NAME, MAX_NOTE, origin_of
from cifar_core.text import can_be_shown

_MAX_TEXT = 2000  # characters of a sentence
_MAX_PICTURES = 10_000_000
_MAX_COUNT = 2**53  # whole numbers up to here are exact in JSON anywhere
_MAX_WARNINGS = 1000
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{0,64}", re.ASCII)
_VERSION = re.compile(r"[0-9A-Za-z.+_-]{1,64}", re.ASCII)
_PACKAGE = re.compile(r"[a-z0-9_.-]{1,40}", re.ASCII)


@dataclass(frozen=True)
class Papers:
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

    def renamed(self, run_id: str) -> "Papers":
        """The same papers for a run of another id, which keeps the old one as its name where it has none."""
        about = {**self.about, "name": self.about["name"] or self.config["id"]}
        return replace(self, config={**self.config, "id": run_id}, about=about)

    def texts(self) -> dict[str, bytes]:
        """The content of their files, by name."""
        papers = {"config.json": self.config, "status.json": self.status, "about.json": self.about}
        if self.facts is not None:
            papers["facts.json"] = self.facts
        return {name: json.dumps(paper, allow_nan=False, indent=1).encode() for name, paper in papers.items()}


def read_papers(folder: RunFolder) -> Papers:
    """Read and check the JSON files of a run.

    Raises:
        ValueError: one is missing, cannot be read or breaks a rule; the text names file, field and rule.
    """
    config = _checked(folder, "config.json", _config)
    settings = make_config(config["settings"])
    facts = _checked(folder, "facts.json", _facts) if folder.facts.exists() else None
    about = _checked(folder, "about.json", _about) if folder.about.exists() else _about({})
    status = _checked(folder, "status.json", lambda _: _status(asdict(state_now(folder))))
    return Papers(settings, config, status, about, facts)


def _checked(folder: RunFolder, name: str, check: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    path = folder.path / name
    try:
        if path.is_symlink():
            raise ValueError("it is a link")
        content = read_json(path)
        if not isinstance(content, dict):
            raise ValueError("it holds no mapping")
        return check(content)
    except OSError as error:
        raise ValueError(f"{name} cannot be read ({error.strerror})") from error
    except (ValueError, CifarCoreError) as error:
        raise ValueError(f"{name} breaks a rule: {error}") from error


def _config(content: dict[str, Any]) -> dict[str, Any]:
    version = _whole(content, "schema_version", 1)
    if version > SCHEMA_VERSION:
        raise ValueError(f"it was made by a newer version of this program (schema {version})")
    settings = content.get("settings")
    if not isinstance(settings, dict):
        raise ValueError("settings must be a mapping")
    versions = content.get("versions")
    if not isinstance(versions, dict) or not all(
        _PACKAGE.fullmatch(name) and isinstance(value, str) and _VERSION.fullmatch(value)
        for name, value in versions.items()
    ):
        raise ValueError("versions must name packages and their versions")
    checked = {
        "schema_version": version,
        "id": _matching(content, "id", is_run_id, "the id of a run"),
        "created": _matching(content, "created", _is_moment, "a moment with its time zone"),
        "settings": make_config(settings).flat(),
        "expected_seconds": _number(content, "expected_seconds", optional=True),
        "versions": versions,
        "code": _matching(content, "code", lambda text: bool(_COMMIT.fullmatch(text)), "a commit"),
    }
    if "origin" in content:
        _matching(content, "origin", is_sha256, "a SHA-256")
    return {**checked, "origin": origin_of(made_of(content))}  # of the settings as they were written


def _status(content: dict[str, Any]) -> dict[str, Any]:
    status = _matching(content, "status", lambda text: text in set(Status), "a status")
    if status in ACTIVE:
        raise ValueError(f"the run is {status}, and only one that has ended travels")
    progress = content.get("progress")
    if progress is not None:
        if not isinstance(progress, dict):
            raise ValueError("progress must be a mapping")
        progress = asdict(_progress(progress))
    return {"status": status, "error": _text(content, "error", _MAX_TEXT), "progress": progress}


def _progress(content: dict[str, Any]) -> Progress:
    values: dict[str, Any] = {"phase": _text(content, "phase", _MAX_TEXT)}
    for item in fields(Progress)[1:]:
        if item.name == "seconds_left":
            values[item.name] = _number(content, item.name, optional=True)
        elif isinstance(item.default, float):
            values[item.name] = _number(content, item.name)
        else:
            values[item.name] = _whole(content, item.name)
    return Progress(**values)


def _about(content: dict[str, Any]) -> dict[str, Any]:
    return {"name": _text(content, "name", MAX_NAME), "note": _text(content, "note", MAX_NOTE, lines=True)}


def _facts(content: dict[str, Any]) -> dict[str, Any]:
    warnings = content.get("warnings", [])
    if not isinstance(warnings, list) or len(warnings) > _MAX_WARNINGS:
        raise ValueError("warnings must be a list of sentences")
    exact = content.get("exact", True)
    if not isinstance(exact, bool):
        raise ValueError("exact must be true or false")
    checked = {
        "dataset": asdict(_dataset(content.get("dataset"))),
        "device": _text(content, "device", 64),
        "threads": _whole(content, "threads"),
        "exact": exact,
        "warnings": [_text({"warnings": item}, "warnings", _MAX_TEXT) for item in warnings],
    }
    if "precision" in content:  # files of earlier versions do not say it
        if content["precision"] not in get_args(Precision):
            raise ValueError(f"precision must be one of {', '.join(get_args(Precision))}")
        checked["precision"] = content["precision"]
    if content.get("peak_memory") is not None:
        checked["peak_memory"] = _whole(content, "peak_memory")
    return checked


def _dataset(content: Any) -> DatasetFacts:
    if not isinstance(content, dict):
        raise ValueError("dataset must be a mapping")
    names = content.get("class_names")
    if not isinstance(names, list) or not 2 <= len(names) <= MAX_CLASSES:
        raise ValueError(f"class_names must be a list of 2 to {MAX_CLASSES:,} names")
    for name in names:
        if not isinstance(name, str) or not 0 < len(name) <= MAX_CLASS_NAME or not can_be_shown(name):
            raise ValueError(f"class_names must have 1 to {MAX_CLASS_NAME} visible characters each")
    if len(set(names)) < len(names):
        raise ValueError("class_names must differ")
    mean, std = (_three(content, key) for key in ("mean", "std"))
    fingerprint = _matching(content, "fingerprint", is_sha256, "a SHA-256")
    counts = [_whole(content, key, most=_MAX_PICTURES) for key in ("train", "validation", "test")]
    return DatasetFacts(known_name(_text(content, "name", 64)), tuple(names), mean, std, fingerprint, *counts)


def _three(content: dict[str, Any], key: str) -> tuple[float, float, float]:
    value = content.get(key)
    if not isinstance(value, list) or len(value) != 3:
        raise ValueError(f"{key} must be three numbers")
    red, green, blue = (_number({key: item}, key) or 0.0 for item in value)
    return red, green, blue


def is_sha256(text: str) -> bool:
    """Whether a text can be a SHA-256 in hexadecimal digits."""
    return _SHA256.fullmatch(text) is not None


def _is_moment(text: str) -> bool:
    try:
        return len(text) <= 40 and datetime.datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _matching(content: dict[str, Any], key: str, rule: Callable[[str], bool], what: str) -> str:
    value = content.get(key)
    if not isinstance(value, str) or not rule(value):
        raise ValueError(f"{key} must be {what}")
    return value


def _text(content: dict[str, Any], key: str, longest: int, *, lines: bool = False) -> str:
    value = content.get(key, "")
    if not isinstance(value, str) or len(value) > longest:
        raise ValueError(f"{key} must be a text of at most {longest:,} characters")
    if not can_be_shown(value.replace("\n", "") if lines else value):
        raise ValueError(f"{key} holds signs that cannot be shown")
    return value


def _whole(content: dict[str, Any], key: str, low: int = 0, most: int = _MAX_COUNT) -> int:
    value = content.get(key, 0)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= most:
        raise ValueError(f"{key} must be a whole number from {low} to {most:,}")
    return value


def _number(content: dict[str, Any], key: str, *, optional: bool = False) -> float | None:
    value = content.get(key)
    if value is None and optional:
        return None
    usable = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _MAX_COUNT
    if not usable or not math.isfinite(value) or value < 0:  # type: ignore[arg-type, operator]
        raise ValueError(f"{key} must be a number from 0")
    return float(value)  # type: ignore[arg-type]
