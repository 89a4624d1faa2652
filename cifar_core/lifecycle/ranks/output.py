"""The output of a rank in the log of its run: whole lines, those of all but rank 0 with the rank's name before them."""

import os
import threading
from pathlib import Path
from typing import IO

from cifar_core.jobs.log import END_BEGINS, append_bounded

_PIECE = 65_536  # bytes; a line without an end is written in pieces of this


class RankOutput:
    """Copies what a rank prints into the log, in a thread, so that the rank never waits for the disk."""

    def __init__(self, source: IO[bytes], log: Path, rank: int) -> None:
        self.last_line = ""  # that it printed
        self._source = source
        self._log = log
        self._name = f"[rank {rank}] ".encode() if rank else b""
        self._thread = threading.Thread(target=self._copy, name=f"log of rank {rank}", daemon=True)
        self._thread.start()

    def finish(self, timeout: float) -> None:
        """Wait until all has been written, at most `timeout` seconds: a grandchild may keep the pipe open."""
        self._thread.join(timeout)

    def _copy(self) -> None:
        held = b""
        with self._source:
            while piece := os.read(self._source.fileno(), _PIECE):
                *lines, held = (held + piece).split(b"\n")
                if len(held) >= _PIECE:
                    lines, held = [*lines, held], b""
                self._write(lines)
        self._write([held] if held else [])

    def _write(self, lines: list[bytes]) -> None:
        for line in lines:
            if line.strip():
                self.last_line = line.decode("utf-8", "replace").strip()
        if lines:
            append_bounded(self._log, b"".join(self._named(line) + b"\n" for line in lines))

    def _named(self, line: bytes) -> bytes:
        """The line with the rank's name; the line that says how the run ended must stay as it is, to be found."""
        return line if line.startswith(END_BEGINS.encode()) else self._name + line
