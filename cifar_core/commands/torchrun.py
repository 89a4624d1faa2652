"""`train` and `runs resume` under torchrun: the run is made once; rank 0 is its worker, each computes a rank."""

import contextlib
import sys
import threading
from collections.abc import Callable
from typing import Any

from cifar_core.errors import CifarCoreError, ConfigError, RunError
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.ranks.torchrun import InPlace, Torchrun, compute_rank, serve_in_place
from cifar_core.runs import Run, Status, read_run, resume_run, start_run
from cifar_core.runs.control.ids import new_run_id
from cifar_core.workspace import Workspace

_LOOK_SECONDS = 0.5


def with_processes(changes: dict[str, Any], torchrun: Torchrun) -> dict[str, Any]:
    """These settings with as many processes as torchrun has started; ConfigError where they say another number."""
    given = changes.get("processes", torchrun.world)
    if str(given) != str(torchrun.world):
        raise ConfigError(
            [f"processes is {given}, but torchrun has started {torchrun.world}: leave the option away under torchrun."]
        )
    return {**changes, "processes": torchrun.world}


def train_here(workspace: Workspace, torchrun: Torchrun, make: Callable[[str], str]) -> str:
    """In rank 0: make the run, or find that of the same id of torchrun, and launch it; else compute a rank, and exit.

    Args:
        workspace: of the run.
        torchrun: that has started this process.
        make: makes the run with a nonce, or returns the run of this nonce.

    Returns:
        The run's id, in rank 0 alone.

    Raises:
        RunError: a run of this id of torchrun has finished already.
    """
    if torchrun.rank:
        sys.exit(compute_rank(LifeFolder(workspace.runs / new_run_id(torchrun.key)), torchrun))
    run_id = make(torchrun.key)
    run = read_run(workspace, run_id)
    if run.status is Status.FINISHED:
        raise RunError(f"Run {run_id} of this --rdzv-id has finished: give torchrun a new id for another run.")
    if run.status is Status.QUEUED and run.ticket is None:
        start_run(workspace, run_id, InPlace())
    else:  # its agents have started it again
        resume_run(workspace, run_id, InPlace())
    return run_id


def resume_here(workspace: Workspace, torchrun: Torchrun, run_id: str) -> None:
    """In rank 0: launch a run again; else compute a rank, and exit.

    Raises:
        ConfigError: it has another number of processes.
        CifarCoreError: as `resume_run`.
    """
    processes = read_run(workspace, run_id).config.machine.processes
    if processes != torchrun.world:
        raise ConfigError(
            [f"Run {run_id} has {processes} processes, but torchrun has started {torchrun.world}: start as many."]
        )
    if torchrun.rank:
        sys.exit(compute_rank(LifeFolder(workspace.runs / run_id), torchrun))
    resume_run(workspace, run_id, InPlace())


def serve_here(workspace: Workspace, torchrun: Torchrun, run_id: str, show: Callable[[Run, int], int]) -> Run:
    """Be the worker of a launched run until it has ended, and show its epochs meanwhile; returns the run.

    Args:
        workspace: of the run.
        torchrun: that has started this process.
        run_id: of the run.
        show: prints the epochs of a run after the one with that number, and returns the last.
    """
    ended = threading.Event()
    watching = threading.Thread(target=_show_epochs, args=(workspace, run_id, show, ended), daemon=True)
    watching.start()
    try:
        serve_in_place(LifeFolder(workspace.runs / run_id), torchrun)
    finally:
        ended.set()
        watching.join()
    return read_run(workspace, run_id)


def _show_epochs(workspace: Workspace, run_id: str, show: Callable[[Run, int], int], ended: threading.Event) -> None:
    shown = 0
    while True:
        is_last = ended.wait(_LOOK_SECONDS)
        with contextlib.suppress(CifarCoreError):  # it is gone
            shown = show(read_run(workspace, run_id), shown)
        if is_last:
            return
