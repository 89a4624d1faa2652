"""What a sweep is to do: the settings that stay, the space, how many runs, and how they are chosen and judged."""

import datetime
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from cifar_core.config import DataConfig, RunConfig, for_dataset, make_config, spec_of, validates
from cifar_core.data import dataset_state, open_dataset
from cifar_core.data.sources.drawn10 import DRAWN10_CLASSES, DRAWN10_NAME
from cifar_core.errors import ConfigError, RunError
from cifar_core.lifecycle.place import LOCAL, Place, place_problems
from cifar_core.runs import Run, read_run
from cifar_core.runs.about import clean_run_name
from cifar_core.runs.control.admission import require_class_limits, require_memory
from cifar_core.runs.control.ids import new_run_id
from cifar_core.runs.imported.no_network import require_own_network
from cifar_core.runs.run import MAX_LESSON
from cifar_core.sweeps.planning.storage_url import checked_storage
from cifar_core.sweeps.space import Space, combinations, contains, grid, in_effect, largest, range_text
from cifar_core.text import clean_text, counted, did_you_mean, whole_percent
from cifar_core.train import training_parts
from cifar_core.workspace import Workspace

Sampler = Literal["tpe", "random", "grid"]
Pruner = Literal["none", "median", "hyperband"]
MOST_RUNS = 10_000
MOST_SEEDS = 20
MOST_START_POINTS = 100
MOST_HOURS = 8760.0
_STUDY_DIGITS = 16  # of its hash in its name


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
    place: Place = LOCAL  # where its runs are computed


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
    lesson: str = ""  # of a class: its runs carry it
    schema_version: int = 1

    @property
    def candidates(self) -> int:
        """How many combinations of settings are planned."""
        return self.options.runs // self.options.seeds


def trial_config(plan: SweepPlan, chosen: Mapping[str, Any], seed: int) -> RunConfig:
    """The settings of one run of a candidate: those of the sweep with the `chosen` ones and a seed."""
    return make_config({**plan.settings, **chosen, "seed": seed})


def trial_seeds(plan: SweepPlan) -> tuple[int, ...]:
    """The seeds of every candidate, in the order in which they are trained."""
    first = plan.settings["seed"]
    return tuple(range(first, first + plan.options.seeds))


