"""`python -m tests.soak` as `make soak` runs it."""

import json
from typing import Any

import pytest
from click.testing import CliRunner

from cifar_core.workspace import Workspace
from tests.conftest import save_tiny
from tests.soak import __main__ as command
from tests.soak.size import FULL, QUICK, SoakSize


@pytest.mark.parametrize(("options", "size"), [([], FULL), (["--quick"], QUICK)])
def test_it_prints_and_keeps_what_was_found(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, options: list[str], size: SoakSize
) -> None:
    save_tiny(workspace)
    asked: list[Any] = []

    def measure(workspace: Workspace, dataset: str, size: SoakSize, *, say: object) -> dict[str, str]:
        asked.extend((dataset, size))
        return {"skipped": "no browser"}

    monkeypatch.setattr(command, "measure_soak", measure)
    where = ["--workspace", str(workspace.root), "--dataset", "tiny", "--json"]
    answer = CliRunner().invoke(command.soak, [*options, *where])
    assert answer.exit_code == 0 and asked == ["tiny", size]
    assert "Soak: skipped, no browser" in answer.stderr
    (kept,) = (workspace.root / "bench").iterdir()
    figures = json.loads(answer.stdout.splitlines()[-1])
    assert figures == json.loads(kept.read_text("utf-8"))
    assert figures["soak"] == {"skipped": "no browser"} and figures["command"].startswith("python -m tests.soak")


def test_what_it_refuses_is_one_sentence(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["soak", "--dataset", "absent", "--workspace", str(workspace.root)])
    with pytest.raises(SystemExit) as ended:
        command.main()
    told = capsys.readouterr()
    assert ended.value.code == 2 and told.err.startswith("Error: ") and told.err.count("\n") == 1 and not told.out
