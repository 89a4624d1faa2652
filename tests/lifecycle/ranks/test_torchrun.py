"""A training whose processes torchrun has started: two agents on one machine, as on two that share a workspace."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from cifar_core.config import make_config
from cifar_core.errors import ConfigError, RunError
from cifar_core.jobs.log import logged_end
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.ranks import torchrun
from cifar_core.lifecycle.ranks.torchrun import torchrun_here
from cifar_core.lifecycle.states import Status
from cifar_core.lifecycle.status import move
from cifar_core.processes import child_environment
from cifar_core.runs import create_run, list_runs, read_run, start_run
from cifar_core.runs.run_folder import RunFolder, run_folder
from cifar_core.workspace import Workspace
from tests.conftest import ROOT, save_tiny
from tests.lifecycle.conftest import until
from tests.lifecycle.ranks.real import RECOVERY_SECONDS, SETTINGS, kill, ranks_of, results, until_gone, until_trained

(DOCUMENTED,) = re.findall(r"^torchrun .*$", (ROOT / "docs" / "CLUSTER.md").read_text("utf-8"), re.M)
TOLD = {"TORCHELASTIC_RUN_ID": "lesson", "RANK": "1", "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "1"}


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The environment in which torchrun starts rank 1 of two, on the second machine."""
    for name, value in TOLD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_a_process_that_torchrun_did_not_start(told: pytest.MonkeyPatch) -> None:
    told.delenv("TORCHELASTIC_RUN_ID")
    assert torchrun_here() is None


def test_all_ranks_of_one_start_have_the_same_key_and_others_have_not(told: pytest.MonkeyPatch) -> None:
    found = torchrun_here()
    assert found is not None and (found.rank, found.world) == (1, 2)
    told.setenv("RANK", "0")
    first = torchrun_here()
    assert first is not None and first.key == found.key and first.rank == 0
    told.setenv("TORCHELASTIC_RUN_ID", "another")
    other = torchrun_here()
    assert other is not None and other.key != found.key


def test_without_an_id_one_machine_is_known_by_its_agent_and_several_are_refused(told: pytest.MonkeyPatch) -> None:
    told.setenv("TORCHELASTIC_RUN_ID", "none")
    with pytest.raises(ConfigError, match="--rdzv-id=NAME, a new one for each run"):
        torchrun_here()
    told.setenv("LOCAL_WORLD_SIZE", "2")
    one, again = torchrun_here(), torchrun_here()
    assert one is not None and one == again
    told.setattr("os.getppid", lambda: os.getpid())
    other = torchrun_here()
    assert other is not None and other.key != one.key


def test_a_rank_waits_for_rank_0_and_for_the_turn_of_the_run(workspace: Workspace, told: pytest.MonkeyPatch) -> None:
    """It starts a training process once the run trains; a key of another start counts for nothing."""
    codes: list[int] = []
    told.setattr(torchrun, "_LOOK_SECONDS", 0.01)
    told.setattr(torchrun, "rank_command", lambda run: [sys.executable, "-c", "import sys; sys.exit(7)", str(run.path)])
    told.setattr(torchrun, "end_with_parent", lambda *_: None)
    told.setattr("signal.signal", lambda *_: None)
    found, folder = torchrun_here(), LifeFolder(workspace.runs / create_run(workspace, make_config()))
    assert found is not None
    waiting = threading.Thread(target=lambda: codes.append(torchrun.compute_rank(folder, found)))
    waiting.start()
    folder.torchrun.write_text("key of an earlier start")
    move(folder, Status.RUNNING)
    waiting.join(0.1)
    assert not codes
    folder.torchrun.write_text(found.key)
    waiting.join(10.0)
    assert codes == [7], "as its training process ended"


@pytest.mark.parametrize(
    ("ended", "why"), [(True, "has ended before this process of it began"), (False, "did not start run .* within 0 s")]
)
def test_a_rank_that_waits_in_vain_says_why(
    workspace: Workspace, told: pytest.MonkeyPatch, ended: bool, why: str
) -> None:
    told.setattr(torchrun, "_LOOK_SECONDS", 0.01)
    told.setattr(torchrun, "ARRIVAL_SECONDS", 0.05)
    told.setattr(torchrun, "end_with_parent", lambda *_: None)
    told.setattr("signal.signal", lambda *_: None)
    found, folder = torchrun_here(), LifeFolder(workspace.runs / create_run(workspace, make_config()))
    assert found is not None
    if ended:
        folder.torchrun.write_text(found.key)
        move(folder, Status.STOPPED)
    with pytest.raises(RunError, match=why):
        torchrun.compute_rank(folder, found)


