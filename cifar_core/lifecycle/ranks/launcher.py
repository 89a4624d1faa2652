"""The computation of a run by several training processes, its ranks, as one (`supervise.Computation`).

Where a rank dies or freezes, all of them are killed and begin again at the last checkpoint: the ranks that are left
cannot go on without it, and the run then ends as if nothing had happened. Neither torchrun nor a port takes part.
"""

import contextlib
import time
from contextlib import ExitStack

from cifar_core.errors import CifarCoreError
from cifar_core.jobs.log import append_bounded, logged_end
from cifar_core.lifecycle.final_status import end_as
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.ranks.environment import new_rendezvous, processes_of
from cifar_core.lifecycle.ranks.rank import Rank
from cifar_core.lifecycle.states import ACTIVE, Status
from cifar_core.lifecycle.status import read_state
from cifar_core.lifecycle.supervise import LOST_RANKS, STILL_COMPUTING, describe_exit
from cifar_core.machine import oom_kills

MOST_TRIES = 3  # fresh starts in a row without a new checkpoint
_LAST_WORDS = 5.0  # seconds in which the other ranks end after one has, or rank 0 writes why they all fail
_LOOK_SECONDS = 0.05
_LOG_SECONDS = 2.0


def several_ranks(folder: LifeFolder) -> "RanksComputation | None":
    """The computation of a run whose settings say that several processes train it; None for any other."""
    processes = processes_of(folder)
    return RanksComputation(processes) if processes > 1 else None


class RanksComputation:
    """Computes a run by so many processes on this machine."""

    def __init__(self, processes: int) -> None:
        self._processes = processes

    def start(self, folder: LifeFolder) -> None:
        """Start all ranks; OSError where the system refuses one."""
        self._folder = folder
        self._code: int | None = None
        self._told_to_end = False
        self._failures = 0  # in a row
        self._checkpoint = _newest_checkpoint(folder)
        self._killed_before = oom_kills()
        self._begin()

    @property
    def code(self) -> int:
        """The exit code of rank 0, or of the rank that failed last."""
        assert self._code is not None
        return self._code

    def has_ended(self, seconds: float) -> bool:
        """Whether the run ends within so many seconds; ranks that failed begin again meanwhile."""
        until = time.monotonic() + seconds
        while not self._look():
            left = until - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(left, _LOOK_SECONDS))
        return True

    def terminate(self) -> None:
        """Send SIGTERM to rank 0, which ends the run in order together with the others."""
        self._told_to_end = True
        self._ranks[0].terminate()

    def kill(self) -> None:
        """Kill all ranks with their groups."""
        self._told_to_end = True
        for rank in self._ranks:
            rank.kill()

    def finish_log(self, seconds: float) -> None:
        """Wait until the log holds all that they printed."""
        for rank in self._ranks:
            rank.finish_log(seconds)

    def _begin(self) -> None:
        self._meeting, self._ranks = ExitStack(), list[Rank]()
        rendezvous = self._meeting.enter_context(new_rendezvous())
        try:
            for number in range(self._processes):
                self._ranks.append(Rank(self._folder, number, self._processes, rendezvous))
        except (OSError, ValueError) as error:  # Windows hands no pipes on
            self._end_ranks()
            raise OSError(f"not all of its {self._processes} processes could be: {error}") from error

    def _end_ranks(self) -> None:
        for rank in self._ranks:
            rank.kill()
        for rank in self._ranks:
            rank.end(_LOG_SECONDS)
        self._meeting.close()

    def _look(self) -> bool:
        """Whether the run has ended; where a rank has failed, all begin again."""
        if self._code is not None:
            return True
        first = self._ranks[0]
        if first.code is not None and (first.code in (0, STILL_COMPUTING) or self._is_over()):
            all_ended = all(rank.code is not None for rank in self._ranks)
            return (all_ended or first.ended_for() > _LAST_WORDS) and self._end(first.code)
        failed = next(filter(None, map(self._failure_of, _by_blame(self._ranks))), "")
        return bool(failed) and self._begin_again(failed)

    def _failure_of(self, rank: Rank) -> str:
        """Why a rank cannot go on, one sentence; empty while it does, and while rank 0 may still say why."""
        code = rank.code
        if code is None:
            frozen = rank.complaint()
            return f"{frozen} (rank {rank.rank})." if frozen else ""
        if code == 0 or (code > 0 and rank.rank and rank.ended_for() < _LAST_WORDS and self._ranks[0].code is None):
            return ""
        out_of_memory = oom_kills() > self._killed_before
        return f"{describe_exit(code, rank.last_line, out_of_memory=out_of_memory)} (Rank {rank.rank}.)"

    def _is_over(self) -> bool:
        """Whether the run has ended by its own words, or by those of its worker, and needs no fresh start."""
        try:
            ended = read_state(self._folder).status not in ACTIVE
        except CifarCoreError:  # its folder is gone
            return True
        return ended or self._told_to_end or logged_end(self._folder.log) is not None

    def _end(self, code: int) -> bool:
        self._end_ranks()
        self._code = code
        return True

    def _begin_again(self, why: str) -> bool:
        """End all ranks and start them afresh; whether the run has ended instead."""
        self._end_ranks()
        newest = _newest_checkpoint(self._folder)
        self._failures = 1 if newest > self._checkpoint else self._failures + 1
        self._checkpoint = max(newest, self._checkpoint)
        if self._is_over():
            return self._end(1)
        if self._failures > MOST_TRIES:
            return self._give_up(
                f"One of its {self._processes} processes failed {self._failures} times in a row: {why}"
            )
        note = f"All {self._processes} processes begin again at the last checkpoint, because one failed: {why}\n"
        append_bounded(self._folder.log, note.encode())
        try:
            self._begin()
        except OSError as error:
            return self._give_up(f"Its processes could not be started again: {error}.")
        return False

    def _give_up(self, why: str) -> bool:
        with contextlib.suppress(CifarCoreError):  # it has just ended by itself
            end_as(self._folder, Status.FAILED, why)
        self._code = 1
        return True


def _by_blame(ranks: list[Rank]) -> list[Rank]:
    """The ranks, those last that only lost the others, for they do not say why."""
    return sorted(ranks, key=lambda rank: rank.code == LOST_RANKS)


def _newest_checkpoint(folder: LifeFolder) -> str:
    """The name of the newest checkpoint, which sorts by age; empty where there is none."""
    with contextlib.suppress(OSError):
        return max((path.name for path in folder.checkpoints.iterdir() if path.suffix == ".safetensors"), default="")
    return ""
