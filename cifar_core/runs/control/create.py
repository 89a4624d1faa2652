"""Makes the folder of a new run, whole or not at all, after checking that the run is allowed and fits this machine."""

import datetime
import functools
import importlib.metadata
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cifar_core import __version__
from cifar_core.config import RunConfig, for_dataset, require_validation
from cifar_core.data import dataset_state, open_dataset
from cifar_core.data.sources.drawn10 import DRAWN10_CLASSES, DRAWN10_NAME
from cifar_core.errors import ConfigError, RunError
from cifar_core.lifecycle.place import LOCAL, Place, place_problems, write_place
from cifar_core.lifecycle.status import write_first_status
from cifar_core.limits import require_room
from cifar_core.runs.about import clean_run_name
from cifar_core.runs.control.admission import (
    exclusive_run_changes,
    require_class_limits,
    require_memory,
    require_person_limit,
    run_bytes,
)
from cifar_core.runs.control.ids import new_run_id
from cifar_core.runs.estimate.estimate import estimate_run
from cifar_core.runs.estimate.speed import read_speed
from cifar_core.runs.going_on.starting_point import StartingPoint
from cifar_core.runs.listing import list_runs
from cifar_core.runs.run import COLOURS, MAX_LESSON, MAX_PERSON, RUN_SCHEMA, Run
from cifar_core.runs.run_folder import RunFolder
from cifar_core.storage.atomic import make_folder, new_folder
from cifar_core.storage.json_files import write_json
from cifar_core.text import clean_text
from cifar_core.train import LOWEST_LOSS, ONE_OF_THREE, training_parts
from cifar_core.workspace import Workspace

_PACKAGES = ("torch", "torchvision", "numpy", "streamlit")
_REPOSITORY = Path(__file__).resolve().parents[3]


def create_run(  # noqa: PLR0913 - what a run may come of, all by name
    workspace: Workspace,
    config: RunConfig,
    *,
    nonce: str = "",
    person: str = "",
    parent: str = "",
    name: str = "",
    lesson: str = "",
    start: StartingPoint | None = None,
    sweep: str = "",
    trial: int = 0,
    place: Place = LOCAL,
) -> str:
    """Make the folder of a new run, whole or not at all; `start_run` starts it.

    Args:
        workspace: where the run is made.
        config: checked settings.
        nonce: the same text twice gives the same run, so that a double click makes one.
        person: who asks, where there is a login; counted against `runs_per_person`.
        parent: id of the run whose settings these are.
        name: what people call it, as `rename_run` takes it; empty: it is called by its id.
        lesson: of a class, which it belongs to, as its link says; empty: none.
        start: the weights that it begins with, and the run that they are of, which is its parent then.
        sweep, trial: id of the sweep that it is a trial of, and the number of its candidate there, from 1.
        place: where it is computed; memory and expected time are those of this machine, so of no other one.

    Returns:
        The run's id.

    Raises:
        ConfigError: nothing would validate although training is to stop early, the machine's memory cannot hold the
            training, it has more epochs or parameters than the server allows, it has more processes than it asks for
            processors of its `place`, or `settings.json` breaks a rule.
        DataError: the dataset is not ready (`drawn10` may be absent: the run makes it) or is too small for its parts.
        RunError: the person already has as many runs as `runs_per_person` allows, the name or the lesson breaks a rule,
            or the dataset is not the one that `start` asks for.
        StorageError: there is no room, or the disk refused; no run was made.
    """
    classes, own = _require_dataset(workspace, config, start)
    require_validation(config, own)
    config = for_dataset(config, own)
    _require_means(config, classes, place)
    require_class_limits(workspace, config, classes, person)
    require_room(workspace, run_bytes(workspace, config), "The new run")
    name = clean_run_name(name)
    content: dict[str, Any] = {
        "settings": config.flat(),
        "person": clean_text(person, "person", MAX_PERSON, RunError),
        "parent": parent,
    }
    content |= {"lesson": words} if (words := clean_text(lesson, "lesson", MAX_LESSON, RunError)) else {}
    with exclusive_run_changes(workspace):
        run_id = new_run_id(nonce)
        while (workspace.runs / run_id).exists():
            if nonce:
                return run_id
            run_id = new_run_id()  # this random id is taken already
        runs = list_runs(workspace)
        require_person_limit(workspace, person, runs)
        content |= _provenance(workspace, config, runs, place) | (start.creation() if start else {})
        content |= {"origin": "trial", "sweep": sweep, "trial": trial} if sweep else {}
        _make_folder(workspace, run_id, name, content, start, place)
    return run_id


