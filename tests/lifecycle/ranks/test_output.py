"""The output of a rank in the log of its run, however it arrives."""

import os
import tempfile
from pathlib import Path
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from cifar_core.jobs.log import end_line, logged_end
from cifar_core.lifecycle.ranks import output
from cifar_core.lifecycle.ranks.output import RankOutput

LINES = st.lists(st.sampled_from([b"", b"a line", b"\xff\x00", b"x" * 40, b"[rank 1] x"]), max_size=8)


def printed(content: bytes, rank: int, log: Path) -> RankOutput:
    """What a rank prints, in its log."""
    read, write = os.pipe()
    found = RankOutput(os.fdopen(read, "rb", buffering=0), log, rank)
    os.write(write, content)
    os.close(write)
    found.finish(10.0)
    return found


@given(LINES, st.integers(1, 80))
def test_every_line_of_another_rank_has_its_name(lines: list[bytes], piece: int) -> None:
    with tempfile.TemporaryDirectory() as folder, mock.patch.object(output, "_PIECE", piece):
        log = Path(folder) / "worker.log"
        printed(b"".join(line + b"\n" for line in lines), 3, log)
        found = log.read_bytes() if log.exists() else b""
    if piece > 40:
        assert found == b"".join(b"[rank 3] " + line + b"\n" for line in lines)
    else:  # a long line is divided, and nothing of it is lost
        assert found.replace(b"[rank 3] ", b"").replace(b"\n", b"") == b"".join(lines).replace(b"[rank 3] ", b"")


def test_rank_0_prints_as_a_single_process_does(tmp_path: Path) -> None:
    rank = printed(b"one\ntwo", 0, tmp_path / "log")
    assert (tmp_path / "log").read_bytes() == b"one\ntwo\n"
    assert rank.last_line == "two"


def test_the_line_that_tells_the_end_is_found_of_any_rank(tmp_path: Path) -> None:
    printed(f"{end_line('failed', 'There is no dataset.')}\n".encode(), 1, tmp_path / "log")
    assert logged_end(tmp_path / "log") == ("failed", "There is no dataset.")
