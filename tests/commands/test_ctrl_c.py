"""Ctrl-C on the command line stops the run and says so, or leaves nothing; and streams that cannot be written."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cifar_core.bench import sides
from cifar_core.commands import runs as runs_command
from cifar_core.commands import train as train_command
from cifar_core.config import make_config
from cifar_core.errors import StorageError
from cifar_core.interrupts import ctrl_c_noted
from cifar_core.processes import child_environment
from cifar_core.runs import Status, create_run, list_runs, start_run, stop_run
from cifar_core.workspace import Workspace
from tests.conftest import ROOT
from tests.lifecycle.conftest import FakeRuns
from tests.runs.conftest import ended_run

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and ulimit are those of POSIX")
COMMAND = [sys.executable, "-m", "cifar_core"]


def press() -> None:
    """Ctrl-C."""
    signal.raise_signal(signal.SIGINT)


def pressing(function: Callable[..., Any], *, times: int = 1, before: bool = False) -> Callable[..., Any]:
    """`function` with Ctrl-C pressed right after or before it."""

    def called(*arguments: Any, **settings: Any) -> Any:
        if before:
            press()
        result = function(*arguments, **settings)
        for _ in range(0 if before else times):
            press()
        return result

    return called


MOMENTS = {
    "before it is made": ("create_run", {"before": True}),
    "when it is made": ("create_run", {}),
    "before it is started": ("start_run", {"before": True}),
    "when it is started": ("start_run", {}),
    "twice": ("start_run", {"times": 2}),
    "as its epochs are shown": ("_show_epochs", {}),
}


@pytest.mark.fault(93)
@pytest.mark.parametrize("moment", MOMENTS)
def test_ctrl_c_stops_a_run_at_every_moment_of_its_start(
    call: Any, fake_runs: FakeRuns, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    name, how = MOMENTS[moment]
    monkeypatch.setattr(train_command, name, pressing(getattr(train_command, name), **how))
    code, out, err = call("train", "--json", "--workspace", fake_runs.workspace.root)
    (run,) = list_runs(fake_runs.workspace)
    assert code == 1 and run.status is Status.STOPPED
    assert json.loads(out)["status"] == "stopped"
    assert (
        err.splitlines()[-1].startswith(f"Error: Run {run.id} did not finish (status: stopped).")
        and "Cancelled" not in err
    )


@pytest.mark.fault(93)
@pytest.mark.parametrize("moment", ["make", "start"])
@pytest.mark.parametrize("command", ["retry", "duplicate", "resume"])
def test_ctrl_c_stops_a_run_that_is_begun_again(
    call: Any, fake_runs: FakeRuns, monkeypatch: pytest.MonkeyPatch, command: str, moment: str
) -> None:
    old = ended_run(fake_runs.workspace, Status.STOPPED)
    names = {"make": f"{command}_run", "start": "resume_run" if command == "resume" else "start_run"}
    monkeypatch.setattr(runs_command, names[moment], pressing(getattr(runs_command, names[moment])))
    code, out, err = call("runs", command, old, "--workspace", fake_runs.workspace.root)
    run = list_runs(fake_runs.workspace)[0]
    assert (code, out) == (1, "") and run.status is Status.STOPPED
    assert err.splitlines()[-1] == f"Error: Run {run.id} did not finish (status: stopped)." and "queued" not in err


@pytest.mark.fault(93)
def test_ctrl_c_too_late_changes_nothing(call: Any, fake_runs: FakeRuns, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the message that the run is queued, neither a traceback nor a wrong message follows."""
    old = ended_run(fake_runs.workspace, Status.STOPPED)
    monkeypatch.setattr(runs_command, "_report_new", pressing(runs_command._report_new))
    code, _, err = call("runs", "retry", old, "--workspace", fake_runs.workspace.root)
    assert code == 0 and "is queued" in err and "Cancelled" not in err
    fake_runs.wait(list_runs(fake_runs.workspace)[0].id, "running")


