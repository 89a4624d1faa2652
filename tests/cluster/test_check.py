"""Whether a cluster may be used: it is reached, the token counts, the versions are ours, a node is large enough."""

import contextlib
import dataclasses
import socket
from pathlib import Path

import pytest

from cifar_core.cluster.check import _listens_to_others, check_cluster
from cifar_core.cluster.versions import labels_of, versions_here
from cifar_core.errors import ClusterError, ConfigError
from cifar_core.lifecycle.place import Place
from cifar_core.workspace import Workspace
from tests.cluster.conftest import StartForeign, TwoNodes


@pytest.mark.fault(101)
@pytest.mark.parametrize(("host", "seen"), [("", True), ("127.0.0.1", False)])
def test_what_a_cluster_lets_listen_is_found_by_its_files_or_its_port(tmp_path: Path, host: str, seen: bool) -> None:
    """Its dashboard listens where it was told to, and Ray names no port of it."""
    with socket.create_server((host, 0)) as server, contextlib.ExitStack() as files:
        assert not _listens_to_others([1], [str(tmp_path)])
        assert _listens_to_others([server.getsockname()[1]], [str(tmp_path)]) == seen
        files.enter_context(open(tmp_path / "dashboard.log", "w"))
        assert _listens_to_others([1], [str(tmp_path)]) == seen


@pytest.mark.cluster
@pytest.mark.slow
def test_the_nodes_of_a_cluster_are_found(two_nodes: TwoNodes, workspace: Workspace) -> None:
    facts = check_cluster(two_nodes.lend(workspace), Place("ray", two_nodes.address, cpus=1))
    assert [(node.is_head, node.is_here, node.cpus, node.gpus) for node in facts.nodes] == [
        (True, True, 1, 0),
        (False, True, 1, 0),
    ]


@pytest.mark.fault(100)
@pytest.mark.cluster
@pytest.mark.slow
def test_what_no_node_has_is_refused_and_the_largest_is_named(two_nodes: TwoNodes, workspace: Workspace) -> None:
    two_nodes.lend(workspace)
    with pytest.raises(
        ConfigError, match=r"No node of the cluster at .* has 64 CPUs: the largest has 1 CPU and 0 GPUs"
    ):
        check_cluster(workspace, Place("ray", two_nodes.address, cpus=64))
    with pytest.raises(ConfigError, match="has 1 CPU and 1 GPU: the largest has 1 CPU and 0 GPUs"):
        check_cluster(workspace, Place("ray", two_nodes.address, cpus=1, gpus=1))


@pytest.mark.fault(75, 100)
@pytest.mark.cluster
@pytest.mark.slow
def test_without_the_token_or_with_another_one_nobody_comes_in(two_nodes: TwoNodes, workspace: Workspace) -> None:
    place = Place("ray", two_nodes.address)
    with pytest.raises(ClusterError, match=r"asks for a token, and there is none at .*cluster/token: copy"):
        check_cluster(workspace, place)
    own = workspace.cluster / "token"
    own.parent.mkdir()
    own.write_text("0" * 64)
    own.chmod(0o600)
    with pytest.raises(ClusterError, match="does not accept the token in"):
        check_cluster(workspace, place)


@pytest.mark.fault(101)
@pytest.mark.cluster
@pytest.mark.slow
def test_a_cluster_that_asks_for_no_token_is_refused_where_others_reach_it(
    start_foreign: StartForeign, workspace: Workspace
) -> None:
    address = start_foreign(labels_of(versions_here()), RAY_AUTH_MODE="disabled")
    with pytest.raises(ClusterError, match="takes commands from everybody who reaches it, for it asks for no token"):
        check_cluster(workspace, Place("ray", address))


@pytest.mark.fault(75, 101)
@pytest.mark.cluster
@pytest.mark.slow
def test_one_that_listens_on_loopback_alone_may_go_without_and_its_version_counts(
    start_foreign: StartForeign, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = versions_here()
    other = dataclasses.replace(here, ray="2.54.0")
    alone = {"RAY_AUTH_MODE": "disabled", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
    address = start_foreign(labels_of(other), **alone)
    with pytest.raises(ClusterError, match=f"Node .* has Ray 2.54.0, but this machine has Ray {here.ray}"):
        check_cluster(workspace, Place("ray", address))
    monkeypatch.setattr("cifar_core.cluster.versions.versions_here", lambda: other)
    assert [node.address for node in check_cluster(workspace, Place("ray", address)).nodes] == ["127.0.0.1"]


@pytest.mark.fault(100)
@pytest.mark.cluster
@pytest.mark.slow
def test_what_listens_and_is_no_cluster_is_named_in_time(
    workspace: Workspace, ray_installed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cifar_core.cluster.check._CHECK_SECONDS", 3.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(ClusterError, match="does not answer as a cluster of Ray does"):
            check_cluster(workspace, Place("ray", address))


@pytest.mark.fault(100)
def test_without_ray_the_way_to_get_it_is_named(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ClusterError, match="needs Ray, which is not installed: `make install EXTRAS=cluster` gets it"):
        check_cluster(workspace, Place("ray", "127.0.0.1:6379"))