def test_a_frozen_rank_is_killed_by_the_process_that_has_started_it(
    workspace: Workspace, told: pytest.MonkeyPatch
) -> None:
    """torchrun itself would wait for ever; here the training processes give no sign of life at all."""
    told.setattr(torchrun, "_LOOK_SECONDS", 0.01)
    told.setattr("cifar_core.lifecycle.ranks.pulse.FROZEN_SECONDS", 0.2)
    told.setattr(torchrun, "rank_command", lambda _: [sys.executable, "-c", "import time; time.sleep(600)"])
    told.setattr(torchrun, "end_with_parent", lambda *_: None)
    told.setattr("signal.signal", lambda *_: None)
    found, folder = torchrun_here(), LifeFolder(workspace.runs / create_run(workspace, make_config()))
    assert found is not None
    folder.torchrun.write_text(found.key)
    move(folder, Status.RUNNING)
    assert torchrun.compute_rank(folder, found) == -signal.SIGKILL
    first = torchrun._FirstRank()
    first.start(folder)
    until(lambda: first.has_ended(0.01), "it has been killed")
    assert first.code == -signal.SIGKILL
    why = "It gave no sign of life for 0 seconds (rank 0), so it was killed; resume it to go on."
    assert logged_end(folder.log) == ("failed", why)


class Agents:
    """Two agents of torchrun on this machine, each with one process, as on two machines."""

    def __init__(self, place: Path, workspace: Workspace) -> None:
        self._place = place
        self._workspace = workspace
        self.started: list[subprocess.Popen[bytes]] = []

    def start(self, key: str, *command: str) -> None:
        here = {"torchrun": "torch.distributed.run", "10.0.0.5:29400": f"127.0.0.1:{free_port()}", "first": key}
        agent = [here.get(word, word) for word in DOCUMENTED.split()[:-1]]  # without `train`
        ours = [*command, "--workspace", str(self._workspace.root)]
        with open(self._place / "agents.log", "ab") as log:
            self.started = [
                subprocess.Popen(
                    [sys.executable, "-m", *agent, *ours],
                    stdout=log,
                    stderr=log,
                    env=child_environment() | {"OMP_NUM_THREADS": "1", "TMPDIR": str(self._place)},
                )
                for _ in range(2)
            ]

    def wait(self, *, timeout: float = 300.0) -> list[int]:
        return [agent.wait(timeout) for agent in self.started]

    def output(self) -> str:
        return (self._place / "agents.log").read_text()


@pytest.fixture
def agents(tmp_path: Path, workspace: Workspace) -> Iterator[Agents]:
    """Agents on a workspace with the tiny dataset; nothing of them is left at the end."""
    save_tiny(workspace)
    found = Agents(tmp_path, workspace)
    yield found
    for agent in found.started:
        with contextlib.suppress(psutil.NoSuchProcess):
            below = psutil.Process(agent.pid).children(recursive=True)
            for process in (*below, psutil.Process(agent.pid)):
                with contextlib.suppress(psutil.NoSuchProcess):
                    kill(process)
        agent.wait()


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def train_options() -> list[str]:
    options = [f"--{name.replace('_', '-')}={value}" for name, value in SETTINGS.items() if name != "processes"]
    return ["train", *options]


def only_run(workspace: Workspace) -> RunFolder:
    until(lambda: len(list_runs(workspace)) == 1, "there is one run", timeout=120.0)
    return run_folder(workspace, list_runs(workspace)[0].id)


@pytest.mark.cluster
@pytest.mark.fault(74)
def test_a_killed_rank_ends_the_run_with_its_reason_and_the_same_command_goes_on(
    agents: Agents, workspace: Workspace
) -> None:
    """The whole has the bits of a run of two processes that our own launcher has started."""
    agents.start("one", *train_options())
    folder = only_run(workspace)
    until_trained(folder, 3)
    ranks, begun = ranks_of(folder.path), time.monotonic()
    kill(ranks[1])
    assert all(agents.wait(timeout=RECOVERY_SECONDS)) and time.monotonic() - begun < RECOVERY_SECONDS
    until_gone(ranks)
    run = read_run(workspace, folder.run_id)
    assert run.status in (Status.FAILED, Status.INTERRUPTED) and "resume it to go on" in run.error
    assert not folder.torchrun.exists()
    agents.start("two", "runs", "resume", folder.run_id)
    assert agents.wait() == [0, 0], agents.output()
    assert read_run(workspace, folder.run_id).status is Status.FINISHED
    other = create_run(workspace, make_config(SETTINGS))
    start_run(workspace, other)
    until(lambda: not read_run(workspace, other).active, "the other one has ended", timeout=300.0)
    assert results(workspace, folder.run_id) == results(workspace, other)


@pytest.mark.cluster
@pytest.mark.fault(74)
def test_a_killed_agent_takes_all_ranks_along(agents: Agents, workspace: Workspace) -> None:
    """That of rank 0, which is the run's worker: the run is interrupted, and no process of it is left.

    The other agent is torchrun's own matter: where it holds torchrun's store, it waits for the killed one for minutes.
    """
    agents.start("one", *train_options())
    folder = only_run(workspace)
    until_trained(folder, 3)
    ranks = ranks_of(folder.path)
    commands = [psutil.Process(rank.ppid()) for rank in ranks]  # the first one is the run's worker
    kill(psutil.Process(commands[0].ppid()))
    until_gone([*ranks, *commands])
    run = read_run(workspace, folder.run_id)
    assert run.status in (Status.FAILED, Status.INTERRUPTED) and run.error
