"""The files `trials/NNNNNN.json` of a sweep: what was proposed, written before a run of it is made."""

import functools
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from cifar_core.runs.control.ids import new_run_id
from cifar_core.storage.atomic import make_folder
from cifar_core.storage.disk_errors import storage_errors
from cifar_core.storage.json_files import read_json, write_json
from cifar_core.storage.json_types import Count, Ordinal
from cifar_core.storage.parse import Rule, parse
from cifar_core.sweeps.folder import SweepFolder
from cifar_core.sweeps.plan import MOST_SEEDS
from cifar_core.sweeps.plan_file import checked_settings
from cifar_core.text import MB, one_line

_NAME = re.compile(r"\d{6}\.json", re.ASCII)
_SEEDS = Rule(f"1 to {MOST_SEEDS} different seeds", lambda found: 1 <= len(found) == len(set(found)) <= MOST_SEEDS)
Seeds = Annotated[tuple[Count, ...], _SEEDS]
_Stamp = tuple[int, int, int]

# Folder of trials -> name of a file -> its stamp when it was last read, and what it held.
_CACHE: dict[Path, dict[str, tuple[_Stamp, "TrialFile | str"]]] = {}


@dataclass(frozen=True)
class TrialFile:
    """One candidate, as its owner wrote it."""

    number: Ordinal  # in the sweep, in the order of the proposals
    settings: Mapping[str, Any]  # the swept settings that have an effect
    seeds: Seeds  # of its runs
    pruned: bool = False  # whether the sweep stopped it early
    replaces: Ordinal | None = None  # number of the lost trial that it repeats (shared study)
    lost: bool = False  # whether others took its owner for dead and repeat it (shared study)
    schema_version: Ordinal = 1


def trial_nonce(sweep_id: str, number: int, seed: int) -> str:
    """The nonce with which a run of a candidate is made: once, whoever makes it how often."""
    return f"{sweep_id} {number} {seed}"


@functools.lru_cache(maxsize=2**16)  # pages ask for those of all trials at every rerun
def trial_run_id(sweep_id: str, number: int, seed: int) -> str:
    """The id of the run of a candidate with a seed, whether it is made yet or not."""
    return new_run_id(trial_nonce(sweep_id, number, seed))


def write_trial(folder: SweepFolder, trial: TrialFile) -> None:
    """Write the file of a candidate, whole; an earlier one is replaced.

    Raises:
        StorageError: the disk refused; the earlier file is whole.
    """
    make_folder(folder.trials)
    write_json(folder.trial(trial.number), asdict(trial))


def read_trial_files(folder: SweepFolder) -> dict[int, TrialFile | str]:
    """All candidates by their numbers, in ascending order; a sentence in place of one whose file breaks a rule.

    A file that has not changed since this process last read it is not read again.

    Raises:
        StorageError: the folder of the trials cannot be read.
    """
    before = _CACHE.get(folder.trials, {})
    now: dict[str, tuple[_Stamp, TrialFile | str]] = {}
    for name, stamp in _stamps(folder.trials):
        cached = before.get(name)
        now[name] = cached if cached and cached[0] == stamp else (stamp, _read(folder, name))
    _CACHE[folder.trials] = now
    return {int(name[:6]): now[name][1] for name in sorted(now)}


def _stamps(folder: Path) -> list[tuple[str, _Stamp]]:
    """The names of the files of trials with the time, size and inode of each; none where there is no folder."""
    found = []
    with storage_errors(f"listing {folder.name}", to="read"):
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if _NAME.fullmatch(entry.name):
                        at = entry.stat(follow_symlinks=False)
                        found.append((entry.name, (at.st_mtime_ns, at.st_size, at.st_ino)))
        except FileNotFoundError:
            pass
    return found


def _read(folder: SweepFolder, name: str) -> TrialFile | str:
    try:
        found = parse(TrialFile, read_json(folder.trials / name, max_bytes=MB), exact=False)
        if f"{found.number:06d}.json" != name:
            raise ValueError(f"its number is {found.number}")
        settings = checked_settings(found.settings)
    except OSError as error:
        return f"trials/{name} cannot be read ({error.strerror or error})."
    except ValueError as error:
        return f"trials/{name} breaks a rule ({one_line(error)})."
    return replace(found, settings=settings)
