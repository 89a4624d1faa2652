"""The training process of a run: reads the run folder's config, trains, and writes all results into the folder.

Started by `cifar_core.lifecycle.worker`. The training loop itself does not access the disk: it calls
`cifar_core.runs.training.recorder`, which writes the results.
"""

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import NoReturn

import torch

from cifar_core.config import Precision, RunConfig
from cifar_core.errors import CifarCoreError, DivergedError, LostRankError
from cifar_core.jobs.log import end_line
from cifar_core.lifecycle.final_status import move_or_retry
from cifar_core.lifecycle.place import read_place
from cifar_core.lifecycle.queue import slots
from cifar_core.lifecycle.ranks.environment import rank_here, threads_of_rank
from cifar_core.lifecycle.requests import EndRequests, TerminationSignal, control_files
from cifar_core.lifecycle.states import EndRequest, Status, TrainingProgress
from cifar_core.lifecycle.status import move, read_state, write_progress
from cifar_core.lifecycle.supervise import LOST_RANKS, STILL_COMPUTING
from cifar_core.machine import explain_memory_error, keep_memory, lower_priority, peak_memory
from cifar_core.runs.epoch_log import line_text, read_lines, read_points
from cifar_core.runs.estimate.speed import read_speed
from cifar_core.runs.old_schemas import carry_over
from cifar_core.runs.records import (
    MAX_WARNINGS,
    TrainingRecord,
    read_creation,
    read_training_record,
    run_config,
)
from cifar_core.runs.run_folder import RunFolder, checkpoint_files
from cifar_core.runs.training.checkpoints import Checkpoints, Loaded
from cifar_core.runs.training.kept_data import KeptData
from cifar_core.runs.training.record_writer import begin_records
from cifar_core.runs.training.recorder import Recorder, write_samples
from cifar_core.runs.training.run_dataset import (
    CutShortError,
    checked_dataset,
    dataset_facts,
    has_usual_start,
    raise_if_ending,
    seen_by_run,
)
from cifar_core.runs.training.several import assist, new_trainer, said_of_ranks, tell_beginning, tell_state
from cifar_core.runs.training.start import begin_from_start
from cifar_core.storage.atomic import sweep_temp, write_atomic
from cifar_core.storage.json_files import read_start, write_json
from cifar_core.storage.locks import hold_lock
from cifar_core.train import EpochLine, EpochPoint, should_stop_early
from cifar_core.train.device import pick_device, pick_precision
from cifar_core.train.ranks import join_ranks, local_ranks, lost_ranks, rank_device
from cifar_core.train.trainer import Trainer

_FIRST_LINE = 300  # characters
_ORPHAN_SECONDS = 60.0  # to wait until the training process of a killed worker has noticed that and ended


def train_run(folder: RunFolder, requests: EndRequests, kept: KeptData) -> None:
    """Train a run, which its folder describes, from its checkpoint where there is one, and write how it ended.

    Args:
        folder: of the run.
        requests: to it.
        kept: of the runs before in this process.

    Raises:
        LostRankError: another process of this training is gone or late; the run can go on from its checkpoint.
        CifarCoreError: an error of the data, the settings, the disk or the training itself.
    """
    config, begun = run_config(folder), folder.status.stat().st_mtime  # when the worker wrote that it starts this
    starting = _begin(folder, config)
    if _is_complete(folder, config):
        _write_end(folder, None, requests, starting)
        return
    is_usual = has_usual_start(folder, config, kept)
    device, precision = _take_device(folder, config)
    creation = read_creation(folder)
    try:
        ranks = join_ranks(device, waiting=lambda: raise_if_ending(requests))
        dataset, check = checked_dataset(folder, config, starting, requests, kept)
        tell_beginning(ranks, dataset, precision)
        data = kept.load(dataset, config, device, creation.split_rule)
        seen, unknown = seen_by_run(folder, dataset, check, data, requests)
    except CutShortError as cut:
        _write_end(folder, cut.request, requests, starting)
        return
    checkpoints, facts = Checkpoints(folder), dataset_facts(dataset, data, kept, seen, check.shortcuts)
    loaded = checkpoints.load(lambda: new_trainer(config, data, device, precision, creation, ranks))
    trainer = loaded.trainer
    notes = (*begin_from_start(folder, creation, trainer, dataset.class_names), *unknown, *said_of_ranks(trainer))
    tell_state(trainer)
    _rewind(folder, trainer)
    threads, start_up = torch.get_num_threads(), max(0.0, time.time() - begun) if is_usual else None
    record = TrainingRecord(facts, device.type, threads, config.flat(), precision=precision, warnings=notes)
    record = replace(_with_warnings(record, read_training_record(folder), loaded), start_up=start_up)
    record = begin_records(folder, record, dataset, trainer)
    write_samples(folder, dataset, data, seen)
    write_json(folder.facts, asdict(record))
    recorder = Recorder(folder, dataset, trainer, checkpoints, record, requests.now)
    requests.limit.start()
    request = trainer.fit(recorder)
    if request is not None:
        checkpoints.save(trainer)
    else:
        recorder.on_end()
    write_json(folder.facts, asdict(replace(record, peak_memory=peak_memory())))
    elapsed = max(trainer.seconds, recorder.progress.elapsed)  # the trainer counts whole epochs only
    _write_end(folder, request, requests, replace(recorder.progress, elapsed=elapsed))


