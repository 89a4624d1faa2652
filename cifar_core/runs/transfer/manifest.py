"""The manifest of an exported run: `manifest.json` in its zip lists the size and SHA-256 of every other file."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from cifar_core.runs.run_folder import is_run_id
from cifar_core.storage.json_types import is_sha256

MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 1024 * 1024
_FORMAT = "cifar_core run"
VERSION = 1
_RECORDS = ("config.json", "status.json", "about.json", "facts.json")
_OTHERS = re.compile(
    r"metrics\.jsonl|predictions\.npz|best\.safetensors|best/[0-9]{4}\.safetensors|history/test-[0-9]{4}\.npy", re.ASCII
)


@dataclass(frozen=True)
class ListedFile:
    """What the manifest says about a file."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """The content of `manifest.json`."""

    run: str  # its id in the workspace that it was exported from
    origin: str  # identifies the run in every workspace: see `records.origin_of`
    files: Mapping[str, ListedFile]

    def text(self) -> bytes:
        """The manifest as the text of its file."""
        files = {name: asdict(listed) for name, listed in self.files.items()}
        content = {"format": _FORMAT, "version": VERSION, "run": self.run, "origin": self.origin, "files": files}
        return json.dumps(content, indent=1).encode()


def is_run_file(name: str) -> bool:
    """Whether a file of this name may be in the zip of a run; checkpoints, locks and logs are never exported."""
    return name in (MANIFEST, *_RECORDS) or _OTHERS.fullmatch(name) is not None


def parse_manifest(text: bytes) -> Manifest:
    """The manifest from the text of its file.

    Raises:
        ValueError: it is not a manifest; the message ends the sentence "manifest.json ...".
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError("cannot be read") from error
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise ValueError("is not the manifest of a run")
    if content.get("version") != VERSION:
        raise ValueError("was written by a newer version of this program")
    run, origin, files = content.get("run"), content.get("origin"), content.get("files")
    if not isinstance(run, str) or not is_run_id(run):
        raise ValueError("gives an id that a run cannot have")
    if not isinstance(origin, str) or not is_sha256(origin) or not isinstance(files, dict):
        raise ValueError("lacks its origin or its list of files")
    return Manifest(run, origin, {name: _listed_file(name, entry) for name, entry in files.items()})


def _listed_file(name: str, entry: Any) -> ListedFile:
    if not is_run_file(name) or name == MANIFEST:
        raise ValueError(f"lists {name[:80]!a}, which is not a file of a run")
    if not isinstance(entry, dict) or entry.keys() != {"bytes", "sha256"}:
        raise ValueError(f"does not give the size and SHA-256 of {name}")
    size, digest = entry["bytes"], entry["sha256"]
    if type(size) is not int or size < 0 or not isinstance(digest, str) or not is_sha256(digest):
        raise ValueError(f"does not give the size and SHA-256 of {name}")
    return ListedFile(size, digest)
