"""The process that computes: reads a run folder's config, trains, and writes all results into the folder.

Started by `cifar_core.lifecycle.worker`. The loop itself knows no disk: `Recorder` below is its watcher.
"""

import argparse
import contextlib
import hashlib
import io
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType

import numpy as np
import safetensors.torch
import torch

from cifar_core.config import RunConfig, make_config
from cifar_core.data import Dataset, open_dataset, prepare_drawn10
from cifar_core.data.drawn10 import NAME as DRAWN10
from cifar_core.errors import CifarCoreError, RunError
from cifar_core.files import append_line, hold_lock, read_json, write_atomic, write_json
from cifar_core.lifecycle.states import Progress, Verb
from cifar_core.lifecycle.status import move, read_state, tell
from cifar_core.lifecycle.supervise import STILL_COMPUTING
from cifar_core.processes import peak_memory
from cifar_core.runs.estimate import read_calibration
from cifar_core.runs.folder import RunFolder
from cifar_core.runs.schema import DatasetFacts
from cifar_core.runs.wishes import CutShortError, Wishes
from cifar_core.train import EpochLine, best_line
from cifar_core.train.batches import TrainingData, load_training_data
from cifar_core.train.device import pick_device
from cifar_core.train.trainer import Ending, Position, Signal, Trainer
from cifar_core.workspace import Workspace

_STATUS_SECONDS = 0.25  # how often progress is written: often enough to look alive, rare enough to cost nothing
_FIRST_LINE = 300  # characters
_ORPHAN_SECONDS = 60.0  # how long to wait for an orphan of a killed worker to notice
_OUTCOMES = {
    Ending.FINISHED: Verb.FINISH,
    Ending.STOPPED: Verb.STOP,
    Ending.PAUSED: Verb.PAUSE,
}


class Recorder:
    """Writes what the loop tells into the run folder, and tells the loop what was asked of the run."""

    def __init__(self, folder: RunFolder, dataset: Dataset, wishes: Wishes) -> None:
        self.folder = folder
        self.dataset = dataset
        self.wishes = wishes
        self.progress = Progress("loading pictures")
        self._told_at = 0.0

    def on_batch(self, position: Position) -> Signal:
        """Tell the progress now and then; obey a request at once."""
        self._tell("training", position)
        return self.wishes.now()

    def on_measure(self, position: Position) -> None:
        """Say that the epoch is being measured; at once when it begins."""
        self._tell("measuring", position, at_once=self.progress.phase != "measuring")

    def on_epoch(self, trainer: Trainer, line: EpochLine, test_probs: torch.Tensor) -> None:
        """Keep the epoch: results first, the line that announces them last."""
        probs = test_probs.numpy()
        write_atomic(self.folder.history(line.epoch), _npy(probs))
        if best_line(trainer.lines) is line:
            weights = {name: tensor.contiguous().cpu() for name, tensor in trainer.net.state_dict().items()}
            write_atomic(self.folder.weights, safetensors.torch.save(weights))
            write_atomic(self.folder.predictions, self._predictions(probs, line.epoch))
        if line.epoch < trainer.config.optimizer.epochs:
            save_checkpoint(self.folder, trainer)
        append_line(self.folder.metrics, json.dumps(asdict(line), allow_nan=False))

    def _predictions(self, probs: np.ndarray, epoch: int) -> bytes:
        buffer = io.BytesIO()
        test = self.dataset.test
        names = np.array(self.dataset.class_names)
        np.savez(buffer, labels=np.asarray(test.labels), probs=probs, ids=np.asarray(test.ids), class_names=names,
                 epoch=np.int64(epoch))  # fmt: skip
        return buffer.getvalue()

    def _tell(self, phase: str, at: Position, *, at_once: bool = False) -> None:
        now = time.monotonic()
        if not at_once:
            if now - self._told_at < _STATUS_SECONDS:
                return
            self._told_at = now  # not moved by what is told at once: short epochs would never be seen training
        self.progress = Progress(
            phase, at.epoch, at.epochs, at.batch, at.batches, at.images_per_second, seconds_left(at), at.seconds
        )
        tell(self.folder, self.progress)


def seconds_left(at: Position) -> float | None:
    """Time to the last epoch's end if all goes on as so far; None before there is anything to go by."""
    done = at.epoch - 1 + at.batch / max(1, at.batches)
    return at.seconds / done * (at.epochs - done) if done > 0 else None


def train_run(folder: RunFolder, wishes: Wishes) -> None:
    """Train a run from its folder alone, from its checkpoint where there is one, and write how it ended.

    Raises:
        CifarCoreError: the data, the settings, the disk or the training itself refused.
    """
    config = make_config(read_json(folder.config)["settings"])
    before = read_state(folder).progress or Progress("", epochs=config.optimizer.epochs)
    starting = before.before_training("loading pictures")
    tell(folder, starting)
    device = pick_device(config.machine.device)
    torch.set_num_threads(_threads(folder))
    try:
        dataset = _dataset(folder, config, starting, wishes)
        wishes.obey()
    except CutShortError as cut:
        ending = Ending.PAUSED if cut.args[0] is Signal.PAUSE else Ending.STOPPED
        _write_ending(folder, ending, wishes, starting)
        return
    data = load_training_data(dataset, config.data, config.machine.seed, device)
    _write_facts(folder, dataset, data, device)
    trainer = Trainer(config, data, device)
    load_checkpoint(folder, trainer)
    recorder = Recorder(folder, dataset, wishes)
    wishes.allow(config.machine.max_seconds)
    ending = trainer.fit(recorder)
    if ending is Ending.FINISHED:
        folder.checkpoint.unlink(missing_ok=True)
    else:
        save_checkpoint(folder, trainer)
    elapsed = max(trainer.seconds, recorder.progress.elapsed)  # whole epochs, and the part of one that was cut short
    write_json(folder.facts, {**read_json(folder.facts), "peak_memory": peak_memory()})
    _write_ending(folder, ending, wishes, replace(recorder.progress, elapsed=elapsed))


