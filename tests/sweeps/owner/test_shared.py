"""A study that several owners share, in a real PostgreSQL."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState

from cifar_core.data import open_dataset
from cifar_core.errors import StorageError, SweepError
from cifar_core.jobs.process import Reporter
from cifar_core.processes import child_environment
from cifar_core.runs import list_runs
from cifar_core.sweeps.folder import SweepFolder
from cifar_core.sweeps.owner.loop import Owner
from cifar_core.sweeps.owner.shared import SharedStudy
from cifar_core.sweeps.plan import SweepPlan
from cifar_core.sweeps.plan_file import read_plan
from cifar_core.sweeps.sweep import read_sweep
from cifar_core.sweeps.trial_file import TrialFile, read_trial_files, trial_run_id
from cifar_core.workspace import Workspace, open_workspace
from tests.conftest import require_file, save_tiny
from tests.sweeps.owner.fake_pool import FakePool
from tests.sweeps.owner.plans import SWEEP, make_sweep, plan_of
from tests.sweeps.owner.postgres import find_server, free_port, running_server

pytestmark = [pytest.mark.cluster, pytest.mark.slow]
DEADLINE = 60.0  # seconds, for owners that are stuck
RATES = "learning_rate=1e-4..1e-1"


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The URL of an empty database."""
    programs, why_not = find_server()
    require_file((programs or Path("/nowhere")) / "initdb", why_not, "CIFAR_REQUIRE_CLUSTER")
    assert programs is not None
    with running_server(programs) as url:
        yield url


@pytest.fixture
def places(tmp_path: Path) -> tuple[Workspace, Workspace]:
    """The workspaces of two machines with the same dataset."""
    found = [open_workspace(tmp_path / name) for name in ("first", "second")]
    for workspace in found:
        save_tiny(workspace)
    return found[0], found[1]


def shared_plan(server: str, request: pytest.FixtureRequest, **options: object) -> SweepPlan:
    """A plan whose study is called as the test."""
    return replace(plan_of(RATES, storage=server, **options), study=request.node.name)


def study_of(plan: SweepPlan) -> list[FrozenTrial]:
    """The trials as anybody sees them in the database."""
    return optuna.load_study(study_name=plan.study, storage=plan.options.storage).get_trials()


def own(sweep: SweepFolder, pool: FakePool, workspace: Workspace) -> str:
    plan = read_plan(sweep)
    return Owner(sweep, plan, SharedStudy(plan, workspace), pool, Reporter(sweep.job, "sweep")).run()


