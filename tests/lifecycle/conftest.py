"""Runs with real workers and a fake computing process (see fake.py), and what tests do with them."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from cifar_core.config import make_config
from cifar_core.runs import Run, create_run, list_runs, read_run, start_run
from cifar_core.runs.run_folder import RunFolder, run_folder
from cifar_core.workspace import Workspace
from tests.lifecycle.fake import instruct, spawn_fake

TIMEOUT = 60.0  # seconds; a deadline for a stuck process, not a wait


def until(done: Callable[[], object], what: str, *, timeout: float = TIMEOUT) -> None:
    """Check until `done`; fails when it takes too long."""
    deadline = time.monotonic() + timeout
    while not done():
        assert time.monotonic() < deadline, f"not within {timeout:.0f} s: {what}"
        time.sleep(0.03)


@dataclass(frozen=True)
class FakeRuns:
    """The runs in a workspace whose computing processes are fake, and what tests do with them."""

    workspace: Workspace

    def make(self, **settings: object) -> str:
        return create_run(self.workspace, make_config(settings))

    def begin(self, what: str = "work", **settings: object) -> str:
        run_id = self.make(**settings)
        self.instruct(run_id, what)
        start_run(self.workspace, run_id)
        return run_id

    def instruct(self, run_id: str, what: str) -> None:
        instruct(self.folder(run_id), what)

    def folder(self, run_id: str) -> RunFolder:
        return run_folder(self.workspace, run_id)

    def status(self, run_id: str) -> str:
        return read_run(self.workspace, run_id).status.value

    def wait(self, run_id: str, *statuses: str) -> Run:
        """Wait until a run has one of these statuses."""
        until(
            lambda: self.status(run_id) in statuses, f"{run_id} is {' or '.join(statuses)}, not {self.status(run_id)}"
        )
        return read_run(self.workspace, run_id)

    def wait_computing(self, run_id: str) -> psutil.Process:
        """Wait until a run's computing process has written its first progress; returns the process."""
        until(lambda: (p := read_run(self.workspace, run_id).progress) and p.batch > 0, f"{run_id} computes")
        (process,) = self.processes(run_id, "compute")
        return process

    def processes(self, run_id: str, kind: str) -> list[psutil.Process]:
        """The live processes of a run, if it is not in a warm worker: `worker` or `compute`."""
        folder = self.workspace.runs / run_id
        marks = {"worker": f"--run-dir={folder}", "compute": str(folder), "rank": str(folder)}
        return [
            process for process in fakes() if kind in process.info["cmdline"] and marks[kind] in process.info["cmdline"]
        ]

    def ranks(self, run_id: str) -> list[psutil.Process]:
        """The live processes of a run of several processes, rank 0 first."""
        found = []
        for process in self.processes(run_id, "rank"):
            with contextlib.suppress(psutil.NoSuchProcess):  # it has just ended; a zombie is one of these too
                found.append((int(process.environ()["RANK"]), process))
        return [process for _, process in sorted(found, key=lambda item: item[0])]

    def kill(self, run_id: str, kind: str) -> None:
        for process in self.processes(run_id, kind):
            process.kill()


def is_alive(process: psutil.Process) -> bool:
    """Whether a process is alive, and not a zombie that waits to be collected."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def fakes() -> list[psutil.Process]:
    """All live processes of fake.py."""
    found = psutil.process_iter(["cmdline", "status"])
    return [
        process
        for process in found
        if any(part.endswith("lifecycle/fake.py") for part in process.info["cmdline"] or [])
        and process.info["status"] != psutil.STATUS_ZOMBIE
    ]


@pytest.fixture
def fake_runs(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeRuns]:
    """Runs that compute nothing and need no pictures; processes alive at the end are killed by their own ids."""
    monkeypatch.setattr("cifar_core.lifecycle.runner.spawn", spawn_fake)
    monkeypatch.setattr("cifar_core.lifecycle.warm.pool.spawn", spawn_fake)
    monkeypatch.setattr("cifar_core.runs.control.actions.start_get", lambda *_arguments: None)
    yield FakeRuns(workspace)
    kill_fakes(workspace.root.parent)


def kill_fakes(place: Path) -> None:
    """Kill the processes of this test and wait until they have ended."""
    own = [process for process in fakes() if any(str(place) in part for part in process.info["cmdline"])]
    for process in own:
        with contextlib.suppress(psutil.NoSuchProcess):  # it has just ended by itself
            process.send_signal(signal.SIGKILL)
    until(lambda: not any(is_alive(process) for process in own), "the killed processes have ended")
    while True:  # collect those that this process started
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                break
        except ChildProcessError:
            break


def active(workspace: Workspace) -> list[Run]:
    """The runs that train or wait."""
    return [run for run in list_runs(workspace) if run.active]
