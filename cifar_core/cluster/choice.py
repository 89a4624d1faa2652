"""Where a new run is to be computed, as a person asks for it, and whether that place can be used now."""

import shutil
from typing import get_args

from cifar_core.cluster.address import split_address
from cifar_core.cluster.check import check_cluster
from cifar_core.cluster.extras import require_submitit
from cifar_core.cluster.nodes.record import known_address
from cifar_core.errors import ClusterError, ConfigError
from cifar_core.lifecycle.place import LOCAL, Backend, Place
from cifar_core.limits import read_limits
from cifar_core.text import did_you_mean, one_line
from cifar_core.workspace import Workspace

MOST_CPUS = 1024  # that one run may ask for
MOST_GPUS = 64
_SHOWN = 60  # characters of a wrong value
_BACKENDS: dict[str, Backend] = {name: name for name in get_args(Backend)}


def asked_place(workspace: Workspace, backend: str, address: str = "", cpus: int = 0, gpus: int = 0) -> Place:
    """The place that these words ask for; nothing is contacted (`require_place`).

    Args:
        workspace: where no address is given, its `settings.json` may name the cluster, else it is the one that was
            started from there on this machine.
        backend: local, ray or slurm.
        address: of a Ray cluster, HOST:PORT of its head.
        cpus: processors that a run asks for, and so its threads; 0: one.
        gpus: that a run asks for.

    Raises:
        ConfigError: a sentence for each of them that breaks a rule; or `settings.json` breaks one.
        ClusterError: what was started from the workspace cannot be read.
    """
    problems = [
        _unknown(backend),
        _out_of_range("cpus", cpus, MOST_CPUS),
        _out_of_range("gpus", gpus, MOST_GPUS),
        _needless(backend, address, cpus, gpus),
    ]
    if found := [problem for problem in problems if problem]:
        raise ConfigError(found)
    if backend == "ray":
        address = address or known_address(workspace)
        split_address(address)
    return LOCAL if backend == "local" else Place(_BACKENDS[backend], address, max(1, cpus), gpus)


def offered_cluster(workspace: Workspace) -> Place:
    """The cluster that the pages offer: that of `settings.json`; this machine where it names none.

    Raises:
        ConfigError: `settings.json` breaks a rule, or its `cluster` is no address.
    """
    return asked_place(workspace, "ray") if read_limits(workspace).cluster else LOCAL


def require_place(workspace: Workspace, place: Place) -> None:
    """Refuse a place where a run could not be computed now, before one is made; of a cluster, in about a second.

    Raises:
        ClusterError: what it needs is not installed, or it cannot be reached, is not safe to use, or runs other
            versions.
        ConfigError: no node of the cluster has what the run asks for.
    """
    if place.backend == "ray":
        check_cluster(workspace, place)
    elif place.backend == "slurm":
        require_submitit()
        if shutil.which("sbatch") is None:
            raise ClusterError("There is no Slurm on this machine (no sbatch): start the run where jobs are submitted.")


def _unknown(backend: str) -> str:
    if backend in _BACKENDS:
        return ""
    known = ", ".join(_BACKENDS)
    return f"backend is {one_line(backend, _SHOWN)!r}, but must be one of {known}{did_you_mean(backend, _BACKENDS)}."


def _out_of_range(name: str, value: int, most: int) -> str:
    return "" if 0 <= value <= most else f"{name} is {value}, but must be from 0 to {most:,}."


def _needless(backend: str, address: str, cpus: int, gpus: int) -> str:
    """A sentence where something is asked that the back end does not know."""
    if address and backend in ("local", "slurm"):
        return f"address is {one_line(address, _SHOWN)}, but only backend ray has one: leave it out, or take that."
    if backend == "local" and (cpus or gpus):
        return "cpus and gpus are asked of a cluster (backend ray or slurm): a run here takes what the machine has."
    return ""
