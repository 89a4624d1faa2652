"""The actors of a sweep, and its pool: the runs of a sweep on a Ray cluster, followed by threads of its owner."""

import logging
import threading
import time
import uuid
from typing import Any

from cifar_core.cluster.pool import ClusterPool
from cifar_core.cluster.ray.actor import NodeFacts, RayCall, RayNode, create_actor, find_actors
from cifar_core.cluster.ray.connection import Cluster, connect
from cifar_core.cluster.ray.seat import why_gone
from cifar_core.cluster.remote.seat import NodeUnavailableError
from cifar_core.cluster.seats import ActorSeats
from cifar_core.cluster.versions import require_same_versions
from cifar_core.lifecycle.place import Place
from cifar_core.workspace import Workspace

_END = "end an actor"  # name of the threads that do it
_LEAVE_SECONDS = 2.0  # for an actor to remove its folder before it is killed


class PoolActor:
    """An actor that computes one run of a sweep after the other; `cluster/seats.py: Actor`."""

    def __init__(self, node: RayNode, cluster: Cluster) -> None:
        """An actor of this process; it is asked who it is."""
        self.run = ""
        self._node = node
        self._cluster = cluster
        self._is_new = True  # has not answered yet
        self._hello: RayCall | None = self.call("hello")

    def call(self, method: str, *arguments: Any) -> RayCall:
        """Call a method; returns at once."""
        return self._node.call(method, *arguments)

    def is_ready(self, seconds: float) -> bool:
        """Whether it answers within so many seconds.

        Raises:
            NodeLostError: it is dead.
            ClusterError: its node has other versions.
        """
        self._hello = self._hello or self.call("hello")
        if not self._hello.ready(seconds):
            return False
        hello, self._hello = self._hello, None
        try:
            facts: NodeFacts = hello.result()
        except NodeUnavailableError:
            return False
        if self._is_new:
            require_same_versions(facts.versions, f"Node {facts.host} of the cluster at {self._cluster.address}")
            self.run, self._is_new = facts.run_id, False
        return True

    def end(self) -> None:
        """End it in a thread: it removes its folder, where it answers, and is killed."""
        threading.Thread(target=self._end, name=_END, daemon=True).start()

    def _end(self) -> None:
        if not why_gone(self._cluster.address):  # else Ray would wait a minute, then end this process
            if not self._is_new:
                self.call("leave").ready(_LEAVE_SECONDS)
            self._node.kill()


class SweepCluster:
    """A cluster, with the actors of one sweep there; `cluster/seats.py: Cluster`."""

    def __init__(self, cluster: Cluster, place: Place, sweep_id: str) -> None:
        """Use a cluster that this process is connected to."""
        self.address = cluster.address
        self.nodes = cluster.nodes
        self._cluster, self._place = cluster, place
        self._prefix = f"sweep.{sweep_id}."

    def found(self) -> list[PoolActor]:
        """The actors that an owner of the sweep before this one had."""
        return [PoolActor(node, self._cluster) for node in find_actors(self._prefix).values()]

    def new(self) -> PoolActor:
        """A new actor."""
        node = create_actor(f"{self._prefix}{uuid.uuid4().hex}", self._place.cpus or 1, self._place.gpus)
        return PoolActor(node, self._cluster)

    def why_gone(self) -> str:
        """Why it cannot be used any more, as a sentence; empty while it can."""
        return why_gone(self.address)

    def close(self) -> None:
        """Wait until the actors that are being ended are. The connection ends with this process."""
        until = time.monotonic() + 2 * _LEAVE_SECONDS
        for thread in threading.enumerate():
            if thread.name == _END:
                thread.join(max(0.0, until - time.monotonic()))


def ray_pool(workspace: Workspace, place: Place, sweep_id: str, runs: int) -> ClusterPool:
    """The pool of a sweep on a cluster; actors that an earlier owner left take their runs up again.

    Args:
        workspace: of the sweep.
        place: of the cluster, with what each run asks for.
        sweep_id: of the sweep.
        runs: how many it has at most.

    Raises:
        ConfigError: the address is none, or no node has what a run asks for.
        ClusterError: the cluster cannot be reached, is not safe to use, or has other versions.
    """
    logging.getLogger("ray").setLevel(logging.ERROR)
    cluster = connect(workspace, place.address)
    cluster.require(place.cpus or 1, place.gpus)
    has_news = threading.Event()
    return ClusterPool(ActorSeats(SweepCluster(cluster, place, sweep_id), place, runs, has_news), has_news)
