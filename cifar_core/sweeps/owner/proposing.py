"""How a sweep's plan is said in Optuna's words: distributions, samplers and pruners."""

import hashlib
from collections.abc import Mapping
from typing import Any

from optuna import Study
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner
from optuna.samplers import RandomSampler, TPESampler
from optuna.trial import FrozenTrial, Trial

from cifar_core.sweeps.plan import SweepPlan
from cifar_core.sweeps.space import Dimension, Space

_DIGITS = 4  # of a number that is proposed: 0.002342, not 0.0023418273649


def distributions_of(space: Space) -> dict[str, BaseDistribution]:
    """The distribution of each swept setting, by name."""
    return {dimension.name: _distribution(dimension) for dimension in space}


def _distribution(dimension: Dimension) -> BaseDistribution:
    if not dimension.is_range:
        return CategoricalDistribution([to_optuna(value) for value in dimension.values])
    if dimension.whole:
        step = 1 if dimension.log else int(dimension.step or 1)
        return IntDistribution(int(dimension.low), int(dimension.high), log=dimension.log, step=step)
    return FloatDistribution(dimension.low, dimension.high, log=dimension.log)


def to_optuna(value: Any) -> Any:
    """A value as Optuna stores it: it takes no lists."""
    return ",".join(map(str, value)) if isinstance(value, tuple | list) else value


def suggest(trial: Trial, dimension: Dimension) -> Any:
    """The value of a swept setting that a trial gets, in the setting's own type."""
    found = _distribution(dimension)
    match found:
        case CategoricalDistribution():
            chosen = trial.suggest_categorical(dimension.name, found.choices)
            return next(value for value in dimension.values if to_optuna(value) == chosen)
        case IntDistribution():
            return trial.suggest_int(dimension.name, found.low, found.high, log=found.log, step=found.step)
        case _:
            return trial.suggest_float(dimension.name, dimension.low, dimension.high, log=dimension.log)


def make_pruner(plan: SweepPlan) -> BasePruner:
    """The pruner of a sweep; it judges the validation accuracy after each epoch."""
    if plan.options.pruner == "median":
        return MedianPruner()
    if plan.options.pruner == "hyperband":
        return HyperbandPruner(min_resource=1, max_resource=_most_epochs(plan))
    return NopPruner()


def _most_epochs(plan: SweepPlan) -> int:
    """The most epochs that a run of the sweep may have."""
    swept = next((dimension for dimension in plan.space if dimension.name == "epochs"), None)
    if swept is None:
        return int(plan.settings["epochs"])
    return int(swept.high if swept.is_range else max(swept.values))


def make_sampler(plan: SweepPlan, turn: str) -> RandomSampler | TPESampler:
    """The sampler of one proposal.

    Args:
        plan: of the sweep.
        turn: what makes this proposal another one than those before and those of other owners.
    """
    seed = _seed(plan, turn)
    if plan.options.sampler == "tpe":
        return _TidyTPESampler(seed=seed, constant_liar=True)
    return _TidyRandomSampler(seed=seed)


def _seed(plan: SweepPlan, turn: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{plan.settings['seed']} {turn}".encode()).digest()[:4])


def _tidy(value: Any, distribution: BaseDistribution) -> Any:
    """A proposed number with few digits; what is no such number stays as it is."""
    if not isinstance(distribution, FloatDistribution):
        return value
    return min(max(float(f"{value:.{_DIGITS}g}"), distribution.low), distribution.high)


class _Tidy:
    """A sampler whose proposals are tidy, and so are those that the study remembers."""

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """As the sampler itself, tidied."""
        found = super().sample_relative(study, trial, search_space)  # type: ignore[misc] # of the class beside it
        return {name: _tidy(value, search_space[name]) for name, value in found.items()}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """As the sampler itself, tidied."""
        found = super().sample_independent(study, trial, param_name, param_distribution)  # type: ignore[misc]
        return _tidy(found, param_distribution)


class _TidyTPESampler(_Tidy, TPESampler):
    pass


class _TidyRandomSampler(_Tidy, RandomSampler):
    pass


class FixedSampler(RandomSampler):
    """Proposes values that are known."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__(seed=0)
        self._values = {name: to_optuna(value) for name, value in values.items()}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """The known value of a setting."""
        return self._values[param_name]
