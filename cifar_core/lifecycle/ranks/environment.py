"""What a rank finds in its environment: its place among the ranks, where they meet, and its pulse.

The names of the place are those of torchrun, so a training process cannot tell which of the two has started it.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryDirectory

from cifar_core.lifecycle.life_folder import CONFIG, MOST_BYTES, LifeFolder
from cifar_core.processes import child_environment
from cifar_core.storage.json_files import read_json

RENDEZVOUS = "CIFAR_RENDEZVOUS"  # URL of the file at which the ranks meet; unset under torchrun, which has a store
PULSE = "CIFAR_PULSE"  # number of the inherited pipe that the rank writes a byte to every second
_MOST = 64  # processes, as the setting says
_LOOPBACK = "lo0" if sys.platform == "darwin" else "lo"  # nothing of a run on one machine is open to the network


@dataclass(frozen=True)
class RankHere:
    """Which of the training processes of a run this process is."""

    rank: int  # from 0; rank 0 alone writes
    world: int  # how many there are
    rendezvous: str | None  # URL where they meet; None: torchrun's store


def rank_here() -> RankHere:
    """The place of this process among the ranks; a process that is told none is the only one."""
    rank, world = os.environ.get("RANK", ""), os.environ.get("WORLD_SIZE", "")
    if not (rank.isdecimal() and world.isdecimal() and int(rank) < int(world)):
        return RankHere(0, 1, None)
    return RankHere(int(rank), int(world), os.environ.get(RENDEZVOUS))


def processes_of(folder: LifeFolder) -> int:
    """How many training processes a run has, by the setting `processes`; 1 where that cannot be read."""
    try:
        settings = read_json(folder.config, max_bytes=MOST_BYTES[CONFIG])["settings"]
        return max(1, min(_MOST, int(settings.get("processes", 1))))
    except (OSError, ValueError, OverflowError, KeyError, TypeError, AttributeError):
        return 1  # the training process reports what is wrong with its settings


def threads_of_rank(threads: int, here: int) -> int:
    """How many threads one of `here` ranks on this machine has, of `threads` that one process alone would have."""
    return min(threads, max(1, (os.cpu_count() or 1) // here))


def rank_environment(rank: int, world: int, rendezvous: str, pulse: int | None = None) -> dict[str, str]:
    """The environment of one of our own ranks, all of which run on this machine; `pulse` where somebody listens."""
    return child_environment() | {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(world),
        "LOCAL_WORLD_SIZE": str(world),
        RENDEZVOUS: rendezvous,
        PULSE: "" if pulse is None else str(pulse),
        "GLOO_SOCKET_IFNAME": os.environ.get("GLOO_SOCKET_IFNAME", _LOOPBACK),
    }


@dataclass(frozen=True)
class Rendezvous:
    """A new file, at which the ranks of one try meet; a port could be taken by another program."""

    url: str
    handles: tuple[int, ...]  # that the ranks inherit


@contextmanager
def new_rendezvous() -> Iterator[Rendezvous]:
    """A rendezvous, which is gone after the block; on Linux it lives in memory, and so goes with a killed launcher."""
    if hasattr(os, "memfd_create"):
        handle = os.memfd_create("rendezvous", 0)
        try:
            yield Rendezvous(f"file:///proc/self/fd/{handle}", (handle,))
        finally:
            os.close(handle)
    else:
        with TemporaryDirectory(prefix="cifar-ranks-", ignore_cleanup_errors=True) as place:
            yield Rendezvous(f"file://{place}/rendezvous", ())
