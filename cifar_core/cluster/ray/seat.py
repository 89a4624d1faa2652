"""How one run comes to a node of a cluster: by a detached actor of its name, which Ray places where there is room."""

import threading
import time
from collections.abc import Callable

from cifar_core.cluster.address import answers
from cifar_core.cluster.ray.actor import NodeFacts, RayNode, create_actor, find_actors, own_node_lives
from cifar_core.cluster.ray.connection import Cluster, connect
from cifar_core.cluster.remote.seat import NodeLostError, NodeUnavailableError
from cifar_core.cluster.versions import require_same_versions
from cifar_core.errors import ClusterError, ConfigError
from cifar_core.lifecycle.place import Place
from cifar_core.workspace import Workspace

_REQUIRE_SECONDS = 10.0  # between two looks whether any node still has what the run asks for
_REACH_SECONDS = 1.0
_LEAVE_SECONDS = 2.0  # for an actor to remove its folder before it is killed


class Connecting:
    """A connection that is made in a thread, so that the worker goes on beating and obeying meanwhile."""

    def __init__(self, workspace: Workspace, address: str) -> None:
        self._cluster: Cluster | None = None
        self._error: ClusterError | ConfigError | None = None
        self._thread = threading.Thread(target=self._connect, args=(workspace, address), name="connect", daemon=True)
        self._thread.start()

    def cluster(self) -> Cluster | None:
        """The cluster; None while the connection is being made; raises ClusterError or ConfigError."""
        if self._error is not None:
            raise self._error
        return self._cluster

    def _connect(self, workspace: Workspace, address: str) -> None:
        try:
            self._cluster = connect(workspace, address)
        except (ClusterError, ConfigError) as error:
            self._error = error


def why_gone(address: str) -> str:
    """Why this process cannot use the cluster at an address any more, as a sentence; empty while it can.

    Ray itself waits a minute for a head that is gone, then ends this process; without the node of this machine at once,
    with the next call that needs it.
    """
    if not answers(address, _REACH_SECONDS):
        return f"The cluster at {address} does not answer any more."
    if not own_node_lives():
        return f"This machine's node of the cluster at {address} has ended."
    return ""


class RaySeat:
    """The place of one run; `cluster/remote/seat.py: Seat`."""

    def __init__(self, run_id: str, place: Place, processes: int, cluster: Callable[[], Cluster | None]) -> None:
        """Ask for a node for a run, or find the one that has it.

        Args:
            run_id: of the run.
            place: where, and what it asks for there: a processor for each of its processes where it does not say.
            processes: of its training.
            cluster: the connection, once it is made; raises ClusterError or ConfigError.
        """
        self._run_id = run_id
        self._place = place
        self._connected = cluster
        self._cpus = place.cpus or processes
        self._number = 0  # of the newest actor of the run
        self._lost = False
        self._node: RayNode | None = None
        self._is_there = False  # whether it has answered
        self._required_at = -float("inf")

    @property
    def name(self) -> str:
        """The address of the cluster."""
        return self._place.address

    def ask(self) -> RayNode | None:
        """The actor of the run once it is placed; one is created where there is none.

        Raises:
            ConfigError: no node has what the run asks for.
            ClusterError: the cluster cannot be reached or used, or the node has other versions.
        """
        cluster = self._connected()
        if cluster is None:
            return None
        if self._node is None:
            if gone := self.why_gone():
                raise ClusterError(gone)
            self._node = self._find() or self._create(cluster)
            self._hello = self._node.call("hello")
        if not self._is_there:
            if not self._hello.ready(0):
                self._require(cluster)
                return None
            self._is_there = self._has_answered()
        return self._node if self._is_there else None

    def lose(self) -> None:
        """Give the actor up; a new one is asked for from now on."""
        self._lost = True
        self._kill()

    def why_gone(self) -> str:
        """As `why_gone` of the cluster."""
        return why_gone(self._place.address)

    def release(self) -> None:
        """End the actor: the run is over, or waits no longer."""
        if self._node is not None and not self.why_gone():
            if self._is_there:
                self._node.call("leave").ready(_LEAVE_SECONDS)
            self._kill()

    def _find(self) -> RayNode | None:
        """The newest actor of the run, which a worker before this one asked for; older ones are ended."""
        found = {int(name.rpartition(".")[2]): node for name, node in find_actors(f"{self._run_id}.").items()}
        newest = max(found, default=0)
        self._number = max(self._number, newest)
        for number, node in found.items():
            if self._lost or number < newest:
                node.kill()
        return None if self._lost else found.get(newest)

    def _create(self, cluster: Cluster) -> RayNode:
        """Ask for an actor with a new name, because that of a lost one may still be taken."""
        self._require(cluster)
        self._number += 1
        return create_actor(f"{self._run_id}.{self._number}", self._cpus, self._place.gpus)

    def _require(self, cluster: Cluster) -> None:
        if time.monotonic() - self._required_at >= _REQUIRE_SECONDS:
            cluster.require(self._cpus, self._place.gpus)
            self._required_at = time.monotonic()

    def _has_answered(self) -> bool:
        """Whether the actor has answered, and its node may be used; one that is gone is replaced."""
        try:
            facts: NodeFacts = self._hello.result()
        except (NodeLostError, NodeUnavailableError):
            self._kill()
            return False
        require_same_versions(facts.versions, f"Node {facts.host} of the cluster at {self._place.address}")
        return True

    def _kill(self) -> None:
        if self._node is not None:
            self._node.kill()
        self._node, self._is_there = None, False