def _require_means(config: RunConfig, classes: int, place: Place) -> None:
    """Refuse a run that this machine's memory cannot hold, or that asks another place for too few processors."""
    if place == LOCAL:
        require_memory(config, classes)
    elif problems := place_problems(place, config.machine.processes):
        raise ConfigError(problems)


def _require_dataset(workspace: Workspace, config: RunConfig, start: StartingPoint | None) -> tuple[int, int]:
    """How many classes the run's dataset has, and how many validation pictures of its own; raises as `create_run`."""
    absent = dataset_state(workspace, config.data.dataset).state == "absent"
    if config.data.dataset == DRAWN10_NAME and (start is None or absent):  # the run makes it where it is absent
        return DRAWN10_CLASSES, 0
    dataset = open_dataset(workspace, config.data.dataset)
    if start and start.fingerprint not in ("", dataset.fingerprint):
        raise RunError(
            f"The dataset {dataset.name} is not the one that run {start.run} was trained on (its fingerprint differs), "
            "so it cannot be continued: train its weights on this one as another dataset (`train --from`)."
        )
    # DataError where one would be empty
    training_parts(dataset, config.data, config.machine.seed, start.split_rule if start else ONE_OF_THREE)
    return len(dataset.class_names), dataset.held


def _provenance(workspace: Workspace, config: RunConfig, runs: list[Run], place: Place) -> dict[str, Any]:
    """When and with which versions a run is made, and how long it is expected to take on this machine."""
    speed, dataset = read_speed(workspace), dataset_state(workspace, config.data.dataset)
    expected = estimate_run(config, speed, [dataset], runs) if place == LOCAL else None
    return made_now(runs) | {
        "origin": "trained",
        "expected_seconds": expected.training.middle if expected else None,
        "expected_low": expected.training.low if expected else None,
        "expected_high": expected.training.high if expected else None,
        "expected_start_up": expected.start_up if expected else None,
    }


def made_now(runs: Sequence[Run]) -> dict[str, Any]:
    """What the `config.json` of every new run says of when and by what it is made; `runs` as for `next_colour`."""
    return {
        "schema_version": RUN_SCHEMA,
        "first_schema": RUN_SCHEMA,
        "epoch_rule": LOWEST_LOSS,
        "split_rule": ONE_OF_THREE,
        "colour": next_colour(runs),
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
        "versions": {"python": platform.python_version(), **_versions()},
        "program": __version__,
        "code": _code_version(),
    }


def next_colour(runs: Sequence[Run]) -> int:
    """The colour that no newer run has had for the longest time, so that the newest runs differ.

    Args:
        runs: the newest first.
    """
    used = [run.colour for run in runs]
    return max(range(COLOURS), key=lambda colour: used.index(colour) if colour in used else len(used))


def _make_folder(
    workspace: Workspace,
    run_id: str,
    name: str,
    content: dict[str, Any],
    start: StartingPoint | None,
    place: Place,
) -> None:
    with new_folder(workspace.runs / run_id) as path:
        folder = RunFolder(path)
        make_folder(folder.predictions)
        write_json(folder.config, {"id": run_id, **content})
        if name:
            write_json(folder.about, {"name": name})
        if place != LOCAL:
            write_place(folder, place)
        if start is not None:
            start.give_to(folder)
        write_first_status(folder, content["settings"]["epochs"])


@functools.cache
def _versions() -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in _PACKAGES}


@functools.cache
def _code_version() -> str:
    """The commit that this code was checked out at when this process first asked; empty where there is no git."""
    command = ["git", "-C", str(_REPOSITORY), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
