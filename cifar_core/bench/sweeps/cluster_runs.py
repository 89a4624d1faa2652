"""Measures what many short runs cost on a Ray cluster: `python -m cifar_core.bench.sweeps.cluster_runs [--runs=N] ...`.

It starts a cluster of two nodes of one CPU each on this machine, in a new workspace with the drawn pictures, has a
sweep train there, and prints JSON: the seconds from the first run that was made to the end of the last, the sum of the
runs' own `train_seconds`, and their ratio per slot (1 would be a sweep that costs nothing beside its trainings); and
the seconds from the start of the sweep to the end of its owner. All of it is ended afterwards.
"""

import argparse
import datetime
import json
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cifar_core.cluster.address import own_address_towards
from cifar_core.cluster.nodes.start import Offer, join_cluster, start_head, stop_node
from cifar_core.cluster.token import token_file
from cifar_core.config import make_config
from cifar_core.data import prepare_drawn10
from cifar_core.data.sources.drawn10 import DRAWN10_NAME
from cifar_core.errors import TrainingError
from cifar_core.lifecycle.place import Place
from cifar_core.runs import list_runs
from cifar_core.sweeps.control import start_sweep
from cifar_core.sweeps.plan import SweepOptions, plan_sweep
from cifar_core.sweeps.space import parse_space
from cifar_core.sweeps.sweep import read_sweep
from cifar_core.workspace import Workspace, open_workspace

_SETTINGS = {"dataset": DRAWN10_NAME, "epochs": 1, "validation_share": 0.1}
_SPACE = "learning_rate=1e-4..1e-2"  # no setting that changes how long a run takes
_NODES = 2
_ELSEWHERE = "192.0.2.1:9"  # of a network for documents: only the way to it is looked up
_LOOK_SECONDS = 0.2


def main() -> int:
    """Measure, and print the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument("--preset", default="first-look")
    parser.add_argument("--train-share", type=float, default=1.0, help="Of the 9,000 pictures that train.")
    arguments = parser.parse_args()
    settings = make_config({**_SETTINGS, "train_share": arguments.train_share}, preset=arguments.preset).flat()
    with tempfile.TemporaryDirectory() as folder, _two_nodes(Path(folder)) as (workspace, address):
        prepare_drawn10(workspace)
        print(json.dumps(measure(workspace, settings, address, runs=arguments.runs)))
    return 0


@contextmanager
def _two_nodes(folder: Path) -> Iterator[tuple[Workspace, str]]:
    """A cluster of two nodes while the block lasts: the workspace of its head, and its address."""
    head, other = open_workspace(folder / "head"), open_workspace(folder / "other")
    with socket.socket() as probe:
        probe.bind(("", 0))
        port = probe.getsockname()[1]
    try:
        address = start_head(head, Offer(1, 0), host=own_address_towards(_ELSEWHERE), port=port).address
        join_cluster(other, address, Offer(1, 0), token=token_file(head))
        yield head, address
    finally:
        for workspace in (other, head):
            stop_node(workspace)


def measure(workspace: Workspace, settings: dict[str, Any], address: str, *, runs: int) -> dict[str, Any]:
    """Let a sweep train on a cluster of two nodes, and say what that took.

    Args:
        workspace: has the dataset and the cluster's token; gets the sweep.
        settings: of each run, as `RunConfig.flat`.
        address: of the cluster.
        runs: how many.

    Raises:
        TrainingError: the sweep has not finished.
    """
    options = SweepOptions(runs=runs, sampler="random", place=Place("ray", address, cpus=1))
    plan = plan_sweep(workspace, settings, parse_space([_SPACE], settings), options)
    started = time.monotonic()
    sweep_id = start_sweep(workspace, plan)
    ended: dict[str, float] = {}  # seconds since 1970 when each run was first seen to have ended
    while (sweep := read_sweep(workspace, sweep_id)).active:
        ended |= {run.id: time.time() for run in list_runs(workspace) if not run.active and run.id not in ended}
        time.sleep(_LOOK_SECONDS)
    whole = time.monotonic() - started
    found = [run for run in list_runs(workspace) if run.sweep == sweep_id]
    ended |= {run.id: time.time() for run in found if run.id not in ended}
    if sweep.status != "finished":
        raise TrainingError(f"The sweep has not finished ({sweep.status}): {sweep.reason}")
    wall = max(ended.values()) - min(datetime.datetime.fromisoformat(run.created).timestamp() for run in found)
    training = sum(run.seconds for run in found)
    return {
        "runs": len(found),
        "finished": sum(run.status == "finished" for run in found),
        "nodes": _NODES,
        "wall_seconds": wall,
        "sum_train_seconds": training,
        "ratio": wall * _NODES / training,
        "sweep_seconds": whole,
    }


if __name__ == "__main__":
    sys.exit(main())
