"""Runs of the real worker process: their files, stop, pause and resume, and what a person sees after a process died."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from cifar_core.config import make_config
from cifar_core.data import dataset_job, hash_of_pictures
from cifar_core.errors import RunError
from cifar_core.jobs.job import cancel_job, read_job
from cifar_core.lifecycle.status import read_state
from cifar_core.runs import (
    Run,
    Status,
    create_run,
    delete_run,
    list_runs,
    open_run_dataset,
    pause_run,
    read_metrics,
    read_predictions,
    read_run,
    resume_run,
    start_run,
    stop_run,
    verify_run,
    worker_log_tail,
)
from cifar_core.runs.run import RUN_SCHEMA
from cifar_core.runs.run_folder import checkpoint_files, run_folder
from cifar_core.storage.locks import is_locked
from cifar_core.workspace import Workspace
from tests.conftest import ROOT, save_tiny
from tests.jobs.support import wait_for_end
from tests.runs.conftest import TIMEOUT_SECONDS, TINY, begin, wait_for

LONG = {**TINY, "epochs": 500}
START_RUN = """
import sys
from cifar_core.runs import start_run
from cifar_core.workspace import open_workspace
start_run(open_workspace(sys.argv[1]), sys.argv[2])
"""
PRINT_LATEST = """
import sys
from cifar_core.runs import read_metrics, read_run
from cifar_core.workspace import open_workspace
workspace = open_workspace(sys.argv[1])
print(read_run(workspace, "latest").status, *read_metrics(workspace, sys.argv[2])["epoch"])
"""


def processes_of(workspace: Workspace, run_id: str) -> list[psutil.Process]:
    """The training processes of a run."""
    mark = f"--run-dir={workspace.runs / run_id}"
    return [
        item
        for item in psutil.process_iter(["cmdline"])
        if mark in (item.info["cmdline"] or []) and "cifar_core.runs.training.process" in item.info["cmdline"]
    ]


def training_process(workspace: Workspace, run_id: str) -> psutil.Process:
    """The only training process of a run."""
    (found,) = processes_of(workspace, run_id)
    return found


def trained_a_little(run: Run) -> bool:
    return run.active and run.last is not None


def test_finished_run_is_whole(shared: Workspace, finished: Run) -> None:
    assert finished.status is Status.FINISHED and finished.error == ""
    metrics = read_metrics(shared, finished.id)
    assert list(metrics["epoch"]) == [1, 2]
    best = metrics.sort_values(["validation_accuracy", "validation_loss"], ascending=[True, False]).iloc[-1]
    assert finished.best is not None and finished.best.epoch == best["epoch"]
    predictions = read_predictions(shared, finished.id)
    assert predictions.probs.shape == (100, 10) and predictions.probs.dtype == np.float32
    assert np.mean(predictions.probs.argmax(1) == predictions.labels) == pytest.approx(finished.best.test_accuracy)
    test = open_run_dataset(shared, finished).test
    assert list(predictions.ids) == list(test.ids)
    assert finished.dataset is not None and finished.dataset.test_pixels == hash_of_pictures(test)
    for epoch, accuracy in zip(metrics["epoch"], metrics["test_accuracy"], strict=True):
        at_epoch = read_predictions(shared, finished.id, int(epoch))
        assert np.mean(at_epoch.probs.argmax(1) == at_epoch.labels) == pytest.approx(accuracy)
    assert verify_run(shared, finished.id) == []
    assert finished.dataset is not None
    assert (finished.dataset.train, finished.dataset.validation, finished.dataset.test) == (270, 30, 100)
    assert (finished.dataset.test_seen, finished.dataset.validation_seen) == (0, 0)
    assert predictions.seen is not None and not predictions.seen.any()
    content = json.loads((shared.runs / finished.id / "config.json").read_text())
    assert content["schema_version"] == RUN_SCHEMA and content["versions"]["torch"]
    folder = run_folder(shared, finished.id)
    assert checkpoint_files(folder) == [] and [item.name for item in (folder.path / "best").iterdir()] == [
        f"{finished.best.epoch:04d}.safetensors"
    ]
    assert finished.exact and finished.warnings == ()


def test_latest_is_the_newest(shared: Workspace, finished: Run) -> None:
    assert read_run(shared, "latest").id == list_runs(shared)[0].id


@pytest.mark.slow
def test_pause_and_resume_equals_an_uninterrupted_run(tiny: Workspace) -> None:
    """Paused and resumed in new processes: metrics, predictions and weights are bit-exact."""
    settings = make_config({**TINY, "epochs": 4, "shift": 2})
    straight = begin(tiny, settings)
    wait_for(tiny, straight, lambda run: not run.active)
    broken = begin(tiny, settings)
    wait_for(tiny, broken, lambda run: run.last is not None)
    pause_run(tiny, broken)
    paused = wait_for(tiny, broken, lambda run: not run.active)
    if paused.status is Status.PAUSED:  # on a very slow machine it may have finished before the pause
        assert paused.last is not None and paused.last.epoch < 4
        resume_run(tiny, broken)
        wait_for(tiny, broken, lambda run: not run.active)
    clockless = [name for name in read_metrics(tiny, straight).columns if name not in ("seconds", "images_per_second")]
    assert read_metrics(tiny, straight)[clockless].equals(read_metrics(tiny, broken)[clockless])
    assert np.array_equal(read_predictions(tiny, straight).probs, read_predictions(tiny, broken).probs)
    best = read_run(tiny, straight).best
    assert best is not None and read_run(tiny, broken).exact
    weights = [run_folder(tiny, run_id).weights(best.epoch).read_bytes() for run_id in (straight, broken)]
    assert weights[0] == weights[1]


@pytest.mark.fault(19)
def test_stop_is_quick_and_only_a_cut_run_resumes(tiny: Workspace) -> None:
    run_id = begin(tiny, make_config(LONG))
    wait_for(tiny, run_id, trained_a_little)
    with pytest.raises(RunError, match="is running: stop it first"):
        delete_run(tiny, run_id)
    with pytest.raises(RunError, match="only a run that was paused, stopped, interrupted or failed can be resumed"):
        resume_run(tiny, run_id)
    stop_run(tiny, run_id)
    run = wait_for(tiny, run_id, lambda found: not found.active)
    assert run.status is Status.STOPPED and run.last is not None
    assert verify_run(tiny, run_id) == []
    with pytest.raises(RunError, match="has the status stopped: there is nothing to stop"):
        stop_run(tiny, run_id)
    with pytest.raises(RunError, match="only a waiting run can start; resume it"):
        start_run(tiny, run_id)
    delete_run(tiny, run_id)
    assert list_runs(tiny) == [] and [item.name for item in tiny.runs.iterdir()] == [".queue"]


@pytest.mark.fault(26)
def test_a_killed_training_process_is_reported_and_keeps_what_it_logged(tiny: Workspace) -> None:
    run_id = begin(tiny, make_config(LONG))
    wait_for(tiny, run_id, lambda run: run.last is not None)
    training_process(tiny, run_id).send_signal(signal.SIGKILL)
    run = wait_for(tiny, run_id, lambda found: not found.active)
    assert run.status is Status.FAILED
    assert "killed from outside, most often because memory ran out" in run.error
    assert run.last is not None and len(read_metrics(tiny, run_id)) == run.last.epoch
    before = run.last.epoch
    resume_run(tiny, run_id)
    wait_for(tiny, run_id, lambda found: found.last is not None and found.last.epoch > before)


@pytest.mark.fault(25)
def test_killed_worker_is_seen_at_once_and_leaves_no_orphan(tiny: Workspace) -> None:
    run_id = begin(tiny, make_config(LONG))
    wait_for(tiny, run_id, trained_a_little)
    process = training_process(tiny, run_id)
    process.parent().send_signal(signal.SIGKILL)
    run = wait_for(tiny, run_id, lambda found: not found.active)
    assert run.status is Status.INTERRUPTED and "killed" in run.error
    process.wait(timeout=60)
    assert not is_locked(run_folder(tiny, run_id).training_lock)
    resume_run(tiny, run_id)
    wait_for(tiny, run_id, trained_a_little)


@pytest.mark.slow
def test_sigterm_writes_a_checkpoint(tiny: Workspace) -> None:
    run_id = begin(tiny, make_config(LONG))
    wait_for(tiny, run_id, trained_a_little)
    training_process(tiny, run_id).parent().terminate()
    run = wait_for(tiny, run_id, lambda found: not found.active)
    assert run.status is Status.INTERRUPTED and "told to end" in run.error
    assert len(checkpoint_files(run_folder(tiny, run_id))) == 2


def test_exception_ends_in_one_sentence(tiny: Workspace) -> None:
    """The dataset vanishes between creation and start."""
    run_id = create_run(tiny, make_config(TINY))
    (tiny.data / "tiny" / "meta.json").unlink()
    start_run(tiny, run_id)
    run = wait_for(tiny, run_id, lambda found: not found.active)
    assert run.status is Status.FAILED
    assert "tiny is broken" in run.error and "Traceback" not in run.error


def test_an_unexpected_exception_is_in_the_status_and_the_log(tiny: Workspace) -> None:
    run_id = create_run(tiny, make_config(TINY))
    (tiny.runs / run_id / "metrics.jsonl").mkdir()  # an error that the program does not expect
    start_run(tiny, run_id)
    folder = run_folder(tiny, run_id)
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while read_state(folder).status in (Status.QUEUED, Status.RUNNING) and time.monotonic() < deadline:
        time.sleep(0.02)
    state = read_state(folder)
    assert state.status is Status.FAILED and "Is a directory" in state.error
    while "Traceback" not in worker_log_tail(tiny, run_id, lines=60):  # the worker copies the output a moment later
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.slow
def test_a_run_is_not_resumed_on_a_changed_dataset(tiny: Workspace) -> None:
    run_id = begin(tiny, make_config(LONG))
    wait_for(tiny, run_id, trained_a_little)
    stop_run(tiny, run_id)
    stopped = wait_for(tiny, run_id, lambda found: not found.active)
    for file in (tiny.data / "tiny").iterdir():
        file.unlink()
    (tiny.data / "tiny").rmdir()
    save_tiny(tiny, seed=7)
    with pytest.raises(RunError, match=r"is not the one run .* was trained on"):
        open_run_dataset(tiny, stopped)
    resume_run(tiny, run_id)
    run = wait_for(tiny, run_id, lambda found: not found.active)
    assert run.status is Status.FAILED and "has changed since this run began" in run.error


@pytest.mark.slow
@pytest.mark.fault(20)
def test_double_start_is_one_process(tiny: Workspace) -> None:
    run_id = create_run(tiny, make_config(LONG), nonce="a click")
    assert create_run(tiny, make_config(LONG), nonce="a click") == run_id
    for _ in range(3):
        start_run(tiny, run_id)
    wait_for(tiny, run_id, trained_a_little)
    assert training_process(tiny, run_id).is_running()  # asserts that there is exactly one
    assert len(list_runs(tiny)) == 1


@pytest.mark.slow
@pytest.mark.fault(23, 25)
def test_training_outlives_the_process_that_started_it(tiny: Workspace) -> None:
    """Another process finds it with all epochs that it has logged."""
    run_id = create_run(tiny, make_config(LONG))
    subprocess.run([sys.executable, "-c", START_RUN, str(tiny.root), run_id], check=True, cwd=ROOT)
    wait_for(tiny, run_id, trained_a_little)
    process = training_process(tiny, run_id)
    assert process.parent().ppid() != os.getpid()
    assert process.nice() != psutil.Process().nice()  # the app has the higher priority
    session = Path(f"/proc/{process.pid}/autogroup")
    if session.exists() and session.read_text():  # a Linux that divides processor time by session
        assert "nice 10" in session.read_text()
    wait_for(tiny, run_id, lambda run: run.last is not None and run.last.epoch >= 3)
    known = len(read_metrics(tiny, run_id))
    command = [sys.executable, "-c", PRINT_LATEST, str(tiny.root), run_id]
    status, *epochs = subprocess.run(command, check=True, cwd=ROOT, capture_output=True).stdout.decode().split()
    assert status == "running" and epochs == [str(number + 1) for number in range(len(epochs))] and len(epochs) >= known


@pytest.mark.slow
@pytest.mark.fault(38)
def test_a_time_limit_of_five_seconds_is_kept(tiny: Workspace) -> None:
    run_id = begin(tiny, make_config({**LONG, "max_seconds": 5}))
    run = wait_for(tiny, run_id, lambda found: not found.active)
    assert run.status is Status.STOPPED and "Time limit" in run.error
    # The limit counts the writing after each of these very short epochs as well; `seconds` counts the training alone.
    assert 2 < run.seconds < 7 and checkpoint_files(run_folder(tiny, run_id)) and verify_run(tiny, run_id) == []


@pytest.mark.slow
@pytest.mark.fault(25)
def test_worker_killed_before_its_child_began_leaves_no_orphan(tiny: Workspace) -> None:
    run_id = begin(tiny, make_config(LONG))
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not (found := processes_of(tiny, run_id)) and time.monotonic() < deadline:
        time.sleep(0.01)
    (child,) = found
    child.parent().send_signal(signal.SIGKILL)
    child.wait(timeout=TIMEOUT_SECONDS)  # fails where the process does not end
    assert wait_for(tiny, run_id, lambda run: not run.active).status is Status.INTERRUPTED
    assert read_metrics(tiny, run_id).empty
    resume_run(tiny, run_id)
    wait_for(tiny, run_id, trained_a_little)


@pytest.mark.slow
@pytest.mark.fault(32)
def test_stop_before_the_first_batch(workspace: Workspace) -> None:
    """A run whose pictures are still drawn ends as soon as it is asked to; the drawing goes on for the next one."""
    run_id = begin(workspace, make_config({**TINY, "dataset": "drawn10"}))
    wait_for(workspace, run_id, lambda run: run.progress is not None and "drawing" in run.progress.phase)
    stop_run(workspace, run_id)
    assert wait_for(workspace, run_id, lambda run: not run.active).status is Status.STOPPED
    job = dataset_job(workspace, "drawn10")
    state = read_job(job)
    assert state is not None and state.active
    cancel_job(job)
    assert wait_for_end(job).state == "cancelled"
