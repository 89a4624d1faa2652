"""Asks the head of a cluster for its nodes.

The class `GcsClient` is private to Ray; the versions of requirements-cluster.txt have it.
"""

from pathlib import Path
from typing import Any

from ray._raylet import GcsClient  # type: ignore[attr-defined]

_ALIVE = 0  # the state of a node in Ray's GcsNodeInfo


def open_head(address: str) -> Any:
    """A connection to the head; raises ray.exceptions.AuthenticationError where it does not take the token."""
    return GcsClient(address=address)


def ask_head(head: Any, seconds: float) -> list[dict[str, Any]]:
    """The nodes that live, as values of JSON; ray.exceptions.RpcError where the head is silent for so many seconds."""
    return [_facts(node) for node in head.get_all_node_info(timeout=seconds).values() if node.state == _ALIVE]


def _facts(node: Any) -> dict[str, Any]:
    resources = dict(node.resources_total)
    return {
        "id": node.node_id.hex(),
        "host": node.node_manager_hostname,
        "address": node.node_manager_address,
        "ports": [node.node_manager_port, node.object_manager_port],
        "session": str(Path(node.raylet_socket_name).parents[1]),  # where its processes keep their files
        "is_head": node.is_head_node,
        "is_here": Path(node.raylet_socket_name).exists(),
        "cpus": int(resources.get("CPU", 0)),
        "gpus": int(resources.get("GPU", 0)),
        "labels": dict(node.labels),
    }
