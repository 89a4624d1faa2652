"""Which runs a person made, and which are trials of sweeps; only its arguments are read."""

from collections.abc import Iterable

from cifar_core.runs.run import Run


def own_runs(runs: Iterable[Run]) -> list[Run]:
    """The runs that are no trials of a sweep of this workspace, in the order given."""
    return [run for run in runs if not run.is_trial]


def trial_words(run: Run) -> str:
    """Of which sweep a run is which trial, such as `trial 12 of sweep calm-fox`; empty where it is none."""
    return f"trial {run.trial} of sweep {run.sweep}" if run.sweep else ""


def own_first(runs: Iterable[Run]) -> list[Run]:
    """All of the runs: first those that are no trials, then the trials, each in the order given."""
    return sorted(runs, key=lambda run: run.is_trial)
