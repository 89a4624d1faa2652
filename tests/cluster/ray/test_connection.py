"""A process that connects to a cluster: it finds the nodes, its actors, and what is no more."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cifar_core.cluster.nodes.processes import end_processes
from cifar_core.cluster.nodes.record import live_node
from cifar_core.cluster.nodes.start import Offer, start_head, stop_node
from cifar_core.config import make_config
from cifar_core.lifecycle.place import Place
from cifar_core.runs import create_run, start_run
from cifar_core.workspace import Workspace
from tests.cluster.conftest import TwoNodes, free_port
from tests.conftest import ROOT, save_tiny
from tests.runs.conftest import TINY, wait_for

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

BEGIN = """
import json, sys
from cifar_core.cluster.ray.connection import connect
from cifar_core.errors import CifarCoreError
from cifar_core.workspace import open_workspace
cluster = connect(open_workspace(sys.argv[1]), sys.argv[2])
"""
LOOK = """
import ray
from cifar_core.cluster.nodes.record import node_folder
from cifar_core.cluster.versions import versions_here

@ray.remote(num_cpus=1)
class Place:
    def say(self):
        return str(node_folder()), versions_here() == here

here = versions_here()
nodes = [(node.is_head, node.cpus, node.versions == here) for node in cluster.nodes()]
try:
    cluster.require(2, 0)
    refused = ""
except CifarCoreError as error:
    refused = str(error)
said = ray.get([Place.remote().say.remote() for _ in range(2)])
print(json.dumps({"nodes": nodes, "refused": refused, "said": said, "namespace": cluster.namespace}))
cluster.close()
"""
WAIT = """
print(len(cluster.nodes()), flush=True)
sys.stdin.readline()
print(cluster.is_there())
try:
    cluster.nodes()
except CifarCoreError as error:
    print(error)
import os; os._exit(0)
"""


def begin(code: str, workspace: Workspace, address: str) -> subprocess.Popen[str]:
    """Start a process that connects and then runs the code."""
    command = [sys.executable, "-c", BEGIN + code, str(workspace.root), address]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, text=True, stdin=pipe, stdout=pipe, stderr=pipe)


def test_a_driver_finds_the_nodes_and_runs_actors_on_both(two_nodes: TwoNodes, workspace: Workspace) -> None:
    process = begin(LOOK, two_nodes.lend(workspace), two_nodes.address)
    printed, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    found = json.loads(printed)
    assert found["nodes"][:2] == [[True, 1, True], [False, 1, True]]
    assert found["refused"].endswith("has 2 CPUs: the largest has 1 CPU and 0 GPUs.")
    folders = {str(machine.folder) for machine in (two_nodes.head, two_nodes.others[0])}
    assert {folder for folder, _ in found["said"]} == folders
    assert all(same for _, same in found["said"])


@pytest.mark.fault(75, 100)
def test_a_head_that_is_ended_is_noticed_at_once_and_its_run_says_so(ray_installed: None, workspace: Workspace) -> None:
    save_tiny(workspace)
    facts = start_head(workspace, Offer(1, 0), port=free_port())
    try:
        process = begin(WAIT, workspace, facts.address)
        assert process.stdout is not None
        assert process.stdout.readline() == "1\n", process.communicate()
        run_id = create_run(workspace, make_config(TINY | {"epochs": 500}), place=Place("ray", facts.address))
        start_run(workspace, run_id)
        wait_for(workspace, run_id, lambda run: run.last is not None)
        end_processes(Path(live_node(workspace).folder))
        run = wait_for(workspace, run_id, lambda run: not run.active)
        assert run.status == "interrupted"
        assert run.error.endswith("Start it again, then resume the run.")
        printed, _ = process.communicate("go on\n", timeout=20)
        assert printed.splitlines() == [
            "False",
            f"The cluster at {facts.address} answers no more: start it again, then resume.",
        ]
    finally:
        stop_node(workspace)
