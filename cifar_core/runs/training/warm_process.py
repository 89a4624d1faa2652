"""The training process of a warm worker: it trains one run after the other and keeps libraries and data between them.

It reads a line of its standard input for each run, a token and the run's folder (as JSON), and prints the token with
the exit code when the run is over (`cifar_core.lifecycle.warm.process`). An unexpected error ends it, as it ends the
process of one run: nobody knows what state it leaves behind.
"""

import argparse
import contextlib
import json
import os
import signal
import sys
from pathlib import Path

import torch

from cifar_core.lifecycle.requests import TerminationSignal
from cifar_core.lifecycle.warm.process import end_mark
from cifar_core.machine import keep_memory, lower_priority, reset_peak_memory
from cifar_core.runs.run_folder import RunFolder
from cifar_core.runs.training.kept_data import KeptData
from cifar_core.runs.training.process import compute, exit_without_cleanup


def main() -> int:
    """Train runs until the input is at its end, or this process is told to end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parent", required=True, type=int, help="The worker's process id; it ends with the worker.")
    parent, kept, threads = parser.parse_args().parent, KeptData(), torch.get_num_threads()
    keep_memory()
    lower_priority()
    for line in sys.stdin:
        token, path = json.loads(line)
        termination = TerminationSignal()
        torch.set_num_threads(threads)  # where nothing was measured, a run takes what it finds
        reset_peak_memory()
        code = compute(RunFolder(Path(path)), parent, termination, kept)
        sys.excepthook = sys.__excepthook__  # the one of the run would write into its folder
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # so that it ends at once while it has no run
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):
                stream.flush()
        try:
            os.write(1, end_mark(token, code))
        except OSError:  # the worker is dead
            return 0
        if termination.received:
            return 0
    return 0


if __name__ == "__main__":
    exit_without_cleanup(main())
