"""Groups of runs that differ in the seed alone: their mean accuracy, and how much of a difference is the seed's."""

import functools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cifar_core.evaluate.spread import Spread, spread_of, student_t
from cifar_core.runs.run import FRESH, Run, Status
from cifar_core.text import counted, percent

Key = tuple[object, ...]
# Degrees of freedom; with fewer, t is 12.7 and the limit so wide that it says nothing to a person.
_TELLING = 2
_TOO_FEW = "are too few to tell, train more of each"


@dataclass(frozen=True)
class SeedGroup:
    """Two runs or more of one setting on one dataset, with different seeds."""

    runs: tuple[Run, ...]  # newest first, whatever their status

    @functools.cached_property
    def measured(self) -> tuple[Run, ...]:
        """The finished runs, one a seed: of several with one seed the newest, since they would count as no spread."""
        by_seed: dict[int, Run] = {}
        for run in self.runs:
            if run.status is Status.FINISHED and run.best is not None:
                by_seed.setdefault(run.config.machine.seed, run)
        return tuple(by_seed.values())

    @functools.cached_property
    def spread(self) -> Spread | None:
        """Of the reported test accuracies of `measured`, 0 to 1; the interval is cut there. None without a result."""
        accuracies = [run.best.test_accuracy for run in self.measured if run.best is not None]
        if not accuracies:
            return None
        found = spread_of(accuracies)
        return Spread(found.n, found.mean, found.deviation, max(found.low, 0.0), min(found.high, 1.0))

    @property
    def active(self) -> int:
        """How many of its runs train or wait."""
        return sum(run.active for run in self.runs)


@dataclass(frozen=True)
class SeedNoise:
    """How far the accuracies of two single runs lie apart by their seeds alone."""

    limit: float  # 0 to 1: of 100 such pairs whose settings are equally good, 95 differ by no more
    words: str  # what that says of a difference within the limit, a sentence
    one_setting: bool = False  # whether the two runs differ in the seed alone

    def explains(self, difference: float) -> bool:
        """Whether a difference of two accuracies is no more than seeds make; of one setting it always is."""
        return self.one_setting or abs(difference) <= self.limit


def seed_groups(runs: Iterable[Run]) -> list[SeedGroup]:
    """The runs that differ in the seed alone, on a dataset with the same fingerprint; two seeds at least.

    Settings without an effect may differ. Only runs that began with fresh weights count: what went on from another
    run is no repeat by its settings. A run that has not opened its dataset yet belongs to the newest group of its
    settings on a dataset of its name.

    Args:
        runs: newest first, as `list_runs` gives them.

    Returns:
        the groups, in the order of their newest runs.
    """
    sound = [run for run in runs if not run.problem and run.origin in FRESH]
    newest: dict[Key, str] = {}  # setting and dataset's name -> fingerprint
    for run in sound:
        if run.dataset is not None:
            newest.setdefault(_by_name(run), run.dataset.fingerprint)
    members: dict[Key, list[Run]] = {}
    for run in sound:
        fingerprint = run.dataset.fingerprint if run.dataset else newest.get(_by_name(run), run.config.data.dataset)
        members.setdefault((fingerprint, run.seedless), []).append(run)
    several = (each for each in members.values() if len({run.config.machine.seed for run in each}) > 1)
    return [SeedGroup(tuple(each)) for each in several]


def _by_name(run: Run) -> Key:
    return run.config.data.dataset, run.seedless


def group_of(groups: Iterable[SeedGroup], run_id: str) -> SeedGroup | None:
    """The group that a run belongs to; None where no other run differs from it in the seed alone."""
    return next((group for group in groups if any(run.id == run_id for run in group.runs)), None)


def group_words(group: SeedGroup) -> str:
    """What the runs of a group have reached, in a sentence: mean, 95 % interval of the mean, standard deviation."""
    spread, whole = group.spread, len(group.measured)
    rest = f" {counted(group.active, 'run')} to come." if group.active else ""
    if spread is None:
        return f"Seeds: none of {counted(len(group.runs), 'run')} of this setting has finished.{rest}"
    mean = f"Seeds: mean test accuracy {percent(spread.mean)} over {counted(whole, 'seed')}"
    if spread.n < 2:
        return f"{mean}: the spread shows with the second one.{rest}"
    interval = f"95 % interval {percent(spread.low)} to {percent(spread.high)}"
    return f"{mean} ({interval}; standard deviation {100 * spread.deviation:.2f} points).{rest}"


