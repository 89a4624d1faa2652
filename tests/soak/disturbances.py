"""What a soak does to the runs and the server while people click, and what it observes: kills, restarts, memory."""

import random
import re
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from cifar_core.bench.app import App, start_app
from cifar_core.config import make_config
from cifar_core.errors import RunError
from cifar_core.processes import Program
from cifar_core.runs import Status, create_run, list_runs, read_run, resume_run, start_run
from cifar_core.runs.run_folder import run_folder
from cifar_core.storage.atomic import whole_lines_end
from cifar_core.workspace import Workspace
from tests.soak.processes import command_line_of, kill, processes_of, zombies_of
from tests.soak.size import SoakSize

FIRST_ROUND = 3  # answers to each session after which a server's memory and open files are measured the first time
_PROGRAMS = {str(Program.WORKER): "worker", str(Program.TRAINING): "computing process"}
_COMMAND = re.compile(r"-m (\S+) --run-dir=\S*/([a-z0-9-]+)")  # a program of a run, and the run's id
_GRACE_SECONDS = 20.0  # after a restart, in which the pages find the server again


@dataclass
class ServerLife:
    """One server from its start to its end; memory in bytes, and numbers of open files."""

    ready: float  # monotonic seconds
    memory_at_start: int  # before anybody came
    memory_began: int = 0  # after a first round of clicks of every session
    memory_ended: int = 0  # with all sessions still open
    files_began: int = 0
    files_ended: int = 0
    zombies: int = 0


@dataclass
class Disturbances:
    """The kills of one soak, when they are due, and what was logged before them."""

    workspace: Workspace
    size: SoakSize
    app: App
    log: Path  # of the server
    temp: Path  # where the server puts its temporary files
    runs: list[str]
    begin: float = 0.0  # monotonic seconds
    lives: list[ServerLife] = field(default_factory=list)
    # Each is "worker", "computing process" or "server", in the order of the kills.
    killed: list[str] = field(default_factory=list)
    gaps: list[tuple[float, float]] = field(default_factory=list)  # when no server was to be expected
    logged: dict[str, bytes] = field(default_factory=dict)  # run -> the epochs that were seen in its metrics
    lost: list[str] = field(default_factory=list)  # what had been seen and was gone later

    def __post_init__(self) -> None:
        """Draw when to kill what."""
        self._rng = random.Random(0)
        self._kills = sorted(self._rng.uniform(0.1, 0.85) for _ in range(self.size.kills))
        self._restarts = sorted(self._rng.uniform(*self.size.restart_share) for _ in range(self.size.restarts))
        self._to_resume: set[str] = set()  # runs of which a process was killed
        self._add_life()

    def start_clock(self) -> None:
        """Count the time from now on."""
        self.begin = time.monotonic()

    def train(self, count: int) -> None:
        """Start so many trainings at once, on the dataset of the first run."""
        dataset = read_run(self.workspace, self.runs[0]).config.data.dataset
        config = make_config({"dataset": dataset, "epochs": self.size.epochs}, preset="original")
        started = [create_run(self.workspace, config) for _ in range(count)]
        for run_id in started:
            start_run(self.workspace, run_id)
        self.runs += started

    def tick(self, answers: dict[int, int]) -> None:
        """Look at everything, kill what is due, resume what was killed.

        Args:
            answers: how often each session was answered since the present server began.
        """
        share = (time.monotonic() - self.begin) / self.size.seconds
        self.note_epochs()
        if self._kills and not self._to_resume and not any(run.active for run in list_runs(self.workspace)):
            self.train(1)  # all trainings have ended, and some processes are to be killed yet
        if (
            not self.lives[-1].memory_began
            and len(answers) == self.size.sessions
            and min(answers.values()) >= FIRST_ROUND
        ):
            self._measure_first_round()
        if self._kills and share >= self._kills[0] and self._kill_worker():
            self._kills.pop(0)
        if self._restarts and share >= self._restarts[0] and self.lives[-1].memory_began:
            self._restarts.pop(0)
            self.restart()
        for run_id in sorted(self._to_resume):
            self._resume(run_id)

    def is_over(self) -> bool:
        """Whether the time is over and every kill has been done: a busy machine may be late with them."""
        due = self._kills or self._restarts or self._to_resume or not self.lives[-1].memory_began
        return not due and time.monotonic() - self.begin >= self.size.seconds

    def note_epochs(self) -> None:
        """See what every run has logged, and whether what was seen earlier is still there."""
        for run_id in self.runs:
            metrics = run_folder(self.workspace, run_id).metrics
            now = metrics.read_bytes()[: whole_lines_end(metrics)] if metrics.exists() else b""
            if not now.startswith(self.logged.get(run_id, b"")):
                self.lost.append(f"epochs that run {run_id} had logged")
            self.logged[run_id] = now

    def end_life(self) -> None:
        """Measure the present server while its sessions are still open."""
        life, server = self.lives[-1], psutil.Process(self.app.process.pid)
        life.memory_ended, life.files_ended = server.memory_info().rss, server.num_fds()
        life.zombies = zombies_of(server.pid)

    def restart(self) -> None:
        """Kill the server with SIGKILL and start another one at the same address."""
        self.end_life()
        down = time.monotonic()
        self.app.process.kill()
        self.app.process.wait()
        port = int(self.app.url.rpartition(":")[2])
        self.app = start_app(self.workspace, self.log, port=port, TMPDIR=str(self.temp))
        self.killed.append("server")
        self._add_life()
        self.gaps.append((down, self.lives[-1].ready + _GRACE_SECONDS))

    def _add_life(self) -> None:
        memory = psutil.Process(self.app.process.pid).memory_info().rss
        self.lives.append(ServerLife(time.monotonic(), memory))

    def _measure_first_round(self) -> None:
        life, server = self.lives[-1], psutil.Process(self.app.process.pid)
        life.memory_began, life.files_began = server.memory_info().rss, server.num_fds()

    def _kill_worker(self) -> bool:
        """SIGKILL a worker or a computing process of the runs; whether there was one."""
        found = [
            (process, words[1], words[2])
            for process in processes_of(self.workspace)
            if (words := _COMMAND.search(command_line_of(process))) and words[1] in _PROGRAMS
        ]
        self._rng.shuffle(found)
        for process, program, run_id in found:
            if kill(process):
                self.killed.append(_PROGRAMS[program])
                self._to_resume.add(run_id)
                return True
        return False

    def _resume(self, run_id: str) -> None:
        """Queue a run again whose process was killed, once none of its processes lives."""
        if read_run(self.workspace, run_id).status in (Status.FAILED, Status.INTERRUPTED):
            try:
                resume_run(self.workspace, run_id)
            except RunError:  # the other one of its two processes is just ending: the next tick tries again
                return
            self._to_resume.discard(run_id)
