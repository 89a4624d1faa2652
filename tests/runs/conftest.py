"""A workspace with a tiny dataset and one finished run, trained once by the real worker process."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cifar_core.config import RunConfig, make_config
from cifar_core.lifecycle.states import MOVES
from cifar_core.lifecycle.status import move
from cifar_core.runs import Run, Status, create_run, list_runs, read_run, start_run, stop_run
from cifar_core.runs.run_folder import run_folder
from cifar_core.workspace import Workspace, open_workspace
from tests.conftest import save_tiny

TINY = {"dataset": "tiny", "channels": "4,6", "hidden": "16,12", "batch_size": 32, "epochs": 2, "learning_rate": 3e-3}
TIMEOUT_SECONDS = 120.0  # seconds; a deadline for a stuck process, not a wait

BAD_IDS = [  # which no run can have
    "../x",
    "..%2fx",
    "%252e",
    "C:\\x",
    "\\\\host\\s",
    "CON",
    "con",
    "a\n",
    "a\0",
    "",
    "a" * 300,
    "\u0661",
    ".",
    "a/b",
    "-a",
]


def wait_for(
    workspace: Workspace, run_id: str, done: Callable[[Run], bool], *, timeout: float = TIMEOUT_SECONDS
) -> Run:
    """Read a run until `done` returns true; fails after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        run = read_run(workspace, run_id)
        if done(run):
            return run
        time.sleep(0.02)
    raise AssertionError(f"run {run_id} is still {run.status} ({run.progress}) after {timeout:.0f} s")


def begin(workspace: Workspace, config: RunConfig) -> str:
    """Create and start a run."""
    run_id = create_run(workspace, config)
    start_run(workspace, run_id)
    return run_id


def ended_run(workspace: Workspace, status: Status = Status.FINISHED, config: RunConfig | None = None) -> str:
    """A run with this status, whose process was never started."""
    run_id = create_run(workspace, config or make_config())
    folder = run_folder(workspace, run_id)
    if status is not Status.QUEUED:
        move(folder, Status.RUNNING)
    if status in MOVES[Status.RUNNING]:
        move(folder, status)
    return run_id


def snapshot(folder: Path, *, but: tuple[str, ...] = ()) -> dict[str, str]:
    """Content of each file and target of each link below a folder, except names in `but`; no link is followed."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.name not in but:
            found[str(path.relative_to(folder))] = (
                f"-> {path.readlink()}"
                if path.is_symlink()
                else path.read_bytes().hex()
                if path.is_file()
                else "folder"
            )
    return found


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with the tiny dataset; runs added by tests stay in it."""
    workspace = open_workspace(tmp_path_factory.mktemp("shared") / "workspace")
    save_tiny(workspace)
    return workspace


@pytest.fixture(scope="session")
def finished(shared: Workspace) -> Run:
    """A finished run in `shared`."""
    run_id = begin(shared, make_config(TINY))
    return wait_for(shared, run_id, lambda run: not run.active)


@pytest.fixture
def tiny(workspace: Workspace) -> Iterator[Workspace]:
    """A workspace of one test with the tiny dataset; runs that are still active are stopped at the end."""
    save_tiny(workspace)
    yield workspace
    for run in list_runs(workspace):
        if run.active:
            stop_run(workspace, run.id)
            wait_for(workspace, run.id, lambda found: not found.active)
