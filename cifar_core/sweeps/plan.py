"""What a sweep is to do: the settings that stay, the space, how many runs, and how they are chosen and judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from cifar_core.sweeps.space import Space
from cifar_core.workspace import Workspace

Sampler = Literal["tpe", "random", "grid"]
Pruner = Literal["none", "median", "hyperband"]
MOST_RUNS = 10_000
MOST_SEEDS = 20
MOST_START_POINTS = 100


@dataclass(frozen=True)
class SweepOptions:
    """What a person chooses of a sweep beside settings and space."""

    runs: int = 30  # all runs; rounded down to a multiple of `seeds`
    seeds: int = 1  # runs of each candidate: their seeds are the setting `seed` and the next ones
    hours: float = 0.0  # after which it ends and keeps what there is; 0: no limit
    sampler: Sampler = "tpe"  # proposes the candidates
    pruner: Pruner = "none"  # stops hopeless ones early
    storage: str = ""  # URL of a PostgreSQL database whose study several machines share, without a password
    start_from: tuple[str, ...] = ()  # ids of runs whose swept settings are tried first
    name: str = ""


@dataclass(frozen=True)
class SweepPlan:
    """The content of `sweep.json`, written once, when the sweep is made."""

    id: str  # of the sweep: the name of its folder
    created: str  # ISO 8601, UTC
    settings: Mapping[str, Any]  # all settings, as `RunConfig.flat`; the swept ones as the sweep begins with them
    space: Space
    options: SweepOptions  # checked
    study: str = ""  # name of the shared study
    start_points: tuple[Mapping[str, Any], ...] = ()  # swept settings of the first candidates
    fingerprint: str = ""  # of the dataset; empty where drawn10 was not drawn yet
    person: str = ""
    schema_version: int = 1

    @property
    def candidates(self) -> int:
        """How many combinations of settings are planned."""
        return self.options.runs // self.options.seeds


def plan_sweep(
    workspace: Workspace, settings: Mapping[str, Any], space: Space, options: SweepOptions, *, person: str = ""
) -> SweepPlan:
    """Check everything that can be checked before a run starts, and give the sweep an id.

    The first start point is the swept settings of `settings`, where they lie in the space; then those of the runs
    `start_from`. A grid has its combinations, in their order, and no start points; all of them where `runs` is 0. A
    shared study is named by what is searched and by the sweep's name, so that the same command on two machines shares
    one.

    Args:
        workspace: of the sweep.
        settings: the settings that stay, with a validation part (`with_validation`): `RunConfig.flat`.
        space: checked by `parse_space` or `space_from`.
        options: as the person chose them.
        person: who asks, where there is a login.

    Raises:
        ConfigError: a sentence for each that breaks a rule; also where nothing would validate, where one epoch leaves
            a pruner nothing to do, and where the storage is no PostgreSQL or its URL has a password.
        DataError: the dataset is not ready (`drawn10` may be absent: the first run makes it).
        RunError: no such run to start from, or it is on another dataset or outside of the space.
    """
    raise NotImplementedError


def with_validation(
    workspace: Workspace, settings: Mapping[str, Any], given: Sequence[str]
) -> tuple[dict[str, Any], str]:
    """The settings with a validation part, since a sweep is judged on it, and a sentence where that changed them.

    Args:
        workspace: of the dataset.
        settings: as `RunConfig.flat`.
        given: names of the settings that the person chose by hand; a `validation_share` of 0 among them is refused.

    Raises:
        ConfigError: the person asked for no validation part.
    """
    raise NotImplementedError
