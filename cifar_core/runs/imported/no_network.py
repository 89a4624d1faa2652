"""What a run of imported predictions cannot do: it has no network and no training."""

from cifar_core.errors import RunError
from cifar_core.runs.run import Run
from cifar_core.text import one_line


def network_missing(run: Run) -> str:
    """Why nothing that needs a network or a training works with a run, in one sentence; empty where it has both."""
    if run.has_network:
        return ""
    return (
        f"Run {one_line(run.id)} holds imported predictions of a model that was trained elsewhere: it has no network "
        "and no training here, so it can be looked at and compared, but nothing can be predicted with it or trained "
        "from it."
    )


def require_own_network(run: Run) -> None:
    """Refuse a run whose predictions were imported.

    Raises:
        RunError: as `network_missing` says.
    """
    reason = network_missing(run)
    if reason:
        raise RunError(reason)
