"""Which runs of a person have begun lately: empty files `runs/.queue/turns/PERSON/1795989600-quiet-otter`.

They are written only while fair share is on, by the worker whose run begins. PERSON is a hash, because anything may
stand in the name of a person.
"""

import contextlib
import functools
import hashlib
import os
import time
from collections.abc import Iterable
from pathlib import Path

from cifar_core.lifecycle.fair_share.order import Waiting
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.storage.atomic import make_folder, remove, write_atomic
from cifar_core.storage.disk_errors import storage_errors
from cifar_core.storage.json_files import read_json
from cifar_core.workspace import Workspace

RECENT_SECONDS = 12 * 3600  # a run that began earlier no longer counts: a class begins anew every day
_DIGITS = 10  # of the seconds since 1970
_MAX_BYTES = 8 * 1024 * 1024  # of a config.json
_HASH = 16  # hexadecimal digits


def share_of(folder: LifeFolder) -> str:
    """Whose share of the machine a run takes; one that cannot be read, as of another user, has a share of its own."""
    return _share_or_own(str(folder.workspace.runs), folder.run_id)


def _share_or_own(runs: str, run_id: str) -> str:
    try:
        return _share(runs, run_id)
    except (OSError, ValueError):
        return run_id


def share_of_person(person: str) -> str:
    """The name of a person's share."""
    return hashlib.sha256(person.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH]


@functools.lru_cache(maxsize=4096)
def _share(runs: str, run_id: str) -> str:
    """As `share_of`; kept, since a run keeps its person, and every waiting worker asks several times a second.

    By texts, not by a path: every listing asks for each pair of waiting runs, and a path takes microseconds.
    """
    content = read_json(LifeFolder(Path(runs) / run_id).config, max_bytes=_MAX_BYTES)
    person = content.get("person", "") if isinstance(content, dict) else ""
    return share_of_person(person if isinstance(person, str) else "")


def waiting_runs(workspace: Workspace, tickets: Iterable[tuple[str, int]], share: str = "") -> list[Waiting]:
    """The runs with these tickets (run id, number), each with its share; those of one share where that is given."""
    runs = str(workspace.runs)
    found = ((number, run_id, _share_or_own(runs, run_id)) for run_id, number in tickets)
    return [Waiting(*each) for each in found if share in ("", each[2])]


def begun_lately(workspace: Workspace, shares: Iterable[str]) -> dict[str, set[str]]:
    """The ids of the runs of each share that began in the last `RECENT_SECONDS` while fair share was on.

    Raises:
        StorageError: the folder of the queue cannot be read.
    """
    oldest = _stamp(time.time() - RECENT_SECONDS)
    found = {}
    for share in set(shares):
        names: list[str] = []
        with storage_errors("reading the queue", to="read"), contextlib.suppress(FileNotFoundError):
            names = os.listdir(_home(workspace, share))
        found[share] = {name[_DIGITS + 1 :] for name in names if oldest <= name[:_DIGITS] and name[:1].isdigit()}
    return found


def note_turn(folder: LifeFolder) -> None:
    """Note that a run begins, and forget the turns of its person that no longer count.

    Raises:
        StorageError: the disk refused.
    """
    now, home = time.time(), _home(folder.workspace, share_of(folder))
    make_folder(home.parent)
    make_folder(home)
    oldest = _stamp(now - RECENT_SECONDS)
    for name in os.listdir(home):
        if name[:_DIGITS] < oldest or name[_DIGITS + 1 :] == folder.run_id:
            remove(home / name)
    # A restart of the machine ends every training, so a turn need not outlive one.
    write_atomic(home / f"{_stamp(now)}-{folder.run_id}", durable=False)


def _stamp(seconds: float) -> str:
    return f"{max(0, int(seconds)):0{_DIGITS}d}"


def _home(workspace: Workspace, share: str) -> Path:
    return workspace.runs / ".queue" / "turns" / share
