"""The programs of this library that run as processes of their own, and how they are started. Writes the given log."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from enum import StrEnum
from pathlib import Path

from cifar_core.storage.disk_errors import storage_errors

_CODE = Path(__file__).resolve().parents[1]
_SPIN_COUNT = "20000"  # how often a waiting thread checks before it sleeps


class Program(StrEnum):
    """Every module of this library that is run with `python -m`: the only table of their names."""

    WORKER = "cifar_core.lifecycle.worker"
    FORCE_STOP = "cifar_core.lifecycle.force_stop"
    TRAINING = "cifar_core.runs.training.process"
    RANK = "cifar_core.lifecycle.ranks.guard"
    PREDICTION_SERVER = "cifar_core.runs.predict.server"
    WARM_WORKER = "cifar_core.lifecycle.warm.worker"
    WARM_TRAINING = "cifar_core.runs.training.warm_process"
    RAY_WORKER = "cifar_core.cluster.ray.worker"
    RAY_CHECK = "cifar_core.cluster.ray.check"
    SLURM_WORKER = "cifar_core.cluster.slurm"
    SWEEP = "cifar_core.sweeps.owner.process"
    RAY_SWEEP = "cifar_core.sweeps.owner.ray_process"
    RECOMPUTE = "cifar_core.runs.predict.recompute_process"
    MEASURE_SPEED = "cifar_core.runs.estimate.measure_speed"
    MEASURE_RANKS = "cifar_core.runs.estimate.measure_ranks"
    ANALYSE = "cifar_core.analyse.process"
    SAVE_PICTURES = "cifar_core.export.save_process"
    PREPARE_DATASET = "cifar_core.data.prepare_process"
    EXPORT_DATASET = "cifar_core.data.control.export_process"
    CHECK_DATASET = "cifar_core.data.checks.check_process"
    OFFICIAL_READER = "cifar_core.data.sources.official_reader"
    BENCH_PLAIN = "cifar_core.bench.plain"
    BENCH_RECORDS = "cifar_core.bench.records"
    BENCH_FIRST_MINUTE = "cifar_core.bench.first_minute"
    BENCH_BROWSER = "cifar_core.bench.browser"
    BENCH_SERVER = "cifar_core.bench.server"
    BENCH_SHORT_RUNS = "cifar_core.bench.sweeps.short_runs"
    BENCH_SCALE = "cifar_core.bench.scale.measure"


def command_of(program: Program, *arguments: str) -> list[str]:
    """The command line of a program with this Python, which does not search the current folder for modules (`-P`)."""
    return [sys.executable, "-P", "-m", program, *arguments]


def spawn(program: Program, arguments: list[str], log: Path, *, talks: bool = False) -> subprocess.Popen[bytes]:
    """Start a program detached from this process, in the folder of `log`, which gets its output.

    Args:
        program: which one.
        arguments: of its command line.
        log: its output is added there.
        talks: whether this process talks with it over its standard input and output; the log gets its errors only.

    Raises:
        StorageError: the log or the process could not be created.
    """
    flags = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0) | getattr(subprocess, "CREATE_NO_WINDOW", 0)
    with storage_errors(f"starting {program}"), open(log, "ab") as output:
        process = subprocess.Popen(
            command_of(program, *arguments),
            stdin=subprocess.PIPE if talks else subprocess.DEVNULL,
            stdout=subprocess.PIPE if talks else output,
            stderr=output,
            cwd=log.parent,
            env=child_environment(),
            start_new_session=True,
            creationflags=flags,
        )
    # A thread waits for its end, so that a server that runs for long collects no zombies.
    with contextlib.suppress(RuntimeError):  # without a thread, the system collects it when this process ends
        threading.Thread(target=process.wait, name=f"wait for {program}", daemon=True).start()
    return process


def kill_own_group() -> None:
    """Kill this process and, where it leads its group as one started by `spawn` does, all that it has started."""
    if os.name == "posix" and os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)


def child_environment() -> dict[str, str]:
    """The environment of every program: it finds this code from any folder, and its output is not buffered.

    Waiting threads of PyTorch spin only for a moment, then sleep. Sleeping at once made small steps take 1.7 times as
    long here; endless spinning made a training several times slower as soon as another process was busy.
    OMP_WAIT_POLICY and GOMP_SPINCOUNT of this environment are kept.
    """
    return {
        "OMP_WAIT_POLICY": "PASSIVE",
        "GOMP_SPINCOUNT": _SPIN_COUNT,
        **os.environ,
        "PYTHONPATH": str(_CODE),
        "PYTHONUNBUFFERED": "1",
    }
