"""Pages opened from the entry script, on the shared workspace of the run tests; nothing here starts a process."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import streamlit as st
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

from cifar_core.runs import Run, read_predictions, read_run
from cifar_core.runs.run_folder import RunFolder
from cifar_core.train import MeasuredSplit
from cifar_core.workspace import WORKSPACE_VARIABLE, Workspace, open_workspace

ENTRY = str(Path(__file__).resolve().parents[2] / "streamlit_app.py")
OpenPage = Callable[..., AppTest]
PATTERN = (0, 1, 2, 2, 3, 3, 3, 0)  # verdicts of the pictures of `crafted`, over and over
_INIT = PagesManager.__init__


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> OpenPage:
    """Opens a page as a person does: `open_page(workspace, "train", run="...")`; fails on any uncaught exception."""
    return page_opener(monkeypatch)


def page_opener(monkeypatch: pytest.MonkeyPatch) -> OpenPage:
    """`open_page` for a script that has no fixtures."""
    st.cache_resource.clear()
    monkeypatch.setattr(PagesManager, "__init__", _as_after_the_first_request)
    monkeypatch.setattr("cifar_core.runs.PredictorProcess.start", lambda process: None)
    monkeypatch.setattr("pages.ui.train.start_estimate.ensure_speed", lambda workspace, runs: "failed")
    monkeypatch.setattr("pages.ui.analyses.analysis_box.start_analysis", lambda *given: None)

    def opened(workspace: Workspace, page: str, /, **address: str) -> AppTest:
        monkeypatch.setenv(WORKSPACE_VARIABLE, str(workspace.root))
        app = AppTest.from_file(ENTRY, default_timeout=60).run()
        if page != "home":  # the default page is open already, and switching to it would open it under another address
            app.switch_page(f"pages/{page}.py")
        for name, value in address.items():
            app.query_params[name] = value
        app.run()
        assert not app.exception, app.exception
        return app

    return opened


def _as_after_the_first_request(manager: PagesManager, *args: Any, **more: Any) -> None:
    """AppTest is a new server at every run, on which Streamlit's old page discovery would swallow the first click."""
    _INIT(manager, *args, **more)
    PagesManager.uses_pages_directory = False


@pytest.fixture
def epochs_of_their_own(finished: Run, shared: Workspace, tmp_path: Path) -> Workspace:
    """A copy of the shared workspace with runs `early` (2 epochs, the first is best), `late` (the second is), `short`
    (1 epoch) and `unjudged` (2 epochs, no validation part)."""
    workspace = open_workspace(tmp_path / "copies")
    shutil.copytree(shared.data, workspace.data, dirs_exist_ok=True)
    for name, epochs, best in (("early", 2, 1), ("late", 2, 2), ("short", 1, 1), ("unjudged", 2, None)):
        folder = workspace.runs / name
        shutil.copytree(shared.runs / finished.id, folder)
        rewrite_run(folder, epochs, best)
        assert read_run(workspace, name).best is not None
    return workspace


@pytest.fixture
def crafted(epochs_of_their_own: Workspace) -> Workspace:
    """Run `early` is A and run `late` is B: what they answer after epoch 2 follows from PATTERN alone."""
    found = read_predictions(epochs_of_their_own, "early", 2)
    wanted = np.resize(PATTERN, len(found.labels))
    for name, right, off in (("early", (1, 3), 1), ("late", (0, 3), 2)):
        answers = np.where(np.isin(wanted, right), found.labels, (found.labels + off) % 10)
        probs = np.full((len(answers), 10), 0.05, np.float32)
        probs[np.arange(len(answers)), answers] = 0.55
        np.save(RunFolder(epochs_of_their_own.runs / name).probs("test", 2), probs)
    return epochs_of_their_own


def write_probs(
    workspace: Workspace, run_id: str, confidence: np.ndarray, right: np.ndarray, split: MeasuredSplit = "test"
) -> None:
    """Let a run of ten classes say after epoch 2 so surely what is right, or what is not."""
    found = read_predictions(workspace, run_id, 2, split=split)
    answers = np.where(right, found.labels, (found.labels + 1) % 10)
    probs = np.repeat((1 - confidence)[:, None] / 9, 10, axis=1)
    probs[np.arange(len(answers)), answers] = confidence
    np.save(RunFolder(workspace.runs / run_id).probs(split, 2), probs.astype(np.float32))


@pytest.fixture
def doubtful(epochs_of_their_own: Workspace) -> Workspace:
    """Runs `late` and `unjudged` are less sure of what they get wrong, and too sure of all; both report epoch 2."""
    rng = np.random.default_rng(0)
    for run_id in ("late", "unjudged"):
        for split in get_args(MeasuredSplit):
            n = len(read_predictions(epochs_of_their_own, run_id, 2, split=split).labels)
            confidence = rng.uniform(0.25, 0.99, n)
            write_probs(epochs_of_their_own, run_id, confidence, rng.random(n) < confidence**1.5, split)
    return epochs_of_their_own


def rewrite_run(path: Path, epochs: int, best: int | None) -> None:
    """Make a finished run one of fewer `epochs`, of which `best` is the best (None: without a validation part)."""
    folder = RunFolder(path)
    lines = [json.loads(line) for line in folder.metrics.read_text("utf-8").splitlines()][:epochs]
    for line in lines:
        judged = None if best is None else 0.9 if line["epoch"] == best else 0.1
        line.update(validation_accuracy=judged, validation_loss=None if best is None else 1.0)
    folder.metrics.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")


def components(app: AppTest) -> list[dict[str, Any]]:
    """What each component of ours on the page was given."""
    given = [item.proto.json for item in app.get("bidi_component")]  # type: ignore[attr-defined]
    return [json.loads(text) for text in given if text]


def shown_grid(app: AppTest) -> dict[str, Any]:
    """What the first picture grid of the page was given; empty lists where there is none."""
    nothing = {"keys": [], "captions": [], "labels": [], "marks": [], "selected": []}
    return next((data for data in components(app) if "keys" in data), nothing)


def said(app: AppTest) -> str:
    """All words on the page, for questions such as "does it say so?"."""
    kinds = ("title", "header", "subheader", "markdown", "caption", "error", "warning", "info", "code")
    return "\n".join(str(element.value) for kind in kinds for element in app.get(kind))


def primaries(app: AppTest) -> list[str]:
    """Labels of the primary buttons."""
    return [button.label for button in app.button if button.proto.type == "primary"]


def shown_scores(app: AppTest) -> dict[str, str]:
    """The scores of the picture that is open, by their titles."""
    lines = [str(element.value).replace("\\", "") for element in app.markdown if element.help]
    return {title: value.strip("*") for title, _, value in (line.partition(" **") for line in lines)}
