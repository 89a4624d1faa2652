"""Trials that are made in memory, as a sweep would read them."""

from typing import Any

from cifar_core.sweeps.sweep import Trial, TrialRun


def trial(number: int, settings: dict[str, Any], value: float | None = None, *curves: tuple[float, ...]) -> Trial:
    """A trial that has finished with this value, or one that was pruned after these epochs."""
    runs = tuple(TrialRun("r", seed, "finished", None, curve, 1.0) for seed, curve in enumerate(curves))
    return Trial(number, settings, runs, "pruned" if value is None else "finished", value)
