"""How a training ends: on request, at its time limit, without its folder. It runs in the process of the test."""

import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cifar_core.config import make_config
from cifar_core.errors import StorageError
from cifar_core.lifecycle.requests import EndRequests
from cifar_core.lifecycle.states import EndRequest, Status
from cifar_core.lifecycle.status import move, read_state
from cifar_core.runs import create_run, list_runs, read_metrics, read_predictions, verify_run
from cifar_core.runs.run_folder import RunFolder, checkpoint_files, run_folder
from cifar_core.runs.training import process
from cifar_core.runs.training.checkpoints import Checkpoints
from cifar_core.runs.training.kept_data import KeptData
from cifar_core.runs.training.process import train_run
from cifar_core.runs.training.recorder import Recorder, seconds_left
from cifar_core.storage.locks import hold_lock
from cifar_core.train.trainer import Position
from cifar_core.workspace import Workspace, open_workspace
from tests.conftest import save_tiny
from tests.runs.conftest import TINY

SETTINGS = {**TINY, "epochs": 3, "shift": 1}


@pytest.fixture(autouse=True)
def restored_signal_handler() -> Iterator[None]:
    """Undo that `EndRequests` replaces the handler of SIGTERM."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """The folder of a run that was not interrupted."""
    workspace = open_workspace(tmp_path_factory.mktemp("straight") / "workspace")
    save_tiny(workspace)
    folder = started_run(workspace)
    train(folder)
    return folder


@pytest.fixture
def space(workspace: Workspace) -> Workspace:
    """A workspace with the tiny dataset."""
    save_tiny(workspace)
    return workspace


def started_run(workspace: Workspace, **settings: object) -> RunFolder:
    """The folder of a new run whose worker has just got its slot."""
    folder = run_folder(workspace, create_run(workspace, make_config({**SETTINGS, **settings})))
    move(folder, Status.RUNNING)
    return folder


def train(folder: RunFolder) -> None:
    train_run(folder, EndRequests(folder, parent=os.getppid()), KeptData())


def resume(folder: RunFolder) -> None:
    folder.stop_file.unlink(missing_ok=True)
    move(folder, Status.QUEUED)
    move(folder, Status.RUNNING)
    train(folder)


def stop_at(moment: str, folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the stop file at a given moment of the first epoch or before it."""
    owner, name = {
        "start-up": (KeptData, "load"),
        "a batch": (Recorder, "on_batch"),
        "evaluation": (Recorder, "on_measure"),
        "the epoch's end": (Recorder, "on_epoch"),
        "a checkpoint": (Checkpoints, "save"),
    }[moment]
    real = getattr(owner, name)

    def request_stop_first(*arguments: object) -> object:
        folder.stop_file.touch()
        return real(*arguments)

    monkeypatch.setattr(owner, name, request_stop_first)


