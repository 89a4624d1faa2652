"""Whether a cluster may be used: it is reached, the token counts, the versions are ours, a node is large enough."""

import stat
import time
from pathlib import Path

import pytest

from cifar_core.cluster.check import check_cluster
from cifar_core.errors import ClusterError, ConfigError
from cifar_core.lifecycle.place import Place
from cifar_core.workspace import Workspace
from tests.cluster.conftest import TwoNodes

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


def test_the_nodes_of_a_cluster_are_found(two_nodes: TwoNodes, workspace: Workspace) -> None:
    facts = check_cluster(two_nodes.lend(workspace), Place("ray", two_nodes.address, cpus=1))
    assert [(node.is_head, node.is_here, node.cpus, node.gpus) for node in facts.nodes] == [
        (True, True, 1, 0),
        (False, True, 1, 0),
    ]


def test_what_no_node_has_is_refused_and_the_largest_is_named(two_nodes: TwoNodes, workspace: Workspace) -> None:
    two_nodes.lend(workspace)
    with pytest.raises(ConfigError, match="No node of the cluster at .* has 64 CPUs: the largest has 1 CPU and 0 GPUs"):
        check_cluster(workspace, Place("ray", two_nodes.address, cpus=64))
    with pytest.raises(ConfigError, match="has 1 CPU and 1 GPU: the largest has 1 CPU and 0 GPUs"):
        check_cluster(workspace, Place("ray", two_nodes.address, cpus=1, gpus=1))


@pytest.mark.fault(75)
def test_without_the_token_or_with_another_one_nobody_comes_in(two_nodes: TwoNodes, workspace: Workspace) -> None:
    place = Place("ray", two_nodes.address)
    with pytest.raises(ClusterError, match="asks for a token, and there is none at .*cluster/token: copy"):
        check_cluster(workspace, place)
    own = workspace.cluster / "token"
    own.parent.mkdir()
    own.write_text("0" * 64)
    own.chmod(0o600)
    with pytest.raises(ClusterError, match="does not accept the token in"):
        check_cluster(workspace, place)
