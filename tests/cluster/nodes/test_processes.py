"""The processes of a node: all of them are found, whatever they call themselves, and no other is."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cifar_core.cluster.nodes.processes import end_processes, find_processes

FOREVER = "import time; print(flush=True); time.sleep(600)"
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {FOREVER!r}], cwd='/', env={{}})"
pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="this system has no /proc")


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes of a test, ended with it."""
    found: list[subprocess.Popen[bytes]] = []
    yield found
    for process in found:
        process.kill()
        process.communicate()


def begin(started: list[subprocess.Popen[bytes]], code: str, cwd: Path, **variables: str) -> int:
    """Start a process, wait until something of it runs, and give its id."""
    process = subprocess.Popen([sys.executable, "-c", code], cwd=cwd, env=variables, stdout=subprocess.PIPE)
    started.append(process)
    assert process.stdout is not None
    process.stdout.readline()
    return process.pid


@pytest.mark.fault(102)
def test_those_in_its_folder_with_its_name_and_their_children_are_found_and_ended(
    tmp_path: Path, started: list[subprocess.Popen[bytes]]
) -> None:
    folder, other = tmp_path / "node", tmp_path / "node2"
    folder.mkdir()
    other.mkdir()
    inside = begin(started, FOREVER, folder)
    named = begin(started, FOREVER, tmp_path, NODE=str(folder))
    parent = begin(started, PARENT, folder)  # its child works elsewhere and carries nothing
    stranger = begin(started, FOREVER, other, NODE=str(other))
    found = find_processes(folder)
    assert {inside, named, parent} <= set(found)
    assert len(found) == 4
    assert stranger not in found

    end_processes(folder)
    assert find_processes(folder) == []
    assert find_processes(other) == [stranger]


def test_this_process_is_never_one_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert os.getpid() not in find_processes(tmp_path)
    begun = time.monotonic()
    end_processes(tmp_path)
    assert time.monotonic() - begun < 1
