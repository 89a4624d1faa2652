"""Further runs of one setting with other seeds. Nothing is trained here."""

import json
from pathlib import Path
from typing import Any

import pytest

from cifar_core.config import make_config
from cifar_core.errors import ConfigError, RunError, StorageError
from cifar_core.lifecycle.runner import LocalRunner
from cifar_core.runs import Status, create_run, list_runs, read_run, rename_run, repeat_with_seeds
from cifar_core.workspace import Workspace
from tests.commands.conftest import call
from tests.conftest import save_tiny
from tests.runs.conftest import ended_run
from tests.runs.seeds.crafted_repeats import craft

__all__ = ["call"]
SETTINGS = make_config({"seed": 7, "dataset": "tiny", "channels": "4,6"})


@pytest.fixture(autouse=True)
def launched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of the runs whose worker was launched; they get no process here."""
    ids: list[str] = []

    def launch(_runner: LocalRunner, folder: Any) -> None:
        folder.log.write_text("launched\n", "utf-8")
        ids.append(folder.run_id)

    monkeypatch.setattr(LocalRunner, "launch", launch)
    return ids


def test_repeats_take_the_next_free_seeds_and_a_double_click_makes_them_once(
    workspace: Workspace, launched: list[str]
) -> None:
    save_tiny(workspace)
    old = ended_run(workspace, Status.FINISHED, SETTINGS)
    create_run(workspace, make_config({**SETTINGS.flat(), "seed": 9}))
    rename_run(workspace, old, "small net, seed 7")
    made = repeat_with_seeds(workspace, old, 3, nonce="click", person="ada@example.org")
    found = [read_run(workspace, each) for each in made]
    assert [run.config.machine.seed for run in found] == [8, 10, 11] and launched == made
    assert {(run.parent, run.person, run.status) for run in found} == {(old, "ada@example.org", Status.QUEUED)}
    assert {run.seedless for run in found} == {read_run(workspace, old).seedless}
    assert [run.name for run in found] == ["small net, seed 8", "small net, seed 10", "small net, seed 11"]
    count = len(list_runs(workspace))
    repeat_with_seeds(workspace, old, 3, nonce="click", person="ada@example.org")
    assert len(list_runs(workspace)) == count


def test_a_repeat_of_a_trial_is_no_trial(workspace: Workspace, launched: list[str]) -> None:
    save_tiny(workspace)
    trial = create_run(workspace, SETTINGS, sweep="calm-owl-1", trial=3)
    (repeat,) = repeat_with_seeds(workspace, trial, 1)
    run = read_run(workspace, repeat)
    assert (run.origin, run.sweep, run.trial, run.parent) == ("trained", "", 0, trial) and launched == [repeat]


@pytest.mark.parametrize("count", [0, -1, 21])
def test_a_number_out_of_range_makes_nothing(workspace: Workspace, count: int) -> None:
    old = ended_run(workspace)
    with pytest.raises(ConfigError, match=f"number of seeds is {count}, but must be from 1 to 20"):
        repeat_with_seeds(workspace, old, count)
    assert [run.id for run in list_runs(workspace)] == [old]


def test_a_run_of_other_weights_or_another_dataset_is_refused(workspace: Workspace) -> None:
    save_tiny(workspace, seed=5)
    craft(workspace, "continued", 1, [], origin="continued")
    with pytest.raises(RunError, match="did not begin with fresh weights"):
        repeat_with_seeds(workspace, "continued", 2)
    with pytest.raises(RunError, match="is not the one run stored was trained on"):
        repeat_with_seeds(workspace, craft(workspace, "stored", 2, []), 2)
    assert len(list_runs(workspace)) == 2


def test_all_or_none(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit of a person is met at the second of two; a disk that refuses, at the start of the first."""
    (workspace.root / "settings.json").write_text(json.dumps({"runs_per_person": 1}), "utf-8")
    old = ended_run(workspace)
    with pytest.raises(RunError, match="one person may have 1 here"):
        repeat_with_seeds(workspace, old, 2)
    assert [run.id for run in list_runs(workspace)] == [old]
    (workspace.root / "settings.json").write_text("{}", "utf-8")

    def refuse(*_: object) -> None:
        raise StorageError("The disk is full.")

    monkeypatch.setattr(LocalRunner, "launch", refuse)
    with pytest.raises(StorageError, match="Of the 2 runs, 0 were queued before"):
        repeat_with_seeds(workspace, old, 2)
    assert [run.id for run in list_runs(workspace)] == [old]


def test_the_command(call: Any, workspace: Workspace, tmp_path: Path) -> None:
    save_tiny(workspace)
    old = ended_run(workspace, Status.FINISHED, SETTINGS)
    code, out, err = call("runs", "repeat", old, "--seeds", 2, "--json", "--workspace", workspace.root)
    printed = json.loads(out.splitlines()[-1])
    assert code == 0 and printed["seeds"] == [8, 9] and printed["made_from"] == old and "and seed 9." in err
    assert {run.id for run in list_runs(workspace)} == {old, *printed["runs"]}
    code, out, _ = call("runs", "show", old, "--json", "--workspace", workspace.root)
    assert code == 0 and json.loads(out.splitlines()[-1])["seeds"]["active"] == 2
    code, _, err = call("runs", "repeat", old, "--seeds", 99, "--workspace", workspace.root)
    assert code == 2 and "must be from 1 to 20" in err
