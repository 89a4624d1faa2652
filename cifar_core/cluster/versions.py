"""The versions that all machines of a cluster must share: of Python, of Ray, and of this program with its very code.

A node carries them as labels of Ray, which `cluster start` and `cluster join` give it, so reading them costs nothing.
"""

import functools
import hashlib
import importlib.metadata
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from cifar_core import __version__
from cifar_core.errors import ClusterError

_PREFIX = "cifar-core-"  # of the labels
_CODE_DIGITS = 12  # of the hash of the code
_PACKAGE = Path(__file__).resolve().parents[1]
_NAMES = {"python": "Python", "ray": "Ray", "program": "this program"}


@dataclass(frozen=True)
class Versions:
    """What a machine computes with."""

    python: str
    ray: str
    program: str  # the version of the package, a dash, and the first digits of the hash of its code


@functools.cache
def versions_here() -> Versions:
    """The versions of this machine; raises ClusterError where Ray is not installed."""
    try:
        ray = importlib.metadata.version("ray")
    except importlib.metadata.PackageNotFoundError as error:
        raise ClusterError("Ray is not installed: `make install EXTRAS=cluster` gets it.") from error
    return Versions(platform.python_version(), ray, f"{__version__}-{_code_hash()}")


def _code_hash() -> str:
    """Hash of every Python file of this package: two machines with other code would compute other numbers."""
    digest = hashlib.sha256()
    for path in sorted(_PACKAGE.rglob("*.py")):
        digest.update(path.relative_to(_PACKAGE).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:_CODE_DIGITS]


def labels_of(versions: Versions) -> dict[str, str]:
    """The versions as labels of a node of Ray."""
    return {f"{_PREFIX}{name}": value for name, value in asdict(versions).items()}


def versions_of(labels: Mapping[str, str]) -> Versions | None:
    """The versions that the labels of a node name; None where it was not started by this program."""
    names = [field.name for field in fields(Versions)]
    if any(f"{_PREFIX}{name}" not in labels for name in names):
        return None
    return Versions(**{name: labels[f"{_PREFIX}{name}"] for name in names})


def require_same_versions(there: Versions | None, where: str) -> None:
    """Refuse a machine that computes with other versions than this one.

    Args:
        there: its versions; None where it does not say.
        where: the machine, as the subject of the sentence, such as "Node a of the cluster at 10.0.0.5:6379".

    Raises:
        ClusterError: they differ; the sentence names both.
    """
    if there is None:
        raise ClusterError(
            f"{where} does not say its versions: start every node with `python -m cifar_core cluster start` or `join`."
        )
    here = versions_here()
    other = [name for name in _NAMES if getattr(there, name) != getattr(here, name)]
    if other:
        theirs = ", ".join(f"{_NAMES[name]} {getattr(there, name)}" for name in other)
        ours = ", ".join(f"{_NAMES[name]} {getattr(here, name)}" for name in other)
        raise ClusterError(
            f"{where} has {theirs}, but this machine has {ours}: install the same on both, then start its node again."
        )
