"""What the commands say of a sweep, as lines of text."""

from collections.abc import Mapping, Sequence
from typing import Any

from cifar_core.config import spec_of
from cifar_core.lifecycle.place import LOCAL
from cifar_core.runs import Run, Span
from cifar_core.spec import value_words
from cifar_core.sweeps.estimate import sweep_time_left
from cifar_core.sweeps.plan import SweepPlan
from cifar_core.sweeps.space import contains, grid, range_words
from cifar_core.sweeps.sweep import Best, Sweep, Trial, TrialRun, best_of
from cifar_core.sweeps.tables import gain_sentence
from cifar_core.text import counted, one_line
from cifar_core.text import range_words as time_words

_SAMPLERS = {"tpe": "proposed by TPE", "random": "drawn at random"}
_PRUNERS = {"none": "", "median": ", pruned by the median", "hyperband": ", pruned by Hyperband"}
_HEADS = ("SWEEP", "STATUS", "RUNS", "BEST VALIDATION", "RUN", "DATASET", "CREATED (UTC)")
_TRIAL_HEADS = ("TRIAL", "SEED", "RUN", "STATUS", "VALIDATION", "SECONDS", "SETTINGS")


def settings_words(settings: Mapping[str, Any]) -> str:
    """`learning_rate 0.003, optimizer SGD`: by the names that options have, with numbers of four digits."""
    return ", ".join(f"{name} {_value(name, value)}" for name, value in settings.items())


def _value(name: str, value: Any) -> str:
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return f"{value:.4g}" if isinstance(value, float) else value_words(spec_of(name), value)


def plan_lines(plan: SweepPlan, sweep_id: str, expected: Span | None) -> list[str]:
    """What a new sweep is: space, number, how its candidates are chosen, expected time, where it begins."""
    options, settings = plan.options, plan.settings
    seeds = f" with {counted(options.seeds, 'seed')} each" if options.seeds > 1 else ""
    what = f"{settings['model']} on {settings['dataset']}, {counted(settings['epochs'], 'epoch')}"
    how = f"{_chosen_how(plan)}{_PRUNERS[options.pruner]}"
    takes = time_words(expected.low, expected.high) if expected else "time not known before this machine is measured"
    if options.place != LOCAL:
        takes = f"on {options.place.words}, where no time is promised"
    lines = [
        f"Sweep {sweep_id}: {counted(plan.candidates, 'candidate')}{seeds}, {how}; {what}; {takes}.",
        *(f"  {range_words(item)}" for item in plan.space),
    ]
    if options.pruner != "none" and expected:
        lines.append("  A pruner may end it earlier.")
    if options.sampler != "grid" and not contains(plan.space, settings):
        swept = settings_words({item.name: settings[item.name] for item in plan.space})
        lines.append(
            f"  The settings that it begins with ({swept}) lie outside of what is searched: they are not tried."
        )
    return lines


def _chosen_how(plan: SweepPlan) -> str:
    """Where the candidates of a sweep come from."""
    if plan.options.sampler != "grid":
        return _SAMPLERS[plan.options.sampler]
    there = len(grid(plan.space, plan.settings))
    return "each combination once" if plan.candidates == there else f"the first of {there:,} combinations"


def run_line(trial: Trial, run: TrialRun, seeds: int) -> str:
    """One run of a candidate that has ended."""
    seed = f", seed {run.seed}" if seeds > 1 else ""
    return (
        f"Trial {trial.number}{seed}: {_result(run)}, {run.seconds:.1f} s; {settings_words(trial.settings)} ({run.run})"
    )


def _result(run: TrialRun) -> str:
    value = f"validation accuracy {run.value:.4f}" if run.value is not None else "no finished epoch"
    if run.status == "finished":
        return value
    what = "diverged" if run.diverged else run.status
    return f"{what} after {counted(len(run.values), 'epoch')}, {value}"


