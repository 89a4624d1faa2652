"""A run as one file, to keep or to give away."""

import os
import zipfile
from pathlib import Path

from cifar_core.errors import RunError, StorageError
from cifar_core.files import storage_errors, sync_folder, temp_beside
from cifar_core.runs.folder import run_folder
from cifar_core.runs.process import is_alive
from cifar_core.workspace import Workspace

_LEFT_OUT = (".lock", ".log", "control-stop", "control-pause")  # of this machine, not of the run


def export_run(workspace: Workspace, run_id: str, out: Path | None = None) -> Path:
    """Write a run's files into one new .zip, whole or not at all.

    Args:
        workspace: where the run lies.
        run_id: which.
        out: the file to make; `exports/RUN.zip` without it.

    Raises:
        RunError: no such run, it is running, or `out` exists.
        StorageError: the disk refused; nothing is left.
    """
    folder = run_folder(workspace, run_id)
    if is_alive(folder):
        raise RunError(f"Run {run_id} is running: export it when it has ended.")
    target = out or workspace.exports / f"{run_id}.zip"
    if target.exists():
        raise RunError(f"{target} exists already: give another name with --out or remove it.")
    if not target.parent.is_dir():
        raise StorageError(f"There is no folder {target.parent}: make it first or choose another with --out.")
    temp = temp_beside(target)
    with storage_errors(f"writing {target.name}"):
        try:
            with zipfile.ZipFile(temp, "w", zipfile.ZIP_DEFLATED) as archive:
                for item in sorted(folder.path.rglob("*")):
                    if item.is_file() and not item.is_symlink() and not item.name.endswith(_LEFT_OUT):
                        archive.write(item, f"{run_id}/{item.relative_to(folder.path).as_posix()}")
            os.replace(temp, target)
            sync_folder(target.parent)
        finally:
            temp.unlink(missing_ok=True)
    return target
