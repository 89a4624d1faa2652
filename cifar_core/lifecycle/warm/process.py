"""The computing process of a warm worker: it lives on between runs, and its output is divided among their logs.

The worker writes a line to its standard input for each run, a token and the run's folder (as JSON). When that run is
over, the process prints the token again with the exit code, a mark that nothing else prints. A process that died, or
that had to be told to end, is replaced for the next run.
"""

import contextlib
import json
import os
import secrets
import subprocess
import threading
from pathlib import Path
from typing import IO

from cifar_core.jobs.log import append_bounded
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.supervise import kill_group, start_computing
from cifar_core.processes import Program, command_of

_PIECE = 65_536
_CODE_DIGITS = 3


def end_mark(token: str, code: int) -> bytes:
    """What the process prints when a run is over.

    Args:
        token: of the run.
        code: its exit code, 0 to 255.
    """
    return f"\0{token} {code:0{_CODE_DIGITS}d}\0".encode()


class RunsOutput:
    """Copies what the process prints into the log of the run that it computes, from the handing over to its mark."""

    def __init__(self, source: IO[bytes]) -> None:
        self.has_news = threading.Event()  # the run is over, or all output is
        self.code: int | None = None  # of the run, once its mark was printed
        self._log: Path | None = None
        self._mark = b""
        self._thread = threading.Thread(target=self._copy, args=(source,), name="logs", daemon=True)
        self._thread.start()

    def begin(self, log: Path, token: str) -> None:
        """What is printed from now on, up to the mark with this token, goes to this log."""
        self.has_news.clear()
        self.code = None
        self._mark = end_mark(token, 0)[: -_CODE_DIGITS - 1]
        self._log = log

    def finish(self, seconds: float) -> None:
        """Wait until the log holds all that was printed, at most so long: a grandchild may keep the pipe open."""
        if self.code is None:
            self._thread.join(seconds)

    def _copy(self, source: IO[bytes]) -> None:
        held = b""
        while piece := os.read(source.fileno(), _PIECE):
            held = self._sort(held + piece)
        self._write(held)
        self.has_news.set()

    def _sort(self, output: bytes) -> bytes:
        """Write what belongs to the run; returns the end of it that may be the beginning of the mark."""
        before, mark, after = output.partition(self._mark) if self._log else (b"", b"", b"")
        if mark and len(after) > _CODE_DIGITS:
            self._write(before)
            self._log, self.code = None, int(after[:_CODE_DIGITS])
            self.has_news.set()
            return b""
        held = mark + after or _common_end(before, self._mark)
        self._write(output[: len(output) - len(held)])
        return held

    def _write(self, output: bytes) -> None:
        if self._log and output:
            append_bounded(self._log, output)


def _common_end(output: bytes, mark: bytes) -> bytes:
    """The longest end of the output with which the mark begins."""
    return next((mark[:size] for size in range(len(mark) - 1, 0, -1) if output.endswith(mark[:size])), b"")


def computing_command() -> list[str]:
    """The command of the computing process, which ends when its input does, and with this process, its parent."""
    return command_of(Program.WARM_TRAINING, f"--parent={os.getpid()}")


class WarmProcess:
    """Computes one run after the other; as `Computation` the present one."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._output: RunsOutput | None = None
        self._spent = False  # it was told to end

    def start(self, folder: LifeFolder) -> None:
        """Begin to compute a run, in a new process where there is none that can; OSError where that cannot start."""
        for is_last in (False, True):
            if self._child is None or self._output is None or self._spent or self._child.poll() is not None:
                self.end()
                self._child = start_computing(computing_command(), stdin=subprocess.PIPE)
                assert self._child.stdout is not None
                self._output, self._spent = RunsOutput(self._child.stdout), False
            token = secrets.token_hex()
            self._output.begin(folder.log, token)
            assert self._child.stdin is not None
            try:
                self._child.stdin.write(f"{json.dumps([token, str(folder.path)])}\n".encode())
                self._child.stdin.flush()
            except BrokenPipeError:  # it has just died, without a run
                self._spent = True
                if is_last:
                    raise
            else:
                return

    @property
    def code(self) -> int:
        """The exit code of the run, or of the process that died with it."""
        assert self._child is not None and self._output is not None
        return self._child.returncode if self._output.code is None else self._output.code

    def has_ended(self, seconds: float) -> bool:
        """Whether the run, or the process, ends within so many seconds."""
        assert self._child is not None and self._output is not None
        if self._output.has_news.wait(seconds) and self._output.code is None:  # nothing more comes: it is dying
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(seconds)
        return self._output.code is not None or self._child.poll() is not None

    def terminate(self) -> None:
        """Send SIGTERM; the process does no further run."""
        self._spent = True
        if self._child is not None:
            self._child.terminate()

    def kill(self) -> None:
        """Kill the process and its whole group."""
        self._spent = True
        if self._child is not None:
            kill_group(self._child)

    def finish_log(self, seconds: float) -> None:
        """Wait until the run's log holds all that it printed."""
        if self._output is not None:
            self._output.finish(seconds)

    def end(self) -> None:
        """End the process: it has no run, or none that it should go on with."""
        if self._child is not None and self._child.poll() is None:
            kill_group(self._child)
            self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout) if self._child is not None else ():
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self._child = self._output = None
