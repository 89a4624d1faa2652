"""The process of an owner with real warm workers: stopped, resumed, and killed at random moments."""

import contextlib
import json
import random
import time
from collections.abc import Iterator

import psutil
import pytest

from cifar_core.errors import SweepError
from cifar_core.limits import LIMITS_FILE
from cifar_core.runs import list_runs
from cifar_core.sweeps.control import resume_sweep, start_sweep, stop_sweep
from cifar_core.sweeps.plan import SweepPlan
from cifar_core.sweeps.sweep import read_sweep
from cifar_core.workspace import Workspace
from tests.conftest import save_tiny
from tests.sweeps.owner.plans import SWEEP, plan_of
from tests.sweeps.owner.real_sweeps import DEADLINE, all_is_well, wait_until_ended

pytestmark = pytest.mark.slow
KILLS = 20


@pytest.fixture
def place(workspace: Workspace) -> Iterator[Workspace]:
    """A workspace with the tiny dataset and two slots; its sweep is ended at the end."""
    (workspace.root / LIMITS_FILE).write_text(json.dumps({"slots": 2}))
    save_tiny(workspace)
    yield workspace
    for process in processes(workspace):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def processes(workspace: Workspace) -> list[psutil.Process]:
    """The owner, its workers and their training processes: the owner first."""
    owners = [each for each in psutil.process_iter() if f"--job={workspace.sweeps}" in command_of(each)]
    found = list(owners)
    for owner in owners:
        with contextlib.suppress(psutil.NoSuchProcess):
            found += owner.children(recursive=True)
    return found


def command_of(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def plan(runs: int, epochs: int) -> SweepPlan:
    return plan_of("learning_rate=1e-4..1e-1", runs=runs, settings={"epochs": epochs}, start=[{"learning_rate": 0.001}])


def test_a_stopped_sweep_pauses_its_runs_and_goes_on_when_it_is_resumed(place: Workspace) -> None:
    (place.root / LIMITS_FILE).write_text(json.dumps({"slots": 1}))
    start_sweep(place, plan(runs=2, epochs=15))
    until = time.monotonic() + DEADLINE
    while not any(run.validation_curve for run in list_runs(place)):
        assert time.monotonic() < until
        time.sleep(0.05)
    stop_sweep(place, SWEEP)
    sweep = wait_until_ended(place)
    assert sweep.status == "stopped"
    assert not any(run.active for run in list_runs(place))
    begun = [run.id for run in list_runs(place)]
    resume_sweep(place, SWEEP)
    wait_until_ended(place)
    all_is_well(place, 2)
    assert set(begun) <= {run.id for run in list_runs(place)}


@pytest.mark.fault(76)
def test_owner_and_workers_killed_at_random_moments(place: Workspace) -> None:
    """One of them, or the owner with all that it has started; whoever resumes the sweep finds each trial once."""
    chance = random.Random(0)
    start_sweep(place, plan(runs=6, epochs=12))
    killed: list[str] = []
    until = time.monotonic() + DEADLINE
    while read_sweep(place, SWEEP).status != "finished":
        assert time.monotonic() < until
        time.sleep(chance.uniform(0.1, 1.2) if len(killed) < KILLS else 0.1)
        found = processes(place)
        if found and len(killed) < KILLS:
            whom = chance.choice(["owner", "all", "worker", "training"])
            killed += kill(found, whom)
        if not read_sweep(place, SWEEP).active:
            with contextlib.suppress(SweepError):  # it has just finished
                resume_sweep(place, SWEEP)
    assert len(killed) == KILLS
    assert len(set(killed)) >= 3
    all_is_well(place, 6)


def kill(found: list[psutil.Process], whom: str) -> list[str]:
    """Kill some of these processes; returns whom, in a list, or nothing where there was none of that kind."""
    owner, *others = found
    names = {"worker": "warm.worker", "training": "warm_process"}
    victims = {"owner": [owner], "all": found}.get(whom) or [
        each for each in others if names[whom] in command_of(each)
    ][:1]
    for victim in victims:
        with contextlib.suppress(psutil.NoSuchProcess):
            victim.kill()
    return [whom] if victims else []