def _begin(folder: RunFolder, config: RunConfig) -> TrainingProgress:
    """Tidy the folder up, and write and return the progress of a run that loads its pictures."""
    _sweep_unfinished(folder)
    before = read_state(folder).progress or TrainingProgress("", epochs=config.optimizer.epochs)
    starting = before.before_training("loading pictures")
    write_progress(folder, starting)
    return starting


def _sweep_unfinished(folder: RunFolder) -> None:
    """Remove the unfinished files that an earlier process of this run left."""
    by_others = (folder.about, *control_files(folder).values())  # another process may be writing these now
    for place in (folder.path, *(item for item in folder.path.iterdir() if item.is_dir() and not item.is_symlink())):
        sweep_temp(place, older_than=0, spare=by_others)


def _is_complete(folder: RunFolder, config: RunConfig) -> bool:
    """Whether an earlier process trained all epochs and removed the checkpoints, but could not write that status."""
    lines, _ = read_lines(folder)
    rule, settings = read_creation(folder).epoch_rule, config.optimizer
    enough = len(lines) == settings.epochs or should_stop_early(lines, settings.patience, rule)
    return enough and not checkpoint_files(folder)


def threads_of(folder: RunFolder) -> int:
    """As many threads as the run began with, because another number would round differently.

    A new run, and one that began with more threads than this machine has cores, takes the number that is fastest here.
    Each of several processes of one training takes at most its share of the cores. A trial of a sweep does too, beside
    which as many others train as there are slots. On a cluster a run takes as many as it has been given processors.
    """
    record, cores, given = read_training_record(folder), os.cpu_count() or 1, read_place(folder).cpus
    if record and 0 < record.threads <= cores:
        return record.threads
    if given:
        return max(1, given // local_ranks())
    speed = read_speed(folder.workspace)
    threads = speed.threads if speed else torch.get_num_threads()
    threads = threads_of_rank(threads, local_ranks())
    return min(threads, max(1, cores // slots(folder.workspace))) if read_creation(folder).sweep else threads


def _take_device(folder: RunFolder, config: RunConfig) -> tuple[torch.device, Precision]:
    """The device and the precision of this process; sets its number of threads."""
    device = rank_device(pick_device(config.machine.device))
    torch.set_num_threads(threads_of(folder))
    return device, _precision_of(folder, config, device)


def _precision_of(folder: RunFolder, config: RunConfig, device: torch.device) -> Precision:
    """The best precision on this machine, but float32 for a run that began in it: bfloat16 would round differently."""
    record = read_training_record(folder)
    return "float32" if record and record.precision == "float32" else pick_precision(config.model, device)


def _write_end(
    folder: RunFolder, request: EndRequest | None, requests: EndRequests, progress: TrainingProgress
) -> None:
    """Write how the run ended: by a request, or finished where there was none."""
    end, error = (request.leads_to, requests.reason(request)) if request else (Status.FINISHED, "")
    move(folder, end, progress=replace(progress, phase=end.value, seconds_left=None), error=error)


def _with_warnings(record: TrainingRecord, before: TrainingRecord | None, loaded: Loaded) -> TrainingRecord:
    """Add the warnings of earlier processes and of the resumption, and whether the run is still bit-exact."""
    done = len(loaded.trainer.lines)
    if before is None or (done == 0 and loaded.trainer.batch == 0):  # it starts again: earlier warnings do not apply
        before = record
    warnings = [*before.warnings]
    if loaded.changed:
        warnings.append(f"Not bit-exact: from epoch {done + 1} on it was computed {loaded.changed}.")
    exact = before.exact and not loaded.changed
    return replace(record, exact=exact, warnings=(*warnings, *loaded.warnings)[:MAX_WARNINGS])


def _rewind(folder: RunFolder, trainer: Trainer) -> None:
    """Make the logs those of the trainer's checkpoint: what came after it is trained again, a crash may have cost some.

    The points within epochs come first, so that none is ever of a later epoch than the next one. A run of an earlier
    schema is carried over last: the log says of which epoch the only file of weights of schema 1 is.
    """
    if folder.within_epochs.exists():
        here = (len(trainer.lines) + 1, trainer.batch)
        _write_lines(folder.within_epochs, [point for point in read_points(folder)[0] if point.place <= here])
    _write_lines(folder.metrics, trainer.lines)
    carry_over(folder)


def _write_lines(path: Path, lines: Sequence[EpochLine | EpochPoint]) -> None:
    content = "".join(line_text(line) + "\n" for line in lines).encode()
    if not path.exists() or read_start(path, len(content) + 1) != content:
        write_atomic(path, content)


def main() -> int:
    """Train the run of `--run-dir`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run-dir", required=True, type=Path)
    parser.add_argument("--parent", required=True, type=int, help="The worker's process id; it ends with the worker.")
    arguments = parser.parse_args()
    keep_memory()
    lower_priority()
    folder = RunFolder(arguments.run_dir)
    return assist(folder) if rank_here().rank else compute(folder, arguments.parent)


def compute(
    folder: RunFolder, parent: int, termination: TerminationSignal | None = None, kept: KeptData | None = None
) -> int:
    """Train a run as the child process of the worker `parent`; a failure is written to the status as one sentence.

    Args:
        folder: of the run.
        parent: process id.
        termination: of this process, where it listens to it already.
        kept: as of `train_run`; None where this is the first run of its process.

    Returns:
        The exit code: 0 where the run finished, was stopped or was paused.
    """
    requests = EndRequests(folder, termination, parent=parent)
    with hold_lock(folder.training_lock, timeout=_ORPHAN_SECONDS) as acquired:
        if not acquired:
            return STILL_COMPUTING
        if requests.is_orphan():
            return 1  # another worker may have the run by now, so its files are left alone
        sys.excepthook = _failure_hook(folder)
        try:
            with lost_ranks():
                train_run(folder, requests, kept or KeptData())
        except LostRankError as error:  # its launcher starts all processes again, so the run has not failed
            print(error, file=sys.stderr)
            return LOST_RANKS
        except CifarCoreError as error:
            _write_failure(folder, str(error), diverged=isinstance(error, DivergedError))
            return 1
    return 0


def _failure_hook(folder: RunFolder) -> Callable[..., None]:
    """An excepthook: writes the first line of an unexpected error to the status, and its traceback to the log."""

    def fail(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        sys.__excepthook__(kind, error, trace)
        first_line = (str(error).strip().splitlines() or [""])[0][:_FIRST_LINE]
        reason = f"{kind.__name__}: {first_line}"
        _write_failure(folder, explain_memory_error(reason) or f"The training failed: {reason}")

    return fail


def _write_failure(folder: RunFolder, error: str, *, diverged: bool = False) -> None:
    """Write the error to the status, and to the log, where the worker finds it if the status cannot be written."""
    with contextlib.suppress(OSError):  # the pipe to the log is closed where the worker is dead
        print(f"\n{end_line(Status.FAILED, error)}", file=sys.stderr)
    with contextlib.suppress(CifarCoreError):
        move_or_retry(folder, Status.FAILED, error, diverged=diverged)


def exit_without_cleanup(code: int) -> NoReturn:
    """End this process without unloading torch, which takes seconds on a busy machine and keeps the run's slot taken.

    All results are on the disk by now, and child processes end with this one.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    exit_without_cleanup(main())
