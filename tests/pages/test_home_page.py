"""Home: the next step is one button, and a finished run is shown in a few numbers and pictures."""

import gc
from dataclasses import replace

import pytest

from cifar_core.config import make_config
from cifar_core.data import list_datasets
from cifar_core.lifecycle.states import Status
from cifar_core.lifecycle.status import move
from cifar_core.runs import EpochLine, Run, create_run, list_runs, read_run
from cifar_core.runs.run_folder import RunFolder
from cifar_core.workspace import Workspace
from pages.ui import frame
from pages.ui.data.dataset_cards import dataset_heading
from pages.ui.frame import APP_NAME
from pages.ui.train.run_buttons import START_NONCE_KEY
from pages.ui.understand.run_summary import results_to_show
from pages.ui.wording import percent
from tests.pages.support import OpenPage, components, primaries, said


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


def test_home_says_what_it_is_and_that_no_data_is_here(open_page: OpenPage, workspace: Workspace) -> None:
    app = open_page(workspace, "home")
    assert [title.value for title in app.title] == ["CIFAR-10 workbench"]
    assert "**Data** no dataset is here yet" in said(app)


def test_results_stand_as_cards_with_curve_and_worst_mistakes(
    open_page: OpenPage, epochs_of_their_own: Workspace
) -> None:
    """Three of four runs; one that failed later has a row; one in focus comes first; every number once."""
    failed = create_run(epochs_of_their_own, make_config({"dataset": "tiny"}))
    move(RunFolder(epochs_of_their_own.runs / failed), Status.FAILED, error="The loss became NaN.")
    app = open_page(epochs_of_their_own, "home", run="early")
    assert primaries(app) == ["Train another"]
    words = said(app)
    assert "The loss became NaN" in words.replace("\\", "") and "**tiny" not in words and "tiny (" in words
    best = read_run(epochs_of_their_own, "early").best
    assert best is not None
    assert app.metric[0].value == percent(best.test_accuracy)
    assert len(app.metric) == 3 and words.count("n \\= 100") == 3, "each accuracy names its n"
    assert words.count(percent(best.test_accuracy)) == 0, "no number stands twice"
    grids = [data for data in components(app) if "keys" in data]
    assert [len(grid["keys"]) for grid in grids] == [3, 3, 3]
    assert all("true " in caption for grid in grids for caption in grid["captions"])
    app.button(key="home_inside_early").click().run()
    assert app.title[0].value == "Confusion" and app.query_params["run"] == "early"


def test_a_dataset_is_named_once_or_by_title_and_name(shared: Workspace) -> None:
    (tiny,) = (state for state in list_datasets(shared) if state.name == "tiny")
    assert dataset_heading(tiny) == "**Tiny**  \n`tiny`"
    assert dataset_heading(replace(tiny, title="tiny")) == "**tiny**", "an imported one has its name for a title"


def test_which_results_are_shown() -> None:
    line = EpochLine(1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.01, 1.0, 100.0)
    done = [Run(str(number), str(number), "", Status.FINISHED, make_config(), "", best=line) for number in range(6)]
    training = replace(done[0], id="t", status=Status.RUNNING)
    empty = replace(done[0], id="e", best=None)
    runs = [training, empty, *done]
    assert [run.id for run in results_to_show(runs, done[1])] == ["0", "1", "2"]
    assert [run.id for run in results_to_show(runs, done[4])] == ["4", "0", "1"], "the run in focus is among them"
    assert [run.id for run in results_to_show(runs, training)] == ["0", "1", "2"]


def test_what_a_page_has_loaded_is_left_out_of_every_garbage_collection(
    open_page: OpenPage, workspace: Workspace
) -> None:
    frame.freeze_garbage_collector.cache_clear()  # as in a server that was just started
    open_page(workspace, "home")
    assert gc.get_freeze_count() > len(gc.get_objects()) > 0
