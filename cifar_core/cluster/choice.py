"""Where a new run is to be computed, as a person asks for it, and whether that place can be used now."""

import importlib.util
import re
import shutil
from typing import get_args

from cifar_core.errors import ClusterError, ConfigError
from cifar_core.lifecycle.place import LOCAL, Backend, Place
from cifar_core.limits import LIMITS_FILE, read_limits
from cifar_core.text import did_you_mean, one_line
from cifar_core.workspace import Workspace

MOST_CPUS = 1024  # that one run may ask for
MOST_GPUS = 64
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})")  # HOST:PORT, [IPv6]:PORT
_MAX_PORT = 65535


def asked_place(workspace: Workspace, backend: str, address: str = "", cpus: int = 0, gpus: int = 0) -> Place:
    """The place that these words ask for; nothing is contacted (`require_place`).

    Args:
        workspace: its `settings.json` may name the cluster that is meant where no address is given.
        backend: local, ray or slurm.
        address: of a Ray cluster, HOST:PORT of its head; empty: that of `settings.json`.
        cpus: processors that a run asks for, and so its threads; 0: what the back end takes by default.
        gpus: that a run asks for.

    Raises:
        ConfigError: a sentence for each of them that breaks a rule; or `settings.json` breaks one.
    """
    problems = [
        _unknown(backend),
        _out_of_range("cpus", cpus, MOST_CPUS),
        _out_of_range("gpus", gpus, MOST_GPUS),
        _needless(backend, address, cpus, gpus),
    ]
    if not any(problems) and backend == "ray":
        address = address or read_limits(workspace).cluster
        problems.append(_wrong_address(address))
    if found := [problem for problem in problems if problem]:
        raise ConfigError(found)
    return next(Place(known, address, cpus, gpus) for known in get_args(Backend) if known == backend)


def offered_place(workspace: Workspace, cpus: int = 0, gpus: int = 0) -> Place:
    """The cluster that the pages offer: that of `settings.json`; this machine where it names none.

    Raises:
        ConfigError: `settings.json` breaks a rule, or its `cluster` is no address.
    """
    address = read_limits(workspace).cluster
    return asked_place(workspace, "ray", address, cpus, gpus) if address else LOCAL


def _unknown(backend: str) -> str:
    known = get_args(Backend)
    if backend in known:
        return ""
    return (
        f"backend is {one_line(backend)[:40]!r}, but must be one of {', '.join(known)}{did_you_mean(backend, known)}."
    )


def _out_of_range(name: str, value: int, most: int) -> str:
    return "" if 0 <= value <= most else f"{name} is {value}, but must be from 0 to {most:,}."


def _needless(backend: str, address: str, cpus: int, gpus: int) -> str:
    """A sentence where something is asked that the back end does not know."""
    if address and backend != "ray":
        return f"address is {one_line(address)[:60]}, but only backend ray has one: leave it out, or choose that one."
    if backend == "local" and (cpus or gpus):
        return "cpus and gpus are asked of a cluster (backend ray or slurm): a run here takes what the machine has."
    return ""


def _wrong_address(address: str) -> str:
    if not address:
        return (
            f"Which cluster? Give its address (--address HOST:PORT), or name it as `cluster` in {LIMITS_FILE} of the "
            "workspace."
        )
    found = _ADDRESS.fullmatch(address)
    if found and 0 < int(found[2]) <= _MAX_PORT:
        return ""
    return (
        f"address is {one_line(address)[:60]!r}, but must be HOST:PORT of the head of a cluster, as in 10.0.0.5:6379."
    )


def require_place(workspace: Workspace, place: Place) -> None:
    """Refuse a place where a run could not be computed now, before one is made.

    Raises:
        ClusterError: of a cluster: what it needs is not installed, it cannot be reached, is not safe to use, or runs
            another version.
        ConfigError: of a cluster: none of its nodes has what the run asks for.
    """
    if place.backend == "slurm":
        _require_slurm()


def _require_slurm() -> None:
    if importlib.util.find_spec("submitit") is None:
        raise ClusterError("Slurm needs submitit, which is not installed: `make install EXTRAS=cluster` gets it.")
    if shutil.which("sbatch") is None:
        raise ClusterError("Slurm is not on this machine (there is no sbatch): start the run where jobs are submitted.")
