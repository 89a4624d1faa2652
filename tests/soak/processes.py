"""Which processes work on a workspace, and which ended ones nobody has collected."""

import re

import psutil

from cifar_core.workspace import WORKSPACE_VARIABLE, Workspace


def processes_of(workspace: Workspace) -> list[psutil.Process]:
    """Every living process but this one that names the workspace in its command line or its environment.

    Zombies and processes of other people, whose environment cannot be read, are left out.
    """
    root = str(workspace.root)
    named = re.compile(rf"{re.escape(root)}(?![^/\s])")
    return [
        process
        for process in psutil.process_iter(["cmdline", "environ"])
        if process.pid != psutil.Process().pid
        and (named.search(command_line_of(process)) or (process.info["environ"] or {}).get(WORKSPACE_VARIABLE) == root)
    ]


def command_line_of(process: psutil.Process) -> str:
    """The command line that a process had when `processes_of` found it; empty for a zombie."""
    return " ".join(process.info["cmdline"] or [])


def kill(process: psutil.Process) -> bool:
    """SIGKILL a process; whether it still lived. psutil signals no later process that was given the same number."""
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        process.kill()
    except psutil.NoSuchProcess:
        return False
    return True


def zombies_of(pid: int) -> int:
    """How many ended children a process has not collected."""
    count = 0
    for child in psutil.Process(pid).children():
        try:
            count += child.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:  # collected just now
            continue
    return count
