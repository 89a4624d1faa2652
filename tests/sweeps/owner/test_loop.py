"""The loop of an owner, with workers that train nothing; each test reads afterwards what a person would see."""

import contextlib
import json
import math
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from cifar_core.config import RunConfig
from cifar_core.data import delete_dataset, restore_dataset
from cifar_core.errors import DataError, StorageError, SweepError
from cifar_core.jobs.process import Reporter
from cifar_core.jobs.progress import CancelledError
from cifar_core.lifecycle import status as status_module
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.states import Status
from cifar_core.lifecycle.status import move, write_queued
from cifar_core.limits import LIMITS_FILE
from cifar_core.runs import Run, create_run, delete_run, list_runs, pause_run, restore_run, stop_run
from cifar_core.runs.run_folder import run_folder
from cifar_core.storage import faults
from cifar_core.sweeps.folder import SweepFolder
from cifar_core.sweeps.importance import read_importance
from cifar_core.sweeps.owner import loop as loop_module
from cifar_core.sweeps.owner import starting as starting_module
from cifar_core.sweeps.owner.loop import Owner
from cifar_core.sweeps.owner.starting import MOST_RESUMES
from cifar_core.sweeps.owner.study import Study
from cifar_core.sweeps.plan import trial_config
from cifar_core.sweeps.plan_file import read_plan
from cifar_core.sweeps.sweep import Sweep, read_sweep
from cifar_core.sweeps.trial_file import TrialFile, read_trial_files, trial_nonce, trial_run_id, write_trial
from cifar_core.workspace import Workspace
from tests.conftest import save_tiny
from tests.sweeps.owner.fake_pool import FakePool, peak
from tests.sweeps.owner.plans import SWEEP, make_sweep, own, plan_of

RATES = "learning_rate=1e-4..1e-1"