@pytest.mark.fault(93)
def test_a_stop_that_the_disk_refuses_is_reported(
    call: Any, fake_runs: FakeRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[str] = []

    def refusing(workspace: Workspace, run_id: str) -> None:
        tries.append(run_id)
        if len(tries) == 1:
            press()
            raise StorageError("The disk is full.")
        stop_run(workspace, run_id)

    monkeypatch.setattr(train_command, "start_run", pressing(start_run))
    monkeypatch.setattr(train_command, "stop_run", refusing)
    code, _, err = call("train", "--workspace", fake_runs.workspace.root)
    assert code == 1 and "could not be asked to stop: The disk is full." in err and len(tries) == 2


@pytest.mark.fault(93)
def test_a_failing_command_says_that_its_run_goes_on(
    call: Any, fake_runs: FakeRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_arguments: object) -> None:
        raise StorageError("The disk refused.")

    monkeypatch.setattr(train_command, "_show_epochs", failing)
    code, _, err = call("train", "--workspace", fake_runs.workspace.root)
    (run,) = list_runs(fake_runs.workspace)
    assert code == 1 and run.active and f"Run {run.id} goes on without this command" in err


@pytest.mark.fault(93)
def test_ctrl_c_stops_a_run_of_the_benchmark(fake_runs: FakeRuns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sides, "start_run", pressing(start_run))
    with pytest.raises(KeyboardInterrupt):
        sides.train(fake_runs.workspace, make_config())
    assert [run.status for run in list_runs(fake_runs.workspace)] == ["stopped"]


def test_ctrl_c_is_noted_in_the_block_only() -> None:
    with ctrl_c_noted() as noted:
        press()
        assert noted.take() and not noted.take()
    with pytest.raises(KeyboardInterrupt):
        press()


# Processes of their own


def shell(line: str, workspace: Workspace, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run a line of `sh` in which "$@" is the command."""
    environment = {**child_environment(), "CIFAR_WORKSPACE": str(workspace.root), **variables}
    command = ["sh", "-c", line, "sh", *COMMAND]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)


# How the command line is begun: by `python -m cifar_core`, and by the installed command `cifar-core`.
BEGINNINGS = (
    'import runpy; runpy.run_module("cifar_core", run_name="__main__", alter_sys=True)',
    "from cifar_core.commands.script import run; sys.exit(run())",
)
IMPORTING = """
import os, signal, sys
class Pressed:
    def find_spec(self, name, *rest):
        if name == "numpy":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Pressed())
sys.argv = ["cifar_core", "runs", "list"]
"""
ENDING = """
import atexit, os, signal, sys
atexit.register(os.kill, os.getpid(), signal.SIGINT)
sys.argv = ["cifar_core", "runs", "list"]
"""


@pytest.mark.fault(93)
@pytest.mark.parametrize(
    ("code", "answer"),
    [(IMPORTING, (1, "Cancelled.\n")), (ENDING, (0, "There is no run yet. Train one: python -m cifar_core train\n"))],
)
@pytest.mark.parametrize("beginning", BEGINNINGS, ids=["module", "installed"])
def test_ctrl_c_while_python_imports_or_ends(
    workspace: Workspace, code: str, answer: tuple[int, str], beginning: str
) -> None:
    environment = {**child_environment(), "CIFAR_WORKSPACE": str(workspace.root)}
    command = [sys.executable, "-c", code + beginning]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == answer


@pytest.mark.fault(93)
@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ('"$@" runs list >/dev/full', 1, "Error: The results cannot be written to stdout: No space left on device.\n"),
        ('"$@" >/dev/full', 1, "Error: The results cannot be written to stdout: No space left on device.\n"),
        ('{ "$@" runs list; echo $? >&2; } | true', 0, "1\n"),
        ('"$@" runs list <&- >&- 2>&-', 0, ""),
        ('ulimit -v 80000; "$@" runs list', 1, "Error: The memory ran out: a process may have 78 MB here. "
         "Raise that limit (ulimit -v) and try again.\n"),
    ],
)  # fmt: skip
def test_missing_streams_and_memory(workspace: Workspace, line: str, code: int, said: str) -> None:
    create_run(workspace, make_config())
    done = shell(line, workspace)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", said)
    assert all(path.stat().st_size == 0 for path in workspace.root.rglob("*.lock"))


TRAINING = """
import runpy, sys
sys.path.insert(0, sys.argv.pop(1))
from cifar_core.lifecycle import runner
from cifar_core.runs.control import actions
from tests.lifecycle.fake import spawn_fake
runner.spawn = spawn_fake
actions.start_get = lambda *arguments: None  # fake runs need no pictures
sys.argv = ["cifar_core", "train"]
runpy.run_module("cifar_core", run_name="__main__", alter_sys=True)
"""


@pytest.mark.fault(93)
@pytest.mark.parametrize("streams", ["<&- >&- 2>&-", ">/dev/full 2>/dev/full"])
def test_a_training_without_output_streams_is_followed_to_its_end(
    fake_runs: FakeRuns, tmp_path: Path, streams: str
) -> None:
    script = tmp_path / "train.py"
    script.write_text(TRAINING)
    environment = {**child_environment(), "CIFAR_WORKSPACE": str(fake_runs.workspace.root)}
    line = f'exec "$@" {streams}'
    process = subprocess.Popen(["sh", "-c", line, "sh", sys.executable, str(script), str(ROOT)], env=environment)
    try:
        while not (found := list_runs(fake_runs.workspace)):
            assert process.poll() is None
        fake_runs.wait_computing(found[0].id)
        assert process.poll() is None
        fake_runs.instruct(found[0].id, "finish")
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
    assert all(path.stat().st_size == 0 for path in fake_runs.workspace.root.rglob("*.lock"))
