"""Whether the cluster that this server offers can be used now: a thread asks, so that no page waits for the answer."""

import threading
import time
from dataclasses import dataclass
from pathlib import Path

from cifar_core.cluster.check import ClusterFacts, check_cluster
from cifar_core.errors import CifarCoreError
from cifar_core.lifecycle.place import Place
from cifar_core.workspace import Workspace

KEPT_SECONDS = 30.0  # that an answer counts, before it is asked again beside it
REFUSED_SECONDS = 8.0  # the same of a cluster that could not be used: somebody may just be starting it
_answers: dict[tuple[Path, str], tuple[float, "ClusterState"]] = {}  # by workspace and address: when it came, monotonic
_asked: set[tuple[Path, str]] = set()  # those whose answer is on its way
_guard = threading.Lock()


@dataclass(frozen=True)
class ClusterState:
    """A cluster as it was when it was last asked."""

    facts: ClusterFacts | None = None  # None where it cannot be used
    problem: str = ""  # why not, one sentence


def cluster_state(workspace: Workspace, address: str) -> ClusterState | None:
    """Return what is known of a cluster, at once; None until its first answer has come."""
    key = workspace.root, address
    with _guard:
        when, found = _answers.get(key, (0.0, None))
        lasts = KEPT_SECONDS if found is None or found.facts else REFUSED_SECONDS
        if key not in _asked and (found is None or time.monotonic() - when > lasts):
            _asked.add(key)
            threading.Thread(target=_ask, args=(workspace, address), name="look for the cluster", daemon=True).start()
    return found


def _ask(workspace: Workspace, address: str) -> None:
    key = workspace.root, address
    try:
        state = ClusterState(check_cluster(workspace, Place("ray", address)))
    except CifarCoreError as error:
        state = ClusterState(problem=str(error))
    except BaseException:
        with _guard:
            _asked.discard(key)  # the next page that asks tries again
        raise
    with _guard:
        _answers[key] = time.monotonic(), state
        _asked.discard(key)
