"""Runs on a real cluster of two nodes: equal to local ones, and going on without their worker or their node."""

import contextlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from cifar_core.cluster.nodes.processes import find_processes
from cifar_core.config import make_config
from cifar_core.lifecycle.place import LOCAL, Place
from cifar_core.runs import Run, create_run, read_run, resume_run, start_run, stop_run, verify_run
from cifar_core.runs.run_folder import run_folder
from cifar_core.workspace import Workspace
from tests.cluster.conftest import Machine, TwoNodes
from tests.conftest import save_tiny
from tests.runs.conftest import TINY, wait_for

pytestmark = pytest.mark.cluster

OBEYED_SECONDS = 5.0  # until a stop is obeyed on a node
TAKEN_SECONDS = 60.0  # until a run goes on after the loss of its node
LONG = TINY | {"epochs": 500}
_TIMES = ("seconds", "images_per_second")


@pytest.fixture
def tiny_here(two_nodes: TwoNodes, workspace: Workspace) -> Workspace:
    """A workspace with the tiny dataset, which may use the cluster."""
    save_tiny(workspace)
    return two_nodes.lend(workspace)


def begin(workspace: Workspace, settings: dict[str, object], place: Place) -> str:
    run_id = create_run(workspace, make_config(settings), place=place)
    start_run(workspace, run_id)
    return run_id


def reaches(epoch: int) -> Callable[[Run], bool]:
    return lambda run: run.last is not None and run.last.epoch >= epoch


def results(folder: Path) -> dict[str, object]:
    """The files that a training has written, without the times that it took."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*.n*")) + sorted(folder.rglob("*.safetensors")):
        found[path.relative_to(folder).as_posix()] = path.read_bytes()
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    found["metrics"] = [{name: value for name, value in line.items() if name not in _TIMES} for line in lines]
    facts = json.loads((folder / "facts.json").read_text())
    found["facts"] = {name: value for name, value in facts.items() if name not in ("peak_memory", "start_up")}
    return found


def worker_of(run_id: str) -> psutil.Process:
    (found,) = [
        process
        for process in psutil.process_iter(["cmdline"])
        if any(part.endswith(f"/{run_id}") for part in process.info["cmdline"] or [])
    ]
    return found


def trains_on(machine: Machine, run_id: str) -> bool:
    """Whether a training process below a node has the run's lock open."""
    for pid in find_processes(machine.folder):
        with contextlib.suppress(psutil.Error):
            if any(f"/{run_id}/" in file.path for file in psutil.Process(pid).open_files()):
                return True
    return False


@pytest.mark.fault(75)
def test_a_run_is_equal_to_a_local_one_whoever_follows_it(
    two_nodes: TwoNodes, tiny_here: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place("ray", two_nodes.address, cpus=1)
    settings = TINY | {"epochs": 30}
    there = begin(tiny_here, settings, place)
    wait_for(tiny_here, there, reaches(2))
    worker_of(there).kill()
    wait_for(tiny_here, there, lambda run: not run.active)
    resume_run(tiny_here, there)  # its actor is found again, or what it has meanwhile done is fetched
    wait_for(tiny_here, there, lambda run: not run.active)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    here = begin(tiny_here, settings, LOCAL)
    assert wait_for(tiny_here, here, lambda run: not run.active).status == "finished"
    assert read_run(tiny_here, there).status == "finished"
    assert results(tiny_here.runs / there) == results(tiny_here.runs / here)
    assert verify_run(tiny_here, there) == []
    works = [machine.folder / "runs" / "work" for machine in (two_nodes.head, *two_nodes.others)]
    assert any(work.exists() for work in works)
    assert not [left for work in works for left in work.glob(f"*/runs/{there}*")]


def test_what_no_node_has_is_refused_and_not_waited_for(two_nodes: TwoNodes, tiny_here: Workspace) -> None:
    run_id = begin(tiny_here, TINY, Place("ray", two_nodes.address, cpus=1, gpus=1))
    run = wait_for(tiny_here, run_id, lambda run: not run.active)
    assert run.status == "failed"
    assert (
        run.error
        == f"No node of the cluster at {two_nodes.address} has 1 CPU and 1 GPU: the largest has 1 CPU and 0 GPUs."
    )


@pytest.mark.fault(75)
def test_a_run_goes_on_elsewhere_when_its_node_is_gone_and_stops_when_asked(
    two_nodes: TwoNodes, tiny_here: Workspace
) -> None:
    victim = two_nodes.others[0]
    both = [begin(tiny_here, LONG, Place("ray", two_nodes.address)) for _ in range(2)]
    for run_id in both:
        wait_for(tiny_here, run_id, reaches(3))
    (moved,) = [run_id for run_id in both if trains_on(victim, run_id)]
    (other,) = {*both} - {moved}
    asked = time.monotonic()
    stop_run(tiny_here, other)
    assert wait_for(tiny_here, other, lambda run: not run.active).status == "stopped"
    assert time.monotonic() - asked < OBEYED_SECONDS
    for pid in find_processes(victim.folder):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, 9)
    killed, before = time.monotonic(), run_folder(tiny_here, moved).metrics.read_bytes()
    reached = len(before.splitlines())
    try:
        wait_for(tiny_here, moved, reaches(reached + 2))
        assert time.monotonic() - killed < TAKEN_SECONDS
        log = run_folder(tiny_here, moved).metrics.read_bytes()
        assert "raylet" not in run_folder(tiny_here, moved).log.read_text()
        assert log.splitlines()[: reached - 1] == before.splitlines()[: reached - 1]  # it began again nowhere near 1
    finally:
        stop_run(tiny_here, moved)
        wait_for(tiny_here, moved, lambda run: not run.active)
        two_nodes.remove(victim)
