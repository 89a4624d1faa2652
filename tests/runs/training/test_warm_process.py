"""Runs that follow each other in one training process: the same bits as alone, and no harm from the run before."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest
import torch

from cifar_core.config import make_config
from cifar_core.lifecycle.warm.pool import WarmPool
from cifar_core.lifecycle.warm.process import computing_command, end_mark
from cifar_core.processes import Program, child_environment
from cifar_core.runs import (
    Run,
    create_run,
    list_runs,
    pause_run,
    read_metrics,
    read_run,
    resume_run,
    start_run,
    stop_run,
    verify_run,
)
from cifar_core.runs.run_folder import run_folder
from cifar_core.runs.training.kept_data import KeptData
from cifar_core.storage import faults
from cifar_core.workspace import Workspace
from tests.conftest import save_tiny
from tests.runs.conftest import TIMEOUT_SECONDS, TINY, begin, wait_for
from tests.runs.in_process import one_thread, train

CLOCKS = ["seconds", "images_per_second"]
WHITENED = {"model": "fast_cnn", "widths": "3,4,5", "depths": "1,2,1", "optimizer": "muon", "shift": 2}
OTHERS = [  # runs that leave something behind for the one after them
    {**WHITENED, "epochs": 1},
    {"validation_share": 0.3, "seed": 5},
    {"train_share": 0.5, "dropout": 0.4, "optimizer": "sgd"},
    {**WHITENED, "kernel_size": 3, "prune_share": 0.4},
]


def results(workspace: Workspace, run_id: str) -> dict[str, object]:
    """All that two runs of the same settings have in common: predictions, records, weights, metrics without times."""
    folder = run_folder(workspace, run_id)
    files = {
        str(path.relative_to(folder.path)): path.read_bytes()
        for path in folder.path.rglob("*")
        if path.suffix in (".npy", ".npz", ".safetensors")
    }
    facts = json.loads(folder.facts.read_text())
    return {
        **files,
        "metrics": read_metrics(workspace, run_id).drop(columns=CLOCKS).to_json(),
        "facts": {name: facts[name] for name in ("dataset", "device", "threads", "precision", "warnings")},
    }


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    one_thread()


@pytest.mark.parametrize(
    "settings",
    [WHITENED, {}, {"validation_share": 0.3}],
    ids=["whitened", "simple", "validated"],
)
@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_a_run_after_others_has_the_bits_of_one_alone(workspace: Workspace, settings: dict[str, object]) -> None:
    save_tiny(workspace, train=100, test=40)
    config, kept = make_config({**TINY, **settings}), KeptData()
    alone = train(workspace, create_run(workspace, config))
    for other in OTHERS:
        assert train(workspace, create_run(workspace, make_config({**TINY, **other})), kept=kept).status == "finished"
        again = train(workspace, create_run(workspace, config), kept=kept)
        assert results(workspace, again.id) == results(workspace, alone.id)
    assert alone.start_up is not None and again.start_up is None


@pytest.mark.usefixtures("quick")
def test_the_same_pictures_are_read_once(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    save_tiny(workspace, train=100, test=40)
    kept, read = KeptData(), []
    monkeypatch.setattr(
        "cifar_core.train.batches.Pictures._read", spied(read, "cifar_core.train.batches", "Pictures", "_read")
    )
    monkeypatch.setattr("cifar_core.data.store.fingerprint", spied(read, "cifar_core.data.store", "fingerprint"))
    counts = []
    for settings in ({}, {"learning_rate": 0.1}, {"validation_share": 0.3}):
        train(workspace, create_run(workspace, make_config({**TINY, **settings})), kept=kept)
        counts.append(len(read))
        read.clear()
    assert counts[0] > 0 and counts[1] == 0
    assert counts[2] == 2  # other training and validation pictures; the test pictures are the same


def spied(calls: list[object], module: str, *names: str):  # type: ignore[no-untyped-def]
    """The function of this name, which notes its calls."""
    found = sys.modules[module]
    for name in names:
        found = getattr(found, name)

    def call(*arguments, **named):  # type: ignore[no-untyped-def]
        calls.append(names[-1])
        return found(*arguments, **named)  # type: ignore[operator]

    return call


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("what", ["in place", "replaced"])
def test_pictures_that_change_between_two_runs_are_found(workspace: Workspace, what: str) -> None:
    save_tiny(workspace, train=100, test=40)
    kept = KeptData()
    train(workspace, create_run(workspace, make_config(TINY)), kept=kept)
    images = workspace.data / "tiny" / "train_images.npy"
    content = bytearray(images.read_bytes())
    content[-1] ^= 1
    before = images.stat()
    if what == "replaced":
        images.unlink()
    images.write_bytes(content)
    os.utime(images, ns=(before.st_atime_ns, before.st_mtime_ns))  # as a copy that keeps the times does
    for _ in range(2):
        run = train(workspace, create_run(workspace, make_config(TINY)), kept=kept)
        assert run.status == "failed" and "their SHA-256 differs" in run.error


@pytest.mark.fault(14)
@pytest.mark.usefixtures("quick")
def test_a_full_disk_in_one_run_does_not_harm_the_next(workspace: Workspace) -> None:
    save_tiny(workspace, train=100, test=40)
    kept, config = KeptData(), make_config({**TINY, **WHITENED})
    alone = train(workspace, create_run(workspace, config))
    for count in (2, 9, 17):
        run_id = create_run(workspace, config)
        faults.arm(f"write:{count}+:enospc")
        try:
            run = train(workspace, run_id, kept=kept)
        finally:
            faults.arm("")
        assert run.status != "finished"
        again = train(workspace, create_run(workspace, config), kept=kept)
        assert results(workspace, again.id) == results(workspace, alone.id)


@pytest.fixture
def pool(tiny: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[WarmPool]:
    """A pool of one worker; one thread each, which is faster where several tests run at once."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    made = WarmPool(tiny, 1, tiny.root / "pool.log")
    yield made
    for run in list_runs(tiny):
        if run.active:
            stop_run(tiny, run.id)
    made.close()


