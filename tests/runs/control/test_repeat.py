"""New runs from earlier ones: retry and duplicate. Nothing is trained here."""

import shutil
from collections.abc import Callable

import pytest

from cifar_core.config import make_config
from cifar_core.errors import ConfigError, DataError, RunError
from cifar_core.lifecycle.status import move
from cifar_core.runs import (
    Status,
    create_run,
    duplicate_run,
    list_runs,
    lower_rate,
    read_run,
    rename_run,
    retry_run,
    retry_with_lower_rate,
)
from cifar_core.runs.run import RETRIABLE
from cifar_core.runs.run_folder import run_folder
from cifar_core.workspace import Workspace
from tests.conftest import save_tiny
from tests.runs.conftest import ended_run, snapshot

SEEDED = make_config({"seed": 7, "epochs": 3, "channels": "4,6"})


@pytest.mark.parametrize("status", list(Status))
def test_a_retry_is_the_same_run_once_more(workspace: Workspace, status: Status) -> None:
    old = ended_run(workspace, status, SEEDED)
    rename_run(workspace, old, "first try")
    before = snapshot(workspace.runs / old)
    if status not in (*RETRIABLE, Status.RUNNING):  # `running` without a process counts as interrupted
        with pytest.raises(RunError, match=f"Run {old} has the status "):
            retry_run(workspace, old)
        assert [run.id for run in list_runs(workspace)] == [old]
        return
    new = read_run(workspace, retry_run(workspace, old, person="ada@example.org"))
    assert new.id != old
    assert (new.config, new.status, new.parent, new.person) == (SEEDED, Status.QUEUED, old, "ada@example.org")
    assert new.name == new.id
    assert snapshot(workspace.runs / old) == before


@pytest.mark.parametrize(("rate", "lower"), [(1e-3, 3e-4), (0.01, 0.003), (0.2, 0.07), (10, 3), (2e-6, 1e-6)])
def test_the_lower_rate_is_a_third_with_one_digit(rate: float, lower: float) -> None:
    assert lower_rate(make_config({"learning_rate": rate})) == lower


def test_the_lowest_rate_cannot_be_lowered(workspace: Workspace) -> None:
    old = ended_run(workspace, Status.RUNNING, make_config({"learning_rate": 1e-6}))
    move(run_folder(workspace, old), Status.FAILED, error="Why.", diverged=True)
    with pytest.raises(RunError, match="diverged with the lowest learning rate, 1e-06: duplicate it"):
        retry_with_lower_rate(workspace, old)
    assert [run.id for run in list_runs(workspace)] == [old]


@pytest.mark.parametrize("make", [retry_run, lambda place, run_id: duplicate_run(place, run_id, {"epochs": 2})])
def test_what_comes_of_a_trial_is_no_trial(workspace: Workspace, make: Callable[[Workspace, str], str]) -> None:
    trial = create_run(workspace, SEEDED, sweep="calm-owl-1", trial=3)
    move(run_folder(workspace, trial), Status.RUNNING)
    move(run_folder(workspace, trial), Status.STOPPED)
    run = read_run(workspace, make(workspace, trial))
    assert (run.origin, run.sweep, run.trial, run.parent) == ("trained", "", 0, trial)


def test_two_clicks_on_retry_make_one_run(workspace: Workspace) -> None:
    old = ended_run(workspace, Status.FAILED)
    assert retry_run(workspace, old, nonce="a click") == retry_run(workspace, old, nonce="a click")
    assert len(list_runs(workspace)) == 2


def test_a_duplicate_takes_changes_on_top(workspace: Workspace) -> None:
    old = ended_run(workspace, Status.FINISHED, SEEDED)
    new = read_run(workspace, duplicate_run(workspace, "latest", {"epochs": "9", "dropout": 0.5}))
    assert new.config == make_config({**SEEDED.flat(), "epochs": 9, "dropout": 0.5})
    assert new.parent == old
    assert read_run(workspace, old).parent == ""


@pytest.mark.fault(41)
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"learning_rate": value}, "learning_rate is")
        for value in (0, -1, 1e9, float("nan"), "0.1abc", True, None, 10**400)
    ]
    + [({"epoch": 3}, "no setting 'epoch'"), ({"patience": 3, "validation_share": 0}, "needs a validation part")],
)
def test_changes_that_break_a_rule_make_no_folder(
    workspace: Workspace, changes: dict[str, object], message: str
) -> None:
    old = ended_run(workspace)
    before = snapshot(workspace.root)
    with pytest.raises(ConfigError, match=message):
        duplicate_run(workspace, old, changes)
    assert snapshot(workspace.root) == before


def test_a_dataset_that_is_gone_makes_no_run(workspace: Workspace) -> None:
    save_tiny(workspace)
    old = ended_run(workspace, Status.FAILED, make_config({"dataset": "tiny"}))
    shutil.rmtree(workspace.data / "tiny")
    with pytest.raises(DataError, match="no dataset named tiny"):
        retry_run(workspace, old)
    with pytest.raises(RunError, match="There is no run 'x'"):
        duplicate_run(workspace, "x", {})
    assert len(list_runs(workspace)) == 1
