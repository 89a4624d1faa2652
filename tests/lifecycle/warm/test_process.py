"""Dividing the output of a warm computing process among the logs of its runs, however it arrives."""

import os
import tempfile
from pathlib import Path
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from cifar_core.lifecycle.warm import process
from cifar_core.lifecycle.warm.process import RunsOutput, end_mark

TOKEN = "5eed" * 16
PARTS = st.sampled_from([b"\0", TOKEN.encode(), TOKEN.encode()[:7], b" 00", end_mark("other", 0), b"a line\n", b"\xff"])


@given(st.lists(st.lists(PARTS, max_size=6).map(b"".join), min_size=1, max_size=4), st.integers(1, 80))
def test_each_log_gets_what_its_run_printed(outputs: list[bytes], piece: int) -> None:
    """Also where the output looks like the mark, or the mark arrives in parts; the oracle is what was written."""
    with tempfile.TemporaryDirectory() as folder, mock.patch.object(process, "_PIECE", piece):
        read, write = os.pipe()
        with os.fdopen(read, "rb", buffering=0) as source:
            output = RunsOutput(source)
            for number, printed in enumerate(outputs):
                log = Path(folder) / f"{number}.log"
                output.begin(log, token := f"{number}{TOKEN}")
                os.write(write, printed + end_mark(token, 40 + number))
                assert output.has_news.wait(10.0) and output.code == 40 + number
                assert (log.read_bytes() if log.exists() else b"") == printed
            output.begin(Path(folder) / "last.log", TOKEN)
            os.write(write, b"the end" + end_mark(TOKEN, 0)[:9])
            os.close(write)
            output.finish(10.0)
            assert output.has_news.is_set() and output.code is None
            kept = (Path(folder) / "last.log").read_bytes()
            assert kept.endswith(b"the end" + end_mark(TOKEN, 0)[:9])
