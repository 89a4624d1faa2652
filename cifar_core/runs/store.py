"""Runs on the disk: make, read, list, name. Reads and writes the run folders, nothing else."""

import datetime
import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

from cifar_core import __version__
from cifar_core.config import RunConfig, make_config
from cifar_core.data import open_dataset
from cifar_core.data.drawn10 import CLASSES as DRAWN10_CLASSES
from cifar_core.data.drawn10 import NAME as DRAWN10
from cifar_core.errors import CifarCoreError, RunError
from cifar_core.files import make_folder, new_folder, read_json, subfolders, sweep_temp, write_json
from cifar_core.lifecycle.folder import CONFIG, LOG, STATUS
from cifar_core.lifecycle.queue import tickets
from cifar_core.lifecycle.states import Progress, Status
from cifar_core.lifecycle.status import queue_first, silent_since, state_now
from cifar_core.runs.allowance import one_at_a_time, require_turn, run_bytes
from cifar_core.runs.estimate import estimate_run
from cifar_core.runs.facts import Made, read_facts, read_made, require_changeable
from cifar_core.runs.folder import ABOUT, FACTS, METRICS, MOST_BYTES, RunFolder, is_run_id, run_folder
from cifar_core.runs.memory import require_memory
from cifar_core.runs.names import run_id as new_id
from cifar_core.runs.results import read_lines
from cifar_core.runs.schema import SCHEMA_VERSION, Run
from cifar_core.settings import require_room
from cifar_core.text import can_be_shown, one_line, some_lines
from cifar_core.train import best_line, split_training
from cifar_core.workspace import Workspace

_PACKAGES = ("torch", "torchvision", "numpy", "streamlit")
MAX_NAME = 80  # characters
MAX_NOTE = 2000
MAX_ERROR = 2000
MAX_PERSON = 254  # as an e-mail address
_SEEN: dict[Path, tuple[tuple[object, ...], Run]] = {}  # run folder -> its files' marks when read, and what was read
_FILES = (CONFIG, STATUS, LOG, ABOUT, FACTS, METRICS)
_CODE = Path(__file__).resolve().parents[2]


def create_run(
    workspace: Workspace, config: RunConfig, *, nonce: str = "", person: str = "", made_from: str = ""
) -> str:
    """Make the folder of a new run, whole or not at all; `start_run` sets it going.

    Args:
        workspace: where.
        config: checked settings.
        nonce: the same text twice gives the same run, so that a double click makes one.
        person: who asks, where there is a login; counted against `runs_per_person`.
        made_from: id of the run whose settings these are.

    Returns:
        The run's id.

    Raises:
        ConfigError: the machine's memory cannot hold the training, or the server's `settings.json` breaks a rule.
        DataError: the dataset is not ready (`drawn10` may be absent: the run makes it) or too small for the parts wanted.
        RunError: the person has as many runs as one may have.
        StorageError: there is no room, or the disk refused; no run was made.
    """
    classes = DRAWN10_CLASSES
    if config.data.dataset != DRAWN10:
        dataset = open_dataset(workspace, config.data.dataset)
        labels, classes = dataset.train.labels, len(dataset.class_names)
        shares = {"train_share": config.data.train_share, "validation_share": config.data.validation_share}
        split_training(labels, **shares, seed=config.machine.seed)  # refuses parts that would be empty
    require_memory(config, classes)
    require_room(workspace, run_bytes(workspace, config), "The new run")
    content = {"settings": config.flat(), "person": _clean(person, "person", MAX_PERSON), "made_from": made_from}
    with one_at_a_time(workspace):
        identity = new_id(nonce)
        while (workspace.runs / identity).exists():
            if nonce:
                return identity
            identity = new_id()  # two random ids met: draw again
        runs = list_runs(workspace)
        require_turn(workspace, person, runs)
        _make_folder(workspace, identity, config, content | _circumstances(workspace, config, runs))
    return identity


