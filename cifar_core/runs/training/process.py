"""The process that computes: reads a run folder's config, trains, and writes all results into the folder.

Started by `cifar_core.lifecycle.worker`. The loop itself knows no disk: `cifar_core.runs.training.recorder` is its watcher.
"""

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import NoReturn

import torch

from cifar_core.config import Precision, RunConfig
from cifar_core.data import Dataset, open_dataset, prepare_drawn10, require_unchanged
from cifar_core.data.sources.drawn10 import NAME as DRAWN10
from cifar_core.errors import CifarCoreError, RunError, StorageError
from cifar_core.jobs.log import end_line
from cifar_core.lifecycle.final_status import move_or_retry
from cifar_core.lifecycle.states import Status, TrainingProgress, Verb
from cifar_core.lifecycle.status import move, read_state, write_progress
from cifar_core.lifecycle.supervise import STILL_COMPUTING
from cifar_core.machine import explain_memory_error, keep_memory, lower_priority, peak_memory
from cifar_core.runs.estimate.speed import read_speed
from cifar_core.runs.records import MAX_WARNINGS, TrainingRecord, read_training_record, run_config
from cifar_core.runs.results import read_lines
from cifar_core.runs.run import DatasetFacts
from cifar_core.runs.run_folder import RunFolder, checkpoint_files
from cifar_core.runs.training.checkpoints import Checkpoints, Loaded
from cifar_core.runs.training.recorder import STATUS_SECONDS, Recorder, line_text
from cifar_core.runs.training.requests import CutShortError, RunRequests
from cifar_core.storage.atomic import sweep_temp, write_atomic
from cifar_core.storage.json_files import read_start, write_json
from cifar_core.storage.locks import hold_lock
from cifar_core.train import should_stop_early
from cifar_core.train.batches import TrainingData, load_training_data
from cifar_core.train.device import pick_device, pick_precision
from cifar_core.train.trainer import Ending, Signal, Trainer
from cifar_core.workspace import Workspace

_FIRST_LINE = 300  # characters
_ORPHAN_SECONDS = 60.0  # how long to wait for an orphan of a killed worker to notice
_OUTCOMES = {
    Ending.FINISHED: Verb.FINISH,
    Ending.STOPPED: Verb.STOP,
    Ending.PAUSED: Verb.PAUSE,
}


def train_run(folder: RunFolder, requests: RunRequests) -> None:
    """Train a run from its folder alone, from its checkpoint where there is one, and write how it ended.

    Raises:
        CifarCoreError: the data, the settings, the disk or the training itself refused.
    """
    config = run_config(folder)
    _sweep_unfinished(folder)
    before = read_state(folder).progress or TrainingProgress("", epochs=config.optimizer.epochs)
    starting = before.before_training("loading pictures")
    write_progress(folder, starting)
    if _is_complete(folder, config):
        _write_ending(folder, Ending.FINISHED, requests, starting)
        return
    device = pick_device(config.machine.device)
    precision = _precision_of(folder, config, device)
    torch.set_num_threads(threads_of(folder))
    try:
        dataset = _dataset(folder, config, starting, requests)
        require_unchanged(dataset)
        requests.obey()
    except CutShortError as cut:
        ending = Ending.PAUSED if cut.args[0] is Signal.PAUSE else Ending.STOPPED
        _write_ending(folder, ending, requests, starting)
        return
    data = load_training_data(dataset, config.data, config.machine.seed, device)
    checkpoints = Checkpoints(folder)
    found = _found(folder, dataset, data)
    loaded = checkpoints.load(lambda: Trainer(config, data, device, precision))
    trainer = loaded.trainer
    facts = TrainingRecord(found, str(device), torch.get_num_threads(), config.flat(), precision=precision)
    facts = _with_history(facts, read_training_record(folder), loaded)
    write_json(folder.facts, asdict(facts))
    _cut_metrics(folder, trainer)
    recorder = Recorder(folder, dataset, trainer, checkpoints, requests.now)
    requests.allow(config.machine.max_seconds)
    ending = trainer.fit(recorder)
    if ending is not Ending.FINISHED:
        checkpoints.save(trainer)
    else:
        with contextlib.suppress(StorageError):  # it has finished all the same
            recorder.on_end()
    elapsed = max(trainer.seconds, recorder.progress.elapsed)  # whole epochs, and the part of one that was cut short
    write_json(folder.facts, asdict(replace(facts, peak_memory=peak_memory())))
    _write_ending(folder, ending, requests, replace(recorder.progress, elapsed=elapsed))


def _sweep_unfinished(folder: RunFolder) -> None:
    """Remove the unfinished files that an earlier process of this run left."""
    by_others = (folder.about, folder.stop_file, folder.pause_file)  # these may be being written at this moment
    for place in (folder.path, *(item for item in folder.path.iterdir() if item.is_dir() and not item.is_symlink())):
        sweep_temp(place, older_than=0, spare=by_others)


def _is_complete(folder: RunFolder, config: RunConfig) -> bool:
    """Whether an earlier process did all but say that the run has finished: its last step before is to drop checkpoints."""
    lines, _ = read_lines(folder)
    enough = len(lines) == config.optimizer.epochs or (lines and should_stop_early(lines, config.optimizer.patience))
    return bool(enough) and not checkpoint_files(folder)


