"""Which processes work on a workspace, and what they hold, as /proc tells. Linux only: elsewhere there are none."""

import contextlib
import os
import re
import signal
from dataclasses import dataclass
from pathlib import Path

from cifar_core.workspace import VARIABLE, Workspace

PROC = Path("/proc")
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096  # bytes


@dataclass(frozen=True)
class Process:
    """A process that works on the workspace."""

    pid: int
    command: str  # its whole command line


def processes_of(workspace: Workspace) -> list[Process]:
    """Every living process but this one that names the workspace in its command line or its environment."""
    found = [_look(int(entry.name), workspace) for entry in PROC.glob("[0-9]*") if int(entry.name) != os.getpid()]
    return [process for process in found if process is not None]


def kill(process: Process, workspace: Workspace) -> bool:
    """SIGKILL a process if it is still the one that was seen; whether it was.

    The handle is taken before the second look, so the signal cannot hit a stranger that got the number meanwhile.
    """
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return False
    try:
        if _look(process.pid, workspace) != process:
            return False
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, signal.SIGKILL)
            return True
        return False
    finally:
        os.close(handle)


def resident_bytes(pid: int) -> int:
    """Memory that a process holds now."""
    return int((PROC / str(pid) / "statm").read_text("ascii").split()[1]) * _PAGE


def open_files(pid: int) -> int:
    """How many files, pipes and sockets a process has open."""
    return len(os.listdir(PROC / str(pid) / "fd"))


def zombies_of(pid: int) -> int:
    """How many ended children a process has not collected."""
    count = 0
    for entry in PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state, parent = (entry / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()[:2]
            count += state == "Z" and int(parent) == pid
    return count


def _look(pid: int, workspace: Workspace) -> Process | None:
    """What a process is, where it is one of the workspace; one that has ended is none, collected or not."""
    try:
        command = (PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
        variables = (PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return None  # it ended, or is another person's
    root = str(workspace.root)
    named = re.search(rf"{re.escape(root)}(?![^/\s])", command) is not None
    return Process(pid, command) if named or f"{VARIABLE}={root}".encode() in variables else None
