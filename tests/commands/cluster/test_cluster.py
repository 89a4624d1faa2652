"""`cluster`: what it says of a cluster, and one sentence where there is none. Real nodes are in tests/cluster."""

import dataclasses
import json
from typing import Any

import pytest

from cifar_core.cluster.check import ClusterFacts, ClusterNode
from cifar_core.cluster.versions import Versions
from cifar_core.workspace import Workspace

MODULE = "cifar_core.commands.cluster.cluster"
HERE = Versions("3.11.7", "2.60.0", "0.1.0-aaaaaaaaaaaa")
HEAD = ClusterNode("a" * 56, "head", "10.0.0.5", is_head=True, is_here=True, cpus=8, gpus=1, versions=HERE)
OTHER = dataclasses.replace(
    HEAD,
    id="b" * 56,
    host="other",
    is_head=False,
    is_here=False,
    gpus=0,
    versions=dataclasses.replace(HERE, ray="2.54.0"),
)
FACTS = ClusterFacts("10.0.0.5:6379", (HEAD, OTHER, dataclasses.replace(OTHER, host="third", versions=None)))


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster of three nodes answers; nothing is started."""
    monkeypatch.setattr(f"{MODULE}.ask_cluster", lambda workspace, address: dataclasses.replace(FACTS, address=address))
    monkeypatch.setattr(f"{MODULE}.start_head", lambda *_, **__: FACTS)
    monkeypatch.setattr(f"{MODULE}.versions_here", lambda: HERE)


def test_status_names_each_node_and_what_differs(call: Any, workspace: Workspace, answered: None) -> None:
    code, out, err = call("cluster", "status", "--address", "10.0.0.9:1", "--workspace", workspace.root, "--json")
    assert code == 0
    assert "The cluster at 10.0.0.9:1 has 3 nodes, 24 CPUs, 1 GPU." in err
    first, second, third, last = out.splitlines()
    assert first == "head  head (10.0.0.5)  8 CPUs, 1 GPU  Python 3.11.7, Ray 2.60.0, program 0.1.0-aaaaaaaaaaaa"
    assert second.endswith("Ray 2.54.0, program 0.1.0-aaaaaaaaaaaa  (other than here: no run is computed there)")
    assert third.endswith("versions unknown: no run is computed there")
    assert [node["cpus"] for node in json.loads(last)["nodes"]] == [8, 8, 8]


def test_status_without_any_cluster_says_how_to_get_one(call: Any, workspace: Workspace) -> None:
    code, _, err = call("cluster", "status", "--workspace", workspace.root)
    assert code == 2
    assert err.startswith("Error: Which cluster? Give its address (--address HOST:PORT)")


def test_start_for_several_machines_tells_the_way_and_the_danger_but_no_token(
    call: Any, workspace: Workspace, answered: None
) -> None:
    workspace.cluster.mkdir()
    (workspace.cluster / "token").write_text("0123456789abcdef" * 4)
    code, out, err = call("cluster", "start", "--address", "10.0.0.5", "--workspace", workspace.root)
    assert (code, out) == (0, "")
    assert "cluster join 10.0.0.5:6379 --token-file FILE" in err
    assert "firewall" in err
    assert "0123456789abcdef" not in err


def test_stop_where_nothing_was_started_is_no_error(call: Any, workspace: Workspace) -> None:
    code, out, err = call("cluster", "stop", "--workspace", workspace.root, "--json")
    assert (code, json.loads(out)) == (0, {"stopped": False, "address": None})
    assert "has started no node" in err


def test_what_cannot_be_an_address_is_refused(call: Any, workspace: Workspace) -> None:
    code, _, err = call("cluster", "join", "head", "--workspace", workspace.root)
    assert code == 2
    assert err == "Error: 'head' is no address of a cluster: HOST:PORT of its head, as in 10.0.0.5:6379.\n"
