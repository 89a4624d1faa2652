"""The Sweep page: the forms and their URL, what prevents a start, the start; one sweep, its end, its trash."""

from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from cifar_core.config import make_config
from cifar_core.storage.locks import hold_lock
from cifar_core.sweeps.folder import SweepFolder
from cifar_core.sweeps.plan import SweepPlan
from cifar_core.sweeps.plan_file import read_plan
from cifar_core.sweeps.sweep import list_sweeps
from cifar_core.workspace import Workspace
from pages.ui.sweep.choice import sweep_labels
from tests.conftest import save_tiny
from tests.pages.support import OpenPage, primaries, said
from tests.sweeps.crafted_sweeps import SWEEP, add_trial, end_owner, make_sweep

RATE = "learning_rate=0.0001..0.01"  # what is filled in beside the defaults


@pytest.fixture
def tiny(workspace: Workspace) -> Workspace:
    """A workspace with a dataset and nothing else."""
    save_tiny(workspace)
    return workspace


@pytest.fixture(autouse=True)
def no_owner(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The folders of sweeps whose owner would have been started."""
    started: list[str] = []
    monkeypatch.setattr(
        "cifar_core.sweeps.control.start_job", lambda job, *_: started.append(job.path.parent.name) or True
    )
    return started


def plans(workspace: Workspace) -> list[SweepPlan]:
    return [read_plan(SweepFolder(path)) for path in sorted(workspace.sweeps.iterdir())]


def texts(plan: SweepPlan) -> dict[str, Any]:
    return {item.name: item.values or (item.low, item.high) for item in plan.space}


def address(app: AppTest) -> dict[str, list[str]]:
    return {name: value if isinstance(value, list) else [value] for name, value in app.query_params.items()}


def words(app: AppTest) -> str:
    return said(app).replace("\\", "")


def press(app: AppTest, key: str) -> None:
    app.get_by_key(key).click()
    app.run()
    assert not app.exception, app.exception


def enter(app: AppTest, **values: Any) -> None:
    for key, value in values.items():
        app.get_by_key(key).set_value(value)
    app.run()
    assert not app.exception, app.exception


def test_a_search_is_started_as_the_form_says_once_and_watched(
    open_page: OpenPage, tiny: Workspace, no_owner: list[str]
) -> None:
    app = open_page(tiny, "sweep", dataset="tiny", epochs="3", flip="0")
    assert primaries(app) == ["Start"]
    assert app.get_by_key("sweep_ticked").value == ["learning_rate"]
    enter(app, sweep_ticked=["learning_rate", "batch_size", "optimizer"], sweep_runs=11, sweep_seeds=2)
    enter(app, sweep_from_learning_rate=0.002, sweep_choice_optimizer=["adam", "sgd"], sweep_pruner="median")
    assert "5 candidates with 2 seeds each, 10 runs" in said(app)
    app.get_by_key("sweep_to_batch_size").set_value(32)  # typed just before the click
    press(app, "sweep_start")
    (plan,) = plans(tiny)
    assert no_owner == [plan.id]
    assert texts(plan) == {"optimizer": ("adam", "sgd"), "learning_rate": (0.002, 0.01), "batch_size": (16, 32)}
    assert (plan.options.runs, plan.options.seeds, plan.options.pruner) == (10, 2, "median")
    wanted = make_config({"dataset": "tiny", "epochs": 3, "flip": False}).flat()
    assert plan.settings == wanted
    assert address(app) == {"sweep": [plan.id], "view": ["Watch"]}
    assert "0 of 10 runs done" in app.get("progress")[0].proto.text


def test_the_address_holds_the_whole_form(open_page: OpenPage, tiny: Workspace) -> None:
    given = {
        "dataset": "tiny",
        "preset": "quick",
        "runs": "12",
        "seeds": "3",
        "hours": "0.5",
        "sampler": "random",
        "pruner": "hyperband",
        "name": "mine",
        "weight_decay": "0.001",
    }
    app = open_page(tiny, "sweep", **given, set="schedule=constant|cosine")
    assert app.get_by_key("sweep_choice_schedule").value == ["constant", "cosine"]
    enter(app, sweep_ticked=["schedule", "widths"])
    assert address(app) == {name: [value] for name, value in given.items()} | {
        "view": ["Search"],
        "set": ["widths=12,32,64|24,64,128|48,128,256", "schedule=constant|cosine"],
    }
    assert "validation_share is set to 0.1" in words(app), "a fast preset keeps none"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"set": "learning_rate=1..0.1"}, "a range goes from a lower to a higher"),
        ({"set": "learning_rate=1..100"}, "learning_rate"),
        ({"set": "momentum=0.5..0.9"}, "momentum has no effect unless optimizer is"),
        ({"set": "channels=8"}, "channels"),
        ({"set": "seed=1..5"}, "seed cannot be searched"),
        ({"validation_share": "0", "own_validation": "0"}, "validation_share"),
        ({"runs": "1", "seeds": "2"}, "one candidate takes 2"),
        ({"pruner": "median", "epochs": "1"}, "raise epochs"),
        ({"patience": "1000"}, "patience"),
    ],
)
def test_what_breaks_a_rule_is_one_sentence_and_blocks_start(
    given: dict[str, str], sentence: str, open_page: OpenPage, tiny: Workspace
) -> None:
    app = open_page(tiny, "sweep", dataset="tiny", **given)
    assert sentence in words(app)
    assert len(app.error) + len(app.warning) == 1
    assert app.get_by_key("sweep_start").disabled or app.warning


def test_an_unknown_setting_in_the_address_is_said(open_page: OpenPage, tiny: Workspace) -> None:
    app = open_page(tiny, "sweep", dataset="tiny", set="learning_rat=1..2")
    assert "There is no setting 'learning_rat' (did you mean 'learning_rate'?)." in words(app)
    assert app.get_by_key("sweep_ticked").value == ["learning_rate"], "the default is used"


def test_ranges_follow_the_preset_until_they_are_changed_and_a_grid_lists_values(
    open_page: OpenPage, tiny: Workspace
) -> None:
    app = open_page(tiny, "sweep", dataset="tiny")
    enter(app, sweep_ticked=["learning_rate", "batch_size"])
    enter(app, sweep_to_batch_size=100)
    enter(app, train_base_preset="quick")
    assert address(app)["set"] == ["learning_rate=0.015..1.5", "batch_size=16..100"]
    enter(app, sweep_sampler="grid")
    assert app.get_by_key("sweep_list_learning_rate").value == "0.015|0.15|1.5"
    assert app.get_by_key("sweep_list_batch_size").value == "16|40|100"
    assert not app.error and "9 runs" in said(app)
    enter(app, sweep_sampler="tpe")
    assert address(app)["set"] == ["learning_rate=0.015..1.5", "batch_size=16..100"]


def test_the_draft_of_train_is_where_a_sweep_begins(open_page: OpenPage, tiny: Workspace) -> None:
    """And the other way round: nothing is lost between the pages, whose widgets have the same keys."""
    app = open_page(tiny, "train", dataset="tiny", preset="quick")
    enter(app, train_set_learning_rate=0.3, train_set_widths_1=40)
    app.switch_page("pages/sweep.py").run()
    wanted = {"dataset": ["tiny"], "preset": ["quick"], "learning_rate": ["0.3"], "widths": ["24,40,128"]}
    assert address(app).items() >= wanted.items()
    assert app.get_by_key("train_base_preset").value == "quick"
    enter(app, train_set_epochs=2, sweep_runs=7)
    app.switch_page("pages/train.py").run()
    assert address(app)["epochs"] == ["2"] and app.get_by_key("train_set_learning_rate").value == 0.3
    app.switch_page("pages/sweep.py").run()
    assert app.get_by_key("sweep_runs").value == 7 and app.get_by_key("sweep_ticked").value == ["learning_rate"]


def test_the_link_beside_a_slider_leads_to_the_effect_of_the_setting(
    open_page: OpenPage, tiny: Workspace, no_owner: list[str]
) -> None:
    app = open_page(tiny, "train", dataset="tiny", preset="first-look", label_smoothing="0.2", view="New run")
    links = {link.proto.query_string for link in app.get("page_link")}
    assert "effect=momentum&preset=first-look&dataset=tiny&label_smoothing=0.2" in links
    fresh = {"effect": "momentum", "preset": "first-look", "dataset": "tiny", "label_smoothing": "0.2"}
    app = open_page(tiny, "sweep", **fresh)
    assert app.get_by_key("sweep_page_view").value == "One setting" and primaries(app) == ["Start"]
    enter(app, effect_low=0.5, effect_high=0.9, effect_values=3, effect_seeds=2)
    assert "Tried: 0.5, 0.7, 0.9." in words(app)
    assert "6 runs" in said(app)
    press(app, "sweep_start")
    (plan,) = plans(tiny)
    assert texts(plan) == {"momentum": (0.5, 0.7, 0.9)}
    assert (plan.options.sampler, plan.options.runs, plan.options.seeds) == ("grid", 6, 2)
    assert plan.settings["label_smoothing"] == 0.2 and plan.settings["validation_share"] == 0.1
    assert plan.options.name == "Effect of momentum"


def test_the_effect_of_every_setting_can_be_asked_for(open_page: OpenPage, tiny: Workspace) -> None:
    app = open_page(tiny, "sweep", dataset="tiny", model="fast_cnn", optimizer="sgd", effect="learning_rate")
    for name in ("flip", "widths", "batch_size", "optimizer", "epochs"):
        enter(app, effect_effect=name)
        assert not app.error, (name, app.error[0].value)
        assert address(app)["effect"] == [name]
    enter(app, effect_effect="batch_size")
    enter(app, effect_low=100.0, effect_high=10.0)
    assert "from a lower to a higher" in said(app) and app.get_by_key("sweep_start").disabled


def test_without_optuna_the_page_says_how_to_get_it_and_shows_what_there_is(
    open_page: OpenPage, tiny: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cifar_core.sweeps.extras.has_optuna", lambda: False)
    end_owner(make_sweep(tiny))
    app = open_page(tiny, "sweep", view="Search")
    assert [info.value for info in app.info] == [
        "Sweeps need Optuna, which is not installed: `make install EXTRAS=cluster` gets it."
    ]
    assert not primaries(app) and len(app.dataframe) == 1


@pytest.fixture
def running(tiny: Workspace) -> Iterator[SweepFolder]:
    """A sweep whose owner works: this process holds its lock."""
    folder = make_sweep(tiny, runs=4)
    add_trial(folder, 1, {"learning_rate": 0.01}, [0.3, 0.5])
    add_trial(folder, 2, {"learning_rate": 0.1}, [0.1, 0.1], status="stopped", pruned=True)
    end_owner(folder, "running")
    with hold_lock(folder.job.lock):
        yield folder


def test_a_running_sweep_is_shown_first_and_asked_to_stop_once(
    open_page: OpenPage, tiny: Workspace, running: SweepFolder
) -> None:
    app = open_page(tiny, "sweep")
    assert app.get_by_key("sweep_page_view").value == "Watch"
    assert "2 of 4 runs done, 1 of them pruned" in app.get("progress")[0].proto.text
    assert not primaries(app)
    press(app, f"sweep_stop_{SWEEP}")
    assert running.job.cancel_file.exists()
    for tab in (app, open_page(tiny, "sweep")):  # a second tab, or a reload, says the same
        button = tab.get_by_key(f"sweep_stop_{SWEEP}")
        assert (button.label, button.disabled) == ("Stopping", True)


def test_a_stopped_sweep_can_be_resumed_or_deleted_and_brought_back(
    open_page: OpenPage, tiny: Workspace, no_owner: list[str]
) -> None:
    end_owner(make_sweep(tiny, runs=4, name="my *search*"), "cancelled")
    app = open_page(tiny, "sweep", sweep=SWEEP)
    assert primaries(app) == ["Resume"]
    assert "my \\*search\\*" in said(app), "a name is no Markdown"
    press(app, f"sweep_resume_{SWEEP}")
    assert no_owner == [SWEEP]
    press(app, f"sweep_delete_{SWEEP}")
    assert not (tiny.sweeps / SWEEP).exists()
    assert app.get_by_key("sweep_page_view").value == "Search", "no other sweep is there"
    assert not app.warning, "the person has just deleted it"
    press(app, "sweep_undo")
    assert (tiny.sweeps / SWEEP).exists()
    assert app.get_by_key("sweep_page_sweep").value == SWEEP


def test_a_sweep_that_is_not_here_and_one_that_cannot_be_read(open_page: OpenPage, tiny: Workspace) -> None:
    app = open_page(tiny, "sweep", sweep="../../etc")
    assert "There is no sweep" in app.warning[0].value
    folder = make_sweep(tiny)
    folder.plan.write_text("{", "utf-8")
    app = open_page(tiny, "sweep", sweep=SWEEP)
    assert len(app.error) == 1 and app.error[0].proto.title == "This sweep cannot be read"
    assert app.get_by_key(f"sweep_delete_{SWEEP}") is not None
    app = open_page(tiny, "sweep", view="Search")
    assert not app.exception and not app.error


def test_sweeps_of_one_name_can_be_told_apart(tiny: Workspace) -> None:
    """The effect of one setting has the same name whenever it is asked for."""
    for sweep in ("first", "second", "third"):
        end_owner(make_sweep(tiny, sweep_id=sweep, name="" if sweep == "third" else "Effect of momentum"))
    assert sweep_labels(list_sweeps(tiny)) == {
        "first": "Effect of momentum (first) · finished",
        "second": "Effect of momentum (second) · finished",
        "third": "third · finished",
    }