def threads_of(folder: RunFolder) -> int:
    """As many as the run began with (another number would round differently), else what a speed found fastest.

    More than this machine has cores would only be in each other's way: a run that came from a larger one takes the latter.
    """
    facts = read_training_record(folder)
    if facts and 0 < facts.threads <= (os.cpu_count() or 1):
        return facts.threads
    speed = read_speed(Workspace(folder.path.parents[1]))
    return speed.threads if speed else torch.get_num_threads()


def _precision_of(folder: RunFolder, config: RunConfig, device: torch.device) -> Precision:
    """What is best here, but float32 for a run that began so: bfloat16 would round differently."""
    facts = read_training_record(folder)
    return "float32" if facts and facts.precision == "float32" else pick_precision(config.model, device)


def _write_ending(folder: RunFolder, ending: Ending, requests: RunRequests, progress: TrainingProgress) -> None:
    verb = Verb.INTERRUPT if ending is Ending.STOPPED and requests.interrupted else _OUTCOMES[ending]
    error = requests.reason if ending is Ending.STOPPED else ""
    move(folder, verb, progress=replace(progress, phase=ending.value, seconds_left=None), error=error)


def _dataset(folder: RunFolder, config: RunConfig, starting: TrainingProgress, requests: RunRequests) -> Dataset:
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
        requests.obey()
        if time.monotonic() - told > STATUS_SECONDS:
            told = time.monotonic()
            phase = f"drawing pictures, {done:,} of {total:,}"
            with contextlib.suppress(StorageError):  # only for onlookers; pictures that cannot be kept end the run
                write_progress(folder, starting.before_training(phase))

    return prepare_drawn10(workspace, show)


def _found(folder: RunFolder, dataset: Dataset, data: TrainingData) -> DatasetFacts:
    """The dataset as it is; a resumed run must find the same data.

    Raises:
        RunError: the dataset has changed since the run began.
    """
    found = DatasetFacts(
        dataset.name, dataset.class_names, dataset.mean, dataset.std, dataset.fingerprint,
        len(data.train), len(data.validation), len(data.test),
    )  # fmt: skip
    before = read_training_record(folder)
    if before and before.dataset.fingerprint != dataset.fingerprint:
        raise RunError(f"The dataset {dataset.name} has changed since this run began: start a new run instead.")
    return found


def _with_history(facts: TrainingRecord, before: TrainingRecord | None, loaded: Loaded) -> TrainingRecord:
    """Add what a person should know of a run that was brought back: whether it is bit-exact still, and what was odd."""
    done = len(loaded.trainer.lines)
    if before is None or (done == 0 and loaded.trainer.batch == 0):  # nothing of earlier processes is left in it
        before = facts
    warnings = [*before.warnings]
    if loaded.changed:
        warnings.append(f"Not bit-exact: from epoch {done + 1} on it was computed {loaded.changed}.")
    exact = before.exact and not loaded.changed
    return replace(facts, exact=exact, warnings=(*warnings, *loaded.remarks)[:MAX_WARNINGS])


def _cut_metrics(folder: RunFolder, trainer: Trainer) -> None:
    """Let the logged epochs be those of the trainer: what was logged beyond its checkpoint is trained again."""
    lines = "".join(line_text(line) + "\n" for line in trainer.lines).encode()
    if not folder.metrics.exists() or read_start(folder.metrics, len(lines) + 1) != lines:
        write_atomic(folder.metrics, lines)


def main() -> int:
    """Train the run of `--run-dir`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run-dir", required=True, type=Path)
    parser.add_argument("--parent", required=True, type=int, help="Process id of the worker, which this one dies with.")
    arguments = parser.parse_args()
    keep_memory()
    lower_priority()
    return compute(RunFolder(arguments.run_dir), arguments.parent)


def compute(folder: RunFolder, parent: int) -> int:
    """Be the process that computes a run, of the worker `parent`; what goes wrong ends in its status as one sentence.

    Returns:
        The exit code: 0 when the run came to an end it chose.
    """
    requests = RunRequests(folder, parent)
    with hold_lock(folder.training_lock, timeout=_ORPHAN_SECONDS) as mine:
        if not mine:
            return STILL_COMPUTING
        if requests.is_orphan():
            return 1  # the run may be in other hands by now: nothing of it is touched
        sys.excepthook = _fail_in_words(folder)
        try:
            train_run(folder, requests)
        except CifarCoreError as error:
            _write_failure(folder, str(error))
            return 1
    return 0


def _fail_in_words(folder: RunFolder) -> Callable[..., None]:
    """For what nobody foresaw: its first line into the status, the traceback into the log."""

    def fail(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        sys.__excepthook__(kind, error, trace)
        first_line = (str(error).strip().splitlines() or [""])[0][:_FIRST_LINE]
        told = f"{kind.__name__}: {first_line}"
        _write_failure(folder, explain_memory_error(told) or f"The training failed: {told}")

    return fail


def _write_failure(folder: RunFolder, error: str) -> None:
    """The sentence goes into the log as well, where a status that cannot be written leaves it to the worker."""
    with contextlib.suppress(OSError):  # of a worker that is dead nobody carries the words to the log
        print(f"\n{end_line(Status.FAILED, error)}", file=sys.stderr)
    with contextlib.suppress(CifarCoreError):
        move_or_retry(folder, Verb.FAIL, error)


def _end_at_once(code: int) -> NoReturn:
    """End this process without taking torch apart, which takes seconds on a busy machine while the run's slot is waited for.

    All results are on the disk by now; whatever else this process began ends with it.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    _end_at_once(main())
