"""Runs on Slurm, with submitit's local executor in its place: its jobs are processes of this machine.

Slurm itself was not tried.
"""

import contextlib
import importlib.util
import pickle
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from cifar_core.config import make_config
from cifar_core.errors import ClusterError
from cifar_core.lifecycle import runner
from cifar_core.lifecycle.heartbeat import BEAT_SECONDS
from cifar_core.lifecycle.place import Place
from cifar_core.processes import child_environment
from cifar_core.runs import create_run, read_run, resume_run, start_run, stop_run, verify_run
from cifar_core.runs.run_folder import run_folder
from cifar_core.workspace import Workspace
from tests.lifecycle.conftest import until
from tests.runs.conftest import TINY, tiny, wait_for

__all__ = ["tiny"]

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(importlib.util.find_spec("submitit") is None, reason="submitit is not installed"),
]
SLURM = Place("slurm", cpus=1)
PATIENCE = 30.0  # seconds; in place of 120
LONG = {**TINY, "epochs": 500}


@pytest.fixture
def on_slurm(tiny: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """A workspace whose runs on Slurm are handed to submitit's local executor."""

    def spawn(_program: str, arguments: list[str], log: Path) -> "subprocess.Popen[bytes]":
        command = [sys.executable, str(Path(__file__).with_name("slurm_worker.py")), str(PATIENCE), *arguments]
        with open(log, "ab") as output:
            return subprocess.Popen(command, stdout=output, stderr=output, env=child_environment(), cwd=log.parent)

    monkeypatch.setattr(runner, "spawn", spawn)
    yield tiny
    for process in processes(tiny):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def processes(workspace: Workspace, mark: str = "") -> list[psutil.Process]:
    """The live processes whose command names a folder of this workspace, and `mark`."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = " ".join(process.info["cmdline"] or [])
        if str(workspace.runs) in words and mark in words:
            found.append(process)
    return found


def begin(workspace: Workspace, **settings: object) -> str:
    config = make_config({**TINY, **settings})
    run_id = create_run(workspace, config, place=Place("slurm", cpus=config.machine.processes))
    start_run(workspace, run_id)
    return run_id


def wait_training(workspace: Workspace, run_id: str) -> None:
    wait_for(workspace, run_id, lambda run: run.progress is not None and run.progress.batch > 0)


def is_bare(workspace: Workspace, run_id: str) -> bool:
    """Whether neither a process nor a file of the job is left."""
    return not processes(workspace) and not (workspace.runs / run_id / "slurm").exists()


def test_a_run_trains_as_on_this_machine_and_leaves_nothing_behind(
    on_slurm: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = begin(on_slurm)
    assert read_run(on_slurm, run_id).ticket is None  # it waits for no slot of this machine
    run = wait_for(on_slurm, run_id, lambda run: not run.active)
    assert (run.status, run.error, run.place) == ("finished", "", SLURM)
    assert verify_run(on_slurm, run_id) == []
    assert run.expected_seconds is None  # nobody knows how fast the node is
    until(lambda: is_bare(on_slurm, run_id), "nothing is left")
    monkeypatch.undo()
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    here = create_run(on_slurm, make_config(TINY))
    start_run(on_slurm, here)
    wait_for(on_slurm, here, lambda run: not run.active)
    files = [*(on_slurm.runs / here).rglob("*.safetensors"), *(on_slurm.runs / here).rglob("*.npy")]
    assert files
    for file in files:
        there = on_slurm.runs / run_id / file.relative_to(on_slurm.runs / here)
        assert there.read_bytes() == file.read_bytes(), file.name


def test_a_stop_reaches_the_processes_of_the_job_through_the_run_folder(on_slurm: Workspace) -> None:
    run_id = begin(on_slurm, **LONG, processes=2)
    wait_training(on_slurm, run_id)
    assert len(processes(on_slurm, "ranks.guard")) == 2
    stop_run(on_slurm, run_id)
    run = wait_for(on_slurm, run_id, lambda run: not run.active, timeout=5)
    assert run.status == "stopped"
    until(lambda: is_bare(on_slurm, run_id), "nothing is left")


def test_the_job_of_a_killed_worker_ends_and_resume_goes_on(
    on_slurm: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{__name__}.PATIENCE", 2.5 * BEAT_SECONDS)
    run_id = begin(on_slurm, **LONG)
    wait_for(on_slurm, run_id, lambda run: run.last is not None)
    (worker,) = processes(on_slurm, "slurm_worker.py")
    worker.kill()
    worker.wait()
    until(lambda: not processes(on_slurm, "training.process"), "the training ends", timeout=PATIENCE + 15)
    run = wait_for(on_slurm, run_id, lambda run: run.status == "interrupted", timeout=10)
    assert run.last is not None
    epochs = run.last.epoch
    monkeypatch.setattr(f"{__name__}.PATIENCE", 30.0)
    resume_run(on_slurm, run_id)
    wait_for(on_slurm, run_id, lambda run: run.last is not None and run.last.epoch > epochs)
    stop_run(on_slurm, run_id)
    run = wait_for(on_slurm, run_id, lambda run: not run.active)
    assert (run.status, run.error, run.exact) == ("stopped", "", True)
    assert verify_run(on_slurm, run_id) == []


@pytest.mark.parametrize(
    ("program", "number"), [("slurm_worker.py", signal.SIGTERM), ("submitit.core._submit", signal.SIGUSR2)]
)
def test_a_signal_to_the_worker_or_the_job_ends_the_training_in_order(
    on_slurm: Workspace, program: str, number: signal.Signals
) -> None:
    run_id = begin(on_slurm, **LONG)
    wait_training(on_slurm, run_id)
    (process,) = processes(on_slurm, program)
    process.send_signal(number)
    run = wait_for(on_slurm, run_id, lambda run: not run.active, timeout=10)
    assert (run.status, run.error[:28]) == ("interrupted", "Its process was told to end,")
    assert list((on_slurm.runs / run_id / "checkpoints").iterdir())
    until(lambda: is_bare(on_slurm, run_id), "nothing is left")


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """In place of submitit's executor and of Slurm: a job waits until it is in `ended`, with how it has ended."""
    submitit, fake = pytest.importorskip("submitit"), SimpleNamespace(cancelled=[], ended={})

    class Job(submitit.SlurmJob):
        def done(self, force_check: bool = False) -> bool:
            return self.job_id in fake.ended

        @property
        def state(self) -> str:
            return fake.ended[self.job_id]

        def cancel(self, check: bool = True) -> None:
            fake.cancelled.append(self.job_id)

    class Executor:
        job_class = Job

        def __init__(self, folder: Path, python: str) -> None:
            self._folder = folder

        def update_parameters(self, **asked: object) -> None:
            fake.asked = asked

        def submit(self, *_call: object) -> Job:
            return Job(self._folder, "4712")

    monkeypatch.setattr(submitit, "SlurmExecutor", Executor)
    fake.slurm = pytest.importorskip("cifar_core.cluster.slurm")
    return fake


def test_a_waiting_job_is_found_again_by_its_id_and_taken_back_by_a_stop(
    tiny: Workspace, fake: SimpleNamespace
) -> None:
    folder = run_folder(tiny, create_run(tiny, make_config(TINY), place=SLURM))
    files = folder.path / "slurm" / "4711"
    files.mkdir(parents=True)
    job = fake.slurm.SlurmJob(folder)
    assert not job.take(folder, None, None)
    (files / "begun").touch()
    assert job.take(folder, None, None)
    job.give_up(folder)
    assert fake.cancelled == ["4711"] and not (folder.path / "slurm").exists()


def test_the_job_of_a_killed_worker_ends_before_another_is_submitted(tiny: Workspace, fake: SimpleNamespace) -> None:
    folder = run_folder(tiny, create_run(tiny, make_config(TINY), place=SLURM))
    files = folder.path / "slurm" / "4711"
    files.mkdir(parents=True)
    (files / "begun").touch()
    job = fake.slurm.SlurmJob(folder)
    assert not job.take(folder, None, None)
    assert not (files / "begun").exists(), "it is told to end"
    assert not job.take(folder, None, None), "it is waited for"
    fake.ended["4711"] = "COMPLETED"
    assert not job.take(folder, None, None)
    assert not files.exists()
    fake.ended["4712"] = "CANCELLED by 0"
    sentence = "Slurm ended job 4712 before it began (CANCELLED by 0); resume it to try again."
    with pytest.raises(ClusterError, match=re.escape(sentence)):
        job.take(folder, None, None)
    assert fake.asked["cpus_per_task"] == 1 and fake.asked["gpus_per_node"] is None


def test_what_a_submission_that_was_cut_short_has_left_is_no_job(tiny: Workspace, fake: SimpleNamespace) -> None:
    folder = run_folder(tiny, create_run(tiny, make_config(TINY), place=SLURM))
    files = folder.path / "slurm"
    files.mkdir()
    (files / "3f0c.pkl").touch()
    assert not fake.slurm.SlurmJob(folder).take(folder, None, None)
    assert fake.asked["job_name"] == folder.run_id, "one is submitted"


def test_a_job_outlives_its_training(tiny: Workspace, fake: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stubborn:
        code: int | None = None
        kills = 0

        def start(self, folder: object) -> None: ...

        def has_ended(self, seconds: float) -> bool:
            return self.code is not None

        def terminate(self) -> None: ...

        def kill(self) -> None:
            self.kills += 1
            self.code = -signal.SIGKILL if self.kills == 2 else None

        def finish_log(self, seconds: float) -> None: ...

    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(fake.slurm, "computation_here", lambda _: Stubborn())
    monkeypatch.setattr(fake.slurm, "_looks", lambda *_: iter((None, None)))
    monkeypatch.setattr(fake.slurm, "read_state", lambda _: SimpleNamespace(status=fake.slurm.Status.RUNNING))
    folder = run_folder(tiny, create_run(tiny, make_config(TINY), place=SLURM))
    assert fake.slurm._train(folder, PATIENCE) == -signal.SIGKILL


@pytest.mark.parametrize(("outcome", "code"), [(("success", 3), 3), (("error", "in the job itself"), 1), (None, -9)])
def test_the_exit_code_is_that_of_the_training(
    tiny: Workspace, fake: SimpleNamespace, outcome: tuple[str, object] | None, code: int
) -> None:
    folder = run_folder(tiny, create_run(tiny, make_config(TINY), place=SLURM))
    job = fake.slurm.SlurmJob(folder)
    assert not job.take(folder, None, None)
    fake.ended["4712"] = "COMPLETED"
    files = folder.path / "slurm" / "4712"
    files.mkdir()
    if outcome is not None:
        (files / "4712_0_result.pkl").write_bytes(pickle.dumps(outcome))
    job.finish_log(1.0)
    assert job.code == code and not files.exists()


def test_a_machine_without_slurm_says_so(tiny: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tiny.root))
    run_id = create_run(tiny, make_config(TINY), place=SLURM)
    start_run(tiny, run_id)
    run = wait_for(tiny, run_id, lambda run: not run.active)
    assert run.status == "failed" and run.error.startswith(f"Slurm did not take run {run_id} (")
    assert not (tiny.runs / run_id / "slurm").exists()
