"""Starting work in a process of its own, which outlives whoever started it. Writes the log file it is given."""

import contextlib
import os
import subprocess
import sys
import threading
from pathlib import Path

from cifar_core.storage.disk_errors import storage_errors

_CODE = Path(__file__).resolve().parents[1]
SPINS = "20000"  # turns of a waiting thread before it sleeps


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
    with contextlib.suppress(RuntimeError):  # no thread is to be had: it is collected when this process ends
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
