"""The job that measures the speed of this machine (`measure_speed.py`): whether it is needed, and its start."""

import math
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from cifar_core.jobs.job import JobFolder, Request, is_alive, read_job
from cifar_core.jobs.start import start_job
from cifar_core.lifecycle.queue import slot_locks
from cifar_core.processes import Program
from cifar_core.runs.estimate.estimate import run_ratio
from cifar_core.runs.estimate.speed import measured_at, read_speed
from cifar_core.runs.run import Run
from cifar_core.storage.atomic import subfolders
from cifar_core.storage.locks import is_locked
from cifar_core.workspace import Workspace

_MAX_RATIO = 2.0  # of the runs' times to the computed ones, or the reverse; beyond it the machine is measured again
_WITNESSES = 3  # runs that must say so: a single one was slow for a reason of its own


@dataclass(frozen=True)
class SpeedRequest(Request):
    """That this machine is to be measured."""

    begun: float  # when this was requested, in seconds since 1970


def speed_job(workspace: Workspace) -> JobFolder:
    """The job that measures this machine."""
    return JobFolder(workspace.root / ".jobs" / "speed")


def is_busy(workspace: Workspace) -> bool:
    """Whether a run trains or a dataset is drawn, imported or exported: then nothing is measured, for the sake of both.

    Raises:
        StorageError: a lock could not be read.
    """
    jobs = (JobFolder(workspace.jobs / name) for name in subfolders(workspace.jobs))
    return any(map(is_locked, slot_locks(workspace))) or any(map(is_alive, jobs))


def ensure_speed(workspace: Workspace, runs: Sequence[Run] = ()) -> Literal["done", "measuring", "busy", "failed"]:
    """Start a job that measures this machine, unless that is done or under way; returns how far it is.

    While a run trains or a dataset is prepared it is "busy" (also on a cluster, whose node this machine is): nothing is
    started, and a job that was at work when that
    began has ended without a result. Whoever asks again later has it taken up. The machine is measured again once
    several later runs took very different times than computed, because other programs may have disturbed the
    measurement. What failed or was cancelled is only begun again by `measure_speed`.

    Args:
        workspace: with the machine's speed.
        runs: their times are compared with the computed ones.

    Raises:
        StorageError: the process or its log could not be made, or a lock could not be read.
    """
    job = read_job(speed_job(workspace))  # before the speed: a job that ends now has written it
    if _is_current(workspace, runs):
        return "done"
    if job is not None and job.active:
        return "measuring"
    if job is not None and job.state != "done":
        return "failed"
    if is_busy(workspace) or any(run.active and run.is_elsewhere for run in runs):
        return "busy"
    measure_speed(workspace)
    return "measuring"


def measure_speed(workspace: Workspace) -> None:
    """Start the job that measures this machine; StorageError if that is not possible."""
    start_job(speed_job(workspace), Program.MEASURE_SPEED, SpeedRequest("speed", time.time()))


def _is_current(workspace: Workspace, runs: Sequence[Run]) -> bool:
    """Whether the machine has been measured, and the runs since then do not contradict that together."""
    measured, speed = measured_at(workspace), read_speed(workspace)
    if speed is None or measured == 0:
        return False
    later = (run for run in runs if measured < run.made_at.timestamp() <= time.time())  # a date in the future is wrong
    ratios = [ratio[1] for run in later if (ratio := run_ratio(speed, run)) is not None]
    if len(ratios) < _WITNESSES:
        return True
    return abs(math.log(statistics.median(ratios))) <= math.log(_MAX_RATIO)