@contextlib.contextmanager
def owner_process(workspace: Workspace, seconds: float) -> Iterator[subprocess.Popen]:
    """An owner that takes so many seconds for an epoch."""
    program = [sys.executable, str(Path(__file__).with_name("cluster_owner.py")), str(workspace.root), str(seconds)]
    process = subprocess.Popen(program, env=child_environment(), stdin=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_one_owner_tells_the_study_all_that_it_tries(server: str, places, request) -> None:
    starts = ({"learning_rate": 0.001}, {"learning_rate": 0.02})
    plan = replace(shared_plan(server, request, runs=8, seeds=2), start_points=starts)
    sweep = make_sweep(places[0], plan)
    assert own(sweep, FakePool(size=2), places[0]) == ""
    found, trials = read_sweep(places[0], SWEEP), study_of(plan)
    assert [each.params for each in trials] == [dict(trial.settings) for trial in found.trials]
    assert [each.value for each in trials] == pytest.approx([trial.value for trial in found.trials])
    assert [each.params for each in trials[:2]] == [dict(start) for start in starts]
    assert [each.user_attrs["runs"] for each in trials] == [[run.run for run in trial.runs] for trial in found.trials]
    assert {each.user_attrs["owner"] for each in trials} == {SWEEP}
    assert {each.user_attrs["workspace"] for each in trials} == {str(places[0].root)}
    assert own(sweep, FakePool(), places[0]) == ""  # and again: nothing is told twice
    assert study_of(plan) == trials


def test_an_owner_that_stops_goes_on_with_its_own_trials(server: str, places, request) -> None:
    plan = shared_plan(server, request, runs=4, pruner="median")
    sweep = make_sweep(places[0], plan)
    pool = FakePool()
    pool.before_wait = lambda number: number == 7 and sweep.job.cancel_file.touch()
    with pytest.raises(Exception, match="cancelled"):
        own(sweep, pool, places[0])
    sweep.job.cancel_file.unlink()
    assert own(sweep, FakePool(), places[0]) == ""
    trials = study_of(plan)
    assert [each.state for each in trials] == [TrialState.COMPLETE] * 4
    assert all(list(each.intermediate_values) == [1, 2, 3, 4] for each in trials)


@pytest.mark.fault(76)
def test_of_two_owners_one_is_killed_and_the_other_repeats_its_trial(server: str, places, request) -> None:
    """Its heartbeat goes stale, its trial is failed, queued again under a new number, and linked."""
    plan = shared_plan(server, request, runs=10)
    sweeps = [make_sweep(place, plan) for place in places]
    with owner_process(places[0], 0.5) as first:
        wait_for(lambda: any(run.validation_curve for run in list_runs(places[0])), "the first one trains")
        with owner_process(places[1], 0.05) as second:
            wait_for(lambda: any(run.validation_curve for run in list_runs(places[1])), "the second one trains")
            first.kill()
            held = {number for number, state in states(plan).items() if state is TrialState.RUNNING}
            held -= set(read_trial_files(sweeps[1]))
            assert len(held) == 1
            assert second.wait(DEADLINE) == 0
    lost = held.pop()
    trials = {each.number + 1: each for each in study_of(plan)}
    again = [number for number, each in trials.items() if each.user_attrs.get("replaces") == lost]
    assert trials[lost].state is TrialState.FAIL
    assert len(again) == 1
    assert trials[again[0]].params == trials[lost].params
    assert trials[again[0]].state is TrialState.COMPLETE
    assert sum(each.state is TrialState.COMPLETE for each in trials.values()) == 10
    linked = read_trial_files(sweeps[1])[again[0]]
    assert isinstance(linked, TrialFile)
    assert linked.replaces == lost
    tried = [set(read_trial_files(sweep)) for sweep in sweeps]
    assert tried[0] & tried[1] == set()
    assert tried[0] | tried[1] == set(trials)
    # The first machine comes back: its trial is lost, the others count, nothing is tried again.
    assert own(sweeps[0], FakePool(), places[0]) == ""
    mine = read_trial_files(sweeps[0])[lost]
    assert isinstance(mine, TrialFile)
    assert mine.lost
    assert len(study_of(plan)) == len(trials)
    assert trial_run_id(SWEEP, lost, 0) in {run.id for run in list_runs(places[0])}


def states(plan: SweepPlan) -> dict[int, TrialState]:
    """The state of each trial by its number."""
    return {each.number + 1: each.state for each in study_of(plan)}


def wait_for(is_so, what: str) -> None:
    until = time.monotonic() + DEADLINE
    while not is_so():
        assert time.monotonic() < until, what
        time.sleep(0.02)


def test_two_owners_try_a_grid_once(server: str, places, request) -> None:
    plan = replace(
        plan_of("shift=0|1|2|3|4", "flip=true|false", runs=10, sampler="grid", storage=server), study=request.node.name
    )
    sweeps = [make_sweep(place, plan) for place in places]
    with owner_process(places[0], 0.01) as first, owner_process(places[1], 0.01) as second:
        assert first.wait(DEADLINE) == 0
        assert second.wait(DEADLINE) == 0
    tried = [each for sweep in sweeps for each in read_trial_files(sweep).values()]
    done = [each for each in study_of(plan) if each.state is TrialState.COMPLETE]
    assert len(tried) == len(done) == 10
    assert len({str(sorted(each.params.items())) for each in done}) == 10


@pytest.mark.parametrize("changed", ["settings", "space", "dataset"])
def test_a_study_of_something_else_is_refused(server: str, places, request, changed: str) -> None:
    fingerprint = open_dataset(places[0], "tiny").fingerprint
    plan = replace(shared_plan(server, request, runs=4), fingerprint=fingerprint)
    SharedStudy(plan, places[0]).close()
    other = {
        "settings": replace(plan, settings={**plan.settings, "flip": not plan.settings["flip"]}),
        "space": replace(plan, space=(replace(plan.space[0], high=0.2),)),
        "dataset": replace(plan, fingerprint="0" * 64),
    }[changed]
    with pytest.raises(SweepError, match="another") as refused:
        SharedStudy(other, places[1])
    assert len(str(refused.value).splitlines()) == 1
    SharedStudy(plan, places[1]).close()


def test_a_server_that_does_not_answer_is_one_sentence(places, request) -> None:
    plan = shared_plan(f"postgresql+psycopg://nobody@127.0.0.1:{free_port()}/none", request, runs=4)
    with pytest.raises(StorageError, match=r"database 127.0.0.1/none cannot be used \(.*refused") as refused:
        SharedStudy(plan, places[0])
    assert len(str(refused.value).splitlines()) == 1
