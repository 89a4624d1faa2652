"""One cluster of two nodes on this machine, protected by a token, that starts once for all tests marked `cluster`."""

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cifar_core.cluster.address import own_address_towards
from cifar_core.cluster.check import ask_cluster
from cifar_core.cluster.nodes.processes import end_processes, find_processes
from cifar_core.cluster.nodes.record import live_node, read_node
from cifar_core.cluster.nodes.start import Offer, join_cluster, start_head, stop_node
from cifar_core.cluster.token import take_token
from cifar_core.workspace import Workspace, open_workspace

StartForeign = Callable[..., str]
FORGET_SECONDS = 60.0  # in which the head notices that a node is gone
ELSEWHERE = "192.0.2.1:9"  # of a network for documents: only the way to it is looked up


@dataclass
class Machine:
    """A workspace whose node stands for a machine of the cluster."""

    workspace: Workspace

    @property
    def folder(self) -> Path:
        """The folder of its node: `cluster/nodes/processes.py` finds the processes by it."""
        record = read_node(self.workspace)
        assert record is not None
        return Path(record.folder)


@dataclass
class TwoNodes:
    """The cluster of the tests: its head with one CPU, and a second node with one, as two machines of one CPU each."""

    address: str
    head: Machine
    new_folder: Callable[[str], Path]
    others: list[Machine] = field(default_factory=list)

    @property
    def token(self) -> Path:
        """The file with the token."""
        return self.head.workspace.cluster / "token"

    def lend(self, workspace: Workspace) -> Workspace:
        """Give a workspace the token, so that its runs may use the cluster."""
        take_token(workspace, self.token)
        return workspace

    def add(self, *, cpus: int = 1) -> Machine:
        """Let another node join; a test that adds one removes it."""
        workspace = open_workspace(self.new_folder("machine"))
        join_cluster(workspace, self.address, Offer(cpus, 0), token=self.token)
        self.others.append(Machine(workspace))
        return self.others[-1]

    def remove(self, machine: Machine) -> None:
        """End a node with all that runs on it; the next `add` makes another one."""
        stop_node(machine.workspace)
        self.others.remove(machine)

    def kill(self, machine: Machine) -> None:
        """Let a node go as by a cut cable: it takes no leave, and the head believes for some 15 s that it lives."""
        for pid in find_processes(machine.folder):
            with contextlib.suppress(ProcessLookupError):  # it has gone with another one
                os.kill(pid, signal.SIGKILL)
        self.remove(machine)

    def restore(self) -> None:
        """Have two nodes again, and wait until the head knows of these and no others."""
        for machine in [*self.others]:
            if machine is not self.others[0] or live_node(machine.workspace) is None:
                self.remove(machine)
        if not self.others:
            self.add()
        end = time.monotonic() + FORGET_SECONDS
        while len(ask_cluster(self.head.workspace, self.address).nodes) != 2:
            assert time.monotonic() < end, "the head still knows a node that was killed"
            time.sleep(0.2)


@pytest.fixture(scope="session")
def ray_installed() -> None:
    """Skip where Ray is not installed; with CIFAR_REQUIRE_CLUSTER=1 that is a failure."""
    if importlib.util.find_spec("ray") is None:
        reason = "Ray is not installed (make install EXTRAS=cluster)"
        if os.environ.get("CIFAR_REQUIRE_CLUSTER") == "1":
            pytest.fail(f"{reason}, but CIFAR_REQUIRE_CLUSTER=1 asks for it")
        pytest.skip(reason)


@pytest.fixture(scope="session")
def shared_cluster(ray_installed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoNodes]:
    """The cluster itself, for the whole session; a test takes `two_nodes`."""
    head = open_workspace(tmp_path_factory.mktemp("head"))
    facts = start_head(head, Offer(1, 0), host=own_address_towards(ELSEWHERE), port=free_port())
    cluster = TwoNodes(facts.address, Machine(head), tmp_path_factory.mktemp)
    try:
        yield cluster
    finally:
        for machine in [*cluster.others, cluster.head]:
            stop_node(machine.workspace)


@pytest.fixture
def two_nodes(shared_cluster: TwoNodes) -> TwoNodes:
    """The cluster with its two nodes, whatever the test before has added, removed or killed."""
    shared_cluster.restore()
    return shared_cluster


@pytest.fixture
def start_foreign(ray_installed: None) -> Iterator[StartForeign]:
    """Start a cluster by Ray's own command, as somebody else would; it ends with the test.

    Its arguments: labels of its one node, and variables of its processes. It gives the address.
    """
    folder = Path(tempfile.mkdtemp(prefix="cifar-node-"))

    def start(labels: Mapping[str, str], **variables: str) -> str:
        port = free_port()
        texts = ",".join(f"{name}={text}" for name, text in labels.items())
        options = [f"--port={port}", "--num-cpus=1", f"--temp-dir={folder}", "--object-store-memory=80000000"]
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", *options, f"--labels={texts}"]
        environment = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0", **variables}
        subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, timeout=60)
        loopback = variables.get("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER") == "0"
        return f"{'127.0.0.1' if loopback else own_address_towards(ELSEWHERE)}:{port}"

    yield start
    end_processes(folder)
    shutil.rmtree(folder)


def free_port() -> int:
    """A port that nothing listens at."""
    with socket.socket() as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])