def _threads(folder: RunFolder) -> int:
    """As many as the run began with (another number would round differently), else what a calibration found fastest."""
    if folder.facts.exists():
        return int(read_json(folder.facts)["threads"])
    calibration = read_calibration(Workspace(folder.path.parents[1]))
    return calibration.threads if calibration else torch.get_num_threads()


def _write_ending(folder: RunFolder, ending: Ending, wishes: Wishes, progress: Progress) -> None:
    verb = Verb.INTERRUPT if ending is Ending.STOPPED and wishes.is_orphan() else _OUTCOMES[ending]
    error = wishes.reason if ending is Ending.STOPPED else ""
    move(folder, verb, progress=replace(progress, phase=ending.value, seconds_left=None), error=error)


def _dataset(folder: RunFolder, config: RunConfig, starting: Progress, wishes: Wishes) -> Dataset:
    """Open the run's dataset; the embedded one is made first where it is absent.

    Raises:
        CutShortError: the run was asked to end meanwhile.
    """
    workspace = Workspace(folder.path.parents[1])
    if config.data.dataset != DRAWN10:
        return open_dataset(workspace, config.data.dataset)
    told = 0.0

    def show(done: int, total: int) -> None:
        nonlocal told
        wishes.obey()
        if time.monotonic() - told > _STATUS_SECONDS:
            told = time.monotonic()
            phase = f"drawing pictures, {done:,} of {total:,}"
            tell(folder, starting.before_training(phase))

    return prepare_drawn10(workspace, show)


def _write_facts(folder: RunFolder, dataset: Dataset, data: TrainingData, device: torch.device) -> None:
    """Write what the run found; a resumed run must find the same data.

    Raises:
        RunError: the dataset has changed since the run began.
    """
    facts = DatasetFacts(
        dataset.name, dataset.class_names, dataset.mean, dataset.std, dataset.fingerprint,
        len(data.train), len(data.validation), len(data.test),
    )  # fmt: skip
    if folder.facts.exists():
        known = read_json(folder.facts)["dataset"]["fingerprint"]
        if known != dataset.fingerprint:
            raise RunError(f"The dataset {dataset.name} has changed since this run began: start a new run instead.")
    machine = {"device": str(device), "threads": torch.get_num_threads()}
    write_json(folder.facts, {"dataset": asdict(facts), **machine})


def save_checkpoint(folder: RunFolder, trainer: Trainer) -> None:
    """Write all that the rest of the run needs, with its hash in front.

    Raises:
        StorageError: the disk refused; the checkpoint before it is whole.
    """
    buffer = io.BytesIO()
    torch.save(trainer.state(), buffer)
    content = buffer.getvalue()
    write_atomic(folder.checkpoint, hashlib.sha256(content).digest() + content)


def load_checkpoint(folder: RunFolder, trainer: Trainer) -> None:
    """Bring the trainer where the last checkpoint stands; logged epochs beyond it are trained again.

    Raises:
        RunError: the checkpoint is damaged.
    """
    content = folder.checkpoint.read_bytes() if folder.checkpoint.exists() else b""
    if content:
        if hashlib.sha256(content[32:]).digest() != content[:32]:
            raise RunError("The checkpoint is damaged (its hash does not match): start a new run with these settings.")
        trainer.load_state(torch.load(io.BytesIO(content[32:]), weights_only=True, map_location="cpu"))
    lines = "".join(json.dumps(asdict(line), allow_nan=False) + "\n" for line in trainer.lines)
    write_atomic(folder.metrics, lines.encode())


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def main() -> int:
    """Train the run of `--run-dir`; what goes wrong ends in its status as one sentence."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run-dir", required=True, type=Path)
    parser.add_argument("--parent", required=True, type=int, help="Process id of the worker, which this one dies with.")
    arguments = parser.parse_args()
    folder = RunFolder(arguments.run_dir)
    wishes = Wishes(folder, arguments.parent)
    with hold_lock(folder.training_lock, timeout=_ORPHAN_SECONDS) as mine:
        if not mine:
            return STILL_COMPUTING
        if wishes.is_orphan():
            return 1  # the run may be in other hands by now: nothing of it is touched
        sys.excepthook = _fail_in_words(folder)
        try:
            train_run(folder, wishes)
        except CifarCoreError as error:
            _write_failure(folder, str(error))
            return 1
    return 0


def _fail_in_words(folder: RunFolder) -> Callable[..., None]:
    """For what nobody foresaw: its first line into the status, the traceback into the log."""

    def fail(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        sys.__excepthook__(kind, error, trace)
        first_line = (str(error).splitlines() or [""])[0][:_FIRST_LINE]
        _write_failure(folder, f"The training failed: {kind.__name__}: {first_line}")

    return fail


def _write_failure(folder: RunFolder, error: str) -> None:
    """The sentence goes into the log as well, where a status that cannot be written leaves it to the worker."""
    print(error, file=sys.stderr)
    with contextlib.suppress(CifarCoreError):
        move(folder, Verb.FAIL, error=error)


if __name__ == "__main__":
    sys.exit(main())
