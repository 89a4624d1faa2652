"""The limits of this server: one table, and one file, `settings.json` in the workspace, which people edit.

Each field has its default, range, unit and one sentence of help, as the hyperparameters do. The file holds what differs
from the defaults; it is read at every use, so a change needs no restart. People edit it by hand, and a teacher some of
it on the Class page (`change_limits`).
"""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from cifar_core.errors import ConfigError, StorageError
from cifar_core.spec import Spec, parse_settings, setting
from cifar_core.storage.disk_errors import storage_errors
from cifar_core.storage.json_files import read_json, write_json
from cifar_core.storage.locks import hold_lock
from cifar_core.text import MB, size_text
from cifar_core.workspace import Workspace

LIMITS_FILE = "settings.json"
BACKGROUND_VARIABLE = "CIFAR_BACKGROUND_JOBS"  # "0": this one server begins none, such as beside a measurement
_MAX_BYTES = 64 * 1024  # of the file
_LOCK_FILE = "settings.lock"
_LOCK_SECONDS = 5.0  # writing the file takes a moment


# fmt: off
@dataclass(frozen=True)
class ServerLimits:
    """What one server allows its users."""

    slots: int = setting(1, "int", "Slots", "Trainings that run at the same time; others wait in the queue.",
        low=1, high=64, unit="trainings")
    fair_share: bool = setting(False, "bool", "Fair share", "Whether nobody's second run trains before everybody's "
        "first; else first come, first served.")
    runs_per_person: int = setting(0, "int", "Runs per person", "Running and waiting runs one person may have at a "
        "time; 0 sets no limit. Without a login, all who have typed no name are one person.", low=0, high=1000,
        unit="runs", zero="no limit")
    most_epochs: int = setting(0, "int", "Most epochs of a run", "Epochs that a new run may have; 0 sets no "
        "limit. Teachers may have more.", low=0, high=500, unit="epochs", zero="no limit")
    most_parameters: int = setting(0, "int", "Most parameters of a network", "Parameters that the network of a new run "
        "may have; 0 sets no limit. Teachers may have more.", low=0, high=1_000_000_000, unit="parameters",
        zero="no limit")
    upload_mb: int = setting(200, "int", "Upload", "Largest file taken from a browser.", low=1, high=100_000, unit="MB")
    export_mb: int = setting(512, "int", "Export", "Largest export or imported run, before it is packed.", low=1,
        high=1_000_000, unit="MB")
    disk_share: float = setting(1.0, "float", "Disk share", "Largest part of its disk that the workspace may fill.",
        low=0.01, high=1.0)
    background_jobs: bool = setting(True, "bool", "Background jobs", "Whether the app, once it is open, draws its "
        "first pictures where there are none and measures this machine, though nobody has asked for it.")
    trash_days: int = setting(30, "int", "Trash", "Days a deleted run or dataset can come back.", low=1, high=3650,
        unit="days")

    teachers: tuple[str, ...] = setting((), "texts", "Teachers", "Who may stop everybody's runs and change the limits "
        "of a class on the Class page, by the names of their logins.")
    cluster: str = setting("", "text", "Cluster", "Address of the Ray cluster that the pages offer for a training, as "
        "HOST:PORT of its head; empty: none.")


# fmt: on
def limit_table() -> dict[str, Spec]:
    """The spec of each limit, by name, in the order in which people read them."""
    return {item.name: item.metadata["spec"] for item in fields(ServerLimits)}


def read_limits(workspace: Workspace) -> ServerLimits:
    """The current limits: the defaults, replaced by what the workspace's `settings.json` says.

    Raises:
        ConfigError: the file breaks a rule; every sentence names the file, the field and the rule.
    """
    return _checked(workspace.root / LIMITS_FILE, _content(workspace.root / LIMITS_FILE))


def change_limits(workspace: Workspace, changes: Mapping[str, Any]) -> None:
    """Write some limits into `settings.json`, whole or not at all; what else stands there stays.

    Args:
        workspace: whose limits they are.
        changes: limit -> value.

    Raises:
        ConfigError: a value, or what stands in the file already, breaks a rule; nothing was written.
        StorageError: the disk refused, or another process keeps the file.
    """
    path = workspace.root / LIMITS_FILE
    with hold_lock(workspace.root / _LOCK_FILE, timeout=_LOCK_SECONDS) as held:
        if not held:
            raise StorageError(f"Another process is writing {path}, and that takes too long: try again in a moment.")
        content = _content(path)
        _checked(path, content)
        _checked(path, changed := content | dict(changes))
        if changed != content:
            write_json(path, changed)


def _content(path: Path) -> dict[str, Any]:
    """What stands in the file; raises ConfigError."""
    try:
        content = read_json(path, max_bytes=_MAX_BYTES)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ConfigError(
            [f"The limits in {path} cannot be read: {error}. Correct the file, or remove it for the defaults."]
        ) from error
    if not isinstance(content, dict):
        raise ConfigError([f'The limits in {path} must be one JSON object, such as {{"slots": 2}}.'])
    return content


def _checked(path: Path, content: Mapping[str, Any]) -> ServerLimits:
    """The limits that these contents of the file say; raises ConfigError."""
    found, problems = parse_settings(content, limit_table())
    if problems:
        raise ConfigError([f"{path}: {problem}" for problem in problems])
    return ServerLimits(**found)


def require_upload(workspace: Workspace, size: int, name: str) -> None:
    """Refuse a file from a browser that is larger than the server allows, or for which there is no space.

    Args:
        workspace: where it goes.
        size: of the file, bytes.
        name: of the file, as people know it.

    Raises:
        ConfigError: it is too large, or `settings.json` breaks a rule.
        StorageError: there is no space for it.
    """
    most = read_limits(workspace).upload_mb * MB
    if size > most:
        raise ConfigError(
            [
                f"{name} has {size_text(size)}, more than the {size_text(most)} that a file from a browser may "
                f"have here (upload_mb in {LIMITS_FILE})."
            ]
        )
    require_room(workspace, size, name)


def require_room(workspace: Workspace, needed: int, what: str, *, place: Path | None = None) -> None:
    """Refuse what would not fit on the disk, or into the part of it that the workspace may fill.

    Args:
        workspace: where it would go.
        needed: bytes, as known or estimated beforehand.
        what: the subject of the sentence, such as "The new run".
        place: the folder it goes into, which may lie outside of the workspace.

    Raises:
        ConfigError: `settings.json` breaks a rule.
        StorageError: there is no space; the sentence says how much is needed and how much there is.
    """
    share = read_limits(workspace).disk_share
    with storage_errors("reading the free space"):
        disk = shutil.disk_usage(place or workspace.root)
    if needed > disk.free:
        raise StorageError(
            f"{what} needs {size_text(needed)}, but the disk has {size_text(disk.free)} free: "
            "free some space, for example by emptying the trash."
        )
    inside = place is None or place.resolve().is_relative_to(workspace.root)
    if share == 1.0 or not inside:
        return  # without reading the size of every file in the workspace
    room = max(0, int(share * disk.total) - folder_bytes(workspace.root))
    if needed > room:
        raise StorageError(
            f"{what} needs {size_text(needed)}, but the workspace has {size_text(room)} left of the {share:.0%} of the "
            f"disk it may fill (disk_share in {LIMITS_FILE}): delete what is no longer needed."
        )


def folder_bytes(folder: Path) -> int:
    """Bytes of all files below a folder; links are not followed, and files that vanish meanwhile do not count."""
    total = 0
    waiting = [folder]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(Path(entry.path))
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
        except OSError:
            continue
    return total
