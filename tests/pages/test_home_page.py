"""Home: the next step is one button, and a finished run is shown in a few numbers and pictures."""

import gc
from dataclasses import replace

import pytest

from cifar_core.data import list_datasets
from cifar_core.runs import Run, list_runs
from cifar_core.workspace import Workspace
from pages.ui import frame
from pages.ui.data.dataset_cards import dataset_heading
from pages.ui.frame import APP_NAME
from pages.ui.train.run_buttons import START_NONCE_KEY
from pages.ui.wording import percent
from tests.pages.support import OpenPage, primaries, said


def test_the_first_step_makes_one_run_and_opens_the_train_page(
    open_page: OpenPage, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    monkeypatch.setattr("pages.ui.train.run_buttons.start_run", lambda _, run_id: started.append(run_id))
    app = open_page(workspace, "home")
    assert primaries(app) == ["Train your first model"]
    assert app.title[0].value == APP_NAME
    nonce = app.session_state[START_NONCE_KEY]
    app.button(key="home_first").click().run()
    assert not app.exception
    assert app.session_state[START_NONCE_KEY] != nonce
    (run,) = list_runs(workspace)
    assert started == [run.id]
    assert run.config.data.dataset == "drawn10"
    assert run.config.optimizer.epochs < 10
    assert app.title[0].value == "Train"
    assert app.query_params["run"] == run.id
    assert f"**{run.id.replace('-', chr(92) + '-')}**" in said(app), "the run is being watched"


def test_data_is_described_before_it_is_here(open_page: OpenPage, workspace: Workspace) -> None:
    assert said(open_page(workspace, "home")).count("not here yet") == 2


def test_a_dataset_is_named_once_or_by_title_and_name(open_page: OpenPage, shared: Workspace) -> None:
    (tiny,) = (state for state in list_datasets(shared) if state.name == "tiny")
    assert dataset_heading(tiny) == "**Tiny**  \n`tiny`"
    assert dataset_heading(replace(tiny, title="tiny")) == "**tiny**", "an imported one has its name for a title"
    assert dataset_heading(tiny) in [element.value for element in open_page(shared, "home").markdown]


def test_a_finished_run_leads_inside(open_page: OpenPage, finished: Run, shared: Workspace) -> None:
    app = open_page(shared, "home", run=finished.id)
    assert primaries(app) == ["Look inside"]
    values = {metric.label: metric.value for metric in app.metric}
    assert finished.best is not None
    assert values["Test accuracy"] == percent(finished.best.test_accuracy)
    assert values["Mistakes of 100 (test)"] == f"{round(100 * (1 - finished.best.test_accuracy))}"
    assert "n \\= 100" in said(app), "the facts line names split and n"


def test_look_inside_opens_the_confusion_page(open_page: OpenPage, finished: Run, shared: Workspace) -> None:
    app = open_page(shared, "home", run=finished.id)
    app.button(key="home_inside").click().run()
    assert not app.exception
    assert app.title[0].value == "Confusion"


def test_what_a_page_has_loaded_is_left_out_of_every_garbage_collection(
    open_page: OpenPage, workspace: Workspace
) -> None:
    frame.freeze_garbage_collector.cache_clear()  # as in a server that was just started
    open_page(workspace, "home")
    assert gc.get_freeze_count() > len(gc.get_objects()) > 0
