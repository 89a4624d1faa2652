"""Real trainings of two processes, what they leave, and the processes of a run."""

import os
import signal
from pathlib import Path

import psutil

from cifar_core.runs import read_metrics
from cifar_core.runs.run_folder import RunFolder
from cifar_core.workspace import Workspace
from tests.lifecycle.conftest import is_alive, until

SETTINGS = {
    "dataset": "tiny",
    "channels": "4,6",
    "hidden": "16,12",
    "batch_size": 32,
    "epochs": 24,
    "learning_rate": 3e-3,
    "shift": 2,
    "processes": 2,
}
RECOVERY_SECONDS = 60.0  # by then a run goes on, or has ended with its reason
TIMES = ["seconds", "train_seconds", "images_per_second", "elapsed"]


def results(workspace: Workspace, run_id: str) -> dict[str, object]:
    """What two equal trainings have equal, bit by bit: the numbers of each epoch, predictions, records, weights."""
    folder, metrics = workspace.runs / run_id, read_metrics(workspace, run_id)
    kept = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for part in ("predictions", "training-records", "best", "last")
        for path in sorted((folder / part).iterdir())
    }
    return {"metrics": metrics.drop(columns=TIMES, errors="ignore").to_json(), **kept}


def ranks_of(folder: Path) -> list[psutil.Process]:
    """The live training processes of a run, rank 0 first."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        mine = f"--run-dir={folder}" in (process.info["cmdline"] or [])
        if (
            mine
            and process.info["status"] != psutil.STATUS_ZOMBIE
            and "cifar_core.lifecycle.ranks.guard" in str(process.info["cmdline"])
        ):
            found.append(process)
    return sorted(found, key=lambda process: process.environ().get("RANK", ""))


def trained_epochs(folder: RunFolder) -> int:
    """How many epochs a run has logged."""
    try:
        return folder.metrics.read_text().count("\n")
    except OSError:
        return 0


def until_trained(folder: RunFolder, epochs: int, *, timeout: float = 120.0) -> None:
    """Wait until a run has logged so many epochs."""
    until(lambda: trained_epochs(folder) >= epochs, f"{epochs} epochs of {folder.run_id}", timeout=timeout)


def until_gone(processes: list[psutil.Process], *, timeout: float = RECOVERY_SECONDS) -> None:
    """Wait until none of these lives."""
    until(lambda: not any(map(is_alive, processes)), f"{processes} have ended", timeout=timeout)


def kill(process: psutil.Process) -> None:
    """SIGKILL one process, by its id."""
    os.kill(process.pid, signal.SIGKILL)
