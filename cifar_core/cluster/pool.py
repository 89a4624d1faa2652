"""A pool of seats on a cluster, for a process that has many runs to train there: the owner of a sweep.

A seat computes one run at a time and lives on between runs. Each run is followed by a thread of this process, which is
its worker in every respect (`serve_run`): it holds the run's lock, beats, reads its requests, writes its status. Where
this process dies, the seats go on with the runs that they have, and the next pool of the same name takes these up.
"""

import contextlib
import threading
import time
import traceback
from typing import Protocol

from cifar_core.errors import CifarCoreError, StorageError
from cifar_core.jobs.log import append_bounded
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.requests import TerminationSignal
from cifar_core.lifecycle.runner import LocalRunner
from cifar_core.lifecycle.supervise import Computation
from cifar_core.lifecycle.worker import Turn, serve_run

_LEAVE_SECONDS = 1.0  # for the last steps of followers whose run has ended, when the pool is closed


class Seat(Protocol):
    """A place on a cluster for one run at a time."""

    @property
    def turn(self) -> Turn:
        """How the next run comes to its turn there."""

    @property
    def computation(self) -> Computation:
        """What computes it."""

    def release(self) -> None:
        """Its run has ended, or is followed no longer; a second time changes nothing."""


class Seats(Protocol):
    """The seats of a pool: as many as the cluster has room for now. Each method returns at once."""

    def free(self) -> int:
        """How many seats are ready to compute a run."""

    def take(self, run_id: str) -> Seat | None:
        """The seat that computes this run already, for an earlier pool, else a free one; None where there is none."""

    def close(self) -> None:
        """Give up the seats that compute no run, and let the others finish theirs."""


class NoSignal(TerminationSignal):
    """For a worker that is a thread: the process around it receives the signal, and asks its runs to pause."""

    def __init__(self) -> None:
        self.received = False


class ClusterPool(LocalRunner):
    """Launches runs in the seats of a cluster, at most one run in each at a time; all else is as `LocalRunner` does it.

    The runs that it launches have the place of the cluster, so none of them waits in the queue of this machine.
    """

    def __init__(self, seats: Seats, has_news: threading.Event) -> None:
        """A pool of these seats.

        Args:
            seats: of a cluster.
            has_news: set by the seats whenever one becomes free that was not.
        """
        self._seats, self._has_news = seats, has_news
        self._followers: list[threading.Thread] = []
        self._closed = False

    def free(self) -> int:
        """How many runs can be launched now."""
        return 0 if self._closed else self._seats.free()

    def busy(self) -> int:
        """How many runs are followed now."""
        self._followers = [thread for thread in self._followers if thread.is_alive()]
        return len(self._followers)

    def wait(self, seconds: float) -> None:
        """Wait until a run or a seat is done or ready, at most so many seconds; at once for news since the last."""
        self._has_news.wait(seconds)
        self._has_news.clear()

    def close(self) -> None:
        """No further runs. Followers end with this process; their runs are found again by the next pool."""
        self._closed = True
        until = time.monotonic() + _LEAVE_SECONDS
        for thread in self._followers:
            thread.join(max(0.0, until - time.monotonic()))
        self._seats.close()

    def _start_worker(self, folder: LifeFolder) -> None:
        """Follow a run on a seat; StorageError where none is free, or no thread can be started."""
        seat = None if self._closed else self._seats.take(folder.run_id)
        if seat is None:
            raise StorageError("No place on the cluster is free: launch the run when one is.")
        name = f"follow {folder.run_id}"
        thread = threading.Thread(target=self._follow, args=(folder, seat), name=name, daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            seat.release()
            raise StorageError(f"No thread can be started to follow run {folder.run_id} ({error}).") from error
        self._followers = [*(each for each in self._followers if each.is_alive()), thread]

    def _follow(self, folder: LifeFolder, seat: Seat) -> None:
        """Be the worker of a run until it has ended; what goes wrong is told in its log."""
        try:
            serve_run(folder, seat.computation, NoSignal(), seat.turn)
        except CifarCoreError as error:  # the run has got it as its reason
            append_bounded(folder.log, f"{error}\n".encode())
        except Exception:
            with contextlib.suppress(OSError):
                append_bounded(folder.log, traceback.format_exc().encode())
            raise  # to the log of this process; the run's lock is free, so the run counts as interrupted
        finally:
            seat.release()
            self._has_news.set()
