"""The turn of a run that is computed elsewhere: the cluster decides when it begins; it takes no ticket of the queue."""

import time
from contextlib import ExitStack

from cifar_core.cluster.remote.seat import Seat
from cifar_core.data import prepare_drawn10
from cifar_core.data.sources.drawn10 import DRAWN10_NAME
from cifar_core.lifecycle.heartbeat import Heartbeat
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.status import expect_worker
from cifar_core.runs.records import run_config
from cifar_core.runs.run_folder import RunFolder

_BEAT_SECONDS = 20.0  # between two signs in the status that the run still waits, which is often enough for readers


class _StillDrawingError(Exception):
    """The pictures are being drawn."""


class RemoteTurn:
    """The turn of one run; it comes when a node has a place for it. May be used in any thread."""

    def __init__(self, seat: Seat) -> None:
        self._seat = seat
        self._is_drawn = False
        self._told_at = time.monotonic()

    def take(self, folder: LifeFolder, held: ExitStack, _heartbeat: Heartbeat) -> bool:
        """Whether a node has a place for the run and its pictures are here, from where they travel."""
        if time.monotonic() - self._told_at > _BEAT_SECONDS:
            self._told_at = time.monotonic()
            expect_worker(folder, here=True)
        if not self._is_drawn:
            self._is_drawn = _has_pictures(folder)
        if self._seat.ask() is None or not self._is_drawn:
            return False
        held.callback(self._seat.release)
        return True

    def give_up(self, _folder: LifeFolder) -> None:
        """Ask for no node any more."""
        self._seat.release()


def _has_pictures(folder: LifeFolder) -> bool:
    """Whether the run's dataset is here; `drawn10` is drawn by a job meanwhile. Raises DataError where that failed."""
    if run_config(RunFolder(folder.path)).data.dataset != DRAWN10_NAME:
        return True

    def look_once(_done: int, _total: int) -> None:
        raise _StillDrawingError

    try:
        prepare_drawn10(folder.workspace, look_once)
    except _StillDrawingError:
        return False
    return True