@pytest.fixture
def place(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace with the tiny dataset, where a worker that does not begin at once is dead."""
    monkeypatch.setattr(status_module, "WORKER_START_SECONDS", 0.0)
    save_tiny(workspace)
    return workspace


def seen(workspace: Workspace) -> Sweep:
    """The sweep as pages show it."""
    return read_sweep(workspace, SWEEP)


def counted_once(sweep: Sweep, runs: list[Run]) -> None:
    """Every candidate is there once, with a run of its own for each seed, and no run is beside them."""
    assert [trial.number for trial in sweep.trials] == list(range(1, len(sweep.trials) + 1))
    ids = [run.run for trial in sweep.trials for run in trial.runs]
    assert len(ids) == len(set(ids))
    assert {run.id for run in runs} == set(ids)
    for run in runs:
        lines = run_folder_lines(run)
        assert lines == list(range(1, len(lines) + 1))


def run_folder_lines(run: Run) -> list[int]:
    """The epochs that its log has: none twice."""
    return [number for number, _ in enumerate(run.validation_curve, start=1)]


def test_it_tries_as_many_candidates_as_planned(place: Workspace) -> None:
    start = {"learning_rate": 0.001}
    sweep = make_sweep(place, plan_of(RATES, runs=12, start=[start]))
    pool = FakePool(size=2)
    assert own(sweep, pool) == ""
    assert pool.closed
    found = seen(place)
    counted_once(found, list_runs(place))
    assert found.runs_done == 12
    assert {trial.status for trial in found.trials} == {"finished"}
    assert found.trials[0].settings == start
    best = max(found.trials, key=lambda trial: trial.value or 0)
    assert abs(math.log10(best.settings["learning_rate"]) + 2) < 0.5  # it has found the peak
    assert all(run.origin == "trial" and run.sweep == SWEEP for run in list_runs(place))
    importance = read_importance(sweep)
    assert importance is not None
    assert importance.trials == 12


def test_each_run_carries_the_lesson_and_the_person(place: Workspace) -> None:
    sweep = make_sweep(place, replace(plan_of(RATES, runs=4, seeds=2), person="ada", lesson="Rates"))
    own(sweep, FakePool())
    assert [(run.person, run.lesson) for run in list_runs(place)] == [("ada", "Rates")] * 4


class LatePool(FakePool):
    """Its workers say only at the next wait that their runs have ended, which the disk says before."""

    is_late = False

    def free(self) -> int:
        return 0 if self.is_late else super().free()

    def wait(self, seconds: float) -> None:
        held = len(self.held)
        super().wait(seconds)
        self.is_late = len(self.held) < held


def test_a_worker_that_is_late_to_say_that_its_run_has_ended_does_not_end_the_sweep(place: Workspace) -> None:
    sweep = make_sweep(place, plan_of(RATES, runs=3))
    assert own(sweep, LatePool()) == ""
    assert seen(place).runs_done == 3


def test_the_value_of_a_candidate_is_the_mean_over_its_seeds(place: Workspace) -> None:
    sweep = make_sweep(place, plan_of(RATES, runs=6, seeds=3, settings={"seed": 5}))
    own(sweep, FakePool(size=2, formula=lambda settings, epoch: 0.1 * (settings["seed"] - 4)))
    found = seen(place)
    assert [[run.seed for run in trial.runs] for trial in found.trials] == [[5, 6, 7]] * 2
    assert [trial.value for trial in found.trials] == pytest.approx([0.2, 0.2])
    plan = read_plan(sweep)
    assert [each.value for each in rebuilt(sweep, plan).frozen().trials] == pytest.approx([0.2, 0.2])


def rebuilt(sweep: SweepFolder, plan: object) -> Study:
    """The study of an owner that comes after."""
    study = Study(read_plan(sweep))
    owner = Owner(sweep, read_plan(sweep), study, FakePool(), Reporter(sweep.job, "sweep"))
    owner._take_in()
    owner._look()
    return study


def test_a_combination_that_is_proposed_again_gets_the_next_seeds(place: Workspace) -> None:
    sweep = make_sweep(place, plan_of("shift=0|1", runs=8, seeds=2, sampler="random"))
    own(sweep, FakePool())
    runs = [(run.config.data.shift, run.config.machine.seed) for run in list_runs(place)]
    assert len(set(runs)) == 8
    counted_once(seen(place), list_runs(place))


@pytest.mark.parametrize("pruner", ["median", pytest.param("hyperband", marks=pytest.mark.slow)])
def test_hopeless_candidates_are_stopped_early(place: Workspace, pruner: str) -> None:
    sweep = make_sweep(place, plan_of(RATES, runs=18, seeds=2, pruner=pruner, settings={"epochs": 6}, sampler="random"))
    assert own(sweep, FakePool(size=2)) == ""
    found = seen(place)
    pruned = [trial for trial in found.trials if trial.status == "pruned"]
    finished = [trial for trial in found.trials if trial.status == "finished"]
    assert pruned
    assert finished
    assert {len(trial.runs) for trial in pruned} == {1}  # its other seeds never began
    assert {len(trial.runs) for trial in finished} == {2}
    assert all(len(trial.runs[0].values) < 6 for trial in pruned)
    counted_once(found, list_runs(place))


@pytest.mark.fault(76)
def test_an_owner_that_was_killed_before_it_stopped_a_pruned_run_has_a_follower_that_does(place: Workspace) -> None:
    sweep = make_sweep(place, plan_of(RATES, runs=1, pruner="median"))
    pool = FakePool()
    pool.before_wait = lambda number: number == 2 and kill()
    with pytest.raises(Killed), no_last_words():
        own(sweep, pool)
    file = read_trial_files(sweep)[1]
    assert isinstance(file, TrialFile)
    write_trial(sweep, replace(file, pruned=True))
    assert own(sweep, follower(pool)) == ""  # the workers of the first one go on
    assert seen(place).trials[0].status == "pruned"
    assert 1 <= len(list_runs(place)[0].validation_curve) < 4


class Killed(BaseException):
    """In the place of SIGKILL."""


def kill() -> None:
    raise Killed


@contextlib.contextmanager
def no_last_words():
    """A killed owner asks its runs for nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Owner, "_pause_all", lambda self: None)
        yield


