"""The plan of a sweep as JSON, for its `sweep.json`; what is read from there is checked like what a person types."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from cifar_core.config import make_config, spec_of
from cifar_core.errors import CifarCoreError
from cifar_core.runs.run import MAX_PERSON, MAX_RUN_NAME
from cifar_core.spec import parse_settings
from cifar_core.storage.json_types import Amount, Count, FolderName, Moment, Ordinal, Sha256
from cifar_core.storage.parse import parse
from cifar_core.sweeps.plan import MOST_RUNS, Pruner, Sampler, SweepOptions, SweepPlan
from cifar_core.sweeps.planning.storage_url import checked_storage
from cifar_core.sweeps.space import Space, contains, parse_space, range_text
from cifar_core.text import one_line

SWEEP_SCHEMA = 1


@dataclass(frozen=True)
class _Options:
    """The options as the file has them."""

    runs: Ordinal
    seeds: Ordinal
    hours: Amount
    sampler: Sampler
    pruner: Pruner
    storage: str
    start_from: tuple[str, ...]
    name: str


@dataclass(frozen=True)
class _Plan:
    """The content of `sweep.json`; the space is a text for each dimension."""

    schema_version: Count
    id: FolderName
    created: Moment
    settings: dict[str, Any]
    space: tuple[str, ...]
    options: _Options
    study: str
    start_points: tuple[dict[str, Any], ...]
    fingerprint: Sha256 | Literal[""]
    person: str


def plan_content(plan: SweepPlan) -> dict[str, Any]:
    """What `sweep.json` says."""
    space = [range_text(item) for item in plan.space]
    return {**asdict(plan), "settings": dict(plan.settings), "space": space}


def plan_of(content: Any) -> SweepPlan:
    """The plan that a `sweep.json` says.

    Raises:
        ValueError: it breaks a rule, or a newer version of this program wrote it.
    """
    schema = content.get("schema_version") if isinstance(content, dict) else None
    if isinstance(schema, int) and schema > SWEEP_SCHEMA:
        raise ValueError("a newer version of this program made it: update this one")
    found = parse(_Plan, content, exact=False)
    try:
        settings = make_config(found.settings).flat()
        space = parse_space(found.space, settings)
        storage = checked_storage(found.options.storage)
    except CifarCoreError as error:
        raise ValueError(one_line(error, 300)) from error
    if not found.options.seeds <= found.options.runs <= MOST_RUNS:
        raise ValueError(f"its runs are not from its seeds to {MOST_RUNS:,}")
    points = tuple(_start_point(space, point) for point in found.start_points)
    options = {**asdict(found.options), "storage": storage, "name": one_line(found.options.name, MAX_RUN_NAME)}
    return SweepPlan(
        id=found.id,
        created=found.created,
        settings=settings,
        space=space,
        options=SweepOptions(**options),
        study=found.study,
        start_points=points,
        fingerprint=found.fingerprint,
        person=one_line(found.person, MAX_PERSON),
        schema_version=found.schema_version,
    )


def _start_point(space: Space, point: Mapping[str, Any]) -> Mapping[str, Any]:
    """Swept settings in their own types; ValueError where they lie outside of the space."""
    found, problems = parse_settings(point, {item.name: spec_of(item.name) for item in space})
    if problems or not contains(space, found):
        raise ValueError("a start point lies outside of its space")
    return found
