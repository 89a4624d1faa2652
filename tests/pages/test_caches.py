"""What the server keeps of predictions: many of those of a usual size, of large ones two."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import streamlit as st

from cifar_core.files import MB
from cifar_core.workspace import open_workspace
from pages.ui import caches


@pytest.mark.fault(92)
@pytest.mark.parametrize(("size", "kept"), [(1 * MB, 6), (5 * MB, 2)])
def test_of_large_predictions_few_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, kept: int
) -> None:
    made: list[str] = []
    monkeypatch.setattr(caches, "_findings", lambda workspace, run_id, epoch: made.append(run_id) or object())
    st.cache_resource.clear()
    workspace = open_workspace(tmp_path / "workspace")
    runs = [SimpleNamespace(id=f"run-{number}", created="", best=None) for number in range(6)]
    for run in runs:
        (workspace.runs / run.id).mkdir()
        with open(workspace.runs / run.id / "predictions.npz", "wb") as handle:
            handle.truncate(size)
        caches.find(workspace, run)  # type: ignore[arg-type] # all of a run that is looked at
    made.clear()
    for run in reversed(runs):  # those that are kept come first, else they would make room for others
        caches.find(workspace, run)  # type: ignore[arg-type]
    assert len(made) == len(runs) - kept
    st.cache_resource.clear()
