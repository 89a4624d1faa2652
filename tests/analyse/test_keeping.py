"""An analysis is computed once however many ask, and its result is whole or absent whatever happens."""

import os
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from cifar_core.analyse import KeptResult, analysis_job, kept_path, read_kept, start_analysis
from cifar_core.analyse.compute.keeping import compute_and_keep
from cifar_core.analyse.job import AnalysisRequest
from cifar_core.errors import RunError, StorageError
from cifar_core.jobs import start
from cifar_core.jobs.job import JobFolder, cancel_job, read_job
from cifar_core.jobs.progress import CancelledError
from cifar_core.jobs.start import start_job
from cifar_core.processes import Program
from cifar_core.runs import Run, Status, delete_run, read_run, verify_run
from cifar_core.runs.analyses import files
from cifar_core.runs.run_folder import run_folder
from cifar_core.storage.locks import hold_lock
from cifar_core.workspace import Workspace
from tests.analyse.conftest import COUNTING, Counting, CountingParameters
from tests.fault_injection import demand, forked, inject_everywhere
from tests.rights import as_a_user
from tests.runs.conftest import ended_run, snapshot

DEFAULT = CountingParameters()
SEVEN = CountingParameters(limit=7)


def content(workspace: Workspace, run: Run) -> bytes:
    return kept_path(workspace, run, COUNTING, DEFAULT).read_bytes()


def test_a_job_keeps_the_result(workspace: Workspace, run: Run, counting: Counting, at_once: list[JobFolder]) -> None:
    start_analysis(workspace, run, COUNTING, SEVEN)
    job = read_job(analysis_job(workspace, run.id, COUNTING, DEFAULT))
    assert job is not None and (job.state, job.kind, job.phase) == ("done", "analysis", "Saving")
    found = read_kept(workspace, run, COUNTING, SEVEN)
    assert found is not None and not found.stale and found.parameters == SEVEN
    assert verify_run(workspace, run.id) == [] and len(at_once) == 1


@pytest.mark.fault(89)
def test_two_who_ask_at_once_compute_it_once(workspace: Workspace, run: Run, counting: Counting) -> None:
    inside, second = threading.Event(), threading.Event()

    def meanwhile() -> None:
        inside.set()
        assert second.wait(30), "the second one waits, and says so"

    def progress(phase: str, *_: object) -> None:
        if phase.startswith("Waiting"):
            second.set()

    def ask() -> KeptResult[CountingParameters]:
        return compute_and_keep(workspace, run, COUNTING, DEFAULT, progress)

    counting.meanwhile = meanwhile
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(ask)
        assert inside.wait(30)
        later = pool.submit(ask)
        assert first.result(60).values == later.result(60).values
    assert counting.calls == 1


@pytest.mark.fault(89)
def test_a_job_in_progress_is_not_started_again(workspace: Workspace, run: Run, counting: Counting) -> None:
    job = analysis_job(workspace, run.id, COUNTING, DEFAULT)
    job.make()
    with pytest.MonkeyPatch.context() as patch, hold_lock(job.lock):
        patch.setattr(start, "spawn", lambda *_: pytest.fail("it was started again"))
        request = AnalysisRequest("analysis", COUNTING.id, {"part": "all", "limit": 50})
        start.write_request(job, request)
        start_analysis(workspace, run, COUNTING, DEFAULT)
        with pytest.raises(
            RunError, match="is being computed with other settings: wait until that is done, or stop it"
        ):
            start_analysis(workspace, run, COUNTING, SEVEN)
    queued = read_run(workspace, ended_run(workspace, Status.QUEUED))
    with pytest.raises(RunError, match="has no predictions yet"):
        start_analysis(workspace, queued, COUNTING, DEFAULT)
    with pytest.raises(RunError, match="has no predictions yet"):
        compute_and_keep(workspace, queued, COUNTING, DEFAULT)
    assert not (run_folder(workspace, queued.id).path / ".jobs").exists() and counting.calls == 0


@pytest.mark.fault(89, 97)
def test_stop_and_failure_leave_the_earlier_result(
    workspace: Workspace, run: Run, counting: Counting, at_once: list[JobFolder]
) -> None:
    compute_and_keep(workspace, run, COUNTING, DEFAULT)
    before = content(workspace, run)
    job = analysis_job(workspace, run.id, COUNTING, SEVEN)

    def stop() -> None:
        cancel_job(job)

    def fail() -> None:
        raise RunError("There is no mistake to count.")

    for meanwhile, state, error in ((stop, "cancelled", ""), (fail, "failed", "There is no mistake to count.")):
        counting.meanwhile = meanwhile
        start_analysis(workspace, run, COUNTING, SEVEN)
        ended = read_job(job)
        assert ended is not None and (ended.state, ended.error) == (state, error)
        assert content(workspace, run) == before
        found = read_kept(workspace, run, COUNTING, SEVEN)
        assert found is not None and "other settings" in found.stale


