"""Train: sliders and number fields say the same, one start makes one run, and the run in focus is shown as it is."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from cifar_core.config import hyperparameters, make_config, spec_of
from cifar_core.data import DatasetState, catalogue, dataset_state
from cifar_core.lifecycle.queue import join
from cifar_core.lifecycle.states import Status
from cifar_core.lifecycle.status import move
from cifar_core.models import list_models
from cifar_core.presets import PRESETS
from cifar_core.runs import Run, create_run, ensure_speed, list_runs, listing, read_run
from cifar_core.runs.estimate import speed
from cifar_core.runs.run_folder import RunFolder, run_folder
from cifar_core.spec import range_words
from cifar_core.storage.json_files import read_json, write_json
from cifar_core.workspace import Workspace
from pages.ui.train import start_estimate
from pages.ui.train.settings_form import slider_stops
from pages.ui.wording import percent, result_line
from tests.conftest import save_tiny
from tests.pages.support import OpenPage, primaries, said

_read_if_changed = listing._read_if_changed
NUMBERS = [name for _, name, spec, _ in hyperparameters() if spec.kind in ("int", "float", "ints")]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of runs whose process would have been started."""
    ids: list[str] = []
    monkeypatch.setattr("pages.ui.train.run_buttons.start_run", lambda _, run_id: ids.append(run_id))
    return ids


@pytest.mark.fault(41)
@pytest.mark.parametrize("name", NUMBERS)
def test_a_slider_stops_only_at_allowed_values_from_low_to_high(name: str) -> None:
    spec = spec_of(name)
    stops = slider_stops(spec)
    if not stops:
        assert spec.high > 1e6, "only an endless range has no slider"
        return
    assert 3 <= len(stops) <= 201
    assert stops == sorted(set(stops))
    assert (stops[0], stops[-1]) == (spec.low, spec.high)
    for stop in stops:
        make_config(
            {name: [stop] * len(spec.items) if spec.items else stop, "patience": 0}
            | ({"patience": stop, "validation_share": 0.1} if name == "patience" else {})
        )


def test_every_hyperparameter_that_means_something_has_a_widget(open_page: OpenPage, workspace: Workspace) -> None:
    """Those of another network, optimiser or schedule appear when it is chosen, and keep what was set."""
    save_tiny(workspace, validation=20)
    app = open_page(workspace, "train")
    app.get_by_key("train_set_dataset").set_value("tiny").run()
    assert primaries(app) == ["Start"]
    seen = set()
    for choices in (
        {},
        {"own_validation": False, "model": "fast_cnn", "optimizer": "muon", "schedule": "one_cycle", "shift": 2},
    ):
        for name, value in choices.items():
            app.get_by_key(f"train_set_{name}").set_value(value)
        app.run()
        keys = {
            element.key for kind in ("number_input", "toggle", "button_group", "selectbox") for element in app.get(kind)
        }
        settings = app.session_state["train_settings"]
        for _, name, spec, _ in hyperparameters():
            other, values = spec.only_with
            wanted = {f"train_set_{name}_{place}" for place in range(len(spec.items))} or {f"train_set_{name}"}
            shown = not other or settings[other] in values
            assert bool(keys & wanted) == shown and (not shown or keys >= wanted), name
            seen |= {name} if shown else set()
    assert seen == {name for _, name, _, _ in hyperparameters()}
    assert app.session_state["train_settings"]["hidden"] == [256, 128]


def test_the_datasets_own_validation_pictures_stand_beside_the_share(
    open_page: OpenPage, workspace: Workspace, started: list[str]
) -> None:
    """The choice is there only where the dataset has some; a share that is used instead is said.

    Classes without a validation picture are named: the own ones are the last 8 of pictures whose classes take turns.
    """
    save_tiny(workspace, "plain")
    save_tiny(workspace, validation=8)
    app = open_page(workspace, "train")
    for dataset, toggle, share in (("plain", False, True), ("tiny", True, False)):
        app.get_by_key("train_set_dataset").set_value(dataset).run()
        keys = {element.key for kind in ("number_input", "toggle") for element in app.get(kind)}
        assert ("train_set_own_validation" in keys, "train_set_validation_share" in keys) == (toggle, share)
        assert ("No validation picture shows airplane, automobile" in said(app)) == toggle
    assert "8 pictures, instead of a share of the training pictures" in said(app)
    app.get_by_key("train_set_own_validation").set_value(False).run()
    app.get_by_key("train_set_validation_share").set_value(0.2).run()
    assert "of the training pictures validates, instead of the dataset\\'s own 8 validation pictures" in said(app)
    assert "No validation picture" not in said(app), "a share has some of each class"
    app.get_by_key("train_preset").set_value("quick").run()
    app.get_by_key("train_start").click().run()
    assert not read_run(workspace, started[0]).config.data.own_validation, "a preset does not choose the pictures"


