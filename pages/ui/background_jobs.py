"""What the app does before anybody asks: it draws the first pictures, then measures how fast this machine trains.

Both are jobs at low priority. A thread of the server starts them one after the other, once for each workspace; by the
locks of the jobs, several servers do the work once. What fails is not told, because nobody has asked for it.
"""

import contextlib
import threading
import time
from pathlib import Path

from cifar_core.data import list_datasets, start_get
from cifar_core.data.sources.drawn10 import DRAWN10_NAME
from cifar_core.errors import CifarCoreError
from cifar_core.limits import read_limits
from cifar_core.runs import ensure_speed, list_runs
from cifar_core.workspace import Workspace
from pages.ui.server.session import has_real_server

_LOOK_SECONDS = 2.0  # between two looks at what was started
_begun: set[Path] = set()  # workspaces of this server process
_guard = threading.Lock()


def start_background_jobs(workspace: Workspace) -> None:
    """Begin the jobs of a workspace at the first call for it; later calls, and those without a server, do nothing."""
    if not has_real_server():
        return
    with _guard:
        if workspace.root in _begun:
            return
        _begun.add(workspace.root)
    with contextlib.suppress(RuntimeError):  # the system allows no more threads
        threading.Thread(target=_work, args=(workspace,), name="background jobs", daemon=True).start()


def _work(workspace: Workspace) -> None:
    with contextlib.suppress(CifarCoreError):  # a full disk, settings that break a rule: told to whoever asks for more
        if workspace.unwritable(workspace.root, *workspace.folders) is None and read_limits(workspace).background_jobs:
            draw_first_dataset(workspace)
            while not measure_when_idle(workspace):
                time.sleep(_LOOK_SECONDS)


def draw_first_dataset(workspace: Workspace) -> None:
    """Start drawing `drawn10` where there is no dataset and none is being made.

    Raises:
        CifarCoreError: the job could not be started.
    """
    if all(state.state == "absent" for state in list_datasets(workspace)):
        start_get(workspace, DRAWN10_NAME, unasked=True)


def measure_when_idle(workspace: Workspace) -> bool:
    """Measure the speed of this machine unless a dataset is being made or a run is active; return whether that is over.

    Raises:
        CifarCoreError: the job could not be started.
    """
    runs = list_runs(workspace)
    if any(run.active for run in runs) or any(state.state == "preparing" for state in list_datasets(workspace)):
        return False
    return ensure_speed(workspace, runs) not in ("measuring", "busy")
