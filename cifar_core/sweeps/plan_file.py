"""`sweep.json`: the plan of a sweep, written once and read without trust."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from cifar_core.config import make_config, spec_of
from cifar_core.errors import ConfigError, SweepError
from cifar_core.runs.run import MAX_LESSON
from cifar_core.spec import parse_settings
from cifar_core.storage.json_files import read_json, write_json
from cifar_core.storage.parse import parse
from cifar_core.sweeps.folder import SweepFolder
from cifar_core.sweeps.plan import MOST_RUNS, SweepPlan
from cifar_core.text import MB, clean_text, one_line

SWEEP_SCHEMA = 1


def write_plan(folder: SweepFolder, plan: SweepPlan) -> None:
    """Write the plan of a new sweep, whose folder is being made.

    Raises:
        StorageError: the disk refused.
    """
    write_json(folder.plan, asdict(plan))


def read_plan(folder: SweepFolder) -> SweepPlan:
    """The plan of a sweep; lists of settings are tuples in its space and start points, as in `Dimension`.

    Raises:
        SweepError: it cannot be read, breaks a rule, or a newer version of this program wrote it.
    """
    try:
        content = read_json(folder.plan, max_bytes=4 * MB)
        schema = content.get("schema_version") if isinstance(content, dict) else None
        if isinstance(schema, int) and schema > SWEEP_SCHEMA:
            raise ValueError(f"a newer version of this program made it (schema {schema}): update it to open the sweep")
        plan = parse(SweepPlan, content, exact=False)
        _require_sound(plan)
    except OSError as error:
        raise SweepError(f"Sweep {folder.id} cannot be read ({error.strerror or error}).") from error
    except (ValueError, ConfigError) as error:
        raise SweepError(
            f"Sweep {folder.id} cannot be read: its sweep.json breaks a rule ({one_line(error)})."
        ) from error
    return replace(
        plan,
        id=folder.id,
        space=tuple(replace(item, values=tuple(map(hashable, item.values))) for item in plan.space),
        start_points=tuple(with_tuples(point) for point in plan.start_points),
    )


def _require_sound(plan: SweepPlan) -> None:
    """Raise ValueError where others could not compute with the plan."""
    if not 1 <= plan.options.seeds <= plan.options.runs <= MOST_RUNS:
        raise ValueError(f"runs must be from seeds to {MOST_RUNS:,}, and seeds from 1")
    if not plan.space:
        raise ValueError("its space is empty")
    clean_text(plan.lesson, "lesson", MAX_LESSON, ValueError)  # else no run of it could be made
    make_config(plan.settings)
    for point in ({item.name: item.values[0] if item.values else item.low for item in plan.space}, *plan.start_points):
        checked_settings(point)


def with_tuples(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with tuples in place of lists, as two that are equal then compare and hash alike."""
    return {name: hashable(value) for name, value in settings.items()}


def checked_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Some settings in their own types, with tuples; ValueError where one is unknown or breaks its spec."""
    try:
        found, problems = parse_settings(settings, {name: spec_of(name) for name in settings})
    except KeyError as error:
        raise ValueError(f"there is no setting {error}") from error
    if problems:
        raise ValueError(problems[0])
    return found


def hashable(value: Any) -> Any:
    """A value of a setting, with a tuple in place of a list."""
    return tuple(value) if isinstance(value, list) else value
