"""The queue under fair share: who is next on the disk, switched on and off while runs wait, and what it writes."""

import os
import re
import time
from contextlib import ExitStack

import pytest

from cifar_core.config import make_config
from cifar_core.lifecycle.fair_share import turns
from cifar_core.lifecycle.heartbeat import Standstill
from cifar_core.lifecycle.queue import is_next, join, next_round, take_slot, tickets
from cifar_core.lifecycle.status import expect_worker
from cifar_core.limits import change_limits
from cifar_core.runs import create_run, list_runs, queue_places
from cifar_core.runs.run_folder import run_folder
from cifar_core.workspace import Workspace


@pytest.fixture(autouse=True)
def _workers_respond(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every run in line counts as one whose worker is being started, however long the test takes."""
    monkeypatch.setattr("cifar_core.lifecycle.heartbeat.MISSED_SECONDS", 1000.0)


def queue(workspace: Workspace, people: list[str]) -> list[str]:
    """A waiting run for each of these people, in this order."""
    ids = [create_run(workspace, make_config({"epochs": 1}), person=person) for person in people]
    for run_id in ids:
        expect_worker(run_folder(workspace, run_id), here=False)
        join(run_folder(workspace, run_id))
    return ids


def serve(workspace: Workspace, ids: list[str], most: int = 1000) -> list[str]:
    """Let the waiting runs begin one after the other, at most so many; returns them in that order."""
    begun: list[str] = []
    while len(begun) < min(most, len(ids)):
        before = len(begun)
        for run_id in ids:
            if run_id not in begun:
                with ExitStack() as slot:
                    if take_slot(run_folder(workspace, run_id), slot, Standstill()):
                        begun.append(run_id)
                        break
        assert len(begun) == before + 1, "somebody is always next"
    return begun


def whose(workspace: Workspace, ids: list[str]) -> list[str]:
    people = {run.id: run.person for run in list_runs(workspace)}
    return [people[run_id] for run_id in ids]


def test_nobodys_second_run_before_everybodys_first(workspace: Workspace) -> None:
    change_limits(workspace, {"fair_share": True})
    ids = queue(workspace, ["ada", "ada", "ada", "ben", "ben", "cleo"])
    shown = queue_places(list_runs(workspace), 1)
    order = serve(workspace, ids)
    assert whose(workspace, order) == ["ada", "ben", "cleo", "ada", "ben", "ada"]
    assert list(shown) == order, "the places on the screens are those of the queue"


def test_off_it_is_first_come_first_served_and_writes_nothing_more(workspace: Workspace) -> None:
    ids = queue(workspace, ["ada", "ada", "ben"])
    assert serve(workspace, ids) == ids
    assert next_round(workspace, "ada") == 0 and {run.round for run in list_runs(workspace)} == {0}
    found = {path.name for path in (workspace.runs / ".queue").iterdir()}
    assert found == {"order.lock", "slot-0.lock"}


def test_it_can_be_switched_while_runs_wait(workspace: Workspace) -> None:
    ids = queue(workspace, ["ada", "ada", "ada", "ben", "ben"])
    change_limits(workspace, {"fair_share": True})
    first = serve(workspace, ids, 2)
    assert whose(workspace, first) == ["ada", "ben"]
    assert next_round(workspace, "ada") == 3 and next_round(workspace, "cleo") == 0
    late = queue(workspace, ["cleo"])
    left = [run_id for run_id in ids if run_id not in first] + late
    assert serve(workspace, left, 1) == late, "a first run comes before all second ones"
    change_limits(workspace, {"fair_share": False})
    left.remove(late[0])
    assert serve(workspace, left) == left


def test_turns_are_forgotten_after_a_while(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    change_limits(workspace, {"fair_share": True})
    serve(workspace, queue(workspace, ["ada"]))
    assert next_round(workspace, "ada") == 1
    later = time.time() + turns.RECENT_SECONDS + 5
    monkeypatch.setattr(turns.time, "time", lambda: later)
    assert next_round(workspace, "ada") == 0
    serve(workspace, queue(workspace, ["ada"]))
    (home,) = (workspace.runs / ".queue" / "turns").iterdir()
    assert len(os.listdir(home)) == 1, "the old turn is removed"


def test_a_name_that_is_no_file_name_has_a_share_like_any_other(workspace: Workspace) -> None:
    change_limits(workspace, {"fair_share": True})
    names = ["../../x", "../../x", "Zoë Å/\\:*", "." * 3]
    order = serve(workspace, queue(workspace, names))
    assert whose(workspace, order) == [names[0], names[2], names[3], names[1]]
    homes = {path.name for path in (workspace.runs / ".queue" / "turns").iterdir()}
    assert len(homes) == 3 and all(re.fullmatch("[0-9a-f]{16}", name) for name in homes)


def test_a_run_that_cannot_be_read_holds_nobody_up(workspace: Workspace) -> None:
    change_limits(workspace, {"fair_share": True})
    broken, ours = queue(workspace, ["ada", "ben"])
    run_folder(workspace, broken).config.write_text("{")
    turns._share.cache_clear()
    run_folder(workspace, broken).status.write_text("{")
    assert is_next(run_folder(workspace, ours), Standstill())
    assert list(tickets(workspace)) == [ours]
