"""A sweep as it is read from its folder and the run folders of its trials."""

import json
import math
import shutil

import pytest
from scipy import stats

from cifar_core.errors import SweepError
from cifar_core.evaluate import wilson_interval
from cifar_core.lifecycle.supervise import KILLED_FROM_OUTSIDE
from cifar_core.runs import Run, delete_run, list_runs, restore_run
from cifar_core.runs.run_folder import RunFolder
from cifar_core.runs.trials.kept import keep_trial_values, kept_file
from cifar_core.storage.locks import hold_lock
from cifar_core.sweeps.sweep import Sweep, best_of, list_sweeps, read_sweep, spread_of_trial, sweep_facts
from cifar_core.sweeps.trial_file import trial_run_id
from cifar_core.workspace import Workspace
from tests.sweeps.crafted_sweeps import CHANNELS, PICTURES, RATE, SWEEP, add_run, add_trial, end_owner, make_sweep


def read(workspace: Workspace) -> Sweep:
    return read_sweep(workspace, SWEEP)


def test_each_run_of_a_candidate_is_read_from_its_folder(workspace: Workspace) -> None:
    folder = make_sweep(workspace, RATE, CHANNELS, seeds=2, runs=8)
    first = add_trial(folder, 1, {"learning_rate": 0.01, "channels": (3, 4)}, [0.2, 0.5, 0.4], [0.3], seconds=2.5)
    add_trial(folder, 2, {"learning_rate": 0.1, "channels": (4, 8)}, [0.1], seeds=(0, 1))
    end_owner(folder, "running")
    sweep = read(workspace)
    one, two = sweep.trials
    assert (one.number, one.status, one.settings) == (1, "finished", {"learning_rate": 0.01, "channels": (3, 4)})
    assert [run.run for run in one.runs] == first and one.value == pytest.approx(0.4) and one.seconds == 5
    assert one.runs[0].values == (0.2, 0.5, 0.4) and one.runs[0].value == 0.5, "the epoch that counts is the best"
    assert (two.status, two.value) == ("waiting", None), "one of its runs is still to be made"
    assert [(run.status, run.made) for run in two.runs] == [("finished", True), ("waiting", False)]
    assert two.runs[1].run == trial_run_id(SWEEP, 2, 1)
    assert sweep.runs_done == 3


@pytest.mark.parametrize(
    ("status", "file", "expected"),
    [
        ("finished", {}, "finished"),
        ("finished", {"pruned": True}, "pruned"),
        ("stopped", {}, "stopped"),
        ("stopped", {"pruned": True}, "pruned"),
        ("paused", {"pruned": True}, "pruned"),
        ("paused", {}, "waiting"),
        ("interrupted", {}, "waiting"),
        ("running", {}, "waiting"),  # its process is dead, so it is interrupted
        ("failed", {}, "failed"),
        ("finished", {"lost": True}, "failed"),
    ],
)
def test_the_status_of_a_candidate(workspace: Workspace, status: str, file: dict[str, bool], expected: str) -> None:
    folder = make_sweep(workspace)
    add_trial(folder, 1, {"learning_rate": 0.01}, [0.5], status=status, seeds=(0, 1), **file)
    add_run(folder, 1, 1, {"learning_rate": 0.01}, [0.6])
    (trial,) = read(workspace).trials
    assert trial.status == expected
    assert (trial.value is None) == (expected != "finished")


@pytest.mark.parametrize("ended", ["failed", "stopped"])
def test_where_a_pruner_judges_the_first_run_the_others_wait_for_it_to_finish(workspace: Workspace, ended: str) -> None:
    for sweep_id, pruner in (("owl-one-1", "none"), ("owl-two-1", "median")):
        folder = make_sweep(workspace, sweep_id=sweep_id, seeds=2, pruner=pruner)
        add_trial(folder, 1, {"learning_rate": 0.01}, [0.5], status=ended, seeds=(0, 1))
    (without,) = read_sweep(workspace, "owl-one-1").trials
    (pruning,) = read_sweep(workspace, "owl-two-1").trials
    assert [run.status for run in without.runs] == [ended, "waiting"] and without.status == "waiting"
    assert [run.status for run in pruning.runs] == [ended] and pruning.status == ended


def test_a_run_that_was_killed_from_outside_waits_to_go_on(workspace: Workspace) -> None:
    folder = make_sweep(workspace)
    (run_id,) = add_trial(folder, 1, {"learning_rate": 0.01}, [0.5], status="failed")
    status = RunFolder(workspace.runs / run_id).status
    status.write_text(json.dumps(json.loads(status.read_text()) | {"error": KILLED_FROM_OUTSIDE}))
    assert read(workspace).trials[0].status == "waiting"


