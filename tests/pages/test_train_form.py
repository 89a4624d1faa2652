"""The form of a new run: presets and their changes, settings by group, its URL, the name, devices that are not here."""

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from cifar_core.config import hyperparameters, make_config, settings_in_effect, spec_of
from cifar_core.models import list_models
from cifar_core.presets import PRESETS
from cifar_core.runs import Run, Status, list_runs, read_run
from cifar_core.runs.estimate.speed import (
    SPEED_FILE,
    SPEED_LAYOUT,
    Costs,
    MachineSpeed,
    as_json,
    machine_name,
    step_key,
)
from cifar_core.spec import allowed_range
from cifar_core.storage.json_files import write_json
from cifar_core.workspace import Workspace
from pages.ui.train.settings_form import slider_stops
from tests.conftest import save_tiny
from tests.pages.support import OpenPage, primaries, said
from tests.runs.conftest import ended_run

NUMBERS = [name for _, name, spec, _ in hyperparameters() if spec.kind in ("int", "float", "ints")]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of runs whose process would have been started."""
    ids: list[str] = []
    monkeypatch.setattr("pages.ui.train.run_buttons.start_run", lambda _, run_id: ids.append(run_id))
    return ids


def settings_of(app: AppTest) -> dict[str, Any]:
    """What the form says, setting by setting."""
    return {name: app.session_state[f"train_form_{name}"] for _, name, _, _ in hyperparameters()}


def set_to(app: AppTest, **values: Any) -> None:
    for name, value in values.items():
        app.get_by_key(f"train_set_{name}").set_value(value)
    app.run()
    assert not app.exception


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


def test_every_setting_in_effect_has_a_widget_and_a_device_that_is_absent_its_reason(
    open_page: OpenPage, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of another network, optimiser or schedule appear when it is chosen, and keep what was set."""
    monkeypatch.setattr(
        "pages.ui.train.settings_form.missing_devices", lambda: {"cuda": "no NVIDIA driver was found", "mps": "no Mac"}
    )
    save_tiny(workspace, validation=20)
    app = open_page(workspace, "train", dataset="tiny", processes="2")
    assert primaries(app) == ["Start"]
    seen = set()
    for choices in (
        {},
        {"own_validation": False, "model": "fast_cnn", "optimizer": "muon", "schedule": "one_cycle", "shift": 2},
    ):
        set_to(app, **choices)
        keys = {
            element.key for kind in ("number_input", "toggle", "button_group", "selectbox") for element in app.get(kind)
        }
        in_effect = settings_in_effect(settings_of(app), own=20)
        for _, name, spec, _ in hyperparameters():
            wanted = {f"train_set_{name}_{place}" for place in range(len(spec.items))} or {f"train_set_{name}"}
            assert bool(keys & wanted) == (name in in_effect), name
            assert name not in in_effect or keys >= wanted, name
        seen |= set(in_effect)
    assert seen == {name for _, name, _, _ in hyperparameters()}
    assert settings_of(app)["hidden"] == [256, 128]
    device = app.get_by_key("train_set_device")
    assert device.options == ["automatic", "CPU"] and device.label == "Device `device`"
    assert "GPU (CUDA): not on this machine: no NVIDIA driver was found." in said(app).replace("\\", "")


@pytest.mark.parametrize(("gain", "is_offered"), [(1.3, True), (1.09, False), (None, False)])
def test_several_processes_are_offered_only_where_they_gain_something(
    open_page: OpenPage, workspace: Workspace, gain: float | None, is_offered: bool
) -> None:
    """With the settings of the form; the help says how much. What a link sets is shown in any case."""
    gains = {} if gain is None else {step_key(make_config()): gain}
    costs = Costs(per_step=1e-3, per_picture=1e-5, per_flop=1e-11, per_value=1e-10, forward=0.3)
    known = MachineSpeed(
        machine_name(), 1, 3.0, dict.fromkeys(list_models(), costs), {}, layout=SPEED_LAYOUT, gains=gains
    )
    write_json(workspace.root / SPEED_FILE, as_json(known))
    app = open_page(workspace, "train", dataset="drawn10")
    shown = [item for item in app.number_input if item.key == "train_set_processes"]
    assert bool(shown) == is_offered
    app.session_state["train_form_processes"] = 2
    app.run()
    slider = app.select_slider(key="train_set_processes_slider")
    assert ("Two processes train 1.3 times as fast" in slider.help) == (gain == 1.3)
    assert ("was not measured" in slider.help) == (gain is None)


