"""Stopping everything: a sweep pauses its own runs before it ends, and nothing starts afterwards."""

import threading
from collections.abc import Callable

import pytest

from cifar_core.config import make_config
from cifar_core.jobs.job import JobState, write_state
from cifar_core.runs import create_run, pause_run, start_run
from cifar_core.storage.locks import hold_lock, is_locked
from cifar_core.sweeps.among_runs.active import active_sweep_ids
from cifar_core.sweeps.among_runs.stop_all import request_stop_of_everything, stop_everything
from cifar_core.sweeps.folder import SweepFolder
from tests.lifecycle.conftest import FakeRuns, fake_runs, until
from tests.sweeps.crafted_sweeps import RATE, SWEEP, make_sweep

__all__ = ["fake_runs"]


def own_it(folder: SweepFolder, before_its_end: Callable[[], None]) -> threading.Thread:
    """An owner that works until it is asked to stop, and then does `before_its_end`."""

    def work() -> None:
        with hold_lock(folder.job.lock):
            until(folder.job.cancel_file.exists, "it is asked to stop")
            before_its_end()
            write_state(folder.job, JobState("sweep", "cancelled"))

    folder.job.make()
    folder.job.request.write_text('{"kind": "sweep", "schema_version": 1}', "utf-8")
    write_state(folder.job, JobState("sweep", "running"))
    owner = threading.Thread(target=work)
    owner.start()
    until(lambda: is_locked(folder.job.lock), "the owner works")
    return owner


@pytest.fixture
def busy(fake_runs: FakeRuns) -> tuple[SweepFolder, str, str]:
    """A sweep's folder, its one run, and another run; one of them trains and the other waits."""
    folder = make_sweep(fake_runs.workspace, RATE, runs=1)
    trial = create_run(fake_runs.workspace, make_config({}), nonce=f"{SWEEP} 1 0", sweep=SWEEP, trial=1)
    start_run(fake_runs.workspace, trial)
    return folder, trial, fake_runs.begin()


@pytest.mark.fault(99)
def test_a_trial_is_paused_by_its_sweep_and_other_runs_are_stopped(
    fake_runs: FakeRuns, busy: tuple[SweepFolder, str, str]
) -> None:
    folder, trial, own = busy
    seen: list[bool] = []

    def pause() -> None:
        fake_runs.wait(own, "stopped")  # asked after the sweep, and without waiting for it
        seen.append(fake_runs.folder(trial).stop_file.exists())
        pause_run(fake_runs.workspace, trial)
        fake_runs.wait(trial, "paused")

    owner = own_it(folder, pause)
    assert active_sweep_ids(fake_runs.workspace) == [SWEEP]
    assert stop_everything(fake_runs.workspace) == ([SWEEP], [own])
    owner.join()
    assert seen == [False], "a run that was stopped by hand would count as one that a person gave up"
    assert fake_runs.status(trial) == "paused" and active_sweep_ids(fake_runs.workspace) == []


@pytest.mark.fault(99)
def test_a_trial_that_its_sweep_leaves_behind_is_stopped(
    fake_runs: FakeRuns, busy: tuple[SweepFolder, str, str]
) -> None:
    folder, trial, own = busy
    owner = own_it(folder, lambda: None)
    sweeps, runs = stop_everything(fake_runs.workspace)
    owner.join()
    assert (sweeps, runs) == ([SWEEP], [own, trial])
    assert {fake_runs.status(trial), fake_runs.status(own)} == {"stopped"}


def test_asking_returns_at_once_and_leaves_the_trials_to_the_sweep(
    fake_runs: FakeRuns, busy: tuple[SweepFolder, str, str]
) -> None:
    folder, trial, own = busy
    owner = own_it(folder, lambda: None)
    request_stop_of_everything(fake_runs.workspace)
    fake_runs.wait(own, "stopped")
    owner.join()
    assert fake_runs.status(trial) in ("running", "queued")