def test_a_run_that_cannot_be_read_has_failed_unless_its_values_were_kept(workspace: Workspace) -> None:
    folder = make_sweep(workspace)
    first, second = (add_trial(folder, number, {"learning_rate": 0.01}, [0.5])[0] for number in (1, 2))
    keep_trial_values(workspace, run_of(workspace, second))
    for run_id in (first, second):
        RunFolder(workspace.runs / run_id).config.write_text("{")
    sweep = read(workspace)
    assert [(trial.status, trial.runs[0].deleted) for trial in sweep.trials] == [("failed", False), ("finished", False)]


def test_a_deleted_run_stays_as_values_and_counts_once_when_it_is_back(workspace: Workspace) -> None:
    """Also where it is deleted twice, and where its owner kept its values before."""
    folder = make_sweep(workspace)
    (run_id,) = add_trial(folder, 1, {"learning_rate": 0.01}, [0.2, 0.5], seconds=3.0)
    before = read(workspace)
    delete_run(workspace, run_id)
    after = read(workspace)
    assert after.trials[0].runs[0].deleted and not before.trials[0].runs[0].deleted
    assert after.trials[0].value == 0.5 and after.trials[0].seconds == 3.0 and after.runs_done == 1
    assert best_of(after) is not None and best_of(after, list_runs(workspace)) == best_of(after)
    restore_run(workspace, run_id)
    assert read(workspace) == before
    keep_trial_values(workspace, run_of(workspace, run_id))
    delete_run(workspace, run_id)
    assert read(workspace) == after


def run_of(workspace: Workspace, run_id: str) -> Run:
    return next(run for run in list_runs(workspace) if run.id == run_id)


@pytest.mark.parametrize(
    ("status", "pruned", "expected"),
    [
        ("paused", False, "stopped"),
        ("failed", False, "failed"),
        ("stopped", True, "pruned"),
        ("finished", True, "pruned"),
    ],
)
def test_a_run_that_is_deleted_before_its_end_is_not_made_again(
    workspace: Workspace, status: str, pruned: bool, expected: str
) -> None:
    folder = make_sweep(workspace)
    (run_id,) = add_trial(folder, 1, {"learning_rate": 0.01}, [0.5], status=status, pruned=pruned)
    delete_run(workspace, run_id)
    (trial,) = read(workspace).trials
    assert trial.status == expected and trial.runs[0].made and trial.value is None


def test_a_run_whose_folder_is_removed_by_hand_is_to_be_made_again(workspace: Workspace) -> None:
    """Unless its values were kept; a damaged file of kept values says nothing."""
    folder = make_sweep(workspace)
    (run_id,) = add_trial(folder, 1, {"learning_rate": 0.01}, [0.5])
    keep_trial_values(workspace, run_of(workspace, run_id))
    shutil.rmtree(workspace.runs / run_id)
    assert read(workspace).trials[0].status == "finished"
    kept_file(workspace, SWEEP, run_id).write_text('{"run": 7}')
    assert [(run.status, run.made) for run in read(workspace).trials[0].runs] == [("waiting", False)]


def test_runs_that_are_not_its_own_do_not_count(workspace: Workspace) -> None:
    """A copy of a run folder, and a run that took the place of a trial."""
    folder = make_sweep(workspace)
    (run_id,) = add_trial(folder, 1, {"learning_rate": 0.01}, [0.5])
    shutil.copytree(workspace.runs / run_id, workspace.runs / "copied-otter-7f3a")
    assert read(workspace).runs_done == 1
    config = RunFolder(workspace.runs / run_id).config
    config.write_text(json.dumps(json.loads(config.read_text()) | {"trial": 2}))
    assert read(workspace).runs_done == 0


@pytest.mark.parametrize(
    ("job", "expected", "reason"),
    [
        (None, "interrupted", "never started"),
        ({"state": "done"}, "finished", ""),
        ({"state": "done", "report": ["Its 2 hours are over."]}, "stopped", "Its 2 hours are over."),
        ({"state": "cancelled"}, "stopped", "It was stopped"),
        ({"state": "failed", "error": "The disk is full."}, "failed", "The disk is full."),
        ({"state": "running"}, "interrupted", "Resume it"),
    ],
)
def test_the_status_of_a_sweep_is_that_of_its_owner(
    workspace: Workspace, job: dict[str, object] | None, expected: str, reason: str
) -> None:
    folder = make_sweep(workspace)
    if job is not None:
        end_owner(folder, **job)  # type: ignore[arg-type] # as the table has them
    sweep = read(workspace)
    assert sweep.status == expected and reason in sweep.reason and bool(reason) == bool(sweep.reason)
    assert "Start it again" not in sweep.reason
    if job is not None:
        with hold_lock(folder.job.lock):
            assert read(workspace).active == (job["state"] == "running")


