"""Runs on the disk: read one, list all. Reads the run folders, writes nothing."""

import datetime
import os
from pathlib import Path

from cifar_core.config import RunConfig, make_config
from cifar_core.errors import CifarCoreError, RunError
from cifar_core.lifecycle.life_folder import CONFIG, LOG, STATUS
from cifar_core.lifecycle.queue import tickets
from cifar_core.lifecycle.states import Status, TrainingProgress
from cifar_core.lifecycle.status import silent_since, state_now
from cifar_core.runs.about import read_about
from cifar_core.runs.records import read_creation, read_training_record
from cifar_core.runs.results import read_lines
from cifar_core.runs.run import MAX_ERROR, MAX_NOTE, MAX_PERSON, MAX_RUN_NAME, Run
from cifar_core.runs.run_folder import ABOUT, FACTS, METRICS, RunFolder, is_run_id, run_folder
from cifar_core.storage.atomic import subfolders
from cifar_core.text import one_line, some_lines
from cifar_core.train import best_line
from cifar_core.workspace import Workspace

_SEEN: dict[Path, tuple[tuple[object, ...], Run]] = {}  # run folder -> its files' marks when read, and what was read
_FILES = (CONFIG, STATUS, LOG, ABOUT, FACTS, METRICS)


def read_run(workspace: Workspace, run_id: str) -> Run:
    """One run as it stands now; `latest` is the newest.

    Raises:
        RunError: no such run, or its folder cannot be read.
    """
    run = read_anyway(run_folder(workspace, resolve_run(workspace, run_id)))
    if run.problem:
        raise RunError(run.problem)
    return run


def resolve_run(workspace: Workspace, run_id: str) -> str:
    """The id behind `latest`; any other text comes back as it is.

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
    """All runs, newest first; a folder that cannot be read is listed with its `problem` and hides no other.

    A run that says it was made in the future, as after a clock was set back, comes last, so that it is not `latest` for ever.

    A run whose files have not changed since this process last read them is not read again.

    Raises:
        StorageError: the folder of the runs cannot be read.
    """
    now = datetime.datetime.now(datetime.UTC)
    names = {name for name in subfolders(workspace.runs) if is_run_id(name)}
    for gone in [path for path in list(_SEEN) if path.parent == workspace.runs and path.name not in names]:
        _SEEN.pop(gone, None)
    runs = [_read_if_changed(RunFolder(workspace.runs / name)) for name in names]
    return sorted(runs, key=lambda run: (run.made_at <= now, run.made_at, run.id), reverse=True)


def _read_if_changed(folder: RunFolder) -> Run:
    marks = _marks(folder)  # before reading: a file that changes meanwhile has others the next time
    seen = _SEEN.get(folder.path)
    if seen is not None and seen[0] == marks:
        return seen[1]
    run = read_anyway(folder)
    if run.active or run.problem:  # a lock may tell more
        _SEEN.pop(folder.path, None)
    else:
        _SEEN[folder.path] = (marks, run)
    return run


def _marks(folder: RunFolder) -> tuple[tuple[int, int, int] | None, ...]:
    """What changes whenever a file that `read_anyway` reads does."""
    marks: list[tuple[int, int, int] | None] = []
    for name in _FILES:
        try:
            found = os.stat(folder.text_of(name))  # noqa: PTH116 - twice as fast, and lists are long
            marks.append((found.st_mtime_ns, found.st_size, found.st_ino))
        except OSError:
            marks.append(None)
    return tuple(marks)


def read_anyway(folder: RunFolder) -> Run:
    """A run as it stands now; one that cannot be read with its `problem`."""
    try:
        return _read_whole(folder)
    except RunError as error:
        problem = str(error)
    except (CifarCoreError, OSError, ValueError) as error:
        problem = f"Run {folder.path.name} cannot be read: {error}"
    return Run(folder.path.name, folder.path.name, "", Status.FAILED, RunConfig(), "", problem=problem)


def _read_whole(folder: RunFolder) -> Run:
    made = read_creation(folder)
    state = state_now(folder)
    config = make_config(made.settings)
    about = read_about(folder)
    facts = read_training_record(folder)
    lines, faulty = read_lines(folder)
    identity = folder.path.name
    return Run(
        id=identity, name=one_line(about.get("name") or "", MAX_RUN_NAME) or identity, note=some_lines(about.get("note", ""), MAX_NOTE),
        status=state.status, config=config, created=made.created, error=one_line(state.error, MAX_ERROR), progress=state.progress,
        best=best_line(lines), last=lines[-1] if lines else None,
        dataset=facts.dataset if facts else None, device=one_line(facts.device) if facts else "",
        precision=one_line(facts.precision) if facts else "",
        expected_seconds=made.expected_seconds, peak_memory=facts.peak_memory if facts else None,
        person=one_line(made.person, MAX_PERSON), made_from=made.made_from,
        imported=made.origin != "",
        ticket=tickets(folder.workspace).get(identity) if state.status is Status.QUEUED else None,
        silent_since=silent_since(folder, state, _step_seconds(config, state.progress)),
        exact=facts is None or facts.exact,
        warnings=tuple(one_line(item, MAX_ERROR) for item in (*(facts.warnings if facts else ()), *faulty)),
    )  # fmt: skip


def _step_seconds(config: RunConfig, progress: TrainingProgress | None) -> float:
    """How long a training step of a run takes, on the average of its running epoch; 0 before its first."""
    rate = progress.images_per_second if progress else 0.0
    return config.optimizer.batch_size / rate if rate > 0 else 0.0
