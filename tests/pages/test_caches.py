"""How many predictions the server caches: many of the usual size, two large ones."""

import gc
import weakref
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import numpy as np
import pytest
import streamlit as st

from cifar_core.runs import Run, read_predictions
from cifar_core.runs.run_folder import RunFolder
from cifar_core.text import MB
from cifar_core.workspace import Workspace, open_workspace
from pages.ui import caches
from tests.pages.support import OpenPage


@pytest.mark.fault(92)
@pytest.mark.parametrize(("size", "kept"), [(1 * MB, 6), (5 * MB, 2)])
def test_of_large_predictions_few_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, kept: int
) -> None:
    made: list[str] = []
    monkeypatch.setattr(caches, "_compute_findings", lambda workspace, run_id, epoch: made.append(run_id) or object())
    st.cache_resource.clear()
    workspace = open_workspace(tmp_path / "workspace")
    runs = [SimpleNamespace(id=f"run-{number}", created="", best=None) for number in range(6)]
    for run in runs:
        probs = RunFolder(workspace.runs / run.id).probs("test", 0)
        probs.parent.mkdir(parents=True)
        with open(probs, "wb") as handle:
            handle.truncate(size)
        caches.load_findings(workspace, run)  # type: ignore[arg-type] # all of a run that is looked at
    made.clear()
    for run in reversed(runs):  # those that are kept come first, else they would make room for others
        caches.load_findings(workspace, run)  # type: ignore[arg-type]
    assert len(made) == len(runs) - kept
    st.cache_resource.clear()


@pytest.mark.fault(92)
@pytest.mark.parametrize("page", ["misclassified", "confusion", "trust"])
def test_a_session_keeps_no_predictions(open_page: OpenPage, finished: Run, shared: Workspace, page: str) -> None:
    """Streamlit remembers a session for minutes after it has ended, with all that its callbacks and downloads hold."""
    kept: list[weakref.ref[object]] = []
    scores = caches.prediction_table
    with mock.patch.object(
        caches, "prediction_table", lambda *given: kept.append(weakref.ref(made := scores(*given))) or made
    ):
        app = open_page(
            shared, page, run=finished.id, true="cat", image=str(read_predictions(shared, finished.id).ids[0])
        )
    assert kept and not app.exception
    st.cache_resource.clear()
    gc.collect()
    assert [found for found in kept if found() is not None] == []
    assert app.title


def test_what_was_made_of_an_earlier_state_of_a_file_is_not_held() -> None:
    """A log of notes changes at every press of a key, and what is made of it may be large."""
    kept: list[tuple[object, np.ndarray]] = []
    first = caches.newest(kept, 1, lambda: np.zeros(3))
    assert caches.newest(kept, 1, lambda: np.ones(3)) is first
    gone = weakref.ref(first)
    del first
    assert caches.newest(kept, 2, lambda: np.ones(3)).all() and gone() is None