@pytest.mark.fault(32)
@pytest.mark.parametrize(
    "moment",
    [
        "evaluation",
        "a checkpoint",
        *[pytest.param(moment, marks=pytest.mark.slow) for moment in ("start-up", "a batch", "the epoch's end")],
    ],
)
def test_stopped_at_any_moment_it_goes_on_as_if_it_had_not(
    space: Workspace, straight: RunFolder, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = started_run(space)
    with monkeypatch.context() as context:
        stop_at(moment, broken, context)
        train(broken)
    assert read_state(broken).status is Status.STOPPED and read_state(broken).error == ""
    assert verify_run(space, broken.run_id) == []
    resume(broken)
    assert read_state(broken).status is Status.FINISHED
    metrics = read_metrics(straight.workspace, straight.run_id), read_metrics(space, broken.run_id)
    clockless = [name for name in metrics[0].columns if name not in ("seconds", "images_per_second")]
    assert metrics[0][clockless].equals(metrics[1][clockless])
    probs = [read_predictions(folder.workspace, folder.run_id).probs for folder in (straight, broken)]
    assert np.array_equal(*probs)
    weights = [
        sorted(path.read_bytes() for path in folder.path.rglob("*.safetensors")) for folder in (straight, broken)
    ]
    assert weights[0] == weights[1] and weights[0]


@pytest.mark.fault(38)
def test_a_run_stops_at_its_time_limit_and_gets_as_long_again(space: Workspace) -> None:
    folder = started_run(space, epochs=500, max_seconds=1)
    started = time.monotonic()
    train(folder)
    assert 1 <= time.monotonic() - started < 30
    state = read_state(folder)
    assert state.status is Status.STOPPED and "Time limit: it trained for its 1 second;" in state.error
    assert checkpoint_files(folder) and verify_run(space, folder.run_id) == []
    epochs = len(read_metrics(space, folder.run_id))
    resume(folder)
    assert read_state(folder).status is Status.STOPPED and "Time limit" in read_state(folder).error
    assert len(read_metrics(space, folder.run_id)) >= epochs


@pytest.mark.fault(18)
@pytest.mark.parametrize("moment", ["on_batch", "on_measure", "on_epoch"])
def test_a_folder_that_is_deleted_ends_the_training_and_stays_deleted(
    space: Workspace, moment: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = started_run(space)
    real = getattr(Recorder, moment)

    def delete_first(*arguments: object) -> object:
        shutil.rmtree(folder.path, ignore_errors=True)
        return real(*arguments)

    monkeypatch.setattr(Recorder, moment, delete_first)
    monkeypatch.setattr("cifar_core.runs.training.recorder.STATUS_SECONDS", 0.0)
    monkeypatch.setattr(sys, "argv", ["training", f"--run-dir={folder.path}", f"--parent={os.getppid()}"])
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # undoes the hook that the process sets
    assert process.main() == 1
    assert "Traceback" not in capsys.readouterr().err
    assert not folder.path.exists() and list_runs(space) == []


@pytest.mark.fault(29)
def test_a_clock_that_jumps_leaves_no_negative_time(space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wall clock jumps a day forward and back at every reading."""
    real, days = time.time, [0]

    def jumping() -> float:
        days[0] = 1 - days[0]
        return real() + 86_400 * (1 - 2 * days[0])

    monkeypatch.setattr("time.time", jumping)
    monkeypatch.setattr("cifar_core.runs.training.recorder.STATUS_SECONDS", 0.0)
    positions: list[Position] = []
    real_on_batch = Recorder.on_batch

    def on_batch(recorder: Recorder, position: Position) -> EndRequest | None:
        positions.append(position)
        return real_on_batch(recorder, position)

    monkeypatch.setattr(Recorder, "on_batch", on_batch)
    folder = started_run(space)
    train(folder)
    assert read_state(folder).status is Status.FINISHED
    metrics = read_metrics(space, folder.run_id)
    assert (metrics["seconds"] >= 0).all() and metrics["seconds"].sum() < 60
    times = [position.seconds for position in positions]
    assert times == sorted(times) and times[0] >= 0
    assert all((seconds_left(position) or 0.0) >= 0 for position in positions)


def test_an_orphan_touches_nothing(space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its worker died before it began: another worker may have the run by now."""
    folder = started_run(space)
    before = {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file()}
    monkeypatch.setattr(sys, "argv", ["training", f"--run-dir={folder.path}", "--parent=1"])
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    assert process.main() == 1
    after = {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file() and path.suffix != ".lock"}
    assert after == before


def test_two_processes_do_not_compute_one_run(space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = started_run(space)
    monkeypatch.setattr(sys, "argv", ["training", f"--run-dir={folder.path}", f"--parent={os.getppid()}"])
    monkeypatch.setattr(process, "_ORPHAN_SECONDS", 0.1)
    with hold_lock(folder.training_lock) as acquired:
        assert acquired and process.main() == process.STILL_COMPUTING
    assert read_state(folder).status is Status.RUNNING


def test_measuring_an_epoch_reports_progress(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once for every batch of pictures that is measured, so that slow measuring is not taken for a hang."""
    save_tiny(workspace, train=60, test=1100)
    beats: list[int] = []
    monkeypatch.setattr(Recorder, "on_measure", lambda _, at: (beats.append(at.epoch), None)[1])
    train(started_run(workspace, epochs=1, validation_share=0.0))
    assert beats == [1, 1, 1, 1, 1]


def test_time_left() -> None:
    assert seconds_left(Position(1, 4, 0, 10, 0.0, 0.0)) is None
    assert seconds_left(Position(2, 4, 5, 10, 100.0, 15.0)) == pytest.approx(25.0)


def test_a_missing_folder_is_reported(space: Workspace, tmp_path: Path) -> None:
    folder = started_run(space)
    folder.path.rename(tmp_path / "elsewhere")
    with pytest.raises(StorageError, match="does not exist any more"), hold_lock(folder.training_lock):
        pass


def test_the_first_line_of_an_unexpected_error_is_in_the_status(
    space: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = started_run(space)

    def fail(*_: object) -> None:
        raise RuntimeError("\n    Some tensors share memory,\nand more")  # as safetensors writes it

    monkeypatch.setattr(process, "train_run", fail)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    with pytest.raises(RuntimeError) as error:
        process.compute(folder, os.getppid())
    sys.excepthook(error.type, error.value, error.tb)
    assert read_state(folder).error == "The training failed: RuntimeError: Some tensors share memory,"
    assert "and more" in capsys.readouterr().err