def _circumstances(workspace: Workspace, config: RunConfig, runs: list[Run]) -> dict[str, Any]:
    """What a run's config says beside its settings."""
    expected = estimate_run(workspace, config, runs)
    return {
        "schema_version": SCHEMA_VERSION,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
        "expected_seconds": expected.seconds if expected else None,
        "versions": {"python": platform.python_version(), **_versions()},
        "program": __version__,
        "code": _code_version(),
    }


def _make_folder(workspace: Workspace, identity: str, config: RunConfig, content: dict[str, Any]) -> None:
    with new_folder(workspace.runs / identity) as path:
        folder = RunFolder(path)
        make_folder(folder.history(1).parent)
        write_json(folder.config, {"id": identity, **content})
        queue_first(folder, config.optimizer.epochs)


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


def rename_run(workspace: Workspace, run_id: str, name: str) -> None:
    """Give a run a name of the person's own; an empty one takes it back.

    Raises:
        RunError: no such run, one of a newer version, an about.json that cannot be read, or a name that is too long or
            holds control characters.
    """
    _write_about(_changeable(workspace, run_id), name=_clean(name, "name", MAX_NAME))


def note_run(workspace: Workspace, run_id: str, note: str) -> None:
    """Keep a note with a run.

    Raises:
        RunError: no such run, one of a newer version, an about.json that cannot be read, or a note that is too long or
            holds control characters.
    """
    _write_about(_changeable(workspace, run_id), note=_clean(note, "note", MAX_NOTE, lines=True))


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
    made = read_made(folder)
    state = state_now(folder)
    config = make_config(made.settings)
    about = read_about(folder)
    facts = read_facts(folder)
    lines, faulty = read_lines(folder)
    identity = folder.path.name
    return Run(
        id=identity, name=one_line(about.get("name") or "", MAX_NAME) or identity, note=some_lines(about.get("note", ""), MAX_NOTE),
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


def _step_seconds(config: RunConfig, progress: Progress | None) -> float:
    """How long a training step of a run takes, on the average of its running epoch; 0 before its first."""
    rate = progress.images_per_second if progress else 0.0
    return config.optimizer.batch_size / rate if rate > 0 else 0.0


def origin_of(run: Made) -> str:
    """What tells a run from every other one wherever it is brought: given by its config, of which it is made."""
    made = {"id": run.id, "created": run.created, "settings": run.settings}
    return run.origin or hashlib.sha256(json.dumps(made, sort_keys=True).encode()).hexdigest()


def read_about(folder: RunFolder) -> dict[str, Any]:
    """Name and note that a person gave a run, as they stand in its file.

    Raises:
        RunError: the file cannot be read.
    """
    try:
        content = read_json(folder.text_of(ABOUT), max_bytes=MOST_BYTES[ABOUT])
        if not isinstance(content, dict):
            raise ValueError("it holds no mapping")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise RunError(f"Name and note of run {folder.run_id} cannot be read ({error}): remove its about.json, "
                       "then give them again.") from error  # fmt: skip
    return content


def _changeable(workspace: Workspace, run_id: str) -> RunFolder:
    folder = run_folder(workspace, run_id)
    require_changeable(folder)
    return folder


def _write_about(folder: RunFolder, **change: str) -> None:
    sweep_temp(folder.path)  # what a server that was killed just here left; who trains sweeps too
    write_json(folder.about, {**read_about(folder), **change})


def _clean(text: str, what: str, longest: int, *, lines: bool = False) -> str:
    text = text.strip()
    if len(text) > longest:
        raise RunError(f"The {what} has {len(text):,} characters; {longest:,} are allowed.")
    if not can_be_shown(text.replace("\n", "") if lines else text):
        raise RunError(f"The {what} holds a line break or another sign that cannot be shown: leave it out.")
    return text


def _versions() -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in _PACKAGES}


def _code_version() -> str:
    """The commit this code was checked out at, or nothing where there is no git."""
    command = ["git", "-C", str(_CODE), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
