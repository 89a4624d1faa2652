"""The worker of a run on a cluster: `python -m cifar_core.cluster.ray.worker --run-dir=DIR`, started as every worker.

It runs here and does all that the worker of a local run does (`lifecycle/worker.py`); only the run's turn and its
computation are elsewhere: a detached actor on a node, which outlives this process and is found again by the next one.
"""

import argparse
import os
import sys
import traceback
from pathlib import Path

import ray

from cifar_core.cluster.ray.seat import Connecting, RaySeat
from cifar_core.cluster.remote.computation import RemoteComputation
from cifar_core.cluster.remote.turn import RemoteTurn
from cifar_core.errors import CifarCoreError
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.place import read_place
from cifar_core.lifecycle.requests import TerminationSignal
from cifar_core.lifecycle.worker import serve_run


def main() -> int:
    """Run the worker; returns the exit code of the training process, 0 where none was started."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run-dir", required=True, type=Path)
    folder = LifeFolder(parser.parse_args().run_dir.resolve())
    _keep_ray_quiet()
    place = read_place(folder)
    connecting = Connecting(folder.workspace, place.address)
    seat = RaySeat(folder.run_id, place, connecting.cluster)
    return serve_run(folder, RemoteComputation(seat), TerminationSignal(), RemoteTurn(seat))


def _keep_ray_quiet() -> None:
    """Drop what Ray prints, which would be taken for the run's last words. Our own errors go to the log by stdout."""
    ray._private.worker._worker_logs_enabled = False
    nowhere = open(os.devnull, "w")  # noqa: SIM115 - until this process ends
    os.dup2(nowhere.fileno(), 2)
    sys.stderr = nowhere
    sys.excepthook = lambda kind, error, trace: traceback.print_exception(kind, error, trace, file=sys.stdout)


if __name__ == "__main__":
    try:
        code = main()
    except CifarCoreError as error:
        print(error)
        code = 1
    sys.stdout.flush()
    os._exit(code)  # Ray would wait a minute for a cluster that is gone
