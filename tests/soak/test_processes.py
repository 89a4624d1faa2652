"""Which processes the soak takes for those of a workspace."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from cifar_core.workspace import WORKSPACE_VARIABLE, Workspace
from tests.conftest import ROOT
from tests.soak.processes import command_line_of, kill, processes_of, zombies_of


@contextmanager
def waiting(*arguments: str, **environment: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that waits for its stdin to be closed; it has started when the block begins."""
    command = [sys.executable, "-c", "print(flush=True); input()", *arguments]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **environment},
    )
    assert process.stdout is not None
    process.stdout.readline()
    try:
        yield process
    finally:
        process.communicate()


def test_processes_that_name_the_workspace_are_found(workspace: Workspace) -> None:
    """In the command line or in the environment; one of another workspace with a longer name is not."""
    root = str(workspace.root)
    assert processes_of(workspace) == []
    with (
        waiting(f"--run-dir={root}/runs/one") as one,
        waiting(**{WORKSPACE_VARIABLE: root}) as other,
        waiting(f"{root}2"),
    ):
        found = {process.pid: command_line_of(process) for process in processes_of(workspace)}
        assert set(found) == {one.pid, other.pid}
        assert found[one.pid].endswith(f"--run-dir={root}/runs/one")
    assert processes_of(workspace) == []


def test_an_ended_process_is_a_zombie_until_it_is_collected_and_cannot_be_killed(workspace: Workspace) -> None:
    before = zombies_of(os.getpid())
    with waiting(str(workspace.root)) as process:
        (found,) = processes_of(workspace)
        assert kill(found)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it has ended and is not collected
        assert psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE
        assert zombies_of(os.getpid()) == before + 1
        assert processes_of(workspace) == [] and not kill(found)
    assert zombies_of(os.getpid()) == before and not kill(found)


def test_the_process_that_asks_is_left_out(workspace: Workspace) -> None:
    code = (
        "import sys; from pathlib import Path; from cifar_core.workspace import Workspace; "
        "from tests.soak.processes import processes_of; print(processes_of(Workspace(Path(sys.argv[1]))))"
    )
    command = [sys.executable, "-c", code, str(workspace.root)]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout == "[]\n"
