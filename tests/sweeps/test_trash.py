"""Deleting and restoring sweeps, and removing them for good."""

import shutil

import pytest

from cifar_core.errors import SweepError
from cifar_core.runs import delete_run, empty_trash, list_runs
from cifar_core.storage.locks import hold_lock
from cifar_core.sweeps.sweep import list_sweeps, read_sweep
from cifar_core.sweeps.trash import delete_sweep, deleted_sweeps, empty_old_trash, empty_sweep_trash, restore_sweep
from cifar_core.workspace import Workspace
from tests.sweeps.crafted_sweeps import SWEEP, add_trial, make_sweep


def test_a_deleted_sweep_comes_back_with_all_values(workspace: Workspace) -> None:
    """Also with those of runs that were deleted, and removed for good, while it was in the trash."""
    folder = make_sweep(workspace, name="Mine")
    kept, gone = (add_trial(folder, number, {"learning_rate": 0.1}, [0.4, 0.5])[0] for number in (1, 2))
    before = read_sweep(workspace, SWEEP)
    delete_sweep(workspace, SWEEP)
    assert list_sweeps(workspace) == [] and len(list_runs(workspace)) == 2, "its runs stay"
    (item,) = deleted_sweeps(workspace)
    assert (item.id, item.name, item.problem) == (SWEEP, "Mine", "")
    with pytest.raises(SweepError, match="There is no sweep"):
        delete_sweep(workspace, SWEEP)
    delete_run(workspace, gone)
    empty_trash(workspace)
    restore_sweep(workspace, SWEEP)
    after = read_sweep(workspace, SWEEP)
    assert [run.deleted for trial in after.trials for run in trial.runs] == [False, True]
    assert [trial.value for trial in after.trials] == [trial.value for trial in before.trials] == [0.5, 0.5]
    assert after.trials[0] == before.trials[0] and after.trials[0].runs[0].run == kept
    with pytest.raises(SweepError, match=f"no sweep '{SWEEP}' in the trash"):
        restore_sweep(workspace, SWEEP)


def test_a_sweep_that_is_running_or_being_started_is_not_deleted(workspace: Workspace) -> None:
    folder = make_sweep(workspace)
    folder.job.make()
    for lock in (folder.job.lock, folder.job.start_lock):
        with hold_lock(lock), pytest.raises(SweepError, match="is running: stop it first"):
            delete_sweep(workspace, SWEEP)
    assert [sweep.id for sweep in list_sweeps(workspace)] == [SWEEP]


def test_a_sweep_that_cannot_be_read_can_be_deleted_and_an_old_one_does_not_replace_a_new_one(
    workspace: Workspace,
) -> None:
    make_sweep(workspace).plan.write_text("{")
    delete_sweep(workspace, SWEEP)
    assert deleted_sweeps(workspace)[0].name == SWEEP
    make_sweep(workspace, name="second")
    with pytest.raises(SweepError, match=f"There is a sweep {SWEEP} here already"):
        restore_sweep(workspace, SWEEP)
    delete_sweep(workspace, SWEEP)
    restore_sweep(workspace, SWEEP)
    assert read_sweep(workspace, SWEEP).plan.options.name == "second", "the one deleted last"


def test_old_sweeps_are_removed_for_good_when_a_workspace_is_opened(workspace: Workspace) -> None:
    make_sweep(workspace)
    delete_sweep(workspace, SWEEP)
    (item,) = deleted_sweeps(workspace)
    empty_old_trash(workspace)
    assert len(deleted_sweeps(workspace)) == 1
    shutil.move(item.path, item.path.with_name(f"20260101-000000-000-{SWEEP}"))
    empty_old_trash(workspace)
    assert deleted_sweeps(workspace) == [] and empty_sweep_trash(workspace) == 0
