"""Collects the runs of a class: which there are, and one row of facts for each; only its arguments are read."""

import datetime
from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import Any

from cifar_core.config import differing
from cifar_core.errors import RunError
from cifar_core.evaluate import wilson_interval
from cifar_core.lifecycle.states import Status
from cifar_core.runs.run import MAX_LESSON, Run
from cifar_core.text import one_line

FACTS = "person name lesson sweep best_of status accuracy low high n epoch epochs seconds dataset".split()


def lessons(runs: Iterable[Run]) -> list[str]:
    """The names of the lessons that runs were made for, each once.

    Args:
        runs: the newest first; the lesson of the newest run comes first.
    """
    return list(dict.fromkeys(run.lesson for run in runs if run.lesson))


def runs_of_lesson(runs: Sequence[Run], lesson: str) -> list[Run]:
    """The readable runs that were made for a lesson, in the order given.

    Raises:
        RunError: there is none; the sentence names the lessons that there are.
    """
    if lesson not in (known := lessons(runs)):
        ways = f"There are: {', '.join(known)}" if known else "No run was made for a lesson"
        raise RunError(f"There is no run of a lesson {one_line(lesson, MAX_LESSON)!r}. {ways}.")
    return [run for run in runs if run.lesson == lesson and not run.problem]


def runs_since(runs: Iterable[Run], since: datetime.datetime | None) -> list[Run]:
    """The readable runs that were made since then, in the order given; all of them where `since` is None."""
    return [run for run in runs if not run.problem and (since is None or run.made_at >= since)]


def newest_of_each(runs: Iterable[Run]) -> list[Run]:
    """The first run of each person, with the others of its sweep; of those without a person, all.

    The newest and not the best: the best test accuracy of several tries would look better than it is.

    Args:
        runs: the newest first.
    """
    newest: dict[str, Run] = {}
    kept = []
    for run in runs:
        first = newest.setdefault(run.person, run)
        if run is first or not run.person or (run.sweep and run.sweep == first.sweep):
            kept.append(run)
    return kept


def best_of_sweep(trials: Sequence[Run]) -> Run:
    """The run that stands for its sweep: of the candidate with the highest mean validation accuracy the best run.

    So the sweep judges too, and never by the test set. Until a run of it has finished, it is the first one.

    Args:
        trials: runs of one sweep, at least one.
    """
    candidates: dict[int, list[Run]] = {}
    for run in sorted(trials, key=lambda run: (run.trial, run.config.machine.seed)):
        candidates.setdefault(run.trial, []).append(run)
    best = max(candidates.values(), key=lambda runs: fmean(map(_judged, runs)))  # the first of several
    return max(best, key=_judged)


def _judged(run: Run) -> float:
    """The validation accuracy of a finished run; below all of them where there is none."""
    found = run.best.validation_accuracy if run.best is not None and run.status is Status.FINISHED else None
    return -1.0 if found is None else found


def collect(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """One row a run, the highest test accuracy first: `FACTS`, the settings in which they differ, and `id`.

    The runs of a sweep have one row, that of `best_of_sweep`, so that they do not bury those of others: `best_of` is
    how many they are, None of a run that is no trial, and `sweep` is the id of the sweep.
    Accuracies are shares, 0 to 1: `accuracy` on the `n` test pictures at `epoch`, which the validation part chose, with
    its 95 % interval `low` to `high` (Wilson 1927). There is no interval where test pictures were seen in training.
    `epochs` is how many were planned; `seconds` are those of training and measuring.
    """
    sweeps: dict[str, list[Run]] = {}
    for run in runs:
        sweeps.setdefault(run.sweep or run.id, []).append(run)
    shown = [best_of_sweep(trials) for trials in sweeps.values()]
    configs = [run.config for run in shown if run.has_network]
    settings = [name for name in differing(configs) if name != "dataset"] if configs else []
    rows = [_row(run, settings, len(sweeps[run.sweep]) if run.sweep else None) for run in shown]
    return sorted(rows, key=lambda row: -1.0 if row["accuracy"] is None else row["accuracy"], reverse=True)


def _row(run: Run, settings: Sequence[str], best_of: int | None) -> dict[str, Any]:
    best, n = run.best, run.dataset.test if run.dataset else None
    low = high = None
    if best is not None and n and run.dataset is not None and not run.dataset.test_seen:
        low, high = wilson_interval(round(best.test_accuracy * n), n)
    chosen = run.config.flat() if run.has_network else {}
    return {
        "person": run.person,
        "name": run.name,
        "lesson": run.lesson,
        "sweep": run.sweep,
        "best_of": best_of,
        "status": run.status.value,
        "accuracy": best.test_accuracy if best else None,
        "low": low,
        "high": high,
        "n": n,
        "epoch": best.epoch if best else None,
        "epochs": run.config.optimizer.epochs,
        "seconds": run.seconds,
        "dataset": run.config.data.dataset,
        **{name: chosen.get(name) for name in settings},
        "id": run.id,
    }
