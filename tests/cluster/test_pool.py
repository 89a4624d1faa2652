"""Runs followed by threads of one process, with seats that train nothing: a whole sweep, lost nodes, Stop, faults."""

import threading
from collections.abc import Iterator

import pytest

from cifar_core.cluster.pool import ClusterPool
from cifar_core.config import RunConfig, make_config
from cifar_core.errors import StorageError
from cifar_core.jobs.progress import CancelledError
from cifar_core.lifecycle import place as place_module
from cifar_core.lifecycle.place import Place, read_place
from cifar_core.lifecycle.states import Status
from cifar_core.runs import create_run, list_runs, read_run, resume_run, start_run, stop_run
from cifar_core.runs.run_folder import run_folder
from cifar_core.storage.locks import is_locked
from cifar_core.sweeps.owner import loop
from cifar_core.sweeps.sweep import read_sweep
from cifar_core.workspace import Workspace
from tests.cluster.fake_seats import LOST, FakeSeat, FakeSeats
from tests.conftest import save_tiny
from tests.lifecycle.conftest import until
from tests.sweeps.owner.plans import SWEEP, TINY, make_sweep, own, plan_of

CLUSTER = Place("ray", "10.0.0.1:6379", cpus=1)
RATES = "learning_rate=1e-4..1e-1"