def test_a_preset_sets_everything_but_the_dataset_and_a_change_is_said_with_a_way_back(
    open_page: OpenPage, workspace: Workspace
) -> None:
    save_tiny(workspace)
    app = open_page(workspace, "train", dataset="tiny")
    for preset in PRESETS:
        app.session_state["train_form_seed"], app.session_state["train_form_device"] = 7, "cpu"
        app.session_state["train_form_max_seconds"], app.session_state["train_form_batch_size"] = 60, 5
        app.radio(key="train_base_preset").set_value("original" if preset != "original" else "quick").run()
        set_to(app, seed=8)
        app.radio(key="train_base_preset").set_value(preset).run()
        assert make_config(settings_of(app)) == make_config({"dataset": "tiny"}, preset=preset), preset
        assert not [button for button in app.button if button.key == "train_back"], "nothing is changed"
    set_to(app, epochs=11, seed=3)
    assert "**As the original**, changed: epochs, random seed." in said(app)
    assert (app.query_params["epochs"], app.query_params["preset"]) == ("11", "original")
    set_to(app, epochs=10)
    assert "changed: random seed." in said(app) and "epochs" not in app.query_params
    app.button(key="train_back").click().run()
    assert settings_of(app) == make_config({"dataset": "tiny"}, preset="original").flat()
    assert app.number_input(key="train_set_seed").value == 0


def test_the_form_is_in_the_url_and_outlives_other_views_and_pages(
    open_page: OpenPage, finished: Run, shared: Workspace
) -> None:
    app = open_page(shared, "train", view="New run")
    assert set(app.query_params) == {"run", "view"}, "short where nothing differs from the default"
    app.radio(key="train_base_preset").set_value("quick").run()
    set_to(app, epochs=7, flip=False, widths_1=32)
    app.text_input(key="train_base_name").set_value("a *name*").run()
    form = {"preset": "quick", "epochs": "7", "flip": "0", "widths": "24,32,128", "name": "a *name*"}
    address = dict(app.query_params)
    assert {name: text for name, text in address.items() if name not in ("run", "view")} == form
    kept = settings_of(app)
    app.get_by_key("train_view").set_value("Watch").run()
    assert set(app.query_params) == {"run", "view"}, "a watched run is shown without the form's settings"
    app.get_by_key("train_view").set_value("New run").run()
    assert settings_of(app) == kept and app.query_params == address
    app.switch_page("pages/data.py").run()
    app.switch_page("pages/train.py").run()
    assert app.number_input(key="train_set_epochs").value == 7 and settings_of(app) == kept
    again = open_page(shared, "train", **address)
    assert settings_of(again) == kept, "a link gives the same form"
    assert again.text_input(key="train_base_name").value == "a *name*"


def test_train_on_it_begins_anew_with_the_dataset_and_forgets_an_earlier_draft(
    open_page: OpenPage, workspace: Workspace
) -> None:
    save_tiny(workspace)
    old = ended_run(workspace, Status.FINISHED, make_config({"epochs": 5, "widths": "8,16,32"}, preset="quick"))
    app = open_page(workspace, "train", view="New run")
    app.selectbox(key="train_base_parent").select(old).run()
    app.text_input(key="train_base_name").set_value("a draft").run()
    app.switch_page("pages/data.py").run()
    app.button(key="data_train_tiny").click().run()
    assert not app.exception and app.title[0].value == "Train"
    assert settings_of(app) == make_config({"dataset": "tiny"}).flat()
    assert app.text_input(key="train_base_name").value == ""
    assert app.selectbox(key="train_base_parent").value is None, "those settings are not in use any more"
    assert app.query_params["dataset"] == "tiny" and not {"preset", "epochs", "parent"} & set(app.query_params)


@pytest.mark.fault(44)
def test_what_the_url_says_wrong_is_said_in_one_sentence_and_the_default_is_used(
    open_page: OpenPage, workspace: Workspace
) -> None:
    app = open_page(
        workspace,
        "train",
        view="New run",
        preset="quik",
        epochs="0",
        batch_size="<b>",
        parent="../x",
        widths="1",
        dataset="no-such",
        seed="5",
    )
    (warning,) = [item.value.replace("\\", "") for item in app.warning]
    assert "There is no preset 'quik' (did you mean 'quick'?)" in warning
    assert "epochs is '0', but must be a whole number from 1 to 500." in warning and "There is no run '../x'" in warning
    assert "There is no dataset no-such here." in warning
    assert settings_of(app) == make_config({"seed": 5}).flat()
    assert not app.error and not app.button(key="train_start").disabled
    assert set(app.query_params) == {"seed", "view"}
    app.run()
    assert app.warning, "it stays until something is set"
    set_to(app, seed=6)
    assert not app.warning


def test_slider_and_number_field_follow_each_other(open_page: OpenPage, workspace: Workspace) -> None:
    app = open_page(workspace, "train")
    app.select_slider(key="train_set_batch_size_slider").set_value(256).run()
    assert app.number_input(key="train_set_batch_size").value == 256
    app.number_input(key="train_set_batch_size").set_value(100).run()
    assert app.select_slider(key="train_set_batch_size_slider").value == 100
    assert settings_of(app)["batch_size"] == 100, "the number field takes any allowed value"
    app.select_slider(key="train_set_batch_size_slider").set_value(32).run()
    assert app.number_input(key="train_set_batch_size").value == 32
    assert not app.exception


