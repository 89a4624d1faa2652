"""The worker of one run after the other: `python -m cifar_core.lifecycle.warm.worker`, started by `WarmPool`.

It reads the folder of a run (as JSON) from a line of its standard input, does with it all that the worker of one run
does (`lifecycle/worker.py`), and prints the run's id when it is done. When the input is at its end, because the pool
was closed or its process died, it ends; a run that it has by then is finished first.
"""

import contextlib
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from cifar_core.errors import CifarCoreError
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.ranks.launcher import several_ranks
from cifar_core.lifecycle.requests import TerminationSignal
from cifar_core.lifecycle.warm.process import WarmProcess
from cifar_core.lifecycle.worker import serve_run


def main() -> None:
    """Serve runs until there are no more."""
    reports, process = os.dup(1), WarmProcess()
    try:
        for line in sys.stdin:
            folder = LifeFolder(Path(json.loads(line)))
            if not _serve(folder, process):
                return
            with contextlib.suppress(OSError):  # the pool is gone, and there may be one run more
                os.write(reports, f"{folder.run_id}\n".encode())
    finally:
        process.end()


def _serve(folder: LifeFolder, process: WarmProcess) -> bool:
    """Do the work for one run; False where this process was told to end meanwhile."""
    termination = TerminationSignal()
    with _output_to(folder.log):
        try:
            # Several processes of one run are not kept for the next one.
            serve_run(folder, several_ranks(folder) or process, termination)
        except CifarCoreError as error:
            print(error, file=sys.stderr, flush=True)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # so that this process ends at once while it has no run
    return not termination.received


@contextlib.contextmanager
def _output_to(log: Path) -> Iterator[None]:
    """What this process prints goes to the log of the run; an unexpected error, which ends it, is told there too."""
    before = [os.dup(number) for number in (1, 2)]
    with contextlib.suppress(OSError), open(log, "ab") as output:  # the run may be gone
        for number in (1, 2):
            os.dup2(output.fileno(), number)
    yield
    for number, kept in zip((1, 2), before, strict=True):
        os.dup2(kept, number)
        os.close(kept)


if __name__ == "__main__":
    main()
