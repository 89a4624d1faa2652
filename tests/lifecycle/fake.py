"""The real worker with a fake computing process, so that a run takes a fraction of a second.

`python fake.py worker --run-dir=DIR` runs `cifar_core.lifecycle.worker` with another computing command, and `python
fake.py compute DIR PARENT` is that command. It follows the file `instructions/RUN` beside the workspace, which it reads
all the time. `python fake.py server WORKSPACE COUNT` is a server that creates and starts runs and then does nothing.
A run of several processes has `python fake.py rank DIR PARENT` as each of them; all but the first only live.
`warm_worker`, `warm_compute` and `owner WORKSPACE COUNT` are the same of warm workers and of a process with a pool.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from cifar_core.lifecycle import force_stop, heartbeat, status, supervise, worker
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.ranks import guard, launcher, pulse
from cifar_core.lifecycle.ranks import rank as ranks
from cifar_core.lifecycle.ranks.environment import rank_here
from cifar_core.lifecycle.states import Status, TrainingProgress
from cifar_core.lifecycle.status import move, read_state, write_progress
from cifar_core.lifecycle.warm import pool as warm_pool
from cifar_core.lifecycle.warm import process
from cifar_core.lifecycle.warm import worker as warm_worker
from cifar_core.lifecycle.warm.process import end_mark
from cifar_core.processes import child_environment
from cifar_core.storage.locks import hold_lock

SILENCE = "FAKE_SILENCE"  # variable: seconds after which a worker does not respond, instead of 30 and 60
QUICK_PULSE, QUICK_FROZEN, QUICK_LAST_WORDS = 0.1, 2.0, 0.5  # seconds, instead of 1, 20 and 5
QUICK_ESCALATION = {"OBEY_SECONDS": 0.3, "KILL_SECONDS": 0.3, "LIMIT_SECONDS": 0.2}  # instead of 15, 10 and 15
_TRAIN = (
    "import runpy, sys; {}; runpy.run_module('cifar_core.runs.training.process', run_name='__main__', alter_sys=True)"
)
_REAL = {  # instruction -> code that runs before a real training
    "no torch": "sys.modules['torch'] = None",
    "deaf training": "from cifar_core.lifecycle import requests as r; r.EndRequests.now = lambda self: None",
    "training": "pass",
}


def instruction_file(folder: LifeFolder) -> Path:
    """The file that says what the computing process of a run does."""
    return folder.workspace.root.parent / "instructions" / folder.run_id


def instruct(folder: LifeFolder, what: str) -> None:
    """Say what the computing process of a run does from now on."""
    instruction_file(folder).parent.mkdir(exist_ok=True)
    unfinished = instruction_file(folder).with_suffix(".new")
    unfinished.write_text(what)
    unfinished.replace(instruction_file(folder))


def instruction(folder: LifeFolder) -> str:
    """What the computing process of a run does now."""
    return instruction_file(folder).read_text() if instruction_file(folder).exists() else "work"


def spawn_fake(module: str, arguments: list[str], log: Path, *, talks: bool = False) -> "subprocess.Popen[bytes]":
    """In place of `cifar_core.processes.spawn`."""
    with open(log, "ab") as output:
        command = [sys.executable, __file__, module.rpartition(".")[2], *arguments]
        if talks:  # the module's name is how the system of locks knows a warm worker
            command = [sys.executable, __file__, "warm_worker", module, str(log.parent)]
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE if talks else subprocess.DEVNULL,
            stdout=subprocess.PIPE if talks else output,
            stderr=output,
            env=child_environment(),
            start_new_session=True,
            cwd=log.parent,
        )


def fake_command(folder: LifeFolder) -> list[str]:
    match instruction(folder):
        case "no torch" | "training" | "deaf training" as how:
            code = _TRAIN.format(_REAL[how])
            return [sys.executable, "-P", "-c", code, f"--run-dir={folder.path}", f"--parent={os.getpid()}"]
        case "no python":
            return ["/nowhere/python"]
        case _:
            return [sys.executable, __file__, "compute", str(folder.path), str(os.getpid())]


def rank(folder: LifeFolder, parent: int) -> int:
    """A process of several: the first one computes, the others follow the instruction or live until it has ended."""
    guard.PULSE_SECONDS = QUICK_PULSE
    guard.guard_process(parent)
    number = rank_here().rank
    if number == 0:
        with hold_lock(folder.training_lock, timeout=10.0) as held:
            return compute(folder, parent) if held else supervise.STILL_COMPUTING
    print(f"rank {number} lives", flush=True)
    while read_state(folder).status is Status.RUNNING:
        if instruction(folder) == "other rank raises":
            raise ZeroDivisionError("as instructed")
        time.sleep(0.02)
    return 0


def compute(folder: LifeFolder, parent: int) -> int:
    """Write progress every few milliseconds, obey requests, and follow the instruction."""
    terminations: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: terminations.append(number))
    for batch in range(1, 1_000_000):
        what = instruction(folder)
        if what != "hang":
            write_progress(folder, TrainingProgress("training", 1, 2, batch, 1_000_000, 100.0, 60.0, batch / 100))
        if what != "deaf" and os.getppid() != parent:
            move(folder, Status.INTERRUPTED)
            return 0
        if what not in ("hang", "deaf"):
            if folder.stop_file.exists() or folder.pause_file.exists():
                move(folder, Status.STOPPED if folder.stop_file.exists() else Status.PAUSED)
                return 0
            if terminations:
                move(folder, Status.INTERRUPTED)
                return 0
        follow_instruction(folder, what)
        if read_state(folder).status not in ("running",):
            return 0
        time.sleep(0.02)
    return 1


def compute_warm(parent: int) -> int:
    """One run after the other, as `cifar_core.runs.training.warm_process` does."""
    for line in sys.stdin:
        token, path = json.loads(line)
        folder = LifeFolder(Path(path))
        with hold_lock(folder.training_lock, timeout=10.0) as held:
            code = compute(folder, parent) if held else supervise.STILL_COMPUTING
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.write(1, end_mark(token, code))
    return 0


def follow_instruction(folder: LifeFolder, what: str) -> None:
    match what:
        case "finish":
            move(folder, Status.FINISHED)
        case "speak and finish":
            os.write(1, f"I am {folder.run_id}\n".encode())
            move(folder, Status.FINISHED)
        case "fail":
            move(folder, Status.FAILED, error="As instructed.")
        case "checkpoint and killed":
            write_checkpoint(folder)
            os.kill(os.getpid(), signal.SIGKILL)
        case "segfault" | "killed":
            os.kill(os.getpid(), signal.SIGSEGV if what == "segfault" else signal.SIGKILL)
        case "exit 3" | "raise":
            give_up(what)
        case "grandchild":
            subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", str(folder.path)])
            instruct(folder, "deaf")
        case "flood" | "flood of a gigabyte":
            for _ in range(16 if what == "flood" else 1024):
                os.write(1, b"\x1b[31mred\x1b[0m \xff\x00 " + b"x" * (1024 * 1024 - 16) + b"\n")
            os.write(1, b"\nthe end\n")
            instruct(folder, "work")


def write_checkpoint(folder: LifeFolder) -> None:
    """Write the name of one more checkpoint."""
    folder.checkpoints.mkdir(exist_ok=True)
    (folder.checkpoints / f"{len(list(folder.checkpoints.iterdir())) + 1:04d}-0000000.safetensors").touch()


def give_up(what: str) -> None:
    """End without a word about it in the status."""
    if what == "exit 3":
        sys.exit(3)
    raise ZeroDivisionError("as instructed")


def shorten_waits() -> None:
    """Shorten the times for which this process waits."""
    pulse.FROZEN_SECONDS, launcher._LAST_WORDS = QUICK_FROZEN, QUICK_LAST_WORDS
    for name, seconds in QUICK_ESCALATION.items():
        setattr(supervise, name, seconds)
    worker.LIMIT_SECONDS = QUICK_ESCALATION["LIMIT_SECONDS"]
    for name in ("OBEY_SECONDS", "KILL_SECONDS"):
        setattr(force_stop, name, QUICK_ESCALATION[name])
    force_stop._START_SECONDS, force_stop._LOOK_SECONDS = 0.0, 0.1
    if SILENCE in os.environ:
        heartbeat.BEAT_SECONDS, worker._SLOTS_SECONDS = 0.1, 0.3
        seconds = float(os.environ[SILENCE])
        status.UNRESPONSIVE_SECONDS = force_stop.UNRESPONSIVE_SECONDS = seconds
        heartbeat.MISSED_SECONDS = force_stop.MISSED_SECONDS = force_stop.SILENT_SECONDS = seconds


def server(workspace: str, count: int, *, warm: bool = False) -> None:
    from cifar_core.config import make_config  # noqa: PLC0415 - a worker and its child start without them
    from cifar_core.lifecycle import runner  # noqa: PLC0415
    from cifar_core.runs import create_run, start_run  # noqa: PLC0415
    from cifar_core.runs.control import actions  # noqa: PLC0415
    from cifar_core.workspace import open_workspace  # noqa: PLC0415

    runner.spawn = warm_pool.spawn = spawn_fake  # type: ignore[assignment]
    actions.start_get = lambda *_arguments: None  # type: ignore[assignment]  # fake runs need no pictures
    space = open_workspace(workspace)
    pool = warm_pool.WarmPool(space, count, space.root / "pool.log") if warm else None
    for _ in range(count):
        start_run(space, create_run(space, make_config()), pool)
    print("ready", flush=True)
    time.sleep(600)


def main() -> int:
    match sys.argv[1:]:
        case ["worker", *arguments]:
            sys.argv = [__file__, *arguments]
            worker.computing_command = fake_command
            ranks.rank_command = lambda run: [sys.executable, __file__, "rank", str(run.path), str(os.getpid())]
            worker._LOCK_SECONDS = 0.5  # instead of 30
            shorten_waits()
            return worker.main()
        case ["warm_worker", _, place]:
            process.computing_command = lambda: [sys.executable, __file__, "warm_compute", place, str(os.getpid())]
            worker._LOCK_SECONDS = 0.5
            shorten_waits()
            warm_worker.main()
            return 0
        case ["warm_compute", _, parent]:
            return compute_warm(int(parent))
        case ["owner", workspace, count]:
            server(workspace, int(count), warm=True)
        case ["force_stop", *arguments]:
            sys.argv = [__file__, *arguments]
            shorten_waits()
            force_stop.main()
            return 0
        case ["compute", path, parent]:
            folder = LifeFolder(Path(path))
            with hold_lock(folder.training_lock, timeout=10.0) as held:
                return compute(folder, int(parent)) if held else supervise.STILL_COMPUTING
        case ["rank", path, parent]:
            return rank(LifeFolder(Path(path)), int(parent))
        case ["server", workspace, count]:
            server(workspace, int(count))
    return 2


if __name__ == "__main__":
    sys.exit(main())
