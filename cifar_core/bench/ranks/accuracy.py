"""Compares one process with several: `python -m cifar_core.bench.ranks.accuracy [--processes=2] [--preset=NAME] ...`.

In a new workspace with the drawn pictures it trains the same settings with several seeds, each with one process and
with several, and prints JSON: the test accuracy of each run after its last epoch, the difference of the means in
percentage points, and the seconds that a run trains and measures.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from cifar_core.config import RunConfig, make_config
from cifar_core.data import prepare_drawn10
from cifar_core.data.sources.drawn10 import DRAWN10_NAME
from cifar_core.errors import RunError
from cifar_core.runs import Run, create_run, read_run, start_run
from cifar_core.workspace import Workspace, open_workspace

_LOOK_SECONDS = 0.2  # between two looks whether a run has ended


def main() -> int:
    """Measure, and print the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--train-share", type=float, default=0.5, help="Of the 9,000 pictures that train.")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    given = {"dataset": DRAWN10_NAME, "epochs": arguments.epochs, "train_share": arguments.train_share}
    with tempfile.TemporaryDirectory() as folder:
        workspace = open_workspace(Path(folder) / "workspace")
        prepare_drawn10(workspace)
        found = {
            count: [
                train(workspace, make_config({**given, "seed": seed, "processes": count}, preset=arguments.preset))
                for seed in range(arguments.seeds)
            ]
            for count in (1, arguments.processes)
        }
    print(json.dumps(summary(found)))
    return 0


def train(workspace: Workspace, config: RunConfig) -> Run:
    """Train one run to its end.

    Raises:
        RunError: it failed.
    """
    run_id = create_run(workspace, config)
    start_run(workspace, run_id)
    while (run := read_run(workspace, run_id)).active:
        time.sleep(_LOOK_SECONDS)
    if run.last is None or run.status != "finished":
        raise RunError(f"Run {run_id} ended as {run.status}: {run.error}")
    return run


def summary(found: dict[int, list[Run]]) -> dict[str, Any]:
    """What the runs of each number of processes reached, and how far the others are from one process."""
    accuracies = {count: [run.last.test_accuracy for run in runs if run.last] for count, runs in found.items()}
    means = {count: statistics.fmean(values) for count, values in accuracies.items()}
    return {
        "test_accuracy": accuracies,
        "points": {count: 100 * (mean - means[1]) for count, mean in means.items() if count != 1},
        "seconds": {count: [run.seconds for run in runs] for count, runs in found.items()},
    }


if __name__ == "__main__":
    sys.exit(main())
