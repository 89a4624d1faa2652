"""Start, stop and resume of a sweep; the process of its owner is not started here (`owner/test_process.py` does)."""

import importlib.util
import shutil
from pathlib import Path
from typing import Any

import pytest

from cifar_core.config import make_config
from cifar_core.errors import ClusterError, StorageError, SweepError
from cifar_core.jobs.job import JobFolder, JobState, Request, write_request, write_state
from cifar_core.lifecycle.place import Place
from cifar_core.processes import Program
from cifar_core.runs.control.admission import run_bytes
from cifar_core.storage.locks import hold_lock
from cifar_core.sweeps import control
from cifar_core.sweeps.control import resume_sweep, start_sweep, stop_sweep, sweep_job
from cifar_core.sweeps.extras import HOW_TO_GET_IT
from cifar_core.sweeps.folder import SweepFolder
from cifar_core.sweeps.plan_file import read_plan
from cifar_core.workspace import Workspace
from tests.sweeps.owner.plans import SWEEP, make_sweep, plan_of


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[JobFolder, Program]]:
    """The owners that would have been started."""
    found: list[tuple[JobFolder, Program]] = []

    def start(job: JobFolder, program: Program, request: Request) -> bool:
        found.append((job, program))
        return True

    monkeypatch.setattr(control, "start_job", start)
    return found


def end(sweep: SweepFolder, state: Any, **more: Any) -> None:
    """Let the owner of a sweep have ended."""
    write_request(sweep.job, Request("sweep"))
    write_state(sweep.job, JobState("sweep", state, **more))


def test_a_sweep_is_a_folder_with_its_plan_and_an_owner(workspace: Workspace, started: list) -> None:
    plan = plan_of(runs=7)
    assert start_sweep(workspace, plan) == SWEEP
    assert read_plan(SweepFolder(workspace.sweeps / SWEEP)) == plan
    assert started == [(sweep_job(workspace, SWEEP), Program.SWEEP)]


def test_a_double_click_makes_one(workspace: Workspace) -> None:
    first, second = (start_sweep(workspace, plan_of(runs=7), nonce="click") for _ in range(2))
    other = start_sweep(workspace, plan_of(runs=7), nonce="another click")
    assert first == second != other
    assert sorted(path.name for path in workspace.sweeps.iterdir()) == sorted([first, other])


def test_a_sweep_for_whose_runs_the_disk_has_no_room_is_not_made(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, started: list
) -> None:
    each = run_bytes(workspace, make_config(plan_of(runs=7).settings))
    usage = shutil.disk_usage(workspace.root)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=7 * each - 1))
    with pytest.raises(StorageError, match=r"^A sweep of 7 runs needs .*free some space"):
        start_sweep(workspace, plan_of(runs=7))
    assert not started and not workspace.sweeps.exists()
    assert start_sweep(workspace, plan_of(runs=6)) == SWEEP


@pytest.mark.parametrize(("storage", "missing"), [("", "has_optuna"), ("postgresql://u@h/d", "has_psycopg")])
def test_without_its_packages_it_says_how_to_get_them(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, started: list, storage: str, missing: str
) -> None:
    monkeypatch.setattr(control, missing, lambda: False)
    with pytest.raises(SweepError, match="make install EXTRAS=cluster"):
        start_sweep(workspace, plan_of(runs=7, storage=storage))
    assert not workspace.sweeps.exists()
    make_sweep(workspace, plan_of(runs=7, storage=storage))
    with pytest.raises(SweepError, match="make install EXTRAS=cluster"):
        resume_sweep(workspace, SWEEP)
    assert started == []
    assert "Optuna" in HOW_TO_GET_IT


