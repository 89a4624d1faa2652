"""A connection of this process to a cluster of Ray: checked before it is made, and one at a time."""

import hashlib
import os
import platform

import ray
from ray._private import ray_constants
from ray.exceptions import RayError

from cifar_core.cluster.address import REACH_SECONDS, answers, is_loopback, split_address
from cifar_core.cluster.check import ClusterFacts, ClusterNode, check_cluster, nodes_of
from cifar_core.cluster.ray.head import ask_head, open_head
from cifar_core.cluster.token import TOKEN_VARIABLE, token_environment, token_file
from cifar_core.errors import ClusterError
from cifar_core.lifecycle.place import Place
from cifar_core.workspace import Workspace

_NAME_DIGITS = 16


class Cluster:
    """A cluster that this process is connected to; `connect` makes it."""

    def __init__(self, address: str, namespace: str) -> None:
        self.address = address
        self.namespace = namespace  # of the workspace: in it the detached actors of its runs are found again
        self._head = open_head(address)

    def nodes(self) -> tuple[ClusterNode, ...]:
        """The nodes that live now, the head first; raises ClusterError where the head does not answer in time."""
        gone = ClusterError(f"The cluster at {self.address} answers no more: start it again, then resume.")
        if not self.is_there():  # known at once, where Ray waits for it to come back
            raise gone
        try:
            return nodes_of(ask_head(self._head, REACH_SECONDS))
        except RayError as error:
            raise gone from error

    def require(self, cpus: int, gpus: int) -> None:
        """Refuse what no node has now; raises ConfigError, and ClusterError as `nodes`."""
        ClusterFacts(self.address, self.nodes()).require(cpus, gpus)

    def is_there(self) -> bool:
        """Whether the head can be reached.

        Ray itself waits a minute for one that is gone, and then ends the process: ask before calls that may meet that.
        """
        return answers(self.address)

    def close(self) -> None:
        """End the connection; detached actors go on."""
        ray.shutdown()


def connect(workspace: Workspace, address: str) -> Cluster:
    """Connect this process to a cluster, as a driver of it.

    Args:
        workspace: whose token and namespace count.
        address: HOST:PORT of the head.

    Raises:
        ConfigError: the address is none.
        ClusterError: as `check_cluster`.
    """
    check_cluster(workspace, Place("ray", address))
    os.environ.pop(TOKEN_VARIABLE, None)  # which Ray would prefer to the file
    os.environ.update(token_environment(token_file(workspace)))
    # Otherwise Ray takes 127.0.0.1 for this machine's address in the network, where nothing of it listens.
    ray_constants.ENABLE_RAY_CLUSTER = not is_loopback(split_address(address)[0])
    namespace = namespace_of(workspace)
    try:
        ray.init(address=address, namespace=namespace, log_to_driver=False, configure_logging=False)
    except (OSError, RuntimeError, ValueError, RayError) as error:
        raise ClusterError(f"The cluster at {address} cannot be joined by this process ({error}).") from error
    return Cluster(address, namespace)


def namespace_of(workspace: Workspace) -> str:
    """The namespace of a workspace in every cluster: another machine or folder has another one."""
    place = f"{platform.node()}:{workspace.root}"
    return f"cifar-{hashlib.sha256(place.encode()).hexdigest()[:_NAME_DIGITS]}"
