"""What the app does before anybody asks: it draws the first pictures, then measures how fast this machine trains.

Both are jobs at low priority. A thread of the server starts them one after the other, once for each workspace; by the
locks of the jobs, several servers do the work once. What fails is not told, because nobody has asked for it.
"""

import contextlib
import os
import threading
import time
from pathlib import Path

from cifar_core.data import deleted_datasets, list_datasets, start_get
from cifar_core.data.sources.drawn10 import DRAWN10_NAME
from cifar_core.errors import CifarCoreError
from cifar_core.jobs.job import dismiss_job
from cifar_core.limits import BACKGROUND_VARIABLE, read_limits
from cifar_core.runs import ensure_speed, list_runs, speed_job
from cifar_core.workspace import Workspace
from pages.ui.server.session import has_real_server

_LOOK_SECONDS = 5.0  # between two looks at whether the machine is measured
_begun: set[Path] = set()  # workspaces of this server process
_guard = threading.Lock()


def start_background_jobs(workspace: Workspace) -> None:
    """Begin the jobs of a workspace at the first call for it; later calls, and those without a server, do nothing."""
    if not has_real_server() or os.environ.get(BACKGROUND_VARIABLE) == "0":
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
            dismiss_job(speed_job(workspace))  # one that failed, or was killed with an earlier server, is begun again
            while ensure_speed(workspace, list_runs(workspace)) in ("measuring", "busy"):
                time.sleep(_LOOK_SECONDS)


def draw_first_dataset(workspace: Workspace) -> None:
    """Start drawing `drawn10` where there never was a dataset, as far as is known, and none is being made.

    Raises:
        CifarCoreError: the job could not be started, or the trash cannot be read.
    """
    if all(state.state == "absent" for state in list_datasets(workspace)) and not deleted_datasets(workspace):
        start_get(workspace, DRAWN10_NAME, unasked=True)
