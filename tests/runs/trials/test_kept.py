"""What a sweep keeps of its runs, on a disk that refuses, and which runs it keeps nothing of."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from cifar_core.errors import StorageError
from cifar_core.runs import Run, delete_run, list_runs, list_trash, read_run
from cifar_core.runs.trials.kept import has_kept_values, keep_trial_values, kept_file, read_kept, values_of
from cifar_core.workspace import Workspace
from tests.runs.conftest import snapshot
from tests.sweeps.crafted_sweeps import PICTURES, SWEEP, add_trial, make_sweep


def trial_run(workspace: Workspace) -> Run:
    (run_id,) = add_trial(make_sweep(workspace), 4, {"learning_rate": 0.1}, [0.4, 0.6, 0.5], seconds=3.5)
    return read_run(workspace, run_id)


def test_the_values_are_those_of_the_run(workspace: Workspace) -> None:
    run = trial_run(workspace)
    keep_trial_values(workspace, run)
    found = read_kept(kept_file(workspace, SWEEP, run.id))
    assert found == values_of(run)
    assert (found.run, found.trial, found.seed, found.status) == (run.id, 4, 0, "finished")
    assert (found.value, found.values, found.seconds, found.pictures) == (0.6, (0.4, 0.6, 0.5), 3.5, PICTURES)


def test_the_same_values_are_not_written_twice(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    run = trial_run(workspace)
    keep_trial_values(workspace, run)
    before = kept_file(workspace, SWEEP, run.id).stat().st_mtime_ns
    keep_trial_values(workspace, run)
    assert kept_file(workspace, SWEEP, run.id).stat().st_mtime_ns == before
    keep_trial_values(workspace, replace(run, validation_curve=(0.4, 0.6, 0.5, 0.7)))
    assert len(read_kept(kept_file(workspace, SWEEP, run.id)).values) == 4, "a run that went on has further values"


def test_nothing_is_kept_of_other_runs(workspace: Workspace) -> None:
    run = trial_run(workspace)
    assert has_kept_values(workspace, run)
    before = snapshot(workspace.root)
    for other in (replace(run, sweep="", trial=0), replace(run, from_zip=True), replace(run, sweep="gone-owl-1")):
        assert not has_kept_values(workspace, other)
        keep_trial_values(workspace, other)
    (workspace.sweeps / "linked-owl-1").symlink_to(workspace.runs)
    keep_trial_values(workspace, replace(run, sweep="linked-owl-1"))
    (workspace.sweeps / "linked-owl-1").unlink()
    assert snapshot(workspace.root) == before


@pytest.mark.parametrize("plan", ["write:{}+:enospc", "write:{}:half", "fsync:{}:eio", "replace:{}:eio"])
def test_a_run_is_deleted_with_its_values_or_not_at_all(
    workspace: Workspace, arm: Callable[[str], None], plan: str
) -> None:
    """Whichever operation of the deletion the disk refuses."""
    run = trial_run(workspace)
    path = kept_file(workspace, SWEEP, run.id)
    for number in range(1, 12):
        arm(plan.format(number))
        try:
            delete_run(workspace, run.id)
        except StorageError:
            arm("")
            if list_runs(workspace):
                assert not path.exists() or read_kept(path) == values_of(run)
                path.unlink(missing_ok=True)
                continue
        arm("")  # it is in the trash, perhaps not yet for sure after a power cut
        assert read_kept(path) == values_of(run) and number > 1
        assert [item.id for item in list_trash(workspace)] == [run.id]
        return
    pytest.fail("the deletion never went through")