def test_start_makes_one_run_with_settings_and_name_and_watches_it(
    open_page: OpenPage, workspace: Workspace, started: list[str]
) -> None:
    """A value that is typed just before the click is in it."""
    app = open_page(workspace, "train")
    app.number_input(key="train_set_learning_rate").set_value(0.00123)
    app.number_input(key="train_set_channels_1").set_value(48)
    app.text_input(key="train_base_name").set_value(" wide _second_ layer ")
    app.button(key="train_start").click().run()
    assert not app.exception
    (run,) = list_runs(workspace)
    assert started == [run.id] and run.name == "wide _second_ layer"
    assert (run.config.optimizer.learning_rate, run.config.model.channels) == (0.00123, (32, 48))
    assert app.query_params["run"] == run.id
    assert app.session_state["train_view"] == "Watch"
    app.get_by_key("train_view").set_value("New run").run()
    assert app.text_input(key="train_base_name").value == "", "the next run has another name"
    app.text_input(key="train_base_name").set_value("a\tname").run()
    app.button(key="train_start").click().run()
    assert ["cannot be shown" in error.value for error in app.error] == [True] and len(list_runs(workspace)) == 1


def test_settings_of_an_earlier_run_stand_beside_the_nearest_preset(
    open_page: OpenPage, workspace: Workspace, started: list[str]
) -> None:
    old = ended_run(workspace, Status.FINISHED, make_config({"epochs": 5, "widths": "8,16,32"}, preset="quick"))
    app = open_page(workspace, "train", view="New run")
    set_to(app, epochs=9, dropout=0.1)
    app.selectbox(key="train_base_parent").select(old).run()
    assert make_config(settings_of(app)) == read_run(workspace, old).config
    assert app.number_input(key="train_set_widths_1").value == 16
    assert "**Quick**, changed: channels of each block, epochs." in said(app)
    assert (app.query_params["parent"], app.query_params["preset"]) == (old, "quick")
    app.button(key="train_start").click().run()
    assert read_run(workspace, started[0]).parent == old


@pytest.mark.fault(41)
def test_the_datasets_own_validation_pictures_and_early_stopping(
    open_page: OpenPage, workspace: Workspace, started: list[str]
) -> None:
    """The choice is there only where the dataset has some; a share that is used instead is said.

    Classes without a validation picture are named: the own ones are the last 8 of pictures whose classes take turns.
    """
    save_tiny(workspace, "plain")
    save_tiny(workspace, validation=8)
    app = open_page(workspace, "train")
    for dataset, toggle, share in (("plain", False, True), ("tiny", True, False)):
        set_to(app, dataset=dataset)
        keys = {element.key for kind in ("number_input", "toggle") for element in app.get(kind)}
        assert ("train_set_own_validation" in keys, "train_set_validation_share" in keys) == (toggle, share)
        assert ("No validation picture shows airplane, automobile" in said(app)) == toggle
    assert "8 pictures, instead of a share of the training pictures" in said(app)
    set_to(app, own_validation=False)
    set_to(app, validation_share=0.2)
    assert "of the training pictures validates, instead of the dataset\\'s own 8 validation pictures" in said(app)
    assert "No validation picture" not in said(app), "a share has some of each class"
    set_to(app, validation_share=0.0, patience=3)
    assert ["validation" in error.value for error in app.error] == [True]
    assert app.button(key="train_start").disabled
    app.radio(key="train_base_preset").set_value("quick").run()
    set_to(app, patience=2)
    assert not app.error and not app.button(key="train_start").disabled, "the dataset's own pictures validate"
    set_to(app, dataset="plain")
    assert "needs a validation part" in app.error[0].value


@pytest.mark.fault(41)
def test_a_number_out_of_range_is_said_and_blocks_the_start(open_page: OpenPage, workspace: Workspace) -> None:
    """The start does not use the previous value instead, and choosing a preset corrects it."""
    app = open_page(workspace, "train")
    set_to(app, batch_size=5000, epochs=0, learning_rate=100.0, seed=-1)
    sentences = " ".join(error.value.replace("\\", "") for error in app.error)
    for sentence in (
        "batch_size is 5000, but must be a whole number from 1 to 4096",
        "epochs is 0, but must be a whole number from 1 to ",
        "learning_rate is 100.0, but must be a number from ",
        "seed is -1, but must be a whole number from 0 to ",
    ):
        assert sentence in sentences
    assert app.button(key="train_start").disabled
    assert f":small[:red[Allowed: {allowed_range(spec_of('batch_size'))}.]]" in said(app)
    app.radio(key="train_base_preset").set_value("quick").run()
    assert not app.exception and not app.error and not app.button(key="train_start").disabled
    assert ":red[Allowed" not in said(app)
