"""Runs on the disk: reads one or lists all of them. Writes nothing."""

import datetime
import os
from dataclasses import replace
from pathlib import Path

from cifar_core.config import RunConfig
from cifar_core.errors import CifarCoreError, RunError
from cifar_core.lifecycle.life_folder import CONFIG, LOG, PLACE, STATUS
from cifar_core.lifecycle.place import read_place
from cifar_core.lifecycle.queue import round_of, tickets
from cifar_core.lifecycle.requests import persons_request
from cifar_core.lifecycle.runner import state_now
from cifar_core.lifecycle.states import ACTIVE, Status, TrainingProgress
from cifar_core.lifecycle.status import silent_since
from cifar_core.runs.about import link_of, read_about
from cifar_core.runs.epoch_log import read_lines
from cifar_core.runs.records import TrainingRecord, config_of, read_creation, read_training_record
from cifar_core.runs.run import COLOURS, MAX_ERROR, MAX_LESSON, MAX_NOTE, MAX_PERSON, MAX_RUN_NAME, Run, colour_of_id
from cifar_core.runs.run_folder import ABOUT, FACTS, METRICS, RunFolder, is_run_id, run_folder
from cifar_core.storage.atomic import subfolders
from cifar_core.text import one_line, some_lines
from cifar_core.train import best_line
from cifar_core.workspace import Workspace

# Run folder -> the stamps of its files when the run was last read, and the run.
_CACHE: dict[Path, tuple[tuple[object, ...], Run]] = {}
_FILES = (CONFIG, PLACE, STATUS, LOG, ABOUT, FACTS, METRICS)
_AS_CREATED = (  # fields that a run has as its `config.json` says
    "created epoch_rule origin parent sweep trial parent_epoch earlier_epochs "
    "expected_seconds expected_low expected_high expected_start_up"
).split()


def read_run(workspace: Workspace, run_id: str) -> Run:
    """A run as it is now; `latest` is the newest.

    Raises:
        RunError: no such run, or its folder cannot be read.
    """
    run = read_run_or_problem(run_folder(workspace, resolve_run(workspace, run_id)))
    if run.problem:
        raise RunError(run.problem)
    return run


def resolve_run(workspace: Workspace, run_id: str) -> str:
    """The id that `latest` stands for; any other text is returned as it is.

    Raises:
        RunError: `latest` was asked for and there is no run.
    """
    if run_id != "latest":
        return run_id
    readable = [run for run in list_runs(workspace) if not run.problem]
    if not readable:
        raise RunError("There is no run yet: train one first, with `make train` or on the Train page.")
    return readable[0].id


def list_runs(workspace: Workspace) -> list[Run]:
    """All runs, newest first; a folder that cannot be read is listed with its `problem` and hides no other run.

    A run that was made in the future, as after a clock was set back, comes last, so that it does not stay `latest`. A
    run whose files have not changed since this process last read them is not read again.

    Raises:
        StorageError: the folder of the runs cannot be read.
    """
    now, place = datetime.datetime.now(datetime.UTC), workspace.runs
    names = {name for name in subfolders(place) if is_run_id(name)}
    for gone in [path for path in list(_CACHE) if path.name not in names and path.parent == place]:
        _CACHE.pop(gone, None)
    runs = [_read_if_changed(RunFolder(place / name)) for name in names]
    return sorted(runs, key=lambda run: (run.made_at <= now, run.made_at, run.id), reverse=True)


def _read_if_changed(folder: RunFolder) -> Run:
    stamps = _stamps(folder)  # taken before reading: a file that changes meanwhile has another stamp the next time
    cached = _CACHE.get(folder.path)
    if cached is not None and cached[0] == stamps:
        return cached[1]
    run = read_run_or_problem(folder)
    if run.active or run.problem:  # its status may change with a lock or the clock, without a change of a file
        _CACHE.pop(folder.path, None)
    else:
        _CACHE[folder.path] = (stamps, run)
    return run


def _stamps(folder: RunFolder) -> tuple[tuple[int, int, int] | None, ...]:
    """Time, size and inode of each file that `read_run_or_problem` reads; a changed file has another stamp."""
    stamps: list[tuple[int, int, int] | None] = []
    for name in _FILES:
        try:
            found = os.stat(folder.text_of(name))  # noqa: PTH116 - twice as fast, and lists are long
            stamps.append((found.st_mtime_ns, found.st_size, found.st_ino))
        except OSError:
            stamps.append(None)
    return tuple(stamps)


def read_run_or_problem(folder: RunFolder) -> Run:
    """A run as it is now; a run that cannot be read says so in its `problem`."""
    try:
        return _read_whole(folder)
    except RunError as error:
        problem = str(error)
    except (CifarCoreError, OSError, ValueError) as error:
        problem = f"Run {folder.path.name} cannot be read: {error}"
    return Run(folder.path.name, folder.path.name, "", Status.FAILED, RunConfig(), "", problem=problem)


def _read_whole(folder: RunFolder) -> Run:
    creation = read_creation(folder)
    state = state_now(folder)
    config = config_of(creation)
    about = read_about(folder)
    record = read_training_record(folder)
    lines, faulty = read_lines(folder)
    run_id = folder.path.name
    run = Run(
        id=run_id,
        name=one_line(about.get("name") or "", MAX_RUN_NAME) or run_id,
        note=some_lines(about.get("note", ""), MAX_NOTE),
        status=state.status,
        config=config,
        **{name: getattr(creation, name) for name in _AS_CREATED},
        error=one_line(state.error, MAX_ERROR),
        progress=state.progress,
        best=best_line(lines, creation.epoch_rule),
        last=lines[-1] if lines else None,
        place=read_place(folder),
        person=one_line(creation.person, MAX_PERSON),
        lesson=one_line(creation.lesson, MAX_LESSON),
        validation_curve=tuple(line.validation_accuracy for line in lines if line.validation_accuracy is not None),
        colour=colour_of_id(creation.id) if creation.colour is None else creation.colour % COLOURS,
        from_zip=creation.identity != "",
        linked_dataset=link_of(about),
        diverged=state.diverged,
        ticket=tickets(folder.workspace).get(run_id) if state.status is Status.QUEUED else None,
        round=round_of(folder) if state.status is Status.QUEUED else 0,
        ending=persons_request(folder) if state.status in ACTIVE else None,
        silent_since=silent_since(folder, state, _step_seconds(config, state.progress)),
        warnings=tuple(one_line(item, MAX_ERROR) for item in faulty),
    )
    return run if record is None else _with_record(run, record)


def _with_record(run: Run, record: TrainingRecord) -> Run:
    """The run with what its training process found."""
    return replace(
        run,
        dataset=record.dataset,
        device=one_line(record.device),
        precision=one_line(record.precision),
        peak_memory=record.peak_memory,
        start_up=record.start_up,
        exact=record.exact,
        warnings=(*(one_line(item, MAX_ERROR) for item in record.warnings), *run.warnings),
    )


def _step_seconds(config: RunConfig, progress: TrainingProgress | None) -> float:
    """How long a training step of a run takes, on the average of the epoch that is running; 0 before the first step."""
    rate = progress.images_per_second if progress else 0.0
    return config.optimizer.batch_size / rate if rate > 0 else 0.0
