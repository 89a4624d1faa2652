"""The queue on the command line: which runs wait, for how long, and stopping all of them."""

import json
from typing import Any

import pytest

from cifar_core.commands import train as train_command
from cifar_core.commands.console import say
from cifar_core.runs import list_runs
from tests.lifecycle.conftest import FakeRuns


def test_waiting_runs_are_listed_and_all_are_stopped(call: Any, fake_runs: FakeRuns) -> None:
    first = fake_runs.begin()
    fake_runs.wait_computing(first)
    second, third = fake_runs.begin(), fake_runs.begin()
    where = ("--workspace", fake_runs.workspace.root)
    code, out, _ = call("runs", "list", *where)
    lines = {line.split()[0]: line for line in out.splitlines()}
    assert code == 0 and "running" in lines[first]
    assert f"queued, 1st of 2, behind {first}; starts in " in lines[second]
    assert f"queued, 2nd of 2, behind {first} and 1 more" in lines[third]
    code, out, _ = call("runs", "show", second, "--json", *where)
    shown = json.loads(out)
    place = shown["queue"]
    assert (shown["status"], place["position"], place["of"], place["ahead"]) == ("queued", 1, 2, [first])
    assert 0 < place["low"] < place["seconds"] < place["high"]
    assert shown["silent_since"] is None and shown["ending"] is None
    code, out, err = call("runs", "stop", "--all", "--json", *where)
    assert code == 0 and "3 runs ended." in err
    assert sorted(json.loads(out)["stopped"]) == sorted([first, second, third])
    assert {run.status for run in list_runs(fake_runs.workspace)} == {"stopped"}
    code, out, err = call("runs", "stop", "--all", "--json", *where)
    assert code == 0 and "0 runs ended." in err and json.loads(out) == {"stopped": [], "sweeps": []}


@pytest.mark.parametrize("arguments", [(), ("latest", "--all")])
def test_stop_wants_one_run_or_all(call: Any, fake_runs: FakeRuns, arguments: tuple[str, ...]) -> None:
    fake_runs.make()
    code, _, err = call("runs", "stop", *arguments, "--workspace", fake_runs.workspace.root)
    assert code == 2 and "Name one RUN, or give --all." in err
    assert [run.status for run in list_runs(fake_runs.workspace)] == ["queued"]


def test_train_says_that_it_waits_and_goes_on_when_its_turn_comes(
    call: Any, fake_runs: FakeRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = fake_runs.begin()
    fake_runs.wait_computing(first)

    def say_and_let_them_end(text: str) -> None:
        say(text)
        if "waits for its turn" in text:
            fake_runs.instruct(list_runs(fake_runs.workspace)[0].id, "finish")
            fake_runs.instruct(first, "finish")

    monkeypatch.setattr(train_command, "say", say_and_let_them_end)
    code, out, err = call("train", "--epochs", 2, "--json", "--workspace", fake_runs.workspace.root)
    assert f"waits for its turn: 1st of 1, behind {first}; starts in " in err
    assert code == 0 and json.loads(out.splitlines()[-1])["status"] == "finished"


def test_a_run_that_hangs_is_shown_as_not_responding(
    call: Any, fake_runs: FakeRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = fake_runs.begin()
    fake_runs.wait_computing(run_id)
    fake_runs.instruct(run_id, "hang")
    monkeypatch.setattr("cifar_core.lifecycle.status.SILENT_SECONDS", 0.0)
    monkeypatch.setattr("cifar_core.lifecycle.status.SILENT_STEPS", 0)
    _, out, _ = call("runs", "list", "--workspace", fake_runs.workspace.root)
    assert "running, not responding since " in out
