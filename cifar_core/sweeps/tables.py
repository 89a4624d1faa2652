"""A sweep as tables for pages and CSV, and what it has shown in sentences that claim no more than its intervals do."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import pandas as pd

from cifar_core.config import spec_of
from cifar_core.evaluate.paired import LEVEL, Interval
from cifar_core.evaluate.unpaired import difference_of_means, difference_of_shares, pooled_spread
from cifar_core.spec import value_words
from cifar_core.sweeps.sweep import Best, Sweep, Trial, TrialRun, best_of, interval_of
from cifar_core.text import counted, first_names, percent

_INTERVAL = "95\u00a0% interval"


class EffectRow(NamedTuple):
    """What one value of the swept setting has reached."""

    value: Any  # in the setting's own type
    mean: float  # validation accuracy, 0 to 1
    low: float  # 95 % interval, as in `Best`
    high: float
    seeds: int  # finished runs, one a seed
    pictures: int  # validation pictures of a run; 0: not known
    values: tuple[float, ...]  # of each run, ascending by seed


def trials_table(sweep: Sweep) -> pd.DataFrame:
    """The runs of a sweep that were made, a row each, in the order of their proposals.

    Returns:
        columns `trial`, `run`, `seed`, `status`, `value` (validation accuracy of the epoch that counts, 0 to 1, NaN
        before the first epoch), `trial_value` (mean of a finished candidate, else NaN), one for each swept setting in
        its own type (None where it has no effect beside the others), `epochs` (done), `seconds` (of training and
        measuring), `deleted` (whether its folder is gone), and `replaces` (number of the lost trial that it repeats; 0
        where it repeats none).
    """
    names = [item.name for item in sweep.plan.space]
    rows = [
        [
            *(trial.number, run.run, run.seed, run.status),
            math.nan if run.value is None else run.value,
            math.nan if trial.value is None else trial.value,
            *(trial.settings.get(name) for name in names),
            *(len(run.values), run.seconds, run.deleted, trial.replaces or 0),
        ]
        for trial in sweep.trials
        for run in trial.runs
        if run.made
    ]
    columns = ["trial", "run", "seed", "status", "value", "trial_value", *names]
    return pd.DataFrame(rows, columns=[*columns, "epochs", "seconds", "deleted", "replaces"])


def pareto_front(sweep: Sweep) -> list[Trial]:
    """The finished candidates that no other one beats in accuracy without taking longer, the quickest first.

    Time is `mean_seconds`. Of several alike in both the first is there.
    """
    finished = [trial for trial in sweep.trials if trial.value is not None]
    front: list[Trial] = []
    for trial in sorted(finished, key=lambda each: (mean_seconds(each), -(each.value or 0.0), each.number)):
        if not front or (trial.value or 0.0) > (front[-1].value or 0.0):
            front.append(trial)
    return front


def mean_seconds(trial: Trial) -> float:
    """Seconds of training and measuring of a run of a candidate, on the average; 0 before one was made."""
    made = sum(run.made for run in trial.runs)
    return trial.seconds / made if made else 0.0


def effect_rows(sweep: Sweep) -> list[EffectRow]:
    """What each value of the one swept setting has reached, ascending, or choices in their order; empty for several.

    Only finished runs count, one a seed.
    """
    if len(sweep.plan.space) != 1:
        return []
    name = sweep.plan.space[0].name
    found: dict[Any, dict[int, TrialRun]] = {}
    for trial in sweep.trials:
        for run in trial.runs:
            if run.status == "finished" and name in trial.settings:
                found.setdefault(trial.settings[name], {}).setdefault(run.seed, run)
    order = spec_of(name).choices
    values = sorted(found, key=lambda value: order.index(value) if order else value)
    return [_effect_row(value, [found[value][seed] for seed in sorted(found[value])]) for value in values]


def _effect_row(value: Any, runs: Sequence[TrialRun]) -> EffectRow:
    reached = tuple(run.value or 0.0 for run in runs)
    low, high, _ = interval_of(runs)
    pictures = max(run.pictures for run in runs)
    return EffectRow(value, math.fsum(reached) / len(reached), low, high, len(runs), pictures, reached)


def effect_table(sweep: Sweep) -> pd.DataFrame | None:
    """`effect_rows` as a table with the fields of `EffectRow` as columns; None for a sweep of several settings.

    The interval of several seeds is the t interval of their mean; that of one is Wilson's over its validation pictures,
    which says nothing of other seeds.
    """
    if len(sweep.plan.space) != 1:
        return None
    return pd.DataFrame(effect_rows(sweep), columns=list(EffectRow._fields))


def effect_sentence(sweep: Sweep) -> str:
    """What the one swept setting does to the validation accuracy; empty for a sweep of several, or before two values.

    The best value is compared with each other one, with several seeds by the spread of all of them, at a level that
    allows for every pair of values (Bonferroni), since any of them could have come out best.
    """
    rows = effect_rows(sweep)
    if len(rows) < 2:
        return ""
    name = sweep.plan.space[0].name
    best = max(rows, key=lambda row: row.mean)
    alike = _not_told_apart(best, rows)
    so_far = " so far" if sweep.active else f" of {len(rows)} values"
    sentences = [_best_words(name, best, so_far), _others_words(name, best, rows, alike)]
    if all(row.seeds == 1 for row in rows):
        sentences.append("One seed each: another seed moves each point by more than these intervals say.")
    return " ".join(sentences)


def _not_told_apart(best: EffectRow, rows: Sequence[EffectRow]) -> list[EffectRow]:
    """The values that are worse than the best one by no more than chance explains."""
    others = [row for row in rows if row is not best]
    level = 1 - LEVEL / math.comb(len(rows), 2)
    if any(row.seeds > 1 for row in rows):
        pooled = pooled_spread(row.values for row in rows)
        return [row for row in others if difference_of_means(row.values, best.values, pooled, level=level).low <= 0]
    gaps = [_of_single_runs((row.mean, row.pictures), (best.mean, best.pictures), level) for row in others]
    return [row for row, gap in zip(others, gaps, strict=True) if gap is None or gap.low <= 0]


def _best_words(name: str, best: EffectRow, of_what: str) -> str:
    spec = spec_of(name)
    n = f"mean of {best.seeds} seeds" if best.seeds > 1 else f"of {best.pictures:,} pictures, one seed"
    interval = f"{_INTERVAL} {percent(best.low)} to {percent(best.high)}"
    return (
        f"{spec.label} {value_words(spec, best.value)} is the best{of_what}: validation accuracy {percent(best.mean)} "
        f"({n}, {interval})."
    )


def _others_words(name: str, best: EffectRow, rows: Sequence[EffectRow], alike: Sequence[EffectRow]) -> str:
    gap = best.mean - min(row.mean for row in rows)
    moved = f"Between its worst and its best value lie {_points(gap)} points"
    if not alike:
        return f"{moved}; each other value is worse by more than chance explains."
    if len(alike) == len(rows) - 1:
        return f"{moved}, which chance may explain: no effect is shown."
    shown = first_names([value_words(spec_of(name), row.value) for row in alike])
    return f"{moved}, more than chance explains; not told apart from the best: {shown}."


def start_of(sweep: Sweep) -> Trial | None:
    """The candidate of the first start point; None while it has not finished, or where the sweep began with none."""
    points = sweep.plan.start_points
    first = next((trial for trial in sweep.trials if points and trial.settings == points[0]), None)
    return first if first is not None and first.value is not None else None


def gain_of(sweep: Sweep) -> Interval | None:
    """How much better the best candidate is than the first start point, with the 95 % interval of the difference.

    Of one run each it is that of two shares of their validation pictures (`difference_of_shares`), of several seeds
    that of two means (`difference_of_means`, by the spread of all candidates). Its level allows for the choice of the
    best among all that were compared with the start (Bonferroni): of equally good candidates, 95 % of such intervals
    hold 0. None where there is no start point, where none is better than it, or where the number of pictures is not
    known.
    """
    start, best = start_of(sweep), best_of(sweep)
    if start is None or best is None or best.trial.number == start.number:
        return None
    finished = [trial for trial in sweep.trials if trial.value is not None]
    level = 1 - LEVEL / (len(finished) - 1)
    a, b = start.runs, best.trial.runs
    if len(a) == len(b) == 1:
        return _of_single_runs((start.value or 0.0, a[0].pictures), (best.value, b[0].pictures), level)
    pooled = pooled_spread(_values(trial.runs) for trial in finished)
    return difference_of_means(_values(a), _values(b), pooled, level=level)


def gain_sentence(sweep: Sweep) -> str:
    """What the sweep has gained over where it began, and the part of choosing the best in it; empty before two."""
    start, gain = start_of(sweep), gain_of(sweep)
    tried = sum(trial.value is not None for trial in sweep.trials)
    if tried < 2:
        return ""
    curse = (
        f"The best of {tried:,} was chosen for its value, so luck is part of it (winner's curse): expect a little less "
        "with other seeds."
    )
    if start is None:
        return curse
    if gain is None:
        best = best_of(sweep)
        found = best is not None and best.trial.number == start.number
        return (
            f"None of {counted(tried, 'candidate')} is better than the settings that it began with." if found else curse
        )
    bounds = f"{_INTERVAL} {_points(gain.low)} to {_points(gain.high)}"
    choice = f", which allows for the choice among {tried:,}" if tried > 2 else ""
    shown = "" if gain.low > 0 else "; it holds 0: no gain is shown"
    pictures = " One seed each: the interval is of the pictures, and another seed may move it further."
    return (
        f"{_points(gain.value)} points above the settings that it began with ({bounds}{choice}{shown}). {curse}"
        f"{pictures if len(start.runs) == 1 else ''}"
    )


def luck_sentence(best: Best, others: Sequence[float]) -> str:
    """What the settings of the best candidate reach with seeds that did not choose it; empty without one.

    Args:
        best: of the sweep.
        others: validation accuracies of further runs of its settings, one a seed.
    """
    if not others:
        return ""
    mean, chosen = math.fsum(others) / len(others), _values(best.trial.runs)
    is_higher = best.value >= mean
    bounds = ""
    if len(chosen) + len(others) > 2:
        gap = difference_of_means(*((others, chosen) if is_higher else (chosen, others)))
        bounds = f" ({_INTERVAL} {_points(gap.low)} to {_points(gap.high)})"
    return (
        f"With {counted(len(others), 'other seed')} the same settings reach {percent(mean)} on validation"
        f"{' on average' if len(others) > 1 else ''}. The value that was chosen lies {_points(abs(best.value - mean))} "
        f"points {'higher' if is_higher else 'lower'}{bounds}. Other seeds chose nothing: theirs is the fairer number."
    )


def _values(runs: Sequence[TrialRun]) -> list[float]:
    return [run.value or 0.0 for run in runs]


def _of_single_runs(a: tuple[float, int], b: tuple[float, int], level: float) -> Interval | None:
    """The difference of two runs, each as its accuracy and its pictures; None where their number is not known."""
    if not a[1] or not b[1]:
        return None
    return difference_of_shares(round(a[0] * a[1]), a[1], round(b[0] * b[1]), b[1], level=level)


def _points(share: float) -> str:
    return f"{100 * share:.1f}".replace("-", "−")