def test_one_who_waits_can_be_stopped(workspace: Workspace, run: Run, counting: Counting) -> None:
    job = analysis_job(workspace, run.id, COUNTING, DEFAULT)
    job.make()

    def stop(*_: object) -> None:
        raise CancelledError("The person cancelled it.")

    with hold_lock(job.path / "compute.lock"), pytest.raises(CancelledError):
        compute_and_keep(workspace, run, COUNTING, DEFAULT, stop)
    assert counting.calls == 0


@pytest.mark.fault(14, 89)
def test_a_full_disk_keeps_the_numbers_and_says_so(
    workspace: Workspace, run: Run, counting: Counting, at_once: list[JobFolder], arm: Callable[[str], None]
) -> None:
    counting.meanwhile = lambda: arm("write:1+:enospc")
    made = compute_and_keep(workspace, run, COUNTING, DEFAULT)
    arm("")
    assert made.values["epoch"] == 2 and not kept_path(workspace, run, COUNTING, DEFAULT).exists()
    assert made.unkept.startswith("The count of mistakes was computed, but could not be kept with the run. ")
    assert "disk is full" in made.unkept or "No space left" in made.unkept
    counting.meanwhile = lambda: None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "MAX_FILE", 1000)
        start_analysis(workspace, run, COUNTING, DEFAULT)
    job = read_job(analysis_job(workspace, run.id, COUNTING, DEFAULT))
    assert job is not None and job.state == "failed" and "more than the 1 kB that are kept" in job.error


@pytest.mark.fault(17, 89)
def test_a_run_that_may_only_be_read_still_has_its_numbers(workspace: Workspace, run: Run, counting: Counting) -> None:
    folder = run_folder(workspace, run.id).path
    before = snapshot(folder)
    folder.chmod(0o555)
    try:
        made = as_a_user(lambda: compute_and_keep(workspace, run, COUNTING, DEFAULT))
        with pytest.raises(StorageError, match="ermission"):
            as_a_user(lambda: start_analysis(workspace, run, COUNTING, DEFAULT))
    finally:
        folder.chmod(0o755)
    assert made.values["epoch"] == 2 and "could not be kept" in made.unkept
    assert snapshot(folder) == before


@pytest.mark.fault(19, 89)
def test_a_run_that_is_deleted_meanwhile_does_not_come_back(workspace: Workspace, run: Run, counting: Counting) -> None:
    counting.meanwhile = lambda: delete_run(workspace, run.id)
    with pytest.raises(RunError, match="There is no run"):
        compute_and_keep(workspace, run, COUNTING, DEFAULT)
    assert not (workspace.runs / run.id).exists()


@pytest.mark.fault(89)
@pytest.mark.skipif(os.name != "posix", reason="forks")
def test_a_death_at_any_write_leaves_a_whole_result_or_none(
    workspace: Workspace, run: Run, counting: Counting, arm: Callable[[str], None]
) -> None:
    path = kept_path(workspace, run, COUNTING, DEFAULT)

    def case(plan: str) -> bool:
        shutil.rmtree(path.parent, ignore_errors=True)

        def work() -> int:
            arm(plan)
            return 3 if compute_and_keep(workspace, run, COUNTING, DEFAULT).unkept else 0

        code = forked(work)
        found = read_kept(workspace, run, COUNTING, DEFAULT)
        demand(not path.exists() or (found and not found.stale), f"{plan}: half a result")
        demand(verify_run(workspace, run.id) == [], f"{plan}: what is left is a fault")
        demand(code or found, f"{plan}: it was said to be kept")
        return code != 0

    assert sum(inject_everywhere(case, 1).values()) > 10


def test_a_request_for_an_analysis_that_is_gone_is_no_crash(
    workspace: Workspace, run: Run, at_once: list[JobFolder]
) -> None:
    """As after a downgrade while a job was asked for."""
    job = run_folder(workspace, run.id).job("analysis-other")
    assert start_job(job, Program.ANALYSE, AnalysisRequest("analysis", "other", {}))
    ended = read_job(job)
    assert ended is not None and "has no analysis 'other'" in ended.error
