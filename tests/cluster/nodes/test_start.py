"""This machine as a node: started, refused, ended; nothing of it is left, and others' Ray is not touched."""

import os
import signal
import stat
from pathlib import Path

import pytest

from cifar_core.cluster.nodes.processes import find_processes
from cifar_core.cluster.nodes.record import live_node, read_node
from cifar_core.cluster.nodes.start import Offer, join_cluster, start_head, stop_node
from cifar_core.errors import ClusterError
from cifar_core.workspace import Workspace
from tests.cluster.conftest import TwoNodes, free_port

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


def test_a_cluster_of_one_machine_listens_on_loopback_and_leaves_nothing_behind(
    ray_installed: None, workspace: Workspace, tmp_path: Path
) -> None:
    port = free_port()
    facts = start_head(workspace, Offer(1, 0), port=port)
    try:
        assert facts.address == f"127.0.0.1:{port}"
        assert [(node.address, node.cpus, node.gpus, node.is_here) for node in facts.nodes] == [
            ("127.0.0.1", 1, 0, True)
        ]
        token = (workspace.cluster / "token").read_bytes()
        folder = Path(live_node(workspace).folder)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        processes = find_processes(folder)
        for pid in processes:
            assert token not in Path(f"/proc/{pid}/cmdline").read_bytes()
        assert token not in (workspace.cluster / "node.log").read_bytes()

        with pytest.raises(ClusterError, match=r"This workspace's node of the cluster at .* runs already: end it with"):
            start_head(workspace, Offer(1, 0), port=free_port())
        other = Workspace(tmp_path / "other")
        with pytest.raises(
            ClusterError, match=f"cannot listen at 127.0.0.1, port {port} .Address already in use.: give"
        ):
            start_head(other, Offer(1, 0), port=port)
        with pytest.raises(ClusterError, match="is for one machine alone: start it with --address"):
            join_cluster(other, facts.address, Offer(1, 0), token=workspace.cluster / "token")
        assert read_node(other) is None
    finally:
        ended = stop_node(workspace)
    assert ended is not None
    assert not folder.exists()
    assert not any(Path(f"/proc/{pid}/cwd").exists() for pid in processes)
    assert live_node(workspace) is None


@pytest.mark.fault(75, 102)
def test_a_node_that_is_killed_is_gone_and_another_one_joins(two_nodes: TwoNodes) -> None:
    gone = two_nodes.others[0]
    processes = find_processes(gone.folder)
    (raylet,) = [pid for pid in processes if b"/raylet\0" in Path(f"/proc/{pid}/cmdline").read_bytes()[:300]]
    os.kill(raylet, signal.SIGKILL)  # its agents outlive it, and have lost their names
    two_nodes.remove(gone)
    assert not any(Path(f"/proc/{pid}/cwd").exists() for pid in processes)
    assert find_processes(two_nodes.head.folder)
    two_nodes.restore()
    assert find_processes(two_nodes.others[0].folder)


@pytest.mark.fault(100)
def test_a_node_of_another_machine_needs_the_token_and_a_wrong_one_is_not_kept(
    two_nodes: TwoNodes, workspace: Workspace, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("0" * 64)
    wrong.chmod(0o600)
    with pytest.raises(ClusterError, match=f"does not accept the token in {wrong}: copy"):
        join_cluster(workspace, two_nodes.address, Offer(1, 0), token=wrong)
    with pytest.raises(ClusterError, match="asks for a token, and there is none"):
        join_cluster(workspace, two_nodes.address, Offer(1, 0))
    assert read_node(workspace) is None
    assert not (workspace.cluster / "token").exists()


def test_an_address_of_another_machine_is_refused(ray_installed: None, workspace: Workspace) -> None:
    with pytest.raises(ClusterError, match=r"cannot listen at 192\.0\.2\.77, port .*: give an address of this machine"):
        start_head(workspace, Offer(1, 0), host="192.0.2.77", port=free_port())
    assert read_node(workspace) is None
