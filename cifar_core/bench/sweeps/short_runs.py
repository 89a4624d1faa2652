"""Measures what many short runs cost in warm workers: `python -m cifar_core.bench.sweeps.short_runs [--runs=N] ...`.

In a new workspace with the drawn pictures it makes and starts the runs as the owner of a sweep does, without Optuna,
and prints JSON: the seconds from the first start to the last end, the sum of the runs' own `train_seconds`, their ratio
per slot (1 would be a sweep that costs nothing beside its trainings), and the memory of the computing processes after
a tenth, half and all of the runs. The pictures are drawn and the workers warmed up, one run each, before that.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from cifar_core.config import RunConfig, make_config
from cifar_core.data import prepare_drawn10
from cifar_core.data.sources.drawn10 import DRAWN10_NAME
from cifar_core.lifecycle.warm.pool import WarmPool
from cifar_core.processes import Program
from cifar_core.runs import create_run, read_run, start_run
from cifar_core.storage.json_files import write_json
from cifar_core.workspace import Workspace, open_workspace

_MOMENTS = (0.1, 0.5, 1.0)  # of all runs, at which the memory is read
_SETTINGS = {"dataset": DRAWN10_NAME, "epochs": 1, "validation_share": 0.1}


def main() -> int:
    """Measure, and print the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--slots", type=int, default=2)
    parser.add_argument("--preset", default="first-look")
    parser.add_argument("--train-share", type=float, default=1.0, help="Of the 9,000 pictures that train.")
    arguments = parser.parse_args()
    config = make_config({**_SETTINGS, "train_share": arguments.train_share}, preset=arguments.preset)
    with tempfile.TemporaryDirectory() as folder:
        workspace = open_workspace(Path(folder) / "workspace")
        write_json(workspace.root / "settings.json", {"slots": arguments.slots})
        prepare_drawn10(workspace)
        print(json.dumps(measure(workspace, config, runs=arguments.runs, slots=arguments.slots)))
    return 0


def measure(workspace: Workspace, config: RunConfig, *, runs: int, slots: int) -> dict[str, Any]:
    """Train the same settings often, and say what that took.

    Args:
        workspace: has the dataset and as many slots; gets the runs.
        config: of each run.
        runs: how many.
        slots: how many at a time.
    """
    pool, memory = WarmPool(workspace, slots, workspace.root / "pool.log"), {}
    try:
        _train(workspace, config, pool, slots)
        started = time.monotonic()
        ids: list[str] = []
        for share in _MOMENTS:
            ids += _train(workspace, config, pool, round(share * runs) - len(ids))
            memory[f"{share:.0%}"] = _memory(pool)
        wall = time.monotonic() - started
    finally:
        pool.close()
    ended = [read_run(workspace, run_id) for run_id in ids]
    training = sum(run.seconds for run in ended)
    return {
        "runs": len(ended),
        "finished": sum(run.status == "finished" for run in ended),
        "slots": slots,
        "wall_seconds": wall,
        "sum_train_seconds": training,
        "ratio": wall * slots / training,
        "memory_bytes": memory,
    }


def _train(workspace: Workspace, config: RunConfig, pool: WarmPool, count: int) -> list[str]:
    """Train so many runs to their end; returns their ids."""
    ids: list[str] = []
    for _ in range(count):
        ids.append(create_run(workspace, config, sweep="short-runs", trial=len(ids) + 1))
        while not pool.free():
            pool.wait(1.0)
        start_run(workspace, ids[-1], pool)
    while pool.busy():
        pool.wait(1.0)
    return ids


def _memory(pool: WarmPool) -> list[int]:
    """Bytes of memory of each computing process that trains for the pool."""
    workers = [psutil.Process(pid) for pid in pool.pids]
    children = [child for worker in workers for child in worker.children() if Program.WARM_TRAINING in child.cmdline()]
    return [child.memory_info().rss for child in children]


if __name__ == "__main__":
    sys.exit(main())