def test_the_newest_sweep_is_the_latest_and_a_damaged_one_hides_no_other(workspace: Workspace) -> None:
    assert list_sweeps(workspace) == []
    with pytest.raises(SweepError, match="no sweep yet"):
        read_sweep(workspace, "latest")
    make_sweep(workspace, sweep_id="old-owl-1", created="2026-11-28T10:00:00+00:00")
    make_sweep(workspace, sweep_id="new-owl-1")
    broken = make_sweep(workspace, sweep_id="zany-owl-1", created="2026-11-30T10:00:00+00:00")
    broken.plan.write_text("{")
    (workspace.sweeps / ".trash").mkdir()
    (workspace.sweeps / "linked-owl-1").symlink_to(broken.path)
    found = list_sweeps(workspace)
    assert [sweep.id for sweep in found] == ["new-owl-1", "old-owl-1", "zany-owl-1"]
    assert found[2].problem.startswith("Sweep zany-owl-1 cannot be read") and found[2].status == "failed"
    assert sweep_facts(found[2])["reason"] == found[2].problem
    assert read_sweep(workspace, "latest").id == "new-owl-1"
    with pytest.raises(SweepError, match="cannot be read"):
        read_sweep(workspace, "zany-owl-1")


@pytest.mark.parametrize("name", ["../runs", "linked", "", "a/b", "x" * 300, "latest\n"])
def test_a_name_that_no_sweep_has_is_refused(workspace: Workspace, name: str) -> None:
    make_sweep(workspace)
    (workspace.sweeps / "linked").symlink_to(workspace.runs)
    with pytest.raises(SweepError, match="There is no sweep"):
        read_sweep(workspace, name)


def test_a_damaged_trial_is_a_problem_of_its_own(workspace: Workspace) -> None:
    folder = make_sweep(workspace)
    add_trial(folder, 1, {"learning_rate": 0.01}, [0.5])
    add_trial(folder, 2, {"learning_rate": 0.02}, [0.6])
    folder.trial(1).write_text("{}")
    sweep = read(workspace)
    assert [(trial.number, trial.status) for trial in sweep.trials] == [(1, "failed"), (2, "finished")]
    assert sweep.trials[0].problem == "trials/000001.json breaks a rule (number is missing)." and not sweep.problem
    best = best_of(sweep)
    assert best is not None and best.trial.number == 2


def test_the_best_candidate_has_an_interval_of_its_pictures_or_of_its_seeds(workspace: Workspace) -> None:
    folder = make_sweep(workspace)
    assert best_of(read(workspace)) is None
    add_trial(folder, 1, {"learning_rate": 0.01}, [0.4])
    add_trial(folder, 2, {"learning_rate": 0.02}, [0.6])
    add_trial(folder, 3, {"learning_rate": 0.03}, [0.6])
    add_trial(folder, 4, {"learning_rate": 0.04}, [0.9], status="stopped")
    best = best_of(read(workspace))
    assert best is not None and (best.trial.number, best.value, best.n) == (2, 0.6, PICTURES), "the first of two alike"
    assert (best.low, best.high) == wilson_interval(60, PICTURES)
    ids = add_trial(folder, 5, {"learning_rate": 0.05}, [0.7], [0.8], [0.75])
    best = best_of(read(workspace))
    assert best is not None and (best.run, best.n) == (ids[1], 3)
    low, high = stats.t.interval(0.95, 2, loc=0.75, scale=stats.sem([0.7, 0.8, 0.75]))
    assert (best.value, best.low, best.high) == pytest.approx((0.75, low, high))
    spread = spread_of_trial(best.trial)
    assert spread is not None and math.isclose(spread.mean, 0.75)
    assert spread_of_trial(read(workspace).trials[3]) is None


def test_the_facts_are_those_that_the_issue_asks_for(workspace: Workspace) -> None:
    folder = make_sweep(workspace, RATE, CHANNELS, runs=4, seeds=2, name="mine")
    ids = add_trial(folder, 1, {"learning_rate": 0.01, "channels": (3, 4)}, [0.5], [0.6])
    add_trial(folder, 2, {"learning_rate": 0.02, "channels": (3, 4)}, seeds=(0, 1))
    end_owner(folder)
    facts = json.loads(json.dumps(sweep_facts(read(workspace), trials=True)))
    settings = {"learning_rate": 0.01, "channels": [3, 4]}
    assert (facts["sweep"], facts["status"], facts["runs"], facts["planned"]) == (SWEEP, "finished", 2, 4)
    assert facts["best"]["run"] == ids[1] and facts["best"]["settings"] == settings
    assert facts["best"]["value"] == pytest.approx(0.55)
    assert [(trial["run"], trial["status"], trial["value"]) for trial in facts["trials"]] == [
        (ids[0], "finished", 0.5),
        (ids[1], "finished", 0.6),
    ]
    assert all(trial["settings"] == settings for trial in facts["trials"])
    assert sweep_facts(read(workspace)).get("trials") is None
