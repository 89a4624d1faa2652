"""Real trainings of two processes whose processes die, freeze or come late: each ends as if nothing had happened."""

import os
import signal
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from cifar_core.config import make_config
from cifar_core.runs import Status, create_run, list_runs, read_run, resume_run, start_run, stop_run
from cifar_core.runs.run_folder import RunFolder, run_folder
from cifar_core.workspace import Workspace, open_workspace
from tests.conftest import save_tiny
from tests.lifecycle.conftest import until
from tests.lifecycle.ranks.real import (
    RECOVERY_SECONDS,
    SETTINGS,
    kill,
    ranks_of,
    results,
    trained_epochs,
    until_gone,
    until_trained,
)

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(sys.platform != "linux", reason="a frozen rank ends with a killed launcher on Linux alone"),
]
LATE_SECONDS = 15.0


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A workspace whose runs are stopped in the end."""
    found = open_workspace(tmp_path_factory.mktemp("ranks") / "workspace")
    save_tiny(found)
    yield found
    for run in list_runs(found):
        if run.active:
            stop_run(found, run.id)


def begin(space: Workspace) -> RunFolder:
    run_id = create_run(space, make_config(SETTINGS))
    start_run(space, run_id)
    return run_folder(space, run_id)


def end(space: Workspace, folder: RunFolder) -> dict[str, object]:
    """Wait until a run has finished; returns its results. No process of it is left."""
    until(lambda: not read_run(space, folder.run_id).active, "it has ended", timeout=300.0)
    run = read_run(space, folder.run_id)
    assert run.status is Status.FINISHED, (run.status, run.error, folder.log.read_text()[-2000:])
    until_gone(ranks_of(folder.path))
    return results(space, folder.run_id)


@pytest.fixture(scope="module")
def whole(space: Workspace) -> dict[str, object]:
    """The results of an uninterrupted training."""
    return end(space, begin(space))


@pytest.mark.fault(74)
@pytest.mark.parametrize(("victim", "number"), [(0, signal.SIGKILL), (1, signal.SIGKILL), (1, signal.SIGSTOP)])
def test_a_rank_that_dies_or_freezes(space: Workspace, whole: dict[str, object], victim: int, number: int) -> None:
    folder = begin(space)
    until_trained(folder, 3)
    before = ranks_of(folder.path)
    os.kill(before[victim].pid, number)
    until_gone(before)
    until(lambda: len(ranks_of(folder.path)) == 2, "all begin again", timeout=RECOVERY_SECONDS)
    assert "begin again at the last checkpoint" in folder.log.read_text()
    assert end(space, folder) == whole


@pytest.mark.fault(74)
def test_a_rank_that_comes_late(space: Workspace, whole: dict[str, object]) -> None:
    """The others wait for it; nothing begins again."""
    folder = begin(space)
    until(lambda: len(ranks_of(folder.path)) == 2, "both live")
    late, begun = ranks_of(folder.path)[1], time.monotonic()
    late.suspend()
    until(lambda: time.monotonic() - begun > LATE_SECONDS, "it is late")  # the fault itself is this time
    assert not trained_epochs(folder)
    late.resume()
    assert end(space, folder) == whole
    assert "begin again" not in folder.log.read_text()


@pytest.mark.fault(74)
def test_a_launcher_that_is_killed(space: Workspace, whole: dict[str, object]) -> None:
    """All ranks end, one that is frozen too, and the run can be resumed."""
    folder = begin(space)
    until_trained(folder, 3)
    ranks = ranks_of(folder.path)
    ranks[1].suspend()
    kill(psutil.Process(ranks[0].ppid()))
    until_gone(ranks, timeout=5.0)
    # The ranks die with its first thread, its lock is free with its last one.
    until(lambda: read_run(space, folder.run_id).status is Status.INTERRUPTED, "the worker is gone")
    resume_run(space, folder.run_id)
    assert end(space, folder) == whole
