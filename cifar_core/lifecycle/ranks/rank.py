"""One rank, as its launcher sees it: a process with a pulse and an output."""

import contextlib
import math
import os
import subprocess
import time

from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.ranks.environment import Rendezvous, rank_environment
from cifar_core.lifecycle.ranks.output import RankOutput
from cifar_core.lifecycle.ranks.pulse import start_with_pulse
from cifar_core.lifecycle.supervise import kill_group, start_computing
from cifar_core.processes import Program, command_of


def rank_command(folder: LifeFolder) -> list[str]:
    """The command of each rank, which ends when this process, its parent, does."""
    return command_of(Program.RANK, f"--run-dir={folder.path}", f"--parent={os.getpid()}")


class Rank:
    """A training process of a run. Only the thread that has made it asks it; that thread must outlive it."""

    def __init__(self, folder: LifeFolder, rank: int, world: int, rendezvous: Rendezvous) -> None:
        """Start it; OSError where the system refuses."""
        self.rank = rank
        self._child, self._pulse = start_with_pulse(
            lambda pulse: start_computing(
                rank_command(folder),
                environment=rank_environment(rank, world, rendezvous.url, pulse),
                inherited=(pulse, *rendezvous.handles),
            )
        )
        assert self._child.stdout is not None
        self._output = RankOutput(self._child.stdout, folder.log, rank)
        self._ended_at = math.inf

    @property
    def code(self) -> int | None:
        """Its exit code, as `Popen.returncode`; None while it lives."""
        code = self._child.poll()
        if code is not None:
            self._ended_at = min(self._ended_at, time.monotonic())
        return code

    @property
    def last_line(self) -> str:
        """What it printed last."""
        return self._output.last_line

    def ended_for(self) -> float:
        """Seconds since its end was first seen, 0 or less while it lives."""
        return time.monotonic() - self._ended_at if self.code is not None else 0.0

    def complaint(self) -> str:
        """That it is frozen, as `Pulse.complaint`."""
        return self._pulse.complaint()

    def terminate(self) -> None:
        """Send it SIGTERM."""
        self._child.terminate()

    def kill(self) -> None:
        """Kill it with its whole group, where it still lives."""
        if self._child.poll() is None:
            kill_group(self._child)

    def end(self, seconds: float) -> None:
        """Kill it, and wait until it is gone and the log holds all that it printed, at most so long for the log."""
        self.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(seconds)
        self._output.finish(seconds)
        self._pulse.close()

    def finish_log(self, seconds: float) -> None:
        """Wait until the log holds all that it printed."""
        self._output.finish(seconds)