def progress_text(found: Sweep, runs: Sequence[Run]) -> str:
    """`12 of 30 runs, best 0.6543, 2 to 3 min left`."""
    best, left = best_of(found, runs), sweep_time_left(found, runs)
    parts = [f"{found.runs_done} of {counted(found.plan.options.runs, 'run')}"]
    if best:
        parts.append(f"best {best.value:.4f}")
    if left:
        parts.append(f"{time_words(left.low, left.high)} left")
    return ", ".join(parts)


def best_words(best: Best) -> str:
    """The best candidate with its interval and what that rests on."""
    basis = counted(best.n, "seed") if len(best.trial.runs) > 1 else counted(best.n, "validation picture")
    return (
        f"Best: validation accuracy {best.value:.4f} (95 % interval {best.low:.4f} to {best.high:.4f}, {basis}), "
        f"{settings_words(best.trial.settings)}, run {best.run}."
    )


def _best_lines(found: Sweep, runs: Sequence[Run]) -> list[str]:
    """The best candidate, and how much better it is than where the sweep began, as far as that is known."""
    best = best_of(found, runs)
    lines = [best_words(best) if best else "No candidate has finished.", gain_sentence(found)]
    return [line for line in lines if line]


def closing(found: Sweep, runs: Sequence[Run]) -> list[str]:
    """What came of a sweep that has ended."""
    done = f"Sweep {found.id}: {found.runs_done} of {counted(found.plan.options.runs, 'run')} done."
    return [done, *_best_lines(found, runs)]


def table_lines(found: Sequence[Sweep], runs: Sequence[Run]) -> list[str]:
    """The table of sweeps; one that cannot be read says why."""
    rows = [_row(each, best_of(each, runs)) for each in found if not each.problem]
    lines = _aligned([_HEADS, *rows]) if rows else []
    return lines + [one_line(each.problem, 300) for each in found if each.problem]


def _row(found: Sweep, best: Best | None) -> tuple[str, ...]:
    plan = found.plan
    name = f" ({plan.options.name})" if plan.options.name else ""
    score = (f"{best.value:.4f}", best.run) if best else ("-", "-")
    done = f"{found.runs_done} of {plan.options.runs}"
    return (
        plan.id + name,
        found.status,
        done,
        *score,
        str(plan.settings["dataset"]),
        plan.created[:16].replace("T", " "),
    )


def sweep_lines(found: Sweep, runs: Sequence[Run]) -> list[str]:
    """One sweep: its status, what it searches, the best candidate, and a line for each run of a trial."""
    plan = found.plan
    name = f" ({plan.options.name})" if plan.options.name else ""
    lines = [
        f"Sweep {plan.id}{name} on {plan.settings['dataset']}: {found.status}, {progress_text(found, runs)}.",
        *([found.reason] if found.reason else []),
        *(f"  {range_words(item)}" for item in plan.space),
        *_best_lines(found, runs),
    ]
    rows = [_trial_row(trial, run) for trial in found.trials for run in trial.runs if run.made]
    problems = [one_line(trial.problem, 300) for trial in found.trials if trial.problem]
    refused = [
        f"Trial {trial.number} was not trained: {one_line(run.refused, 300)}"
        for trial in found.trials
        for run in trial.runs
        if run.refused
    ]
    return [*lines, *(_aligned([_TRIAL_HEADS, *rows]) if rows else []), *problems, *refused]


def _trial_row(trial: Trial, run: TrialRun) -> tuple[str, ...]:
    status = "diverged" if run.diverged else run.status
    value = f"{run.value:.4f}" if run.value is not None else "-"
    gone = " (deleted)" if run.deleted else " (not made)" if run.refused else ""
    return (
        str(trial.number),
        str(run.seed),
        run.run + gone,
        status,
        value,
        f"{run.seconds:.1f}",
        settings_words(trial.settings),
    )


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """A table as text: each column as wide as its widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