def finish(workspace: Workspace, pool: WarmPool, run_id: str) -> Run:
    """Start or resume a run in the pool and wait for its end."""
    (start_run if read_run(workspace, run_id).status == "queued" else resume_run)(workspace, run_id, pool)
    while pool.busy():
        pool.wait(TIMEOUT_SECONDS)
    return read_run(workspace, run_id)


@pytest.mark.slow
def test_a_series_in_a_warm_worker(tiny: Workspace, pool: WarmPool) -> None:
    """Runs that finish, diverge, are paused, and whose process is killed, among runs that are as if they were alone."""
    config = make_config({**TINY, **WHITENED})
    alone = wait_for(tiny, begin(tiny, config), lambda run: not run.active)
    expected = results(tiny, alone.id)
    for disturb in (None, diverge, pause_and_resume, kill_training, time_out, kill_worker):
        if disturb is not None:
            disturb(tiny, pool)
        run = finish(tiny, pool, create_run(tiny, config))
        assert run.status == "finished", (disturb, run.error)
        assert results(tiny, run.id) == expected, disturb
        assert verify_run(tiny, run.id) == []
        log = run_folder(tiny, run.id).log.read_text().splitlines()
        assert [line for line in log if line] == ["-- a process of this run begins --"], disturb
    assert "Traceback" not in (tiny.root / "pool.log").read_text()


def diverge(workspace: Workspace, pool: WarmPool) -> None:
    config = make_config({**TINY, "optimizer": "sgd", "learning_rate": 10.0})
    run = finish(workspace, pool, create_run(workspace, config))
    assert run.diverged
    assert "it ended as failed: Training diverged" in run_folder(workspace, run.id).log.read_text()


def long_run(workspace: Workspace, pool: WarmPool, **settings: object) -> str:
    """A run of many epochs that has trained two of them."""
    run_id = create_run(workspace, make_config({**TINY, "epochs": 500, **settings}))
    start_run(workspace, run_id, pool)
    wait_for(workspace, run_id, lambda run: run.last is not None and run.last.epoch >= 2)
    return run_id


