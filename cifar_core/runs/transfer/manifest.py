"""The manifest of an exported run: `manifest.json` in its zip lists the size and SHA-256 of every other file."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from cifar_core.storage.json_types import Count, FolderName, Sha256
from cifar_core.storage.parse import parse

MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 1024 * 1024
_FORMAT = "cifar_core run"
# Of the zip. 5: a run with training records; 4: one with the state of its optimiser; 3: a run of schema 3 with the
# accuracy within epochs; 2: one without; 1: schema 1 or 2.
VERSION = 5
_RECORDS = ("config.json", "status.json", "about.json", "facts.json")
_OTHERS = re.compile(
    r"metrics\.jsonl|within-epochs\.jsonl"
    r"|training-records/([0-9]{4}\.npy|train\.npz)"
    r"|predictions/(test|validation)(-[0-9]{4}\.npy|\.npz)"
    r"|(best|last)/[0-9]{4}\.safetensors|last/[0-9]{4}-optimizer\.safetensors"
    r"|predictions\.npz|history/test-[0-9]{4}\.npy|best\.safetensors",  # of version 1
    re.ASCII,
)


@dataclass(frozen=True)
class ListedFile:
    """What the manifest says about a file."""

    bytes: Count
    sha256: Sha256


@dataclass(frozen=True)
class Manifest:
    """The content of `manifest.json`, beside format and version."""

    run: FolderName  # its id in the workspace that it was exported from
    origin: Sha256  # identifies the run in every workspace: see `records.identity_of`
    files: Mapping[str, ListedFile]

    def text(self) -> bytes:
        """The manifest as the text of its file."""
        return json.dumps({"format": _FORMAT, "version": VERSION, **asdict(self)}, indent=1).encode()


def is_run_file(name: str) -> bool:
    """Whether a file of this name may be in the zip of a run.

    Checkpoints, locks and logs are never exported, nor are analyses, which can be computed again.
    """
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
    if content.get("version") not in range(1, VERSION + 1):
        raise ValueError("was written by a newer version of this program")
    try:
        manifest = parse(Manifest, content, exact=False)
    except ValueError as error:
        raise ValueError(f"breaks a rule: {error}") from error
    for name in manifest.files:
        if not is_run_file(name) or name == MANIFEST:
            raise ValueError(f"lists {name[:80]!a}, which is not a file of a run")
    return manifest