def test_early_stopping_needs_a_validation_part_of_some_kind(open_page: OpenPage, workspace: Workspace) -> None:
    """A preset without a share stops early by the dataset's own pictures; without any, the form says what to do."""
    save_tiny(workspace, validation=20)
    app = open_page(workspace, "train")
    app.get_by_key("train_preset").set_value("quick").run()
    app.get_by_key("train_set_patience").set_value(2).run()
    assert "needs a validation part" in app.error[0].value
    assert app.get_by_key("train_start").disabled
    app.get_by_key("train_set_dataset").set_value("tiny").run()
    assert not app.error
    assert not app.get_by_key("train_start").disabled


def test_a_rerun_reads_the_speed_and_the_datasets_once(
    open_page: OpenPage, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The form, the estimates of all presets, that of the settings and the check of the measurement share them."""
    save_tiny(workspace)
    read: list[str] = []

    def reading(path: Path, **more: Any) -> object:
        read.append(path.name)
        return read_json(path, **more)

    def asking(of: Workspace, name: str) -> DatasetState:
        read.append(name)
        return dataset_state(of, name)

    monkeypatch.setattr(start_estimate, "ensure_speed", ensure_speed)
    app = open_page(workspace, "train")
    monkeypatch.setattr(speed, "read_json", reading)
    monkeypatch.setattr(catalogue, "dataset_state", asking)
    costs = speed.Costs(per_step=1e-3, per_picture=1e-5, per_flop=1e-11, per_value=1e-10, forward=0.3)
    known = speed.MachineSpeed(
        speed.machine_name(), 1, 3.0, dict.fromkeys(list_models(), costs), {}, layout=speed.SPEED_LAYOUT
    )
    write_json(workspace.root / speed.SPEED_FILE, speed.as_json(known))
    app.run()
    assert "from the measured speed of this machine" in said(app)
    assert sorted(read) == ["cifar10", "drawn10", "machine.json", "tiny"]


def test_slider_and_number_field_follow_each_other(open_page: OpenPage, workspace: Workspace) -> None:
    app = open_page(workspace, "train")
    app.select_slider(key="train_set_batch_size_slider").set_value(256).run()
    assert app.number_input(key="train_set_batch_size").value == 256
    app.number_input(key="train_set_batch_size").set_value(100).run()
    assert app.select_slider(key="train_set_batch_size_slider").value == 100
    assert app.session_state["train_settings"]["batch_size"] == 100, "the number field takes any allowed value"
    app.select_slider(key="train_set_batch_size_slider").set_value(32).run()
    assert app.number_input(key="train_set_batch_size").value == 32
    assert not app.exception


def test_start_makes_one_run_with_the_settings_and_watches_it(
    open_page: OpenPage, workspace: Workspace, started: list[str]
) -> None:
    app = open_page(workspace, "train")
    app.number_input(key="train_set_learning_rate").set_value(0.00123).run()
    app.number_input(key="train_set_channels_1").set_value(48).run()
    app.button(key="train_start").click().run()
    assert not app.exception
    (run,) = list_runs(workspace)
    assert started == [run.id]
    assert (run.config.optimizer.learning_rate, run.config.model.channels) == (0.00123, (32, 48))
    assert app.query_params["run"] == run.id
    assert app.session_state["train_view"] == "Watch"
    assert {button.label for button in app.button} >= {"Pause", "Stop"}


def test_a_second_tab_queues_its_run_behind_a_running_one(
    open_page: OpenPage, workspace: Workspace, started: list[str]
) -> None:
    first = create_run(workspace, make_config({"epochs": 2}))
    join(run_folder(workspace, first))
    app = open_page(workspace, "train", view="New run")
    assert "A run started now would wait behind" in said(app)
    assert app.query_params["run"] == first, "the page speaks of the run that trains"
    app.button(key="train_start").click().run()
    assert not app.exception
    assert len(started) == 1 and started != [first] and len(list_runs(workspace)) == 2


def test_the_same_nonce_twice_is_one_run(workspace: Workspace, started: list[str]) -> None:
    def script(root: str, times: int) -> None:
        from cifar_core.config import make_config  # noqa: PLC0415 - AppTest runs this source elsewhere
        from cifar_core.workspace import open_workspace  # noqa: PLC0415
        from pages.ui.train.run_buttons import start_new_run  # noqa: PLC0415

        for _ in range(times):
            start_new_run(open_workspace(root), make_config({"epochs": 2}), "one click")

    assert not AppTest.from_function(script, args=(str(workspace.root), 2), default_timeout=30).run().exception
    assert len(list_runs(workspace)) == 1


def test_presets_and_earlier_runs_fill_the_widgets(open_page: OpenPage, finished: Run, shared: Workspace) -> None:
    app = open_page(shared, "train")
    app.get_by_key("train_preset").set_value("original").run()
    assert not app.exception
    assert app.number_input(key="train_set_channels_0").value == PRESETS["original"].settings["channels"][0]
    assert app.toggle(key="train_set_flip").value is False
    assert app.session_state["train_preset"] == "original", "the preset that the settings equal is marked"
    app.selectbox(key="train_earlier").select(finished.id).run()
    assert not app.exception
    assert app.session_state["train_settings"] == finished.config.flat()
    assert app.number_input(key="train_set_hidden_1").value == finished.config.model.hidden[1]
    assert app.session_state["train_preset"] is None


def test_settings_outlive_a_look_at_another_page(open_page: OpenPage, workspace: Workspace) -> None:
    app = open_page(workspace, "train")
    app.number_input(key="train_set_epochs").set_value(7).run()
    app.switch_page("pages/data.py").run()
    app.switch_page("pages/train.py").run()
    assert app.number_input(key="train_set_epochs").value == 7
    assert app.select_slider(key="train_set_epochs_slider").value == 7


@pytest.mark.fault(41)
def test_rules_between_settings_are_said_and_block_the_start(open_page: OpenPage, workspace: Workspace) -> None:
    app = open_page(workspace, "train")
    app.number_input(key="train_set_validation_share").set_value(0.0).run()
    app.number_input(key="train_set_patience").set_value(3).run()
    assert ["validation" in error.value for error in app.error] == [True]
    assert app.button(key="train_start").disabled


@pytest.mark.fault(41)
@pytest.mark.parametrize(
    ("name", "typed", "sentence"),
    [
        ("batch_size", 5000, "batch_size is 5000, but must be a whole number from 1 to 4096"),
        ("epochs", 0, "epochs is 0, but must be a whole number from 1 to "),
        ("learning_rate", 100.0, "learning_rate is 100.0, but must be a number from "),
        ("seed", -1, "seed is -1, but must be a whole number from 0 to "),
    ],
)
def test_a_number_out_of_range_is_said_and_blocks_the_start(
    open_page: OpenPage, workspace: Workspace, name: str, typed: float, sentence: str
) -> None:
    """The start does not use the previous value instead, and choosing a preset corrects it."""
    app = open_page(workspace, "train")
    app.number_input(key=f"train_set_{name}").set_value(typed).run()
    assert not app.exception
    assert [error.value.replace("\\", "").startswith(sentence) for error in app.error] == [True], app.error
    assert app.button(key="train_start").disabled
    beside = f":small[:red[Allowed: {range_words(spec_of(name))}.]]"
    assert beside in [element.value for element in app.markdown]
    app.get_by_key("train_preset").set_value("default").run()
    assert not app.exception
    assert not app.error and not app.button(key="train_start").disabled
    assert beside not in [element.value for element in app.markdown]


def test_the_preset_row_says_what_is_set_now(open_page: OpenPage, finished: Run, shared: Workspace) -> None:
    """The marked preset with its description, and the dataset of the times, are those of now, not of one click ago."""
    app = open_page(shared, "train", view="New run")
    assert app.session_state["train_preset"] == "default" and "learns well within ten epochs" in said(app)
    app.number_input(key="train_set_epochs").set_value(11).run()
    assert app.session_state["train_preset"] is None and "learns well within ten epochs" not in said(app)
    app.number_input(key="train_set_epochs").set_value(10).run()
    assert app.session_state["train_preset"] == "default" and "learns well within ten epochs" in said(app)


def test_a_finished_run_shows_curves_numbers_and_ways_on(open_page: OpenPage, finished: Run, shared: Workspace) -> None:
    app = open_page(shared, "train", run=finished.id, view="Watch")
    assert len(app.get("plotly_chart")) == 2
    assert len(app.dataframe[0].value) == 2, "a row an epoch"
    assert finished.best is not None
    assert f"n = 100: **{percent(finished.best.test_accuracy)}** (95\u00a0% interval " in said(app)
    assert f") at epoch {finished.best.epoch}" in said(app)
    assert primaries(app) == ["Look inside"]
    assert not {button.label for button in app.button} & {"Stop", "Pause"}


def test_the_runs_are_read_once_for_the_whole_page(
    open_page: OpenPage, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_tiny(workspace)
    run_id = create_run(workspace, make_config({"dataset": "tiny"}))
    move(RunFolder(workspace.runs / run_id), Status.STOPPED)
    app = open_page(workspace, "train", run=run_id, view="New run")
    read: list[str] = []

    def counting(folder: RunFolder) -> Run:
        read.append(folder.path.name)
        return _read_if_changed(folder)

    monkeypatch.setattr(listing, "_read_if_changed", counting)
    app.run()
    assert not app.exception
    assert read == [run_id]


def test_a_run_that_died_is_shown_with_its_last_words(open_page: OpenPage, workspace: Workspace) -> None:
    save_tiny(workspace)
    run_id = create_run(workspace, make_config({"dataset": "tiny"}))
    folder = RunFolder(workspace.runs / run_id)
    folder.log.write_text("Traceback\nMemoryError: no more\n", "utf-8")
    move(folder, Status.FAILED, error="The machine has too little memory for these settings.")
    app = open_page(workspace, "train", run=run_id, view="Watch")
    assert ["too little memory" in error.value for error in app.error] == [True]
    assert any("MemoryError" in code.value for code in app.code)
    assert "Resume" in {button.label for button in app.button}


def test_a_watched_run_stays_in_view_when_it_ends(open_page: OpenPage, workspace: Workspace) -> None:
    run_id = create_run(workspace, make_config({"epochs": 2}))
    app = open_page(workspace, "train")
    assert app.button(key=f"train_stop_{run_id}") and app.query_params["view"] == "Watch"
    move(run_folder(workspace, run_id), Status.STOPPED)
    app.run()
    assert app.query_params["view"] == "Watch" and app.button(key=f"train_resume_{run_id}")


def test_a_run_that_cannot_be_read_is_said(open_page: OpenPage, workspace: Workspace) -> None:
    broken = Path(workspace.runs / "broken-run")
    broken.mkdir()
    (broken / "config.json").write_text("[1]", "utf-8")
    app = open_page(workspace, "train", run="broken-run", view="Watch")
    assert any("cannot be read" in error.value for error in app.error)


def test_an_accuracy_names_the_views_of_each_picture(finished: Run) -> None:
    assert finished.last is not None
    last = replace(finished.last, epoch=2, validation_accuracy=None, looks=6)
    run = replace(finished, best=last, last=last)
    assert result_line(run).endswith("(no validation part), mean of 6 views of each picture; earlier epochs: one view.")
    assert "(95\u00a0% interval 4" in result_line(replace(run, best=replace(last, test_accuracy=0.5)))
    assert "interval" not in result_line(replace(run, dataset=None)), "how many pictures it was is not known"
    only = replace(last, epoch=1)
    assert result_line(replace(run, best=only, last=only)).endswith("mean of 6 views of each picture.")
    once = replace(last, looks=1)
    assert "look" not in result_line(replace(run, best=once, last=once))
