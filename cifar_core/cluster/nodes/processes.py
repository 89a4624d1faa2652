"""The processes of a node, found and ended by what the kernel knows of them; those of another node are never touched.

`ray stop` would end every Ray of this machine. Ours are those that work in the folder of the node or carry its path in
their environment (some change their own names and so lose it), and all that these have started. Linux only.
"""

import contextlib
import os
import signal
import time
from pathlib import Path

from cifar_core.errors import ClusterError

_PROC = Path("/proc")
_LEAVE_SECONDS = 5.0  # for a node to take leave of its cluster
_GONE_SECONDS = 10.0  # for the system to remove killed processes
_PAUSE = 0.05
_LEAVES = "raylet"  # the program of Ray that takes leave on SIGTERM


def require_linux() -> None:
    """Raises ClusterError where the system does not show its processes as Linux does."""
    if not (_PROC / "self" / "environ").exists():
        raise ClusterError("Only a machine with Linux can be a node of a cluster.")


def find_processes(folder: Path) -> list[int]:
    """The ids of all processes of the node in a folder."""
    parents = _parents()
    found = {pid for pid in parents if _belongs(pid, folder)}
    while True:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        if not more:
            return sorted(found - {os.getpid()})
        found |= more


def end_processes(folder: Path) -> None:
    """End all processes of the node in a folder; first it takes leave, so that others need not wait for it.

    Raises:
        ClusterError: some are left.
    """
    for pid in find_processes(folder):
        if _program(pid) == _LEAVES:
            _send(pid, signal.SIGTERM)
    _wait_for_leave(folder)
    end = time.monotonic() + _GONE_SECONDS
    while left := find_processes(folder):
        if time.monotonic() > end:
            raise ClusterError(f"Processes of the node in {folder} cannot be ended: {', '.join(map(str, left))}.")
        for pid in left:
            _send(pid, signal.SIGKILL)
        time.sleep(_PAUSE)


def _wait_for_leave(folder: Path) -> None:
    """Wait until the node has taken leave, at most `_LEAVE_SECONDS`."""
    end = time.monotonic() + _LEAVE_SECONDS
    while time.monotonic() < end and any(_program(pid) == _LEAVES for pid in find_processes(folder)):
        time.sleep(_PAUSE)


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _parents() -> dict[int, int]:
    """The parent of each process that is no zombie."""
    found = {}
    for entry in os.scandir(_PROC):
        if entry.name.isdigit():
            with contextlib.suppress(OSError, ValueError):
                state, parent = (_PROC / entry.name / "stat").read_text().rpartition(")")[2].split()[:2]
                if state not in "ZX":
                    found[int(entry.name)] = int(parent)
    return found


def _belongs(pid: int, folder: Path) -> bool:
    """Whether a process works in the folder of a node, or carries its path in its environment."""
    with contextlib.suppress(OSError):  # of another person, or gone
        works_in = str((_PROC / str(pid) / "cwd").readlink()).removesuffix(" (deleted)")
        if Path(works_in).is_relative_to(folder):
            return True
        return str(folder).encode() in _values((_PROC / str(pid) / "environ").read_bytes())
    return False


def _values(environment: bytes) -> set[bytes]:
    return {item.partition(b"=")[2] for item in environment.split(b"\0")}


def _program(pid: int) -> str:
    """The name of the program that a process runs; empty where it cannot be read."""
    try:
        return (
            (_PROC / str(pid) / "cmdline")
            .read_bytes()
            .partition(b"\0")[0]
            .rpartition(b"/")[2]
            .decode("ascii", "ignore")
        )
    except OSError:
        return ""
