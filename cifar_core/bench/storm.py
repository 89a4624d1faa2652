"""What a soak does to the runs and the server while people click, and what it sees of them: kills, restarts, memory."""

import random
import re
import time
from dataclasses import dataclass, field
from pathlib import Path

from cifar_core.bench.app import App, start_app
from cifar_core.bench.census import kill, open_files, processes_of, resident_bytes, zombies_of
from cifar_core.bench.plan import Plan
from cifar_core.config import make_config
from cifar_core.errors import RunError
from cifar_core.runs import Status, create_run, list_runs, read_run, resume_run, start_run
from cifar_core.runs.run_folder import run_folder
from cifar_core.storage.atomic import whole_lines_end
from cifar_core.workspace import Workspace

ROUND = 3  # things each session has done when a server's life is measured from
_WORKERS = {"cifar_core.lifecycle.worker": "worker", "cifar_core.runs.training.process": "computing process"}
_RUN = re.compile(r"-m (\S+) --run-dir=\S*/([a-z0-9-]+)")
_GRACE = 20.0  # seconds after a restart in which the pages find the server again


@dataclass
class Life:
    """One server from its start to its end; bytes, and numbers of open files."""

    ready: float  # monotonic seconds
    memory_at_start: int  # before anybody came
    memory_began: int = 0  # after a first round of clicks of every session
    memory_ended: int = 0  # with all sessions still open
    files_began: int = 0
    files_ended: int = 0
    zombies: int = 0


@dataclass
class Storm:
    """The kills of one soak, when they are due, and what was logged before them."""

    workspace: Workspace
    plan: Plan
    app: App
    log: Path  # of the server
    temp: Path  # where the server puts its temporary files
    runs: list[str]
    begin: float = 0.0  # monotonic seconds
    lives: list[Life] = field(default_factory=list)
    killed: list[str] = field(default_factory=list)  # "worker", "computing process" or "server", in turn
    gaps: list[tuple[float, float]] = field(default_factory=list)  # when no server was to be expected
    logged: dict[str, bytes] = field(default_factory=dict)  # run -> its epochs as they were seen
    lost: list[str] = field(default_factory=list)  # what had been seen and was gone

    def __post_init__(self) -> None:
        """Draw when to kill what."""
        self._rng = random.Random(0)
        self._kills = sorted(self._rng.uniform(0.1, 0.85) for _ in range(self.plan.kills))
        self._restarts = sorted(self._rng.uniform(*self.plan.restart_share) for _ in range(self.plan.restarts))
        self._hit: set[str] = set()
        self._open_life()

    def open(self) -> None:
        """The time counts from now on."""
        self.begin = time.monotonic()

    def train(self, count: int) -> None:
        """Start so many trainings at once, on the dataset of the first run."""
        dataset = read_run(self.workspace, self.runs[0]).config.data.dataset
        config = make_config({"dataset": dataset, "epochs": self.plan.epochs}, preset="original")
        started = [create_run(self.workspace, config) for _ in range(count)]
        for run_id in started:
            start_run(self.workspace, run_id)
        self.runs += started

    def tick(self, visits: dict[int, int]) -> None:
        """Look at everything, kill what is due, resume what was killed.

        Args:
            visits: how often each session was answered since the present server began.
        """
        share = (time.monotonic() - self.begin) / self.plan.seconds
        self.note_epochs()
        if self._kills and not self._hit and not any(run.active for run in list_runs(self.workspace)):
            self.train(1)  # all have ended, and some are to be killed yet
        if not self.lives[-1].memory_began and len(visits) == self.plan.sessions and min(visits.values()) >= ROUND:
            self._begin_life()
        if self._kills and share >= self._kills[0] and self._kill_worker():
            self._kills.pop(0)
        if self._restarts and share >= self._restarts[0] and self.lives[-1].memory_began:
            self._restarts.pop(0)
            self.restart()
        for run_id in sorted(self._hit):
            self._resume(run_id)

    def is_over(self) -> bool:
        """Whether the time is over and all has come to pass: a busy machine may be late with it."""
        due = self._kills or self._restarts or self._hit or not self.lives[-1].memory_began
        return not due and time.monotonic() - self.begin >= self.plan.seconds

    def note_epochs(self) -> None:
        """See what every run has logged, and whether what was seen earlier is still there."""
        for run_id in self.runs:
            metrics = run_folder(self.workspace, run_id).metrics
            now = metrics.read_bytes()[: whole_lines_end(metrics)] if metrics.exists() else b""
            if not now.startswith(self.logged.get(run_id, b"")):
                self.lost.append(f"epochs that run {run_id} had logged")
            self.logged[run_id] = now

    def end_life(self) -> None:
        """Measure the present server; its sessions are open still."""
        life, pid = self.lives[-1], self.app.process.pid
        life.memory_ended, life.files_ended, life.zombies = resident_bytes(pid), open_files(pid), zombies_of(pid)

    def restart(self) -> None:
        """Kill the server with SIGKILL and start another one at the same address."""
        self.end_life()
        down = time.monotonic()
        self.app.process.kill()
        self.app.process.wait()
        port = int(self.app.url.rpartition(":")[2])
        self.app = start_app(self.workspace, self.log, port=port, TMPDIR=str(self.temp))
        self.killed.append("server")
        self._open_life()
        self.gaps.append((down, self.lives[-1].ready + _GRACE))

    def _open_life(self) -> None:
        self.lives.append(Life(time.monotonic(), resident_bytes(self.app.process.pid)))

    def _begin_life(self) -> None:
        life, pid = self.lives[-1], self.app.process.pid
        life.memory_began, life.files_began = resident_bytes(pid), open_files(pid)

    def _kill_worker(self) -> bool:
        """SIGKILL a worker or a computing process of the runs; whether there was one."""
        found = [
            (process, names) for process in processes_of(self.workspace) if (names := _RUN.search(process.command))
        ]
        found = [(process, names) for process, names in found if names[1] in _WORKERS]
        self._rng.shuffle(found)
        for process, names in found:
            if kill(process, self.workspace):
                self.killed.append(_WORKERS[names[1]])
                self._hit.add(names[2])
                return True
        return False

    def _resume(self, run_id: str) -> None:
        """Queue a run again whose process was killed, once nothing of it lives."""
        if read_run(self.workspace, run_id).status in (Status.FAILED, Status.INTERRUPTED):
            try:
                resume_run(self.workspace, run_id)
            except RunError:  # the other one of its two processes is just ending: at the next look
                return
            self._hit.discard(run_id)
