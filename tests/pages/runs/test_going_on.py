"""Going on from a finished run on the pages: the two forms beside Duplicate."""

import pytest

from cifar_core.data import delete_dataset
from cifar_core.runs import import_run, read_run
from cifar_core.runs.run_folder import run_folder
from cifar_core.workspace import Workspace
from pages.ui.markdown import escaped
from tests.conftest import ROOT, save_tiny
from tests.pages.support import OpenPage, said

STORED = ROOT / "tests" / "fixtures" / "exported-4.zip"


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of runs whose process would have been started."""
    ids: list[str] = []
    monkeypatch.setattr("pages.ui.train.run_buttons.start_run", lambda workspace, run_id: ids.append(run_id))
    return ids


def test_a_run_is_trained_for_more_epochs(open_page: OpenPage, workspace: Workspace, started: list[str]) -> None:
    save_tiny(workspace)
    old = import_run(workspace, STORED).run
    app = open_page(workspace, "train", run=old, view="Watch")
    app.session_state[f"train_more_{old}"] = True  # as a click on it does
    app.run()
    assert "Begins with the weights and the optimiser after epoch 2" in said(app)
    app.number_input(key=f"train_more_{old}_epochs").set_value(0).run()
    app.button(key=f"train_more_{old}_start").click().run()
    assert started == [] and "epochs is 0" in app.toast[0].value
    app.number_input(key=f"train_more_{old}_epochs").set_value(5).run()
    start = app.button(key=f"train_more_{old}_start")
    assert start.label == "Train 5 more epochs"
    start.click().run()
    (new,) = started
    run = read_run(workspace, new)
    assert (run.origin, run.parent, run.parent_epoch, run.config.optimizer.epochs) == ("continued", old, 2, 5)
    assert run.config.optimizer.learning_rate == 0.0003, "of a run that continues another one the peak stays"
    assert f"continues {escaped(old)} after epoch 2" in said(app) and app.query_params["run"] == new


def test_without_its_dataset_more_epochs_are_refused_before_the_start(
    open_page: OpenPage, workspace: Workspace, started: list[str]
) -> None:
    save_tiny(workspace)
    old = import_run(workspace, STORED).run
    delete_dataset(workspace, "tiny")
    app = open_page(workspace, "train", run=old, view="Watch")
    app.session_state[f"train_more_{old}"] = True
    app.run()
    assert "tiny" in said(app) and "Begins with the weights" not in said(app)
    assert f"train_more_{old}_start" not in {button.key for button in app.button}
    assert "Datasets" in {link.proto.label for link in app.get("page_link")}


def test_its_weights_are_trained_on_another_dataset(
    open_page: OpenPage, workspace: Workspace, started: list[str]
) -> None:
    save_tiny(workspace)
    old = import_run(workspace, STORED).run
    app = open_page(workspace, "runs", run=old, runs=old)
    app.session_state[f"runs_tune_{old}"] = True
    app.run()
    assert "There is no other dataset here yet." in said(app)
    save_tiny(workspace, "other", seed=5)
    run_folder(workspace, old).last_optimizer(2).unlink()  # as a run of an earlier version, which kept none
    app.session_state[f"runs_more_{old}"] = True
    app.run()
    assert "the best epoch, 2, and a new optimiser" in said(app)
    app.button(key=f"runs_tune_{old}_start").click().run()
    (new,) = started
    run = read_run(workspace, new)
    assert (run.origin, run.parent, run.config.data.dataset) == ("fine-tuned", old, "other")
    app = open_page(workspace, "runs", run=new, runs=new)
    assert f"began with the weights of {escaped(old)} (epoch 2)" in said(app)
