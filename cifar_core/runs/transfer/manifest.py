"""The list of contents of an exported run: `manifest.json` in its zip, with the size and SHA-256 of every other file."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from cifar_core.runs.run_folder import is_run_id
from cifar_core.storage.json_types import is_sha256

MANIFEST = "manifest.json"
MAX_BYTES = 1024 * 1024  # of it
_FORMAT = "cifar_core run"
VERSION = 1
_RECORDS = ("config.json", "status.json", "about.json", "facts.json")
_OTHERS = re.compile(
    r"metrics\.jsonl|predictions\.npz|best\.safetensors|best/[0-9]{4}\.safetensors|history/test-[0-9]{4}\.npy", re.ASCII
)


@dataclass(frozen=True)
class Content:
    """What the manifest says of a file."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What the zip of a run holds."""

    run: str  # its id where it was exported
    origin: str  # what tells it from every other run
    files: Mapping[str, Content]

    def text(self) -> bytes:
        """As it stands in the file."""
        files = {name: asdict(content) for name, content in self.files.items()}
        content = {"format": _FORMAT, "version": VERSION, "run": self.run, "origin": self.origin, "files": files}
        return json.dumps(content, indent=1).encode()


def is_run_file(name: str) -> bool:
    """Whether a file of this name may be in the zip of a run: checkpoints, locks and logs stay where they are."""
    return name in (MANIFEST, *_RECORDS) or _OTHERS.fullmatch(name) is not None


def parse_manifest(text: bytes) -> Manifest:
    """The manifest from its file.

    Raises:
        ValueError: it is none; the message ends the sentence "manifest.json ...".
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError("cannot be read") from error
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise ValueError("is not that of a run")
    if content.get("version") != VERSION:
        raise ValueError("was written by a newer version of this program")
    run, origin, files = content.get("run"), content.get("origin"), content.get("files")
    if not isinstance(run, str) or not is_run_id(run):
        raise ValueError("names a run that no run can be named")
    if not isinstance(origin, str) or not is_sha256(origin) or not isinstance(files, dict):
        raise ValueError("does not say what it lists")
    return Manifest(run, origin, {name: _content(name, entry) for name, entry in files.items()})


def _content(name: str, entry: Any) -> Content:
    if not is_run_file(name) or name == MANIFEST:
        raise ValueError(f"lists {name[:80]!a}, which no run has")
    if not isinstance(entry, dict) or entry.keys() != {"bytes", "sha256"}:
        raise ValueError(f"does not give the size and SHA-256 of {name}")
    size, digest = entry["bytes"], entry["sha256"]
    if type(size) is not int or size < 0 or not isinstance(digest, str) or not is_sha256(digest):
        raise ValueError(f"does not give the size and SHA-256 of {name}")
    return Content(size, digest)
