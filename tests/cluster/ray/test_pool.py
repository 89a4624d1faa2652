"""Sweeps over a real cluster of two nodes: their cost, a killed owner, Stop, a node that goes and one that joins."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator

import psutil
import pytest

from cifar_core.cluster.nodes.processes import find_processes
from cifar_core.lifecycle.place import Place
from cifar_core.processes import Program
from cifar_core.runs import Run, list_runs
from cifar_core.sweeps.control import resume_sweep, start_sweep, stop_sweep
from cifar_core.sweeps.plan import SweepPlan
from cifar_core.sweeps.sweep import read_sweep
from cifar_core.workspace import Workspace
from tests.cluster.conftest import TwoNodes
from tests.conftest import save_tiny
from tests.lifecycle.conftest import until
from tests.sweeps.owner.plans import SWEEP, plan_of
from tests.sweeps.owner.real_sweeps import DEADLINE, all_is_well, wait_until_ended

pytestmark = pytest.mark.cluster
SEEN_SECONDS = 5.0  # a killed owner's runs are no longer called running after this long
AGAIN_SECONDS = 60.0  # a run whose node went trains again
LONG = 100  # epochs: some seconds
ENDLESS = 500  # epochs of the larger dataset
RUNS = 16


@pytest.fixture
def here(workspace: Workspace, two_nodes: TwoNodes) -> Iterator[Workspace]:
    """A workspace with two tiny datasets that may use the cluster; its owner is ended at the end."""
    save_tiny(workspace)
    save_tiny(workspace, "larger", train=6000)
    yield two_nodes.lend(workspace)
    for process in processes(f"--job={workspace.sweeps}"):  # the test has failed: what it left would be in others' way
        process.kill()
        for actor in processes("ray::NodeActor"):
            if actor.pid in on_nodes(two_nodes):
                actor.kill()


def processes(part: str) -> list[psutil.Process]:
    """The processes with this in their command line."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if part in " ".join(process.cmdline()):
                found.append(process)
    return found


def plan(cluster: TwoNodes, runs: int, *, epochs: int, dataset: str = "tiny") -> SweepPlan:
    place, settings = Place("ray", cluster.address, cpus=1), {"epochs": epochs, "dataset": dataset}
    return plan_of("learning_rate=1e-4..1e-2", runs=runs, sampler="random", place=place, settings=settings)


def training(workspace: Workspace) -> list[Run]:
    """The runs that train and have an epoch behind them."""
    found = [run for run in list_runs(workspace) if run.status == "running" and run.validation_curve]
    return [run for run in found if run.progress and run.progress.phase in ("training", "measuring")]


def trainers(cluster: TwoNodes) -> set[int]:
    """The process ids of the training processes on all nodes."""
    return on_nodes(cluster) & {process.pid for process in processes(Program.WARM_TRAINING)}


def on_nodes(cluster: TwoNodes) -> set[int]:
    """The ids of all processes of the nodes."""
    return {pid for machine in (cluster.head, *cluster.others) for pid in find_processes(machine.folder)}


def test_a_sweep_is_done_by_both_nodes_and_costs_little_beside_its_trainings(
    here: Workspace, two_nodes: TwoNodes
) -> None:
    """Runs of about a second; the first two of a node are left out: they start processes and bring the pictures."""
    start_sweep(here, plan(two_nodes, RUNS, epochs=2, dataset="larger"))
    ended: dict[str, float] = {}
    until(lambda: is_done(here, ended), "the sweep is done", timeout=DEADLINE)
    all_is_well(here, RUNS)
    warm = sorted(list_runs(here), key=lambda run: ended[run.id])[4:]
    wall = max(ended.values()) - sorted(ended.values())[3]
    ratio = wall * 2 / sum(run.seconds for run in warm)
    assert 1 / 2 < ratio < 1.5, f"{wall:.1f} s for {[round(run.seconds, 2) for run in warm]}"


def is_done(workspace: Workspace, ended: dict[str, float]) -> bool:
    """Whether the sweep has ended; notes when each run was first seen to have."""
    is_active = read_sweep(workspace, SWEEP).active
    now = time.monotonic()
    ended |= {run.id: now for run in list_runs(workspace) if not run.active and run.id not in ended}
    return not is_active


@pytest.mark.fault(76)
def test_runs_of_a_killed_owner_train_on_and_the_next_one_finds_them_and_stop_pauses_them(
    here: Workspace, two_nodes: TwoNodes
) -> None:
    start_sweep(here, plan(two_nodes, 2, epochs=LONG))
    until(lambda: len(training(here)) == 2, "both train", timeout=DEADLINE)
    before = trainers(two_nodes)
    assert len(before) == 2, "one on each node"
    (owner,) = processes(f"--job={here.sweeps}")
    owner.kill()
    until(lambda: {run.status for run in list_runs(here)} == {"interrupted"}, "it is seen", timeout=SEEN_SECONDS)
    epochs = {run.id: len(run.validation_curve) for run in list_runs(here)}
    resume_sweep(here, SWEEP)
    until(
        lambda: all(len(run.validation_curve) > epochs[run.id] for run in list_runs(here)),
        "both are followed again",
        timeout=DEADLINE,
    )
    assert trainers(two_nodes) == before, "no training was started again"
    stop_sweep(here, SWEEP)
    assert wait_until_ended(here).status == "stopped"
    assert {run.status for run in list_runs(here)} <= {"paused", "finished"}
    resume_sweep(here, SWEEP)
    wait_until_ended(here)
    all_is_well(here, 2)
    until(lambda: not trainers(two_nodes), "nothing is left on the nodes")


def test_the_run_of_a_lost_node_goes_on_at_one_that_joins(here: Workspace, two_nodes: TwoNodes) -> None:
    start_sweep(here, plan(two_nodes, 2, epochs=ENDLESS, dataset="larger"))
    until(lambda: len(training(here)) == 2, "both train", timeout=DEADLINE)
    (lost,) = two_nodes.others
    for pid in find_processes(lost.folder):
        with contextlib.suppress(ProcessLookupError):  # it has gone with another one
            os.kill(pid, signal.SIGKILL)
    killed = time.monotonic()
    two_nodes.remove(lost)
    new = two_nodes.add()
    until(lambda: trainers(two_nodes) & {*find_processes(new.folder)}, "it trains there", timeout=AGAIN_SECONDS)
    epochs = {run.id: len(run.validation_curve) for run in list_runs(here)}
    until(
        lambda: all(len(run.validation_curve) > epochs[run.id] for run in list_runs(here)),
        "both go on",
        timeout=AGAIN_SECONDS - (time.monotonic() - killed),
    )
    stop_sweep(here, SWEEP)
    assert wait_until_ended(here).status == "stopped"
    assert {run.status for run in list_runs(here)} == {"paused"}
