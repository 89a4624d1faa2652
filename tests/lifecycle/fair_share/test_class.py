"""A class of 30 people with 2 runs each: real workers of the real queue, whose computations take no time."""

import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from cifar_core.config import make_config
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.queue import join
from cifar_core.lifecycle.states import Status
from cifar_core.lifecycle.status import expect_worker, move
from cifar_core.lifecycle.worker import serve_run
from cifar_core.limits import change_limits
from cifar_core.runs import create_run, list_runs
from cifar_core.runs.run_folder import run_folder
from cifar_core.workspace import Workspace

PEOPLE, RUNS_EACH, SLOTS = 30, 2, 2


class Instant:
    """A computation that finishes at once and notes when it began."""

    code = 0

    def __init__(self, begun: list[str]) -> None:
        self._begun = begun

    def start(self, folder: LifeFolder) -> None:
        self._begun.append(folder.run_id)
        move(folder, Status.FINISHED)

    def has_ended(self, seconds: float) -> bool:
        return True

    def terminate(self) -> None: ...

    def kill(self) -> None: ...

    def finish_log(self, seconds: float) -> None: ...


@pytest.mark.cluster
def test_everybodys_first_run_before_anybodys_second(workspace: Workspace) -> None:
    change_limits(workspace, {"fair_share": True, "slots": SLOTS})
    people = [f"student {number:02}" for number in range(PEOPLE)]
    # Everybody starts both at once, so first come, first served would train the pairs one after the other.
    ids = [
        create_run(workspace, make_config({"epochs": 1}), person=person) for person in people for _ in range(RUNS_EACH)
    ]
    begun: list[str] = []
    for run_id in ids:
        expect_worker(run_folder(workspace, run_id), here=False)
        join(run_folder(workspace, run_id))

    def worker(path: Path) -> None:
        serve_run(LifeFolder(path), Instant(begun), SimpleNamespace(received=False))  # type: ignore[arg-type]

    workers = [threading.Thread(target=worker, args=(workspace.runs / run_id,)) for run_id in ids]
    began = time.monotonic()
    for thread in workers:
        thread.start()
    for thread in workers:
        thread.join(timeout=120)
    runs = {run.id: run for run in list_runs(workspace)}
    assert [run.error for run in runs.values() if run.status is not Status.FINISHED] == []
    order = [runs[run_id].person for run_id in begun]
    # Two slots are taken at the same time, so the last of a round and the first of the next may note themselves in
    # either order.
    assert len(set(order[: PEOPLE - 1])) == PEOPLE - 1 and set(order[: PEOPLE + 1]) == set(people)
    assert sorted(order) == sorted(people * RUNS_EACH)
    assert time.monotonic() - began < 60
