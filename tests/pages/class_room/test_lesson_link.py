"""Lessons: a link opens the form with its settings, a student types a name once, the runs carry both."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from streamlit.testing.v1 import AppTest

from cifar_core.config import make_config
from cifar_core.limits import LIMITS_FILE, change_limits
from cifar_core.runs import create_run, list_runs
from cifar_core.sweeps.sweep import list_sweeps
from cifar_core.workspace import Workspace
from pages.ui.class_room import person
from tests.conftest import save_tiny
from tests.pages.support import OpenPage, said


@pytest.fixture(autouse=True)
def _nothing_trains(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cifar_core.lifecycle.runner.spawn", lambda *_: None)


def link_of(app: AppTest) -> dict[str, str]:
    """The parameters of the link that the form shows."""
    return dict(parse_qsl(urlsplit(app.code[0].value).query))


def test_a_link_opens_the_same_form(open_page: OpenPage, workspace: Workspace) -> None:
    save_tiny(workspace)
    app = open_page(workspace, "train", preset="quick", dataset="tiny", epochs="3", learning_rate="0.25")
    app.text_input(key="class_link_lesson").set_value("Rates & sizes").run()
    link = link_of(app)
    assert link["lesson"] == "Rates & sizes" and link["view"] == "New run"
    other = open_page(workspace, "train", **link)
    assert "**Rates \\& sizes**" in said(other)
    assert link_of(other) == link, "and from there the same link again"


def test_a_student_types_a_name_and_the_run_carries_both(open_page: OpenPage, workspace: Workspace) -> None:
    save_tiny(workspace)
    app = open_page(workspace, "train", dataset="tiny", epochs="1", lesson="Rates")
    app.button(key="train_start").click().run()
    assert ["Type your name" in error.value for error in app.error] == [True] and not list_runs(workspace)
    app.text_input(key="class_person_field").set_value("  Ada ")
    app.button(key="train_start").click().run()
    (run,) = list_runs(workspace)
    assert (run.person, run.lesson, run.config.optimizer.epochs) == ("Ada", "Rates", 1)


def test_the_browser_brings_the_name_back(open_page: OpenPage, workspace: Workspace) -> None:
    app = open_page(workspace, "train", lesson="Rates")
    app.session_state[person.TYPED_KEY] = "Ada"  # as `_hear` keeps it
    app.session_state["class_person_field"] = "Ada"
    app.run()
    assert app.text_input(key="class_person_field").value == "Ada"


def test_who_reloads_a_watched_run_stays_in_the_lesson(open_page: OpenPage, workspace: Workspace) -> None:
    save_tiny(workspace)
    run_id = create_run(workspace, make_config({"dataset": "tiny"}), person="Ada", lesson="Rates")
    app = open_page(workspace, "train", run=run_id, view="Watch", lesson="Rates")
    assert app.query_params["lesson"] == "Rates"
    app.segmented_control(key="train_view").set_value("New run").run()
    assert "**Rates**" in said(app) and app.query_params["lesson"] == "Rates"


def test_limits_that_cannot_be_read_are_said_once(open_page: OpenPage, workspace: Workspace) -> None:
    save_tiny(workspace)
    (workspace.root / LIMITS_FILE).write_text("{")
    app = open_page(workspace, "train", dataset="tiny")
    assert ["remove it for the defaults" in error.value for error in app.error] == [True]
    assert app.button(key="train_start").disabled


def test_the_name_of_a_teacher_is_refused(open_page: OpenPage, workspace: Workspace) -> None:
    save_tiny(workspace)
    change_limits(workspace, {"teachers": ["Tea"], "most_epochs": 5})
    app = open_page(workspace, "train", dataset="tiny", epochs="1", lesson="Rates")
    app.text_input(key="class_person_field").set_value("Tea").run()
    app.button(key="train_start").click().run()
    assert ["name of a teacher" in error.value for error in app.error] == [True] and not list_runs(workspace)


def test_without_a_lesson_there_is_no_name_and_no_trace(open_page: OpenPage, workspace: Workspace) -> None:
    save_tiny(workspace)
    app = open_page(workspace, "train", dataset="tiny", epochs="1", lesson="Rates")
    app.button(key="class_leave").click().run()
    assert "lesson" not in app.query_params
    assert not [field for field in app.text_input if field.key == "class_person_field"]
    app.button(key="train_start").click().run()
    (run,) = list_runs(workspace)
    assert (run.person, run.lesson) == ("", "")


def test_the_limits_of_the_class_end_the_form(open_page: OpenPage, workspace: Workspace) -> None:
    save_tiny(workspace)
    change_limits(workspace, {"most_epochs": 5, "most_parameters": 1000})
    app = open_page(workspace, "train", dataset="tiny", epochs="6")
    said_ = [error.value for error in app.error]
    assert len(said_) == 2 and "a run may have 5 here" in said_[0] and "parameters" in said_[1]
    assert app.button(key="train_start").disabled
    assert "1 to 5" in app.number_input(key="train_set_epochs").help


@pytest.fixture
def _no_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cifar_core.sweeps.control.start_job", lambda *_: True)


@pytest.mark.usefixtures("_no_owner")
def test_a_sweep_from_the_form_of_a_lesson_carries_it_and_the_name(open_page: OpenPage, workspace: Workspace) -> None:
    save_tiny(workspace)
    app = open_page(workspace, "train", dataset="tiny", epochs="1", lesson="Rates")
    app.switch_page("pages/sweep.py").run()
    assert "**Rates**" in said(app) and app.query_params["lesson"] == "Rates"
    app.button(key="sweep_start").click().run()
    assert ["Type your name" in error.value for error in app.error] == [True] and not list_sweeps(workspace)
    app.text_input(key="class_person_field").set_value("Ada")
    app.button(key="sweep_start").click().run()
    (sweep,) = list_sweeps(workspace)
    assert (sweep.plan.person, sweep.plan.lesson) == ("Ada", "Rates")
    assert ":material/school: Rates" in said(app), "its head says so"
    assert app.query_params["lesson"] == "Rates" and app.query_params["view"] == "Watch"


@pytest.mark.usefixtures("_no_owner")
def test_who_leaves_the_lesson_on_the_sweep_page_has_left_it_on_train_too(
    open_page: OpenPage, workspace: Workspace
) -> None:
    save_tiny(workspace)
    app = open_page(workspace, "train", dataset="tiny", epochs="1", lesson="Rates")
    app.switch_page("pages/sweep.py").run()
    app.button(key="class_leave").click().run()
    assert "lesson" not in app.query_params
    app.button(key="sweep_start").click().run()
    (sweep,) = list_sweeps(workspace)
    assert (sweep.plan.person, sweep.plan.lesson) == ("", "")
    app.switch_page("pages/train.py").run()
    assert "Leave the lesson" not in [button.label for button in app.button] and "lesson" not in app.query_params


def test_the_way_to_the_effect_of_a_setting_stays_in_the_lesson(open_page: OpenPage, workspace: Workspace) -> None:
    save_tiny(workspace)
    app = open_page(workspace, "train", dataset="tiny", epochs="1", lesson="Rates & sizes")
    queries = [dict(parse_qsl(link.proto.query_string)) for link in app.get("page_link")]
    ways = [query for query in queries if "effect" in query]
    assert ways and all(query["lesson"] == "Rates & sizes" for query in ways)
    other = open_page(workspace, "sweep", **ways[0])
    assert "**Rates \\& sizes**" in said(other)
    app.button(key="class_leave").click().run()
    assert not any("lesson" in link.proto.query_string for link in app.get("page_link"))


def test_train_on_another_dataset_stays_in_the_lesson(open_page: OpenPage, workspace: Workspace) -> None:
    save_tiny(workspace)
    app = open_page(workspace, "train", view="New run", epochs="7", lesson="Rates")
    app.switch_page("pages/data.py").run()
    app.button(key="data_train_tiny").click().run()
    assert app.title[0].value == "Train" and app.query_params["dataset"] == "tiny"
    assert "**Rates**" in said(app) and app.query_params["lesson"] == "Rates"
    assert "epochs" not in app.query_params, "the settings are the defaults, as for everybody"
    app.button(key="class_leave").click().run()
    app.switch_page("pages/data.py").run()
    app.button(key="data_train_tiny").click().run()
    assert "**Rates**" not in said(app) and "lesson" not in app.query_params
