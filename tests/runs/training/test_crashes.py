"""A run survives a failure or a crash at any of its writes; no other run changes."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

STEP = 23  # every 23rd call takes a minute, every call 20


@pytest.mark.slow
@pytest.mark.fault(1, 2, 4, 13, 14, 15, 16)
def test_a_failure_at_any_write_loses_nothing(tmp_path: Path) -> None:
    """Every `STEP`-th write, fsync, rename and removal of a training; see `tests.runs.training.crashes`."""
    command = [sys.executable, "-m", "tests.runs.training.crashes", str(tmp_path / "workspace"), str(STEP)]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=800, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
