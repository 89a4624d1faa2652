"""What every runner promises, tried with this machine and with one in memory; and that actions need no more than it."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from cifar_core.errors import RunError
from cifar_core.lifecycle import runner as runner_module
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.runner import LocalRunner, Runner, runner_of, state_now
from cifar_core.lifecycle.states import EndRequest, Status
from cifar_core.lifecycle.status import move, write_queued
from cifar_core.runs import delete_run, list_runs, pause_run, resume_run, start_run, stop_all, stop_run
from tests.lifecycle.conftest import FakeRuns, until


class MemoryRunner:
    """Its workers obey at once and elsewhere: the folder hears of it when it is fetched."""

    def __init__(self) -> None:
        self.alive: set[Path] = set()
        self.news: dict[Path, list[Status]] = {}
        self.asked: dict[Path, EndRequest | None] = {}

    def launch(self, folder: LifeFolder) -> None:
        assert folder.path not in self.alive, "it was not held idle"
        write_queued(folder)
        self.alive.add(folder.path)
        self.news[folder.path] = [Status.RUNNING]

    def is_alive(self, folder: LifeFolder) -> bool:
        return folder.path in self.alive

    @contextlib.contextmanager
    def hold_idle(self, folder: LifeFolder, *, timeout: float = 0.0) -> Iterator[bool]:
        yield folder.path not in self.alive

    def request(self, folder: LifeFolder, request: EndRequest | None) -> None:
        self.asked[folder.path] = request
        if request is not None and folder.path in self.alive:
            self.alive.remove(folder.path)
            self.news[folder.path].append(request.leads_to)
        elif request is not None:
            move(folder, request.leads_to)

    def enforce(self, folders: Sequence[LifeFolder]) -> None:
        assert all(self.asked[folder.path] for folder in folders)

    def fetch(self, folder: LifeFolder) -> None:
        news, self.news[folder.path] = self.news.get(folder.path, []), []
        for status in news:
            move(folder, status)


@pytest.fixture(params=[LocalRunner, MemoryRunner])
def runner(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Runner:
    """Each runner in turn, as that of all runs. A new implementation is one more parameter."""
    made: Runner = request.param()
    monkeypatch.setattr(runner_module, "_LOCAL", made)
    return made


def test_what_every_runner_promises(fake_runs: FakeRuns, runner: Runner) -> None:
    folder = fake_runs.folder(fake_runs.make())
    assert runner_of(folder) is runner and not runner.is_alive(folder)
    with runner.hold_idle(folder) as idle:
        assert idle
        runner.launch(folder)
    assert state_now(folder).status in (Status.QUEUED, Status.RUNNING)
    until(lambda: runner.is_alive(folder) and state_now(folder).status is Status.RUNNING, "it trains")
    with runner.hold_idle(folder) as idle:
        assert not idle
    runner.request(folder, EndRequest.STOP)
    runner.enforce([folder])
    until(lambda: state_now(folder).status is Status.STOPPED, "it has ended")
    until(lambda: not runner.is_alive(folder), "its worker has ended")
    runner.fetch(folder)
    assert state_now(folder).status is Status.STOPPED and state_now(folder).error == ""
    with runner.hold_idle(folder, timeout=5.0) as idle:
        assert idle
        runner.request(folder, None)
        runner.launch(folder)
    until(lambda: state_now(folder).status is Status.RUNNING, "the withdrawn request does not stop it again")


def test_a_request_to_a_run_without_a_worker_ends_it_at_once(fake_runs: FakeRuns, runner: Runner) -> None:
    folder = fake_runs.folder(fake_runs.make())
    runner.request(folder, EndRequest.PAUSE)
    assert state_now(folder).status is Status.PAUSED


def test_actions_work_through_the_interface_alone(fake_runs: FakeRuns, monkeypatch: pytest.MonkeyPatch) -> None:
    """No process, no lock and no control file of this machine is touched."""

    def refuse(*_: Any) -> None:
        raise AssertionError("an action went past the runner")

    remote = MemoryRunner()
    monkeypatch.setattr(runner_module, "_LOCAL", remote)
    for name in ("spawn", "has_worker", "hold_lock", "join", "write_atomic"):
        monkeypatch.setattr(runner_module, name, refuse)
    workspace, ids = fake_runs.workspace, [fake_runs.make() for _ in range(2)]
    first, folder = ids[0], fake_runs.folder(ids[0])

    def refused(action: Callable[..., object], words: str) -> None:
        with pytest.raises(RunError, match=words):
            action(workspace, first)

    for run_id in ids:
        start_run(workspace, run_id)
    assert fake_runs.status(first) == "running"
    start_run(workspace, first)  # a second click
    refused(resume_run, "only a run that was paused")
    refused(delete_run, "is running: stop it first")
    pause_run(workspace, first)
    assert fake_runs.status(first) == "paused" and remote.asked[folder.path] is EndRequest.PAUSE
    refused(stop_run, "there is nothing to stop")
    resume_run(workspace, first)
    assert fake_runs.status(first) == "running" and remote.asked[folder.path] is None
    stop_run(workspace, first)
    assert stop_all(workspace) == [ids[1]]
    assert [run.status for run in list_runs(workspace)] == [Status.STOPPED] * 2
    delete_run(workspace, first)
    assert not folder.path.exists()
    assert not [path for path in workspace.root.rglob("*") if path.name.startswith(("control-", "worker"))]
