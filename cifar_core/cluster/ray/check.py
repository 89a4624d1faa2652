"""Prints as JSON what a cluster says of itself: `python -m cifar_core.cluster.ray.check HOST:PORT`.

A process of its own, because the app and the command line load no Ray, because Ray reads the token once in a process,
and because Ray ends the whole process where it cannot read one. It asks the head alone and joins nothing. The class
`GcsClient` is private to Ray; the versions of `requirements-cluster.txt` have it.
"""

import json
import sys
from pathlib import Path
from typing import Any

from ray._raylet import GcsClient  # type: ignore[attr-defined]
from ray.exceptions import AuthenticationError

_ALIVE = 0  # the state of a node in Ray's GcsNodeInfo
_SECONDS = 10.0


def main() -> None:
    """Print {"nodes": [...]}, or {"denied": true} where the head does not take the token."""
    try:
        found = GcsClient(address=sys.argv[1]).get_all_node_info(timeout=_SECONDS)
    except AuthenticationError:
        print(json.dumps({"denied": True}))
        return
    print(json.dumps({"nodes": [_facts(node) for node in found.values() if node.state == _ALIVE]}))


def _facts(node: Any) -> dict[str, Any]:
    resources = dict(node.resources_total)
    return {
        "id": node.node_id.hex(),
        "host": node.node_manager_hostname,
        "address": node.node_manager_address,
        "ports": [node.node_manager_port, node.object_manager_port],
        "is_head": node.is_head_node,
        "is_here": Path(node.raylet_socket_name).exists(),
        "cpus": int(resources.get("CPU", 0)),
        "gpus": int(resources.get("GPU", 0)),
        "labels": dict(node.labels),
    }


if __name__ == "__main__":
    main()