def plan_sweep(
    workspace: Workspace,
    settings: Mapping[str, Any],
    space: Space,
    options: SweepOptions,
    *,
    person: str = "",
    lesson: str = "",
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
        lesson: of a class, which its runs belong to, as its link says; empty: none.

    Raises:
        ConfigError: a sentence for each that breaks a rule; also where nothing would validate, where one epoch leaves
            a pruner nothing to do, and where the storage is no PostgreSQL or its URL has a password.
        DataError: the dataset is not ready (`drawn10` may be absent: the first run makes it).
        RunError: no such run to start from, or it is on another dataset or outside of the space; or the name or the
            lesson breaks a rule.
    """
    config = make_config(settings)
    problems = [*_option_problems(config, options), *_pruner_problems(config, space, options)]
    if problems:
        raise ConfigError(problems)
    options = replace(options, name=clean_run_name(options.name), storage=checked_storage(options.storage))
    fingerprint, classes, own = _require_dataset(workspace, config)
    if not validates(config.data, own):
        raise ConfigError(["A sweep is judged on a validation part, and there is none: set validation_share above 0."])
    settings = for_dataset(config, own).flat()
    starts = [read_run(workspace, run_id) for run_id in options.start_from]
    options = replace(options, runs=_runs(space, settings, options), start_from=tuple(run.id for run in starts))
    for chosen in largest(space, settings):
        candidate = make_config({**settings, **chosen})
        if options.place == LOCAL:
            require_memory(candidate, classes)
        require_class_limits(workspace, candidate, classes, person)
    return SweepPlan(
        id=new_run_id(),
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
        settings=settings,
        space=space,
        options=options,
        study=_study_name(settings, space, options) if options.storage else "",
        start_points=() if options.sampler == "grid" else _start_points(settings, space, starts, fingerprint),
        fingerprint=fingerprint,
        person=person,
        lesson=clean_text(lesson, "lesson", MAX_LESSON, RunError),
    )


def _option_problems(config: RunConfig, options: SweepOptions) -> list[str]:
    """A sentence for each option that breaks a rule."""
    least = 0 if options.sampler == "grid" else 1
    last_seed = config.machine.seed + options.seeds - 1
    checks = [
        _unknown("sampler", options.sampler, get_args(Sampler)),
        _unknown("pruner", options.pruner, get_args(Pruner)),
        _outside("runs", options.runs, least, MOST_RUNS),
        _outside("seeds", options.seeds, 1, MOST_SEEDS),
        _outside("hours", options.hours, 0, MOST_HOURS),
        _outside("the number of runs to start from", len(options.start_from), 0, MOST_START_POINTS),
        *place_problems(options.place, config.machine.processes),
    ]
    if options.sampler == "grid" and options.start_from:
        checks.append("A grid tries its own combinations in their order: start_from goes with sampler tpe or random.")
    if options.place.backend == "slurm":
        checks.append("A sweep runs on this machine or on a Ray cluster, not on Slurm, which takes single runs.")
    if 0 < options.runs < options.seeds:
        checks.append(f"runs is {options.runs}, but one candidate takes {options.seeds} (seeds): raise runs.")
    if limit := config.machine.max_seconds:
        checks.append(
            f"max_seconds is {limit}, but a run that is stopped before its last epoch cannot be compared with the "
            "others: set it to 0, and limit the whole sweep by hours."
        )
    if last_seed > spec_of("seed").high:
        checks.append(f"The last seed would be {last_seed}, above {spec_of('seed').high:.0f}: lower seed.")
    return [problem for problem in checks if problem]


def _unknown(name: str, value: str, known: Sequence[str]) -> str:
    if value in known:
        return ""
    return f"{name} is {value[:40]!r}, but must be one of {', '.join(known)}{did_you_mean(value, known)}."


def _outside(name: str, value: float, low: float, high: float) -> str:
    return "" if low <= value <= high else f"{name} is {value}, but must be from {low} to {high:,.10g}."


def _pruner_problems(config: RunConfig, space: Space, options: SweepOptions) -> list[str]:
    """A sentence where no candidate has an epoch after which it could be stopped."""
    swept = [item for item in space if item.name == "epochs"]
    most = max((max(item.values, default=item.high) for item in swept), default=config.optimizer.epochs)
    if options.pruner not in ("median", "hyperband") or most > 1:  # an unknown one has been named
        return []
    return [f"pruner {options.pruner} stops a run between its epochs, and these have one: raise epochs, or take none."]


def _require_dataset(workspace: Workspace, config: RunConfig) -> tuple[str, int, int]:
    """Fingerprint, number of classes, and validation pictures of its own of the dataset; raises as `plan_sweep`."""
    name = config.data.dataset
    if name == DRAWN10_NAME and dataset_state(workspace, name).state != "ready":
        return "", DRAWN10_CLASSES, 0
    dataset = open_dataset(workspace, name)
    training_parts(dataset, config.data, config.machine.seed)  # DataError where one would be empty
    return dataset.fingerprint, len(dataset.class_names), dataset.held


def _runs(space: Space, settings: Mapping[str, Any], options: SweepOptions) -> int:
    """How many runs are made: whole candidates, of a grid no more than it has."""
    asked = options.runs // options.seeds
    if options.sampler != "grid":
        there = combinations(space)
        if asked > there:
            raise ConfigError(
                [
                    f"The space has {there:,.0f} combinations and the sweep would try {asked:,}, so some twice: take "
                    f"sampler grid, which tries each once, or at most {there * options.seeds:,.0f} runs."
                ]
            )
        return asked * options.seeds
    found = len(grid(space, settings))
    candidates = min(asked, found) if options.runs else found
    if candidates * options.seeds > MOST_RUNS:
        raise ConfigError(
            [
                f"The grid has {counted(found, 'combination')} with {counted(options.seeds, 'seed')} each, more than "
                f"the {MOST_RUNS:,} runs that a sweep may have: list fewer values."
            ]
        )
    return candidates * options.seeds


def _study_name(settings: Mapping[str, Any], space: Space, options: SweepOptions) -> str:
    """The name of a shared study: the sweep's name and a hash of what decides the value of a candidate."""
    searched = {"settings": dict(settings), "space": [range_text(item) for item in space], "seeds": options.seeds}
    digest = hashlib.sha256(json.dumps([searched, options.name], sort_keys=True).encode()).hexdigest()
    return f"{options.name or 'sweep'} {digest[:_STUDY_DIGITS]}"


def _start_points(
    settings: Mapping[str, Any], space: Space, starts: Sequence[Run], fingerprint: str
) -> tuple[Mapping[str, Any], ...]:
    """The swept settings of the first candidates: those of the sweep, where they lie in the space, and of the runs."""
    bases = [settings] if contains(space, settings) else []
    for run in starts:
        _require_comparable(run, settings["dataset"], fingerprint)
        bases.append(run.config.flat())
        if not contains(space, bases[-1]):
            values = ", ".join(f"{item.name} {bases[-1][item.name]}" for item in space)
            raise RunError(
                f"Run {run.id} lies outside of what is searched ({values}): widen {' '.join(map(range_text, space))}, "
                "or start from another run."
            )
    points: list[Mapping[str, Any]] = []
    for base in bases:
        swept = {item.name: tuple(value) if isinstance(value := base[item.name], list) else value for item in space}
        point = {name: swept[name] for name in in_effect(space, swept, settings)}
        if point not in points:
            points.append(point)
    return tuple(points)


def _require_comparable(run: Run, dataset: str, fingerprint: str) -> None:
    """Refuse a run on another dataset, or without a training; RunError."""
    require_own_network(run)
    theirs = run.dataset.fingerprint if run.dataset else ""
    if run.config.data.dataset != dataset or (theirs and fingerprint and theirs != fingerprint):
        raise RunError(
            f"Run {run.id} was trained on other pictures ({run.config.data.dataset}) than those of the sweep "
            f"({dataset}): start from a run on the same dataset."
        )


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
        DataError: no dataset may have this name.
    """
    data = make_config(settings).data
    if validates(data, dataset_state(workspace, data.dataset).validation):
        return dict(settings), ""
    if "validation_share" in given:
        raise ConfigError(
            [
                "validation_share is 0, but a sweep is judged on a validation part, never on the test set: set it "
                f"above 0, as in {DataConfig().validation_share:g}, or leave it out."
            ]
        )
    share = DataConfig().validation_share
    sentence = (
        f"A sweep is judged on a validation part, and these settings keep none: validation_share is set to {share:g}, "
        f"so {whole_percent(share)} of the training pictures are kept for it."
    )
    return {**settings, "validation_share": share}, sentence
