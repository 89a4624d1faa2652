"""What a workspace remembers of the node that was started from it."""

from pathlib import Path

import pytest

from cifar_core.cluster.nodes.record import NodeRecord, forget_node, known_address, live_node, read_node, write_node
from cifar_core.cluster.nodes.start import stop_node
from cifar_core.errors import ClusterError, ConfigError
from cifar_core.workspace import Workspace

FOLDERS = [
    f'{{"address": "a:1", "folder": "{folder}", "is_head": true}}'
    for folder in ("/", "/home", "cifar-node-1", "/tmp/cifar-node-1/../..")
]


def test_it_comes_back_and_a_dead_node_is_no_cluster(workspace: Workspace, tmp_path: Path) -> None:
    assert read_node(workspace) is None
    workspace.cluster.mkdir()
    record = NodeRecord("10.0.0.5:6379", str(tmp_path / "cifar-node-gone"), is_head=True)
    write_node(workspace, record)
    assert read_node(workspace) == record
    assert live_node(workspace) is None
    with pytest.raises(ConfigError, match="Which cluster"):
        known_address(workspace)
    forget_node(workspace)
    assert read_node(workspace) is None


def test_the_cluster_of_the_settings_is_the_one_that_is_meant(workspace: Workspace) -> None:
    (workspace.root / "settings.json").write_text('{"cluster": "10.0.0.9:6379"}')
    assert known_address(workspace) == "10.0.0.9:6379"


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"address": 1}', '{"address": "a:1", "folder": "/cifar-node-1"}', *FOLDERS]
)
def test_a_damaged_record_is_named(workspace: Workspace, content: str) -> None:
    workspace.cluster.mkdir()
    (workspace.cluster / "node.json").write_text(content)
    with pytest.raises(ClusterError, match=r"node\.json cannot be read .*: remove it\."):
        read_node(workspace)


@pytest.mark.fault(102)
def test_stopping_what_a_restart_of_the_machine_has_ended_clears_it_away(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "cifar-node-1"
    (folder / "session").mkdir(parents=True)
    workspace.cluster.mkdir()
    write_node(workspace, NodeRecord("10.0.0.5:6379", str(folder), is_head=False))
    assert stop_node(workspace) is not None
    assert not folder.exists()
    assert stop_node(workspace) is None
