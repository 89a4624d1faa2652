"""How long a sweep will take on this machine, before its start and while it goes on."""

import math
import os
import random
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from cifar_core.data import dataset_state
from cifar_core.lifecycle.place import LOCAL
from cifar_core.runs import Run, Span, estimate_run, estimated, read_speed, slots, time_left
from cifar_core.sweeps.plan import SweepPlan, trial_config
from cifar_core.sweeps.space import Dimension, Space, grid, in_effect
from cifar_core.sweeps.sweep import Sweep
from cifar_core.workspace import Workspace

_SAMPLES = 24  # candidates that stand for all
_SEED = 0  # of their draw: the same plan has the same estimate
# Seconds that a run takes beside its training, in a worker that is there already: proposing it, its folder, its
# results. `bench.short_runs` measures it.
_BETWEEN = Span(0.05, 0.15, 0.3)
_NINE_OF_TEN = 1.645  # standard deviations to each side, of a normal distribution


def estimate_sweep(workspace: Workspace, plan: SweepPlan, runs: Sequence[Run]) -> Span | None:
    """Seconds from the start to the end of a sweep; None while this machine has not been measured, and elsewhere.

    The mean time t of a run is that of `estimate_run` over up to `_SAMPLES` candidates: the start points, then random
    ones (of a grid its own). With s slots, R runs take start-up + ceil(R / s) * c * (t + between). Each of s runs has
    its share of the cores, m threads of n: c lies between 1, where more threads bring nothing, and n / m, where they
    bring all, with the geometric mean as the expected value; more slots than cores take turns. What a pruner saves is
    not promised, and `hours` ends it.

    Args:
        workspace: of the sweep.
        plan: checked.
        runs: all runs, the newest first; the last ones of this machine correct its measured speed.
    """
    if plan.options.place != LOCAL:
        return None
    speed, datasets = read_speed(workspace), [dataset_state(workspace, plan.settings["dataset"])]
    spans: list[Span] = []
    start_up = 0.0
    for chosen in some_candidates(plan, _SAMPLES):
        found = estimate_run(trial_config(plan, chosen, plan.settings["seed"]), speed, datasets, runs)
        if found is None:
            return None
        start_up = found.start_up
        spans.append(found.training.times((found.whole.middle - found.start_up) / found.training.middle))
    assert speed is not None
    places, cores = slots(workspace), os.cpu_count() or 1
    threads = min(speed.threads, max(1, cores // places))
    turns = max(1.0, min(places, plan.options.runs) / cores)
    most = speed.threads / threads
    one = _mean(spans, min(_SAMPLES, plan.candidates)) + _BETWEEN
    rounds = math.ceil(plan.options.runs / places) * turns
    whole = Span(one.low * rounds, one.middle * math.sqrt(most) * rounds, one.high * most * rounds)
    return (Span(start_up / 2, start_up, start_up * 2) + whole).at_most(plan.options.hours * 3600 or math.inf)


def _mean(spans: Sequence[Span], drawn: int) -> Span:
    """The mean of times of candidates, with the error of the draw added to its bounds."""
    middles = [span.middle for span in spans]
    error = _NINE_OF_TEN * statistics.pstdev(middles) / math.sqrt(drawn)
    low = max(0.0, statistics.fmean(span.low for span in spans) - error)
    return Span(low, statistics.fmean(middles), statistics.fmean(span.high for span in spans) + error)


def some_candidates(plan: SweepPlan, count: int) -> list[Mapping[str, Any]]:
    """Candidates that a sweep may try, up to `count` and the number it plans; the same ones each time."""
    count = min(count, plan.candidates)
    rng = random.Random(_SEED)
    if plan.options.sampler == "grid":
        planned = grid(plan.space, plan.settings)[: plan.candidates]
        return [planned[place] for place in sorted(rng.sample(range(len(planned)), count))]
    first = list(plan.start_points[:count])
    return first + [_drawn(plan.space, plan.settings, rng) for _ in range(count - len(first))]


def _drawn(space: Space, settings: Mapping[str, Any], rng: random.Random) -> dict[str, Any]:
    chosen: dict[str, Any] = {}
    for item in space:
        if item.name in in_effect(space, chosen, settings):
            chosen[item.name] = _value(item, rng)
    return chosen


def _value(item: Dimension, rng: random.Random) -> Any:
    """A random value, evenly spread on the scale that is searched."""
    if item.values:
        return rng.choice(item.values)
    share = rng.random()
    exact = item.low * (item.high / item.low) ** share if item.log else item.low + share * (item.high - item.low)
    if not item.whole:
        return exact
    step = item.step or 1.0
    return int(item.low + step * round((exact - item.low) / step))


def sweep_time_left(sweep: Sweep, runs: Sequence[Run]) -> Span | None:
    """Seconds until a running sweep has done all of its runs; None where nothing is known yet, or it does not run.

    Those that train have the time that `time_left` says; each further one takes as long as those that ended, early
    ends by a pruner included, or as was expected of those that train. As many train at a time as do now. A limit in
    hours may end it before.

    Args:
        sweep: as it is.
        runs: all runs.
    """
    if not sweep.active:
        return None
    by_id = {run.id: run for run in runs if run.sweep == sweep.id}
    shown = [run for trial in sweep.trials for run in trial.runs]
    training = [by_id[run.run] for run in shown if run.status == "running" and run.run in by_id]
    further = _further(sweep, len(training))
    ended = [run.seconds for run in shown if run.counts and run.seconds > 0]
    each = _each(ended, training, further)
    if each is None:
        return None
    own = [time_left(run) or each for run in training]
    places = max(1, len(training))
    total = sum((span.times(1 / places) for span in own), each.times(further / places))
    longest = max(own, key=lambda span: span.middle, default=total)
    return Span(*(max(pair) for pair in zip(_seconds(total), _seconds(longest), strict=True)))


def _seconds(span: Span) -> tuple[float, float, float]:
    return span.low, span.middle, span.high


def _further(sweep: Sweep, training: int) -> int:
    """How many runs are still to be made or gone on with, as far as the plan tells."""
    trials = [trial for trial in sweep.trials if not trial.lost]
    new = max(0, sweep.plan.candidates - len(trials)) * sweep.plan.options.seeds
    begun = sum(run.status in ("waiting", "running") for trial in trials for run in trial.runs)
    return new + max(0, begun - training)


def _each(ended: Sequence[float], training: Sequence[Run], further: int) -> Span | None:
    """Seconds of a further run, as a mean over all of those: from those that ended, else from what was expected."""
    if len(ended) > 1:
        middle, deviation = statistics.fmean(ended), statistics.stdev(ended)
        error = _NINE_OF_TEN * deviation * math.sqrt(1 / max(1, further) + 1 / len(ended))
        return Span(max(0.0, middle - error), middle, middle + error) + _BETWEEN
    expected = [span for run in training if (span := estimated(run))]
    return _mean(expected, len(expected)) + _BETWEEN if expected else None
