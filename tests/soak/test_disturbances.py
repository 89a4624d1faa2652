"""What the soak does to runs."""

import sys
from dataclasses import replace
from subprocess import PIPE, Popen

import pytest

from cifar_core.bench.app import App
from cifar_core.config import make_config
from cifar_core.runs import create_run, stop_run
from cifar_core.workspace import Workspace
from tests.conftest import save_tiny
from tests.soak.disturbances import Disturbances
from tests.soak.size import QUICK


def test_there_is_always_something_to_kill(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where all trainings have ended before the last kill is due, another one begins; else the soak would never end."""
    save_tiny(workspace)
    started: list[str] = []
    monkeypatch.setattr("tests.soak.disturbances.start_run", lambda _workspace, run_id: started.append(run_id))
    first = create_run(workspace, make_config({"dataset": "tiny"}))
    stop_run(workspace, first)
    app = App("http://127.0.0.1:1", Popen([sys.executable, "-c", "input()"], stdin=PIPE))
    try:
        disturbances = Disturbances(
            workspace, replace(QUICK, restarts=0), app, workspace.root / "log", workspace.root, [first]
        )
        disturbances.start_clock()
        disturbances.tick({})
        assert len(started) == 1 and disturbances.runs == [first, *started]
        disturbances.tick({})
        assert len(started) == 1
    finally:
        app.process.communicate()
