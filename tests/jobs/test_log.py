"""The log of a process: its limit of size, its sessions, its last lines on a full disk, and its end as it is shown."""

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cifar_core.errors import StorageError
from cifar_core.jobs.log import (
    LEFT_OUT,
    LOG_BYTES,
    LogKeeper,
    append_bounded,
    begin_session,
    end_line,
    log_tail,
    logged_end,
    take_back_session,
)


@pytest.mark.fault(39)
def test_a_log_keeps_its_end_and_says_that_the_start_is_left_out(tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    log.write_bytes(b"")
    for number in range(30_000):
        append_bounded(log, b"%08d %s\n" % (number, b"x" * 40))
        assert number % 1000 or log.stat().st_size <= LOG_BYTES
    assert log.read_bytes().startswith(LEFT_OUT)
    assert log_tail(log, 1)[0].startswith("00029999")
    assert LOG_BYTES / 8 < log.stat().st_size <= LOG_BYTES


def test_a_log_that_somebody_deleted_is_made_anew_for_the_last_words(tmp_path: Path) -> None:
    append_bounded(tmp_path / "worker.log", b"the last words\n")
    assert log_tail(tmp_path / "worker.log") == ["the last words"]


@pytest.mark.fault(95)
def test_a_session_that_cannot_begin_leaves_the_log_as_it_was(tmp_path: Path, arm: Callable[[str], None]) -> None:
    log = tmp_path / "worker.log"
    log.write_bytes(b"before\n")
    arm("write:1:half")
    with pytest.raises(StorageError):
        begin_session(log)
    assert log.read_bytes() == b"before\n"


@pytest.mark.fault(39)
def test_a_disk_that_refuses_the_log_does_not_stop_the_process(tmp_path: Path) -> None:
    """The log's folder is missing: the output is lost, the process ends, and the folder is not created again."""
    child = subprocess.Popen([sys.executable, "-c", "print('x' * 3_000_000)"], stdout=subprocess.PIPE)
    assert child.stdout is not None
    keeper = LogKeeper(child.stdout, tmp_path / "gone" / "worker.log")
    assert child.wait(timeout=60) == 0
    keeper.finish(10.0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.fault(39)
@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (b"\x1b[1;31mred\x1b[0m and \x1b]0;title\x07plain\n", ["red and plain"]),
        (b"ten\r20 %\r30 %\n", ["ten", "20 %", "30 %"]),
        (b"\xff\xfe\x00\x01binary\n", ["\ufffd\ufffd\ufffd\ufffdbinary"]),
        ("right \u202eto left\n".encode(), ["right \ufffdto left"]),
        # st.code shows it literally.
        (b"<script>alert(1)</script> $x$ :red[y]\n", ["<script>alert(1)</script> $x$ :red[y]"]),
        (b"z" * 1_000_000, ["z" * 500 + "…"]),
        (b"", []),
    ],
)
def test_the_tail_can_be_shown(tmp_path: Path, written: bytes, shown: list[str]) -> None:
    log = tmp_path / "worker.log"
    log.write_bytes(written)
    assert log_tail(log) == shown


def test_a_grandchild_that_keeps_the_pipe_open_blocks_nothing(tmp_path: Path) -> None:
    read, write = os.pipe()
    (tmp_path / "log").touch()
    keeper = LogKeeper(io.FileIO(read), tmp_path / "log")  # type: ignore[arg-type]
    keeper.finish(0.01)
    os.write(write, b"last words\n")
    os.close(write)
    keeper.finish(10.0)
    assert log_tail(tmp_path / "log") == ["last words"]


@pytest.mark.fault(95)
@pytest.mark.parametrize("disk", ["roomy", "full"])
@pytest.mark.parametrize("before", [0, 100, 3000, 5000])
def test_last_words_are_kept_on_a_full_disk(tmp_path: Path, arm: Callable[[str], None], disk: str, before: int) -> None:
    """In a log that cannot grow the new output replaces the end; there is enough space since the session began."""
    log = tmp_path / "worker.log"
    log.write_bytes(b"x" * before + b"\n")
    begin_session(log)
    if disk == "full":
        log.write_bytes(log.read_bytes() + b"y" * 900)  # as much as is in a block beside the mark
        arm("write:1:enospc")
    append_bounded(log, f"chatter\n{end_line('failed', 'The disk is full.')}\n".encode())
    assert logged_end(log) == ("failed", "The disk is full.")
    assert log.stat().st_size < before + 1200


@pytest.mark.fault(95)
def test_only_an_end_line_of_this_session_is_its_end(tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    assert logged_end(log) is None
    begin_session(log)
    append_bounded(log, f"{end_line('failed', 'Of an earlier process.')}\n".encode())
    size = begin_session(log)
    append_bounded(log, b"The disk is full, says a library.\nit ended as failed: so it prints\n")
    assert logged_end(log) is None
    take_back_session(log, size)
    assert logged_end(log) == ("failed", "Of an earlier process.")
    log.unlink()
    os.mkfifo(log)
    assert logged_end(log) is None, "a pipe in its place is not waited for"