def wait_free(pool: WarmPool) -> None:
    while pool.busy():
        pool.wait(TIMEOUT_SECONDS)


def training_of(pool: WarmPool) -> psutil.Process:
    """The training process of the pool's only worker."""
    (child,) = (item for item in psutil.Process(pool.pids[0]).children() if Program.WARM_TRAINING in item.cmdline())
    return child


def pause_and_resume(workspace: Workspace, pool: WarmPool) -> None:
    """A run that is paused and resumed in the pool ends with the bits of a run alone."""
    config = make_config({**TINY, "epochs": 40})
    alone = wait_for(workspace, begin(workspace, config), lambda run: not run.active)
    run_id = create_run(workspace, config)
    start_run(workspace, run_id, pool)
    wait_for(workspace, run_id, lambda run: run.last is not None and run.last.epoch >= 2)
    pause_run(workspace, run_id)
    wait_free(pool)
    assert read_run(workspace, run_id).status == "paused"
    assert finish(workspace, pool, run_id).status == "finished"
    assert results(workspace, run_id) == results(workspace, alone.id) and read_run(workspace, run_id).exact


def kill_training(workspace: Workspace, pool: WarmPool) -> None:
    run_id = long_run(workspace, pool)
    training_of(pool).send_signal(signal.SIGKILL)
    wait_free(pool)
    run = read_run(workspace, run_id)
    assert run.status == "failed" and "killed from outside" in run.error and verify_run(workspace, run_id) == []


def time_out(workspace: Workspace, pool: WarmPool) -> None:
    run_id = long_run(workspace, pool, max_seconds=1)
    wait_free(pool)
    run = read_run(workspace, run_id)
    assert run.status == "stopped" and "Time limit" in run.error


def kill_worker(workspace: Workspace, pool: WarmPool) -> None:
    run_id = long_run(workspace, pool)
    child = training_of(pool)
    psutil.Process(pool.pids[0]).kill()
    wait_free(pool)
    psutil.wait_procs([child], timeout=TIMEOUT_SECONDS)
    run = read_run(workspace, run_id)
    assert run.status == "interrupted" and verify_run(workspace, run_id) == []
    assert not child.is_running()


@pytest.mark.slow
@pytest.mark.fault(25)
def test_a_process_whose_worker_died_while_it_loaded_its_libraries_trains_nothing(tiny: Workspace) -> None:
    run_id = create_run(tiny, make_config(TINY))
    worker = os.getppid()  # any but the process that starts it
    command = [item.replace(f"--parent={os.getpid()}", f"--parent={worker}") for item in computing_command()]
    line = json.dumps(["token", str(run_folder(tiny, run_id).path)])
    done = subprocess.run(
        command,
        input=f"{line}\n".encode(),
        capture_output=True,
        env=child_environment(),
        timeout=TIMEOUT_SECONDS,
        check=True,
    )
    assert done.stdout == end_mark("token", 1)
    assert read_run(tiny, run_id).status == "queued"


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(("slots", "sweep", "threads"), [(1, "s", 2), (2, "s", 1), (2, "", 2), (9, "s", 1)])
def test_a_trial_takes_its_share_of_the_cores(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, slots: int, sweep: str, threads: int
) -> None:
    """And a resumed run the threads that it began with, whatever the slots are by then."""
    save_tiny(workspace, train=100, test=40)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    (workspace.root / "settings.json").write_text(json.dumps({"slots": slots}))
    torch.set_num_threads(2)
    run_id = create_run(workspace, make_config(TINY), sweep=sweep, trial=1)
    train(workspace, run_id, batches=1)
    facts = run_folder(workspace, run_id).facts
    assert json.loads(facts.read_text())["threads"] == threads
    (workspace.root / "settings.json").write_text(json.dumps({"slots": 3 - min(slots, 2)}))
    torch.set_num_threads(2)
    train(workspace, run_id)
    assert json.loads(facts.read_text())["threads"] == threads