def test_one_that_cannot_be_started_was_never_made(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> bool:
        raise StorageError("The disk is full.")

    monkeypatch.setattr(control, "start_job", refuse)
    with pytest.raises(StorageError, match="full"):
        start_sweep(workspace, plan_of(runs=7))
    assert list(workspace.sweeps.iterdir()) == []


def test_a_full_disk_leaves_no_half_sweep(workspace: Workspace, arm: Any) -> None:
    arm("write:2+:enospc")
    with pytest.raises(StorageError):
        start_sweep(workspace, plan_of(runs=7))
    arm("")
    assert [path for path in workspace.sweeps.glob("*") if not path.name.startswith(".tmp")] == []


def test_only_a_running_one_is_stopped(workspace: Workspace) -> None:
    sweep = make_sweep(workspace, plan_of(runs=7))
    with pytest.raises(SweepError, match="not running"):
        stop_sweep(workspace, SWEEP)
    with hold_lock(sweep.job.lock):
        stop_sweep(workspace, SWEEP)
    assert sweep.job.cancel_file.exists()


def test_a_finished_or_running_one_is_not_resumed(
    workspace: Workspace, started: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = make_sweep(workspace, plan_of(runs=7))
    end(sweep, "done")
    with pytest.raises(SweepError, match="finished"):
        resume_sweep(workspace, SWEEP)
    assert started == []
    monkeypatch.setattr(control, "start_job", lambda *_: False)
    end(sweep, "running")
    with hold_lock(sweep.job.lock), pytest.raises(SweepError, match="running already"):
        resume_sweep(workspace, SWEEP)


def test_one_whose_owner_is_just_ending_is_resumed_in_a_moment(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    end(make_sweep(workspace, plan_of(runs=7)), "cancelled")
    tries = iter([False, False, True])
    monkeypatch.setattr(control, "start_job", lambda *_: next(tries))
    resume_sweep(workspace, SWEEP)
    assert list(tries) == []


@pytest.mark.parametrize(
    ("state", "more"), [("cancelled", {}), ("failed", {"error": "The disk is full."}), ("done", {"report": ["Why."]})]
)
def test_one_that_is_not_done_is_resumed(workspace: Workspace, started: list, state: str, more: Any) -> None:
    end(make_sweep(workspace, plan_of(runs=7)), state, **more)
    resume_sweep(workspace, SWEEP)
    assert started == [(sweep_job(workspace, SWEEP), Program.SWEEP)]


@pytest.mark.parametrize("act", [stop_sweep, resume_sweep, sweep_job])
@pytest.mark.parametrize("name", ["no-such-sweep", "../runs", "", "a\nb"])
def test_one_that_is_not_there_is_one_sentence(workspace: Workspace, act: Any, name: str) -> None:
    with pytest.raises(SweepError) as refused:
        act(workspace, name)
    assert len(str(refused.value).splitlines()) == 1


def test_a_damaged_plan_is_not_resumed(workspace: Workspace, started: list) -> None:
    make_sweep(workspace, plan_of(runs=7))
    Path(workspace.sweeps / SWEEP / "sweep.json").write_text("{")
    with pytest.raises(SweepError, match="cannot be read"):
        resume_sweep(workspace, SWEEP)
    assert started == []


def test_the_program_that_owns_a_sweep_follows_from_where_its_runs_are_computed(
    workspace: Workspace, started: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "require_ray", lambda: None)  # where Ray is not installed
    start_sweep(workspace, plan_of(runs=7, place=Place("ray", "10.0.0.1:6379")))
    resume_sweep(workspace, SWEEP)
    assert started == [(sweep_job(workspace, SWEEP), Program.RAY_SWEEP)] * 2


def test_one_for_a_cluster_of_ray_is_not_made_without_ray(
    workspace: Workspace, started: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ray" else find(name))
    with pytest.raises(ClusterError, match="Ray, which is not installed: `make install EXTRAS=cluster` gets it"):
        start_sweep(workspace, plan_of(runs=7, place=Place("ray", "10.0.0.1:6379")))
    assert not started and not workspace.sweeps.exists()
