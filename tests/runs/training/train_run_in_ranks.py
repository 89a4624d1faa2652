"""A program for tests: a rank of several that train runs, one after the other, without the worker and its low priority.

On a machine that other tests keep busy, processes of a low priority that wait for each other hardly get on.
"""

import json
import os
import sys
from pathlib import Path

import torch.distributed as dist

from cifar_core.lifecycle.ranks.environment import RENDEZVOUS, rank_here
from cifar_core.runs.run_folder import run_folder
from cifar_core.runs.training.several import assist
from cifar_core.workspace import open_workspace
from tests.runs.in_process import train


def main() -> None:
    """Train the runs of the file of the first argument, a list of [run id, batches until a pause or null]."""
    path, first = Path(sys.argv[1]), rank_here().rank == 0
    workspace = open_workspace(path.parent / "workspace")
    for number, (run_id, batches) in enumerate(json.loads(path.read_text())):
        os.environ[RENDEZVOUS] = f"file://{path}.{number}"
        if first:
            train(workspace, run_id, batches=batches)
        else:
            assist(run_folder(workspace, run_id))
        dist.destroy_process_group()
    os._exit(0)  # as a training process ends


if __name__ == "__main__":
    main()
