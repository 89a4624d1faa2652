"""`cluster/node.json` of a workspace: the node of a cluster that was started from there on this machine."""

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from cifar_core.cluster.nodes.processes import find_processes
from cifar_core.errors import ClusterError, ConfigError
from cifar_core.limits import LIMITS_FILE, read_limits
from cifar_core.storage.atomic import remove
from cifar_core.storage.json_files import read_json, write_json
from cifar_core.storage.parse import Rule, parse
from cifar_core.workspace import Workspace

FOLDER_VARIABLE = "CIFAR_CLUSTER_NODE"  # of every process of a node: the folder of the node
FOLDER_PREFIX = "cifar-node-"  # of the name of that folder
_MAX_BYTES = 64 * 1024  # of the file

# All that works there is ended and the folder removed, so a record that names another one is refused.
_NodeFolder = Annotated[
    str,
    Rule(
        f"a whole path whose last part begins with {FOLDER_PREFIX}",
        lambda text: Path(text).is_absolute() and ".." not in text and Path(text).name.startswith(FOLDER_PREFIX),
    ),
]


@dataclass(frozen=True)
class NodeRecord:
    """A node as it was started."""

    address: str  # of its cluster: HOST:PORT of the head
    folder: _NodeFolder  # a temporary one of this node alone: Ray's files, and what its runs need
    is_head: bool


def node_folder() -> Path | None:
    """The folder of the node that this process belongs to; None in a process of no node that we started."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named) if named else None


def read_node(workspace: Workspace) -> NodeRecord | None:
    """The node that was started from a workspace, dead or alive; None where there is none.

    Raises:
        ClusterError: the file cannot be read or breaks a rule.
    """
    try:
        return parse(NodeRecord, read_json(_path(workspace), max_bytes=_MAX_BYTES))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ClusterError(f"{_path(workspace)} cannot be read ({error}): remove it.") from error


def live_node(workspace: Workspace) -> NodeRecord | None:
    """The node that was started from a workspace, where at least one of its processes lives; raises ClusterError."""
    record = read_node(workspace)
    return record if record and find_processes(Path(record.folder)) else None


def known_address(workspace: Workspace) -> str:
    """The cluster that a workspace uses: that of its `settings.json`, else that of its node.

    Raises:
        ConfigError: there is neither, or `settings.json` breaks a rule.
        ClusterError: the record of the node cannot be read.
    """
    if named := read_limits(workspace).cluster:
        return named
    node = live_node(workspace)
    if node is None:
        raise ConfigError(
            [
                f"Which cluster? Give its address (--address HOST:PORT), name it as `cluster` in {LIMITS_FILE} of the "
                "workspace, or start one here: python -m cifar_core cluster start."
            ]
        )
    return node.address


def write_node(workspace: Workspace, record: NodeRecord) -> None:
    """Keep what was started; raises StorageError."""
    write_json(_path(workspace), asdict(record))


def forget_node(workspace: Workspace) -> None:
    """Keep no node any more; raises StorageError."""
    remove(_path(workspace))


def _path(workspace: Workspace) -> Path:
    return workspace.cluster / "node.json"
