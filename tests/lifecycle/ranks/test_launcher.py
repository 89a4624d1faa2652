"""Several processes of one run, as the worker starts and watches them: real processes that compute nothing."""

import os
import signal
import subprocess

import psutil
import pytest

from tests.lifecycle.conftest import FakeRuns, is_alive, until

pytestmark = pytest.mark.skipif(os.name != "posix", reason="ranks inherit pipes, which Windows does not hand on")


def computing(runs: FakeRuns, run_id: str, *, apart_from: frozenset[int] = frozenset()) -> list[psutil.Process]:
    """Wait until both ranks live and rank 0 has written progress, none of them one of `apart_from`."""

    def are_new() -> bool:
        pids = {process.pid for process in runs.ranks(run_id)}
        return len(pids) == 2 and not pids & apart_from

    until(are_new, "both ranks live")
    log = runs.folder(run_id).log
    until(lambda: log.read_text().count("[rank 1] rank 1 lives") > (1 if apart_from else 0), "rank 1 has begun")
    runs.wait(run_id, "running")
    return runs.ranks(run_id)


def test_a_run_of_two_processes_ends_as_any_other(fake_runs: FakeRuns) -> None:
    run_id = fake_runs.begin("work", processes=2)
    first, other = computing(fake_runs, run_id)
    fake_runs.instruct(run_id, "finish")
    fake_runs.wait(run_id, "finished")
    until(lambda: not is_alive(first) and not is_alive(other), "no process is left")


@pytest.mark.fault(74)
@pytest.mark.parametrize("victim", [0, 1])
def test_a_killed_rank_begins_again_with_all_others(fake_runs: FakeRuns, victim: int) -> None:
    run_id = fake_runs.begin("work", processes=2)
    before = computing(fake_runs, run_id)
    before[victim].kill()
    after = computing(fake_runs, run_id, apart_from=frozenset(process.pid for process in before))
    assert not any(map(is_alive, before)), "those that were left are killed too"
    log = fake_runs.folder(run_id).log.read_text()
    assert "All 2 processes begin again at the last checkpoint, because one failed" in log
    assert f"(Rank {victim}.)" in log
    fake_runs.folder(run_id).stop_file.touch()
    fake_runs.wait(run_id, "stopped")
    until(lambda: not any(map(is_alive, after)), "no process is left")


@pytest.mark.slow
def test_a_rank_that_raises_is_named_with_its_last_line(fake_runs: FakeRuns) -> None:
    """It fails each time, so the run ends after three fresh starts, with the reason."""
    run_id = fake_runs.begin("other rank raises", processes=2)
    run = fake_runs.wait(run_id, "failed")
    assert run.error == (
        "One of its 2 processes failed 4 times in a row: The training failed: ZeroDivisionError: as instructed "
        "(Rank 1.)"
    )
    assert "[rank 1] Traceback" in fake_runs.folder(run_id).log.read_text()
    assert not fake_runs.ranks(run_id)


@pytest.mark.slow
def test_a_new_checkpoint_renews_the_tries(fake_runs: FakeRuns) -> None:
    """Six deaths, more than may follow each other without progress, and the run still trains."""
    run_id = fake_runs.begin("checkpoint and killed", processes=2)
    checkpoints = fake_runs.folder(run_id).checkpoints
    until(lambda: checkpoints.is_dir() and len(list(checkpoints.iterdir())) >= 6, "it has died six times")
    fake_runs.instruct(run_id, "finish")
    fake_runs.wait(run_id, "finished")


def test_an_end_that_the_run_wrote_itself_stays(fake_runs: FakeRuns) -> None:
    run_id = fake_runs.begin("work", processes=2)
    computing(fake_runs, run_id)
    fake_runs.instruct(run_id, "fail")
    assert fake_runs.wait(run_id, "failed").error == "As instructed."
    assert "begin again" not in fake_runs.folder(run_id).log.read_text()


def test_ranks_end_with_a_killed_worker_even_while_frozen(fake_runs: FakeRuns) -> None:
    run_id = fake_runs.begin("work", processes=2)
    ranks = computing(fake_runs, run_id)
    ranks[1].send_signal(signal.SIGSTOP)
    fake_runs.kill(run_id, "worker")
    until(lambda: not any(map(is_alive, ranks)), "no rank outlives its worker")
    fake_runs.wait(run_id, "interrupted")  # its ranks may be gone some milliseconds before its lock is free


def test_ranks_that_do_not_obey_a_stop_are_killed(fake_runs: FakeRuns) -> None:
    run_id = fake_runs.begin("deaf", processes=2)
    ranks = computing(fake_runs, run_id)
    fake_runs.folder(run_id).stop_file.touch()
    run = fake_runs.wait(run_id, "stopped")
    assert "did not react to the stop" in run.error
    until(lambda: not any(map(is_alive, ranks)), "no process is left")


@pytest.mark.slow
@pytest.mark.fault(74)
@pytest.mark.parametrize("victim", [0, 1])
def test_a_frozen_rank_is_found_out_by_its_pulse(fake_runs: FakeRuns, victim: int) -> None:
    run_id = fake_runs.begin("work", processes=2)
    before = computing(fake_runs, run_id)
    before[victim].send_signal(signal.SIGSTOP)
    computing(fake_runs, run_id, apart_from=frozenset(process.pid for process in before))
    assert f"gave no sign of life for 2 seconds (rank {victim})" in fake_runs.folder(run_id).log.read_text()
    assert not any(map(is_alive, before))


@pytest.mark.slow
def test_a_worker_that_stood_still_kills_no_rank(fake_runs: FakeRuns) -> None:
    """As when the whole machine was suspended: worker and ranks are silent for longer than a frozen rank may be."""
    run_id = fake_runs.begin("work", processes=2)
    ranks = computing(fake_runs, run_id)
    processes = [*fake_runs.processes(run_id, "worker"), *ranks]
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    with pytest.raises(subprocess.TimeoutExpired):  # nothing of a stopped process says when that time is over
        subprocess.run(["sleep", "60"], timeout=4.0, check=False)
    for process in processes:
        process.send_signal(signal.SIGCONT)
    fake_runs.instruct(run_id, "finish")
    fake_runs.wait(run_id, "finished")
    assert "begin again" not in fake_runs.folder(run_id).log.read_text()
