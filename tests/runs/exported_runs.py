"""A stored run, its exported zip, and functions that change the zip as an attacker would."""

import hashlib
import io
import json
import shutil
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cifar_core.runs import export_run
from cifar_core.workspace import Workspace
from tests.conftest import ROOT

STORED = ROOT / "tests" / "fixtures" / "schema-3" / "rustic-gecko-44nud"
RUN = STORED.name
Change = bytes | None | Callable[[bytes], bytes]


def store(workspace: Workspace) -> str:
    """Copy the stored run, which tests do not train, into a workspace."""
    shutil.copytree(STORED, workspace.runs / RUN)
    return RUN


def members(packed: Path) -> dict[str, bytes]:
    """The files of an exported run by their names inside its folder."""
    with zipfile.ZipFile(packed) as archive:
        return {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}


def rewrite(packed: Path, target: Path, changes: Mapping[str, Change], *, matching_manifest: bool = True) -> Path:
    """The zip with files changed, added or (None) left out; with `matching_manifest` the manifest fits them."""
    files = members(packed)
    for name, change in changes.items():
        if change is None:
            files.pop(name, None)
        else:
            files[name] = change if isinstance(change, bytes) else change(files[name])
    if matching_manifest and "manifest.json" not in changes:
        manifest = json.loads(files.pop("manifest.json"))
        manifest["files"] = {
            name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in files.items()
        }
        files["manifest.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(f"{RUN}/{name}", content)
    return target


def edit(**fields: Any) -> Callable[[bytes], bytes]:
    """A function that sets fields of a JSON file, or (for an ellipsis) removes them; `a__b` is field b of field a."""

    def change(text: bytes) -> bytes:
        content = json.loads(text)
        for name, value in fields.items():
            *parents, last = name.split("__")
            inner = content
            for part in parents:
                inner = inner[part]
            if value is ...:
                del inner[last]
            else:
                inner[last] = value
        return json.dumps(content).encode()

    return change


def npz(**arrays: Any) -> Callable[[bytes], bytes]:
    """A function that changes arrays of a .npz file (by a function of the old one), adds or (None) removes them."""

    def change(content: bytes) -> bytes:
        with np.load(io.BytesIO(content)) as stored:
            found = dict(stored)
        for name, value in arrays.items():
            if value is None:
                del found[name]
            else:
                found[name] = value(found[name]) if callable(value) else value
        stream = io.BytesIO()
        np.savez(stream, **found)
        return stream.getvalue()

    return change


def npy(array: np.ndarray) -> bytes:
    """The content of a .npy file with this array."""
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def packed_run(workspace: Workspace) -> Path:
    """The zip of the stored run, exported from this workspace."""
    return export_run(workspace, store(workspace))
