"""The programs of ours that run as processes of their own, and how one is started. Writes the log file it is given."""

import contextlib
import os
import subprocess
import sys
import threading
from enum import StrEnum
from pathlib import Path

from cifar_core.storage.disk_errors import storage_errors

_CODE = Path(__file__).resolve().parents[1]
SPINS = "20000"  # turns of a waiting thread before it sleeps


class Program(StrEnum):
    """Every module of ours that is run with `python -m`: the one table of their names."""

    WORKER = "cifar_core.lifecycle.worker"
    FORCE_STOP = "cifar_core.lifecycle.force_stop"
    TRAINING = "cifar_core.runs.training.process"
    PREDICTION_SERVER = "cifar_core.runs.predict.server"
    RECOMPUTE = "cifar_core.runs.predict.recompute_process"
    MEASURE_SPEED = "cifar_core.runs.estimate.measure_speed"
    PREPARE_DATASET = "cifar_core.data.prepare_process"
    OFFICIAL_READER = "cifar_core.data.sources.official_reader"
    BENCH_PLAIN = "cifar_core.bench.plain"
    BENCH_BROWSER = "cifar_core.bench.browser"
    BENCH_SERVER = "cifar_core.bench.server"


def command_of(program: Program, *arguments: str) -> list[str]:
    """The command line that runs a program of ours with this Python; the folder it starts in is not searched for modules."""
    return [sys.executable, "-P", "-m", program, *arguments]


def spawn(program: Program, arguments: list[str], log: Path) -> subprocess.Popen[bytes]:
    """Start a program detached from this process, in the folder of `log`, to which its output goes.

    Raises:
        StorageError: the log or the process could not be made.
    """
    flags = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0) | getattr(subprocess, "CREATE_NO_WINDOW", 0)
    with storage_errors(f"starting {program}"), open(log, "ab") as output:
        process = subprocess.Popen(
            command_of(program, *arguments),
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
        threading.Thread(target=process.wait, name=f"wait for {program}", daemon=True).start()
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
