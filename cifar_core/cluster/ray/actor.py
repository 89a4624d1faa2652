"""The actor that computes runs on a node of a cluster, and how the worker of a run reaches it.

Actors are detached and named, in the namespace of their workspace: they outlive the process that made them, and another
one finds them again. None of their methods blocks. Reads and writes the folder of the node (`NodeService`).
"""

import contextlib
import os
import socket
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
from ray.actor import ActorHandle

from cifar_core.cluster.nodes.record import FOLDER_PREFIX, node_folder
from cifar_core.cluster.remote.seat import NodeLostError, NodeUnavailableError
from cifar_core.cluster.remote.service import NodeService
from cifar_core.cluster.versions import Versions, versions_here
from cifar_core.errors import CifarCoreError, ClusterError
from cifar_core.processes import child_environment
from cifar_core.storage.disk_errors import storage_errors
from cifar_core.text import one_line

IDLE_SECONDS = 24 * 3600.0  # that an actor waits for somebody who fetches its run,
EMPTY_SECONDS = 300.0  # and one without a run for the next, as that of a sweep whose owner was killed
_LOOK_SECONDS = 60.0
_MAX_REASON = 300  # characters


@dataclass(frozen=True)
class NodeFacts:
    """Who answers: its machine, what it computes with, and the run that it has."""

    host: str
    versions: Versions | None  # None: its node was not started by this program
    run_id: str  # empty: none


class NodeActor(NodeService):
    """A `NodeService` in a process of Ray; it ends by itself when nobody has asked for its run for a day."""

    def __init__(self, cpus: int, gpus: int) -> None:
        """Begin to serve on the node where Ray has placed this process.

        Args:
            cpus: that Ray has reserved for it, and so the threads of its runs. Ray itself would give them one.
            gpus: that Ray has reserved for it and names in the environment; without any its runs see none.
        """
        os.environ.update(child_environment(), OMP_NUM_THREADS=str(cpus))
        if not gpus:
            os.environ["CUDA_VISIBLE_DEVICES"] = ""
        super().__init__(_home(), cpus, gpus)
        threading.Thread(target=self._end_when_idle, name="idle", daemon=True).start()

    def hello(self) -> NodeFacts:
        """Who answers."""
        return NodeFacts(socket.gethostname(), versions_here() if node_folder() else None, self.run_id)

    def _end_when_idle(self) -> None:
        while self.idle_seconds < (IDLE_SECONDS if self.run_id else EMPTY_SECONDS) or self.is_training:
            time.sleep(_LOOK_SECONDS)
        self.leave()
        os._exit(0)


class RayNode:
    """An actor as a run's worker sees it; `cluster/remote/seat.py: Node`."""

    def __init__(self, actor: ActorHandle) -> None:
        self._actor = actor

    def call(self, method: str, *arguments: Any) -> "RayCall":
        """Call a method; returns at once."""
        return RayCall(getattr(self._actor, method).remote(*arguments))

    def kill(self) -> None:
        """End the actor with the training that it has; its folder is removed by the next one of its node."""
        with contextlib.suppress(ray.exceptions.RayError):  # it is dead
            ray.kill(self._actor)


class RayCall:
    """A call that was made."""

    def __init__(self, reference: "ray.ObjectRef[Any]") -> None:
        self._reference = reference

    def ready(self, seconds: float) -> bool:
        """Whether the answer is there within so many seconds."""
        return bool(ray.wait([self._reference], timeout=seconds)[0])

    def result(self) -> Any:
        """The answer.

        Raises:
            CifarCoreError: what the method raised.
            NodeUnavailableError: it may answer another time.
            NodeLostError: the actor is gone.
        """
        try:
            return ray.get(self._reference)
        except ray.exceptions.ActorUnavailableError as error:
            raise NodeUnavailableError("it could not be reached") from error
        except ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, CifarCoreError):
                raise error.cause from error
            raise ClusterError(f"The node of the run failed: {one_line(error.cause, _MAX_REASON)}") from error
        except (ray.exceptions.RayActorError, ray.exceptions.NodeDiedError, ray.exceptions.ObjectLostError) as error:
            raise NodeLostError("its process on the node, or the node, is gone") from error
        except ray.exceptions.RayError as error:
            raise ClusterError(f"The cluster failed: {one_line(error, _MAX_REASON)}") from error


def create_actor(name: str, cpus: int, gpus: int) -> RayNode:
    """Ask for an actor, which Ray places on a node that has what it needs; returns at once.

    Args:
        name: by which it is found; unique in the namespace of this process.
        cpus: that are reserved for it, at least 1.
        gpus: that are reserved for it.
    """
    options = {"name": name, "lifetime": "detached", "num_cpus": cpus, "num_gpus": gpus, "max_restarts": 0}
    maker: Any = ray.remote(NodeActor)
    return RayNode(maker.options(**options).remote(cpus, gpus))


def find_actors(prefix: str) -> dict[str, RayNode]:
    """The actors of the namespace of this process whose names begin so, by name."""
    found = {}
    for name in ray.util.list_named_actors():
        if name.startswith(prefix):
            try:
                found[name] = RayNode(ray.get_actor(name))
            except ValueError:  # it has just ended
                continue
    return found


def own_node_lives() -> bool:
    """Whether the node of this machine, through which this process is connected, answers."""
    node = ray._private.worker._global_node
    if node is None:
        return False
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
        probe.connect(node.raylet_socket_name)
        return True
    return False


def _home() -> Path:
    """The folder of the runs on this node, below the node's own, which only its user may enter and which goes with it.

    A node that was not started by this program has none, and is refused once it has said hello.

    Raises:
        StorageError: the disk refused.
    """
    with storage_errors("making the folder of the runs of a node"):
        home = (node_folder() or Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX))) / "runs"
        home.mkdir(exist_ok=True)
    return home
