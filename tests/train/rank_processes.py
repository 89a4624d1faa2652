"""Starts the processes of a training of several, as a launcher does, and waits for all of them."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cifar_core.lifecycle.ranks.environment import RENDEZVOUS

SECONDS = 120.0  # for all of them; a deadline for stuck processes, not a wait


def rank_environment(rank: int, world: int, meet: str) -> dict[str, str]:
    """What torchrun would set, on one machine; one thread each, as the cores are shared."""
    own = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": world, "LOCAL_WORLD_SIZE": world, RENDEZVOUS: meet}
    named = {name: str(value) for name, value in own.items()} if world > 1 else {}
    return {**os.environ, **named, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}


@contextmanager
def started_ranks(world: int, *command: str) -> Iterator["list[subprocess.Popen[bytes]]"]:
    """The processes of `python COMMAND`, one a rank; none is left at the end."""
    with tempfile.TemporaryDirectory() as folder:
        meet = f"file://{Path(folder) / 'meet'}"
        started = [
            subprocess.Popen(
                [sys.executable, *command], env=rank_environment(rank, world, meet), stderr=subprocess.PIPE
            )
            for rank in range(world)
        ]
        try:
            yield started
        finally:
            for item in started:
                item.kill()
                item.communicate()


def run_ranks(world: int, *command: str) -> list[int]:
    """The exit codes of the ranks, after all have ended; what they printed as errors is printed."""
    with started_ranks(world, *command) as started:
        codes = []
        for item in started:
            _, errors = item.communicate(timeout=SECONDS)
            sys.stderr.write(errors.decode())
            codes.append(item.returncode)
        return codes