def group_facts(group: SeedGroup) -> dict[str, Any]:
    """A group for JSON: the finished runs, one a seed, with mean, standard deviation and 95 % interval of the mean."""
    spread = group.spread
    several = spread if spread is not None and spread.n > 1 else None
    return {
        "runs": [run.id for run in group.measured],
        "seeds": [run.config.machine.seed for run in group.measured],
        "n": len(group.measured),
        "mean": spread.mean if spread else None,
        "deviation": several.deviation if several else None,
        "interval": [several.low, several.high] if several else None,
        "active": group.active,
    }


def seed_noise(runs: Iterable[Run], a: Run, b: Run) -> SeedNoise | None:
    """What repeats of the settings of two runs say about how far such runs lie apart by chance of the seed.

    The difference of two single runs has the variance s_a^2 + s_b^2, where the settings are equally good. The limit is
    t(0.975) times its root, with the degrees of freedom of Welch and Satterthwaite, rounded down. A setting without
    repeats is taken to spread as the other one does, which the words say.

    Args:
        runs: all runs, newest first.
        a, b: the runs that are compared, at their reported epochs.

    Returns:
        None where both are one run, or neither setting has two finished seeds.
    """
    if a.id == b.id:
        return None
    groups = seed_groups(runs)
    group_a, group_b = group_of(groups, a.id), group_of(groups, b.id)
    if group_a is not None and group_a is group_b:
        return _noise_within(group_a)
    spread_a, spread_b = _known_spread(group_a), _known_spread(group_b)
    if spread_a is not None and spread_b is not None:
        freedom, root = _difference_of_two(spread_a, spread_b)
        where, taken = f"{spread_a.n} seeds of A, {spread_b.n} of B", ""
    elif spread_a is not None:
        freedom, root = _difference_of_one(spread_a)
        where, taken = f"{spread_a.n} seeds of A", "; B is taken to spread alike"
    elif spread_b is not None:
        freedom, root = _difference_of_one(spread_b)
        where, taken = f"{spread_b.n} seeds of B", "; A is taken to spread alike"
    else:
        return None
    limit = student_t(freedom) * root
    if freedom < _TELLING:
        return SeedNoise(limit, f"Seed noise is not ruled out: {where} {_TOO_FEW}.")
    return SeedNoise(limit, f"Seed noise alone explains it: seeds move it by up to {_points(limit)} ({where}{taken}).")


def _noise_within(group: SeedGroup) -> SeedNoise:
    known, said = _known_spread(group), "Only the seed differs: this is seed noise"
    if known is None:
        return SeedNoise(math.inf, f"{said}.", one_setting=True)
    freedom, root = _difference_of_one(known)
    limit = student_t(freedom) * root
    reach = f", which reaches {_points(limit)} here ({known.n} seeds)" if freedom >= _TELLING else ""
    return SeedNoise(limit, f"{said}{reach}.", one_setting=True)


def _known_spread(group: SeedGroup | None) -> Spread | None:
    return group.spread if group is not None and group.spread is not None and group.spread.n > 1 else None


def _difference_of_two(a: Spread, b: Spread) -> tuple[int, float]:
    """Degrees of freedom and standard deviation of the difference of a run of A and one of B."""
    variances = a.deviation**2, b.deviation**2
    if sum(variances) == 0:
        return a.n + b.n - 2, 0.0
    freedom = sum(variances) ** 2 / (variances[0] ** 2 / (a.n - 1) + variances[1] ** 2 / (b.n - 1))
    return max(1, int(freedom + 1e-9)), math.sqrt(sum(variances))


def _difference_of_one(known: Spread) -> tuple[int, float]:
    """The same of two runs of settings that spread alike."""
    return known.n - 1, math.sqrt(2) * known.deviation


def _points(share: float) -> str:
    return f"{100 * share:.1f} points"
