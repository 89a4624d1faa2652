"""A pool of warm workers, for a process that has many short runs to train: a sweep.

A new process costs two seconds and half a gigabyte until it trains; a warm worker has paid that once. To all others its
runs look as every run does: the same queue, locks, heartbeat, log and control files. The workers live only as long as
the process that made the pool: their standard input ends with it, and they end after the run that they have.
"""

import contextlib
import json
import subprocess
import threading
from pathlib import Path
from typing import IO

from cifar_core.errors import StorageError
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.queue import slots
from cifar_core.lifecycle.runner import LocalRunner
from cifar_core.processes import Program, spawn
from cifar_core.storage.disk_errors import storage_errors
from cifar_core.workspace import Workspace


class _Worker:
    """A warm worker as its pool knows it."""

    def __init__(self, log: Path, has_news: threading.Event) -> None:
        """Start it; raises StorageError."""
        self._process = spawn(Program.WARM_WORKER, [], log, talks=True)
        self._has_news = has_news
        self._run = ""  # id of the run that it has
        assert self._process.stdout is not None
        threading.Thread(target=self._listen, args=(self._process.stdout,), name="warm worker", daemon=True).start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def lives(self) -> bool:
        """Whether its process lives."""
        return self._process.poll() is None

    @property
    def is_free(self) -> bool:
        """Whether it has no run."""
        return not self._run

    def give(self, folder: LifeFolder) -> None:
        """Hand a run to it; StorageError where it has just died."""
        assert self._process.stdin is not None
        self._run = folder.run_id
        try:
            with storage_errors("handing a run to its worker"):
                self._process.stdin.write(f"{json.dumps(str(folder.path))}\n".encode())
                self._process.stdin.flush()
        except StorageError:
            self._run = ""
            raise

    def close(self) -> None:
        """Give it no more runs: it ends after the one that it has."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def _listen(self, reports: IO[bytes]) -> None:
        """It reports each run that it is done with; its output ends when it dies."""
        for line in reports:
            if line.decode("utf-8", "replace").strip() == self._run:
                self._run = ""
                self._has_news.set()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)
        self._has_news.set()


class WarmPool(LocalRunner):
    """Launches runs in warm workers, at most one run in each at a time; all else is as `LocalRunner` does it."""

    def __init__(self, workspace: Workspace, size: int | None, log: Path) -> None:
        """A pool without workers: they are started when they are first needed, and dead ones are replaced.

        Args:
            workspace: of its runs.
            size: the most workers that have a run at a time; None: as many as there are slots, also when
                `settings.json` changes.
            log: what the workers print beside their runs is added there.
        """
        self._workspace = workspace
        self._size = size
        self._log = log
        self._workers: list[_Worker] = []
        self._has_news = threading.Event()
        self._closed = False

    @property
    def pids(self) -> list[int]:
        """The process ids of its living workers."""
        return [worker.pid for worker in self._living()]

    def busy(self) -> int:
        """How many workers have a run now."""
        return sum(not worker.is_free for worker in self._living())

    def free(self) -> int:
        """How many workers have no run now, those that may still be started among them."""
        size = slots(self._workspace) if self._size is None else self._size
        return 0 if self._closed else max(0, size - self.busy())

    def wait(self, seconds: float) -> None:
        """Wait until a worker is done with a run or dies, at most so many seconds; at once for news since the last."""
        self._has_news.wait(seconds)
        self._has_news.clear()

    def close(self) -> None:
        """No further runs: the workers end after the run that they have. Returns at once."""
        self._closed = True
        for worker in self._workers:
            worker.close()

    def _living(self) -> list[_Worker]:
        self._workers = [worker for worker in self._workers if worker.lives]
        return self._workers

    def _start_worker(self, folder: LifeFolder) -> None:
        """Hand a run to a free worker; StorageError where there is none, or its process cannot be started."""
        may_start = self.free()
        if not may_start:
            raise StorageError("No worker of this pool is free: launch the run when one is.")
        idle = [worker for worker in self._living() if worker.is_free]
        for surplus in idle[may_start:]:  # there are fewer slots now
            surplus.close()
            self._workers.remove(surplus)
        for worker in idle[:may_start]:
            with contextlib.suppress(StorageError):  # it has just died
                worker.give(folder)
                return
        if sum(worker.is_free for worker in self._living()) >= may_start:
            raise StorageError("The worker that was to have the run has just died: launch it again.")
        worker = _Worker(self._log, self._has_news)
        self._workers.append(worker)
        worker.give(folder)
