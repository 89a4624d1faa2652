"""What a sweep has found: below its head on the Sweep page."""

from collections.abc import Sequence

from cifar_core.runs import Run
from cifar_core.sweeps.sweep import Sweep
from cifar_core.workspace import Workspace


def show_sweep_results(workspace: Workspace, sweep: Sweep, runs: Sequence[Run]) -> None:
    """Show what the trials of a sweep have reached so far."""
