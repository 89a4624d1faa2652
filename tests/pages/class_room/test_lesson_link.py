"""Lessons: a link opens the form with its settings, a student types a name once, the runs carry both."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from streamlit.testing.v1 import AppTest

from cifar_core.config import make_config
from cifar_core.limits import LIMITS_FILE, change_limits
from cifar_core.runs import create_run, list_runs
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
