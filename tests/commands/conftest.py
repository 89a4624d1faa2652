"""The commands are tested on the workspace of the run tests, with its one finished run."""

import sys
from typing import Any

import pytest

from cifar_core.__main__ import main
from cifar_core.interrupts import ctrl_c_noted
from tests.lifecycle.conftest import fake_runs
from tests.runs.conftest import finished, shared

__all__ = ["call", "fake_runs", "finished", "shared"]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a command in this process: (exit code, stdout, stderr)."""

    def called(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["cifar_core", *map(str, arguments)])
        monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # the command sets its own
        with ctrl_c_noted():  # the command sets this as well
            code = main()
        output = capsys.readouterr()
        return code, output.out, output.err

    return called