@pytest.fixture
def cluster(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """A workspace with the tiny dataset; no follower is left at the end."""
    monkeypatch.setattr(loop, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr("cifar_core.lifecycle.supervise._LOOK_SECONDS", 0.0)
    save_tiny(workspace)
    yield workspace
    until(lambda: not [each for each in threading.enumerate() if each.name.startswith("follow ")], "followers end")


def pool_of(*seats: FakeSeat) -> tuple[ClusterPool, FakeSeats]:
    made = FakeSeats(*seats)
    return ClusterPool(made, threading.Event()), made


def test_a_sweep_over_two_seats_counts_each_trial_once(cluster: Workspace) -> None:
    two = FakeSeat("two")
    seats = [FakeSeat("one", waits_for=two), two]
    pool, all_seats = pool_of(*seats)
    assert own(make_sweep(cluster, plan_of(RATES, runs=8, place=CLUSTER)), pool) == ""
    sweep = read_sweep(cluster, SWEEP)
    assert [trial.number for trial in sweep.trials] == list(range(1, 9))
    assert {trial.status for trial in sweep.trials} == {"finished"}
    runs = list_runs(cluster)
    assert sorted(seats[0].computed + seats[1].computed) == sorted(run.id for run in runs)
    assert all_seats.closed and all(seat.computed for seat in seats)
    for run in runs:
        folder = run_folder(cluster, run.id)
        assert read_place(folder) == CLUSTER and not is_locked(folder.lock)
        assert len(run.validation_curve) == 4
    assert not list((cluster.runs / ".queue").glob("0*")), "no run of a cluster waits in the queue of this machine"


def test_a_run_whose_node_goes_is_taken_again_elsewhere(cluster: Workspace) -> None:
    lost = FakeSeat("lost", fails="lost")
    pool, _ = pool_of(lost, FakeSeat("well"))
    assert own(make_sweep(cluster, plan_of(RATES, runs=4, place=CLUSTER)), pool) == ""
    assert {trial.status for trial in read_sweep(cluster, SWEEP).trials} == {"finished"}
    assert all(len(run.validation_curve) == 4 for run in list_runs(cluster))


def test_a_run_whose_node_goes_each_time_is_left_alone_after_three_resumes(cluster: Workspace) -> None:
    seat = FakeSeat("bad", fails="lost")
    pool, _ = pool_of(seat)

    def fail_again() -> None:
        seat.run, seat.fails = "", "lost"

    seat.release = fail_again  # type: ignore[method-assign]
    why = own(make_sweep(cluster, plan_of(RATES, runs=1, place=CLUSTER)), pool)
    (run,) = list_runs(cluster)
    assert f"1 run cannot go on ({run.id})" in why
    assert seat.computed == [run.id] * 4  # the first time, and three more
    assert (run.status, run.error) == (Status.INTERRUPTED, LOST)


def test_stop_pauses_all_runs_and_the_next_owner_goes_on(cluster: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = make_sweep(cluster, plan_of(RATES, runs=2, place=CLUSTER, settings={"epochs": 400}))
    monkeypatch.setattr("cifar_core.lifecycle.supervise._LOOK_SECONDS", 0.02)
    pool, _ = pool_of(FakeSeat("one"), FakeSeat("two"))
    monkeypatch.setattr(FakeSeat, "has_ended", slowly(FakeSeat.has_ended))
    wait = pool.wait

    def cancel_once_they_train(seconds: float) -> None:
        wait(seconds)
        if sum(bool(run.validation_curve) for run in list_runs(cluster)) == 2:
            sweep.job.cancel_file.touch()

    pool.wait = cancel_once_they_train  # type: ignore[method-assign]
    with pytest.raises(CancelledError):
        own(sweep, pool)
    assert [run.status for run in list_runs(cluster)] == [Status.PAUSED] * 2
    assert pool.free() == 0, "a closed pool takes no more runs"


def slowly(has_ended: object) -> object:
    """So that a run is still training when it is asked to pause."""

    def wait_first(seat: FakeSeat, seconds: float) -> bool:
        threading.Event().wait(seconds)
        return has_ended(seat, seconds)  # type: ignore[operator]

    return wait_first


def test_without_a_free_seat_nothing_is_started(cluster: Workspace) -> None:
    pool, _ = pool_of()
    run_id = create_run(cluster, plan_config(), place=CLUSTER)
    with pytest.raises(StorageError, match="No place on the cluster is free"):
        start_run(cluster, run_id, pool)
    assert list_runs(cluster) == [], "a new run that cannot be started is as if it had not been made"


def test_an_unexpected_error_leaves_an_interrupted_run_and_a_free_seat(cluster: Workspace) -> None:
    seat = FakeSeat("one", fails="breaks")
    pool, seats = pool_of(seat)
    run_id = create_run(cluster, plan_config(), place=CLUSTER)
    raised: list[threading.ExceptHookArgs] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading, "excepthook", raised.append)
        start_run(cluster, run_id, pool)
        until(lambda: raised, "its follower has ended")
    folder = run_folder(cluster, run_id)
    assert read_run(cluster, run_id).status is Status.INTERRUPTED
    assert "ZeroDivisionError: as instructed" in folder.log.read_text()
    assert seats.free() == 1 and not is_locked(folder.lock)
    resume_run(cluster, run_id, pool)
    until(lambda: read_run(cluster, run_id).status is Status.FINISHED, "it goes on")


def test_a_run_of_a_cluster_goes_on_here_where_a_person_says_so(
    cluster: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool, _ = pool_of(FakeSeat("one", fails="lost"))
    run_id = create_run(cluster, plan_config(), place=CLUSTER)
    start_run(cluster, run_id, pool)
    until(lambda: read_run(cluster, run_id).status is Status.INTERRUPTED, "its node is lost")
    until(lambda: not is_locked(run_folder(cluster, run_id).lock), "its follower has ended")
    folder = run_folder(cluster, run_id)
    started: list[str] = []
    monkeypatch.setattr("cifar_core.lifecycle.runner.spawn", lambda program, *_: started.append(program))
    resume_run(cluster, run_id, place=place_module.LOCAL)
    assert started == ["cifar_core.lifecycle.worker"]
    assert not folder.place.exists() and read_place(folder) == place_module.LOCAL
    assert list((cluster.runs / ".queue").glob(f"*-{run_id}")), "it waits in the queue of this machine"
    stop_run(cluster, run_id)


def plan_config() -> RunConfig:

    return make_config(TINY)
