"""Whether what a cluster needs is installed, and how to get it, without loading it."""

import importlib.util

from cifar_core.errors import ClusterError


def require_ray() -> None:
    """Raises ClusterError where Ray is not installed."""
    _require("ray", "A cluster of Ray needs Ray")


def require_submitit() -> None:
    """Raises ClusterError where submitit is not installed."""
    _require("submitit", "A cluster of Slurm needs submitit")


def _require(package: str, need: str) -> None:
    if importlib.util.find_spec(package) is None:
        raise ClusterError(f"{need}, which is not installed: `make install EXTRAS=cluster` gets it.")
