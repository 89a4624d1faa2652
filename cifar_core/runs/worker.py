"""The worker of one run: `python -m cifar_core.runs.worker --run-dir=DIR`, the unit of work for every way of starting.

It holds the run's lock for life, starts the process that computes (`cifar_core.runs.training`), and, when that one dies
without having said why, writes down the reason. It loads no torch, so the lock is held from the first moment.
"""

import argparse
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

from cifar_core.errors import CifarCoreError
from cifar_core.files import hold_lock
from cifar_core.runs.folder import RunFolder, read_status, write_status
from cifar_core.runs.process import SESSION_MARK, last_words
from cifar_core.runs.schema import ACTIVE, STILL_COMPUTING, Status

_LOCK_SECONDS = 5.0  # someone may be looking whether the lock is free
_SIGKILL = 9  # Windows has no name for it
_CRASHED = (4, 6, 7, 8, 11)  # SIGILL, SIGABRT, SIGBUS, SIGFPE, SIGSEGV


def main() -> int:
    """Run the worker; 0 when the run came to an end it chose."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run-dir", required=True, type=Path)
    folder = RunFolder(parser.parse_args().run_dir.resolve())
    with hold_lock(folder.lock, timeout=_LOCK_SECONDS) as mine:
        if not mine or read_status(folder)[0] is not Status.QUEUED:
            return 0  # another worker has it, or had it
        print(SESSION_MARK, flush=True)
        code = _compute(folder)
        status, _, progress = read_status(folder)
        if status in ACTIVE:
            write_status(folder, Status.FAILED, progress=progress, error=describe_exit(code, last_words(folder)))
    return code


def _compute(folder: RunFolder) -> int:
    """Run the computing process to its end; a SIGTERM to us is passed on, so that it can write a checkpoint."""
    command = [
        sys.executable,
        "-P",
        "-m",
        "cifar_core.runs.training",
        f"--run-dir={folder.path}",
        f"--parent={os.getpid()}",
    ]
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)

    def pass_on(_number: int, _frame: FrameType | None) -> None:
        child.terminate()

    signal.signal(signal.SIGTERM, pass_on)
    return child.wait()


def describe_exit(code: int, words: str) -> str:
    """Why a computing process died without having said so, in one sentence.

    Args:
        code: as `Popen.returncode`: negative for a signal.
        words: its last line.
    """
    number = -code if code < 0 else code - 128
    if number == _SIGKILL:
        return "The training was killed from outside, most often because memory ran out. What it had logged is kept."
    if number == signal.SIGTERM:
        return "The training was asked to end before it had begun; resume it to go on."
    if number in _CRASHED:
        return f"The training crashed inside a native library (signal {number}). What it had logged is kept."
    if code == STILL_COMPUTING:
        return "An earlier process of this run is still computing: wait until it has ended, then resume."
    if words:
        return f"The training failed: {words}"
    return f"The training ended with exit code {code} and no word. What it had logged is kept."


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CifarCoreError as error:
        sys.exit(str(error))