def follower(pool: FakePool) -> FakePool:
    """The pool of the next owner, while the workers of the first finish what they have."""
    found = FakePool(pool.size, pool.formula)
    found.before_wait = lambda number: pool.wait(0)
    pool.before_wait = id
    return found


def test_a_diverged_run_fails_its_candidate_and_the_sweep_goes_on(place: Workspace) -> None:
    def formula(settings: dict, epoch: int) -> float:
        return math.nan if settings["learning_rate"] > 0.01 else peak(settings, epoch)

    sweep = make_sweep(place, plan_of(RATES, runs=5, sampler="random"))
    assert own(sweep, FakePool(formula=formula)) == ""
    found = seen(place)
    assert {trial.status for trial in found.trials} == {"finished", "failed"}
    assert found.runs_done == 5


def test_one_that_cannot_be_made_fails_alone(place: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a share of the pictures leaves a class without any."""

    def refuse(workspace: Workspace, config: RunConfig, **options: Any) -> str:
        if config.data.shift == 1:
            raise DataError("Too few pictures.")
        return create_run(workspace, config, **options)

    monkeypatch.setattr(starting_module, "create_run", refuse)
    sweep = make_sweep(place, plan_of("shift=0|1|2|3", runs=4, sampler="grid"))
    for _ in range(2):  # the second owner does not try it again
        assert own(sweep, FakePool()) == ""
        found = seen(place)
        assert [trial.status for trial in found.trials] == ["finished", "failed", "finished", "finished"]
        assert (found.trials[1].runs[0].refused, found.trials[1].runs[0].deleted) == ("Too few pictures.", False)
        assert found.runs_done == 4
        assert len(list_runs(place)) == 3


@pytest.mark.fault(76)
def test_where_none_can_be_made_the_sweep_fails_with_the_reason(
    place: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object, **_options: object) -> str:
        raise DataError("Too few pictures.")

    monkeypatch.setattr(starting_module, "create_run", refuse)
    sweep = make_sweep(place, plan_of(RATES, runs=10))
    with pytest.raises(DataError, match="Too few"):
        own(sweep, FakePool())
    assert len(read_trial_files(sweep)) == 3


@pytest.mark.fault(76)
def test_without_its_dataset_it_ends_and_costs_no_candidate(place: Workspace) -> None:
    sweep = make_sweep(place, plan_of(RATES, runs=3))
    pool = FakePool()
    at(pool, 3, lambda: delete_dataset(place, "tiny"))
    with pytest.raises(DataError, match="tiny"):
        own(sweep, pool)
    restore_dataset(place, "tiny")
    assert own(sweep, FakePool()) == ""
    assert [trial.status for trial in seen(place).trials] == ["finished"] * 3


@pytest.mark.fault(76)
def test_where_every_run_diverges_it_ends_with_all_of_them_counted(place: Workspace) -> None:
    sweep = make_sweep(place, plan_of(RATES, runs=3))
    assert own(sweep, FakePool(formula=lambda settings, epoch: math.nan)) == ""
    found = seen(place)
    assert ([trial.status for trial in found.trials], found.runs_done) == (["failed"] * 3, 3)


def test_it_does_not_go_on_with_other_pictures(place: Workspace) -> None:
    sweep = make_sweep(place, replace(plan_of(RATES, runs=3), fingerprint="0" * 64))
    with pytest.raises(SweepError, match="another one now"):
        own(sweep, FakePool())
    assert list_runs(place) == []


# Stop, pause, resume


def at(pool: FakePool, wait: int, do: Callable[[], object]) -> None:
    """Do something at a wait of the pool."""
    pool.before_wait = lambda number: do() if number == wait else None


def only_active(workspace: Workspace) -> str:
    """The id of the run that trains."""
    return next(run.id for run in list_runs(workspace) if run.active)


def test_a_cancel_pauses_the_runs_and_the_next_owner_goes_on(place: Workspace) -> None:
    sweep = make_sweep(place, plan_of(RATES, runs=5))
    pool = FakePool(size=2)
    at(pool, 7, lambda: sweep.job.cancel_file.touch())
    with pytest.raises(CancelledError):
        own(sweep, pool)
    statuses = sorted(run.status for run in list_runs(place))
    assert statuses == [Status.FINISHED] * 2 + [Status.PAUSED] * 2
    sweep.job.cancel_file.unlink()
    assert own(sweep, FakePool(size=2)) == ""
    counted_once(seen(place), list_runs(place))
    assert [trial.settings for trial in seen(place).trials] == uninterrupted(place, sweep, size=2)


def uninterrupted(place: Workspace, sweep: SweepFolder, *, size: int = 1) -> list:
    """What the same sweep tries that nothing disturbs."""
    calm = Workspace(place.root.with_name("calm"))
    calm.runs.mkdir(parents=True)
    save_tiny(calm)
    other = make_sweep(calm, read_plan(sweep))
    own(other, FakePool(size=size))
    return [trial.settings for trial in seen(calm).trials]


def test_runs_that_a_person_stopped_stay_stopped_and_count(place: Workspace) -> None:
    sweep = make_sweep(place, plan_of(RATES, runs=3))
    pool = FakePool()
    at(pool, 2, lambda: stop_run(place, only_active(place)))
    assert own(sweep, pool) == ""
    assert [trial.status for trial in seen(place).trials] == ["stopped", "finished", "finished"]
    assert own(sweep, FakePool()) == ""
    assert len(list_runs(place)) == 3


def test_runs_that_a_person_paused_wait_until_the_sweep_is_resumed(place: Workspace) -> None:
    sweep = make_sweep(place, plan_of(RATES, runs=3))
    pool = FakePool()
    at(pool, 2, lambda: pause_run(place, only_active(place)))
    sentence = own(sweep, pool)
    assert sentence.startswith("Only paused runs are left (")
    assert [trial.status for trial in seen(place).trials] == ["waiting", "finished", "finished"]
    assert own(sweep, FakePool()) == ""
    assert {trial.status for trial in seen(place).trials} == {"finished"}


def test_when_its_time_is_over_it_pauses_and_says_so(place: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = make_sweep(place, plan_of(RATES, runs=4, hours=2))
    now = [0.0]
    monkeypatch.setattr(loop_module.time, "monotonic", lambda: now[0])
    pool = FakePool()
    at(pool, 6, lambda: now.__setitem__(0, 7200.0))
    sentence = own(sweep, pool)
    assert "Its time is over (2 h) with 1 of 4 runs done" in sentence
    assert sorted(run.status for run in list_runs(place)) == [Status.FINISHED, Status.PAUSED]
    assert own(sweep, FakePool()) == ""  # as long again
    assert seen(place).runs_done == 4


def test_a_person_with_too_many_runs_is_waited_for(place: Workspace) -> None:
    (place.root / LIMITS_FILE).write_text(json.dumps({"runs_per_person": 1}))
    sweep = make_sweep(place, plan_of(RATES, runs=2))
    other = create_run(place, trial_config(read_plan(sweep), {}, 0))
    pool, others = FakePool(), FakePool()
    others.launch(run_folder(place, other))
    others.wait(0)

    def free_the_place() -> None:
        assert pool.launched == []
        for _ in range(3):
            others.wait(0)

    at(pool, 3, free_the_place)
    assert own(sweep, pool) == ""
    assert seen(place).runs_done == 2


def test_a_person_who_may_have_one_run_gets_one_candidate_at_a_time(place: Workspace) -> None:
    """Also where more workers are free: each candidate learns from those before."""
    (place.root / LIMITS_FILE).write_text(json.dumps({"runs_per_person": 1}))
    sweep = make_sweep(place, plan_of(RATES, runs=4, seeds=2))
    pool, proposed = FakePool(size=2), []
    pool.before_wait = lambda number: proposed.append(len(read_trial_files(sweep)))
    assert own(sweep, pool) == ""
    assert proposed[0] == 1
    assert {trial.status for trial in seen(place).trials} == {"finished"}


# Deaths


def test_a_run_whose_worker_died_goes_on(place: Workspace) -> None:
    sweep = make_sweep(place, plan_of(RATES, runs=3))
    pool = FakePool()
    at(pool, 2, pool.die)
    assert own(sweep, pool) == ""
    assert len(pool.launched) == 4
    assert [trial.settings for trial in seen(place).trials] == uninterrupted(place, sweep)


def test_a_run_whose_worker_dies_again_and_again_is_given_up(place: Workspace) -> None:
    sweep = make_sweep(place, plan_of(RATES, runs=2, settings={"epochs": 6}))
    pool = FakePool()
    first = trial_run_id(SWEEP, 1, 0)
    pool.before_wait = lambda number: (
        pool.die() if any(folder.run_id == first and pool.is_alive(folder) for folder in pool.held) else None
    )
    sentence = own(sweep, pool)
    assert pool.launched.count(first) == 1 + MOST_RESUMES
    assert sentence.startswith(f"1 run cannot go on ({first})")
    assert [trial.status for trial in seen(place).trials] == ["waiting", "finished"]
    assert own(sweep, FakePool()) == ""


def test_a_worker_that_dies_as_it_gets_a_run_costs_nothing(place: Workspace) -> None:
    class Dying(FakePool):
        failures = 3

        def launch(self, folder: LifeFolder) -> None:
            if self.failures:
                self.failures -= 1
                raise StorageError("No worker of this pool is free.")
            super().launch(folder)

    sweep = make_sweep(place, plan_of(RATES, runs=3))
    assert own(sweep, Dying()) == ""
    counted_once(seen(place), list_runs(place))
    assert seen(place).runs_done == 3


@pytest.mark.fault(76)
@pytest.mark.parametrize("before", ["file", "made", "queued", "deleted"])
def test_whatever_the_last_owner_left_is_taken_up_once(place: Workspace, before: str) -> None:
    """The kill points between the file of a candidate, its run, and the worker of that."""
    plan = plan_of(RATES, runs=2)
    sweep = make_sweep(place, plan)
    settings = {"learning_rate": 0.02}
    write_trial(sweep, TrialFile(1, settings, (0,)))
    if before != "file":
        nonce = trial_nonce(SWEEP, 1, 0)
        run_id = create_run(place, trial_config(plan, settings, 0), nonce=nonce, sweep=SWEEP, trial=1)
        folder = run_folder(place, run_id)
        assert run_id == trial_run_id(SWEEP, 1, 0)
    if before == "queued":
        write_queued(folder)
        move(folder, Status.RUNNING)  # and its worker is dead
    if before == "deleted":
        move(folder, Status.STOPPED)
        delete_run(place, run_id)
    assert own(sweep, FakePool()) == ""
    found = seen(place)
    assert len(found.trials) == 2
    assert found.trials[0].settings == settings
    assert found.trials[0].status == ("stopped" if before == "deleted" else "finished")
    if before != "deleted":
        counted_once(found, list_runs(place))


def test_a_deleted_run_stays_as_values_and_a_restored_one_counts_once(place: Workspace) -> None:
    sweep = make_sweep(place, plan_of(RATES, runs=3))
    own(sweep, FakePool())
    before = [(each.params, each.value, each.intermediate_values) for each in rebuilt(sweep, None).frozen().trials]
    victim = list_runs(place)[0].id
    delete_run(place, victim)
    after = [(each.params, each.value, each.intermediate_values) for each in rebuilt(sweep, None).frozen().trials]
    assert after == before
    assert own(sweep, FakePool()) == ""
    restore_run(place, victim)
    counted_once(seen(place), list_runs(place))
    assert seen(place).runs_done == 3


def test_a_run_whose_folder_is_damaged_has_the_values_that_were_kept(place: Workspace) -> None:
    sweep = make_sweep(place, plan_of(RATES, runs=3))
    own(sweep, FakePool())
    before = [each.value for each in rebuilt(sweep, None).frozen().trials]
    run_folder(place, seen(place).trials[1].runs[0].run).config.write_text("{")
    assert [each.value for each in rebuilt(sweep, None).frozen().trials] == before
    assert [trial.value for trial in seen(place).trials] == before


def kill_points(place: Workspace, sweep: SweepFolder, plan: str) -> int:
    """Run an owner in a fork that is killed at a fault; returns its exit code."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        faults.arm(plan)
        own(sweep, FakePool())
        os._exit(0)
    except BaseException:  # noqa: BLE001 - the fork must not go on as the test
        os._exit(1)


@pytest.mark.fault(76)
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a fork of the test")
def test_an_owner_that_is_killed_at_every_write_tries_what_an_undisturbed_one_tries(place: Workspace) -> None:
    """Killed at its n-th rename together with its workers, for n = 1, 2, 3 ... until an owner gets through."""
    sweep = make_sweep(place, plan_of(RATES, runs=6, settings={"epochs": 1}, start=[{"learning_rate": 0.01}]))
    kills = 0
    for number in range(1, 500):
        code = kill_points(place, sweep, f"replace:{number}:die")
        assert code in (0, faults.EXIT_CODE)
        if code == 0:
            break
        kills += 1
    assert kills > 10
    found = seen(place)
    counted_once(found, list_runs(place))
    assert found.runs_done == 6
    assert [trial.settings for trial in found.trials] == uninterrupted(place, sweep)


# Progress and damage


def test_it_tells_how_many_runs_are_done(place: Workspace) -> None:
    sweep = make_sweep(place, plan_of(RATES, runs=4))
    told: list[tuple[str, int, int, str]] = []

    class Told(Reporter):
        def __call__(self, *said: object) -> None:
            told.append(said)  # type: ignore[arg-type]

    plan = read_plan(sweep)
    Owner(sweep, plan, Study(plan), FakePool(), Told(sweep.job, "sweep")).run()
    assert [said[1] for said in told] == sorted(said[1] for said in told)
    assert told[0] == ("Trying settings", 0, 4, "runs")
    assert told[-1] == ("Trying settings", 4, 4, "runs")


def test_a_damaged_file_costs_its_trial_and_not_the_sweep(place: Workspace) -> None:
    sweep = make_sweep(place, plan_of(RATES, runs=4))
    pool = FakePool()
    at(pool, 6, lambda: sweep.job.cancel_file.touch())
    with pytest.raises(CancelledError):
        own(sweep, pool)
    sweep.job.cancel_file.unlink()
    sweep.trial(1).write_text("{")
    assert own(sweep, FakePool()) == ""
    found = seen(place)
    assert [trial.number for trial in found.trials] == [1, 2, 3, 4]
    assert [bool(trial.problem) for trial in found.trials] == [True, False, False, False]


def test_a_full_disk_ends_it_in_one_sentence_and_nothing_is_lost(place: Workspace, arm: Callable[[str], None]) -> None:
    sweep = make_sweep(place, plan_of(RATES, runs=4))
    pool = FakePool()
    at(pool, 5, lambda: arm("write:1+:enospc"))
    with pytest.raises(Exception, match="disk") as refused:
        own(sweep, pool)
    assert len(str(refused.value).splitlines()) == 1
    arm("")
    pool.die()
    assert own(sweep, FakePool()) == ""
    counted_once(seen(place), list_runs(place))
    assert seen(place).runs_done == 4
