"""Starting work in a process of its own, which outlives whoever started it. Writes the log file it is given."""

import os
import subprocess
import sys
import threading
from pathlib import Path

from cifar_core.files import storage_errors

_CODE = Path(__file__).resolve().parents[1]
SPINS = "20000"  # turns of a waiting thread before it sleeps
_LOG_TAIL = 65_536  # bytes


def spawn(module: str, arguments: list[str], log: Path) -> subprocess.Popen[bytes]:
    """Start `python -m module` detached from this process, in the folder of `log`, to which its words go.

    Raises:
        StorageError: the log or the process could not be made.
    """
    flags = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0) | getattr(subprocess, "CREATE_NO_WINDOW", 0)
    with storage_errors(f"starting {module}"), open(log, "ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=log.parent,
            env=child_environment(),
            start_new_session=True,
            creationflags=flags,
        )
    # Collected as soon as it ends, so that a long-lived server gathers no zombies.
    threading.Thread(target=process.wait, name=f"wait for {module}", daemon=True).start()
    return process


def child_environment() -> dict[str, str]:
    """The environment of every process of ours: this code is found from any folder, and words come out at once.

    Threads of torch that wait spin for a moment only, then sleep. Sleeping at once made small steps take 1.7 times as long
    here; spinning for ever made a training several times slower as soon as anything else was busy on the machine. A
    person's own OMP_WAIT_POLICY and GOMP_SPINCOUNT win.
    """
    return {
        "OMP_WAIT_POLICY": "PASSIVE",
        "GOMP_SPINCOUNT": SPINS,
        **os.environ,
        "PYTHONPATH": str(_CODE),
        "PYTHONUNBUFFERED": "1",
    }


def peak_memory() -> int | None:
    """Most memory this process has held so far, in bytes; None where the system does not tell (it does on Linux).

    `getrusage` would not do: on Linux a new process begins with the peak of the one that started it.
    """
    try:
        told = Path("/proc/self/status").read_text("ascii")
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in told.splitlines() if line.startswith("VmHWM:")), None)


def log_tail(log: Path, lines: int = 20) -> list[str]:
    """The last lines of a log that say anything; none where there is no log."""
    try:
        with open(log, "rb") as handle:
            handle.seek(max(0, handle.seek(0, os.SEEK_END) - _LOG_TAIL))
            text = handle.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return []
    return [line.rstrip() for line in text.splitlines() if line.strip()][-lines:]
