"""What became of a candidate, for its study: one status, value and curve from the runs of all its seeds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from cifar_core.runs.trials.kept import KeptRun


@dataclass(frozen=True)
class Outcome:
    """A candidate that is done."""

    status: Literal["finished", "pruned", "failed", "stopped"]
    value: float | None  # mean validation accuracy of its runs; None unless finished
    values: tuple[float, ...]  # validation accuracy after each epoch, of the first seed, which the pruner judges
    diverged: bool = False
    runs: tuple[str, ...] = ()  # ids


def outcome_of(runs: Sequence[KeptRun], *, pruned: bool) -> Outcome:
    """The outcome of a candidate whose runs have ended, in the order of their seeds; where it was pruned, the first."""
    values = runs[0].values if runs else ()
    ids = tuple(run.run for run in runs)
    if pruned:
        return Outcome("pruned", None, values, runs=ids)
    diverged = any(run.diverged for run in runs)
    if any(run.status == "failed" for run in runs):
        return Outcome("failed", None, values, diverged, ids)
    found = [run.value for run in runs if run.status == "finished" and run.value is not None]
    if len(found) < len(runs) or not found:
        return Outcome("stopped", None, values, runs=ids)
    return Outcome("finished", sum(found) / len(found), values, runs=ids)
