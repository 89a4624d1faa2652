"""The Class page: who trains and waits, stopping, results side by side, and the limits and who may change them."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.runtime.secrets import secrets_singleton

from cifar_core.config import make_config
from cifar_core.export import table_csv
from cifar_core.lifecycle.queue import join
from cifar_core.lifecycle.status import expect_worker
from cifar_core.limits import LIMITS_FILE, change_limits, read_limits
from cifar_core.runs import create_run, read_run, rename_run, slots
from cifar_core.runs.run_folder import run_folder
from cifar_core.workspace import Workspace
from pages.ui.class_room import person
from pages.ui.class_room.results import results_table
from tests.conftest import save_tiny
from tests.pages.support import OpenPage, said
from tests.runs.conftest import TINY
from tests.sweeps.crafted_sweeps import add_trial, make_sweep

TEACHER, STUDENT = ({"is_logged_in": True, "email": f"{name}@example.org", "sub": name} for name in ("tea", "stu"))
AUTH = '[auth]\nredirect_uri = "http://localhost/oauth2callback"\ncookie_secret = "x"\nclient_id = "x"\n'


@pytest.fixture
def login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server with a login."""
    file = tmp_path / "secrets.toml"
    file.write_text(AUTH + 'client_secret = "x"\nserver_metadata_url = "http://localhost/x"\n')
    real = st.get_option
    for place in ("streamlit.get_option", "streamlit.config.get_option"):
        monkeypatch.setattr(place, lambda key: [str(file)] if key == "secrets.files" else real(key))
    monkeypatch.setattr(secrets_singleton, "_secrets", None)


@pytest.fixture
def waiting(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Three waiting runs under fair share, by a name for each; their workers are being started for ever."""
    monkeypatch.setattr("cifar_core.lifecycle.heartbeat.MISSED_SECONDS", 1000.0)
    monkeypatch.setattr("cifar_core.lifecycle.runner.LocalRunner.enforce", lambda *_: None)
    save_tiny(workspace)
    change_limits(workspace, {"fair_share": True})
    runs = {}
    for name, whose in (("ada 1", "ada"), ("ada 2", "ada"), ("ben 1", "ben")):
        runs[name] = create_run(workspace, make_config(TINY), person=whose, lesson="Rates", name=name)
        expect_worker(run_folder(workspace, runs[name]), here=False)
        join(run_folder(workspace, runs[name]))
    return runs


def test_the_queue_is_shown_in_the_order_of_fair_share(
    open_page: OpenPage, workspace: Workspace, waiting: dict[str, str]
) -> None:
    app = open_page(workspace, "class_room")
    table = app.dataframe[0].value
    assert table["name"].tolist() == ["ada 1", "ben 1", "ada 2"]
    assert table["place"].tolist() == [1, 2, 3] and table["round"].tolist() == [1, 1, 2]
    assert table["person"].tolist() == ["ada", "ben", "ada"]
    assert "**3** waiting" in said(app) and "**2 people**, in lesson **Rates**" in said(app)
    assert list(table)[:4] == ["person", "state", "place", "time"], "who and when without scrolling on a narrow screen"
    assert "lesson" not in table


def test_a_teacher_stops_one_run_or_all_of_a_person(
    open_page: OpenPage, workspace: Workspace, waiting: dict[str, str]
) -> None:
    app = open_page(workspace, "class_room")
    assert not [button for button in app.button if button.label.startswith("Stop")]
    app.session_state["class_active"] = [waiting["ada 2"]]
    app.run()
    assert [button.label for button in app.button if "Stop" in button.label] == ["Stop 1 run", "Stop all 2 of ada"]
    app.button(key="class_stop_person").click().run()
    assert {name for name, run_id in waiting.items() if not read_run(workspace, run_id).active} == {"ada 1", "ada 2"}
    app.session_state["class_active"] = [waiting["ben 1"]]
    app.run()
    assert [button.label for button in app.button if "Stop" in button.label] == ["Stop 1 run"]
    app.button(key="class_stop").click().run()
    assert not read_run(workspace, waiting["ben 1"]).active and "Nothing trains or waits" in said(app)


def test_the_form_writes_what_was_changed_and_keeps_the_rest(open_page: OpenPage, workspace: Workspace) -> None:
    (workspace.root / LIMITS_FILE).write_text(json.dumps({"upload_mb": 50}))
    app = open_page(workspace, "class_room", view="Limits")
    assert "Only this machine reaches the app" in said(app)
    app.number_input(key="class_limit_slots").set_value(2)
    app.toggle(key="class_limit_fair_share").set_value(True)
    change_limits(workspace, {"runs_per_person": 4})  # by somebody else meanwhile
    app.button(key="class_limits_save").click().run()
    content = json.loads((workspace.root / LIMITS_FILE).read_text())
    assert content["upload_mb"] == 50 and slots(workspace) == 2 and content["fair_share"] is True
    assert ["Saved" in box.value for box in app.success] == [True]
    assert content["runs_per_person"] == 4 and app.number_input(key="class_limit_runs_per_person").value == 4


def test_a_broken_file_is_named_and_stays(open_page: OpenPage, workspace: Workspace) -> None:
    (workspace.root / LIMITS_FILE).write_text("{")
    app = open_page(workspace, "class_room", view="Limits")
    assert ["cannot be read" in error.value for error in app.error] == [True]
    assert (workspace.root / LIMITS_FILE).read_text() == "{"


def test_with_a_login_teachers_alone_may(
    open_page: OpenPage, workspace: Workspace, waiting: dict[str, str], login: None
) -> None:
    app = open_page(workspace, "class_room", view="Limits")
    app.user = STUDENT
    app.run()
    assert not app.number_input and "No teacher is named yet" in said(app)
    change_limits(workspace, {"teachers": ["tea@example.org"]})
    app.run()
    assert not app.number_input and "Fair share: **on**" in said(app)
    app.query_params["view"] = "Now"
    app.session_state["class_active"] = [waiting["ben 1"]]
    app.run()
    assert not [button for button in app.button if button.label.startswith("Stop")]
    app.user = TEACHER
    app.run()
    assert "Stop 1 run" in [button.label for button in app.button]


def test_on_a_shared_server_without_a_login_nobody_may(
    open_page: OpenPage, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_limits(workspace, {"teachers": ["tea"]})
    for module in ("person", "limits_form"):
        monkeypatch.setattr(f"pages.ui.class_room.{module}.is_shared", lambda: True)
    app = open_page(workspace, "class_room", view="Limits")
    app.session_state[person.TYPED_KEY] = "tea"  # a name that was typed makes no teacher
    app.run()
    assert not app.number_input and "nobody is known as a teacher" in said(app)
    assert "Runs per person: **no limit**" in said(app) and "Most epochs of a run: **no limit**" in said(app)


def test_the_runs_of_a_lesson_stand_side_by_side(open_page: OpenPage, shared: Workspace, finished: Any) -> None:
    app = open_page(shared, "class_room", view="Results", of="all")
    table = app.dataframe[0].value
    assert finished.id in list(app.session_state["class_runs_drawn"][0])
    row = table[table["name"] == finished.name].iloc[0]
    assert row["accuracy"] == round(100 * finished.best.test_accuracy, 1) and row["low"] < row["accuracy"] < row["high"]
    assert row["n"] == finished.dataset.test and "Curves" in said(app)
    csv = table_csv(results_table([finished, replace(finished, id="waits", best=None, dataset=None)])).decode()
    assert f",{finished.dataset.test},{finished.best.epoch}," in csv, "whole numbers stay whole beside none"


def test_lessons_are_chosen_first_and_each_person_may_have_one_row(
    open_page: OpenPage, workspace: Workspace, waiting: dict[str, str]
) -> None:
    rename_run(workspace, waiting["ada 2"], "renamed | *star*")
    app = open_page(workspace, "class_room", view="Results")
    assert app.selectbox(key="class_of").value == "lesson:Rates"
    assert len(app.dataframe[0].value) == 3 and "of 2 people, 0 with a result" in said(app)
    app.toggle(key="class_newest").set_value(True).run()
    assert sorted(app.dataframe[0].value["name"]) == ["ben 1", "renamed | *star*"]
    assert app.query_params["newest"] == "1"
    app.query_params["of"] = "lesson:gone"
    app.run()
    assert not app.exception and read_limits(workspace).fair_share


def test_a_sweep_has_one_row_which_says_of_how_many_it_is_the_best(
    open_page: OpenPage, workspace: Workspace, waiting: dict[str, str]
) -> None:
    app = open_page(workspace, "class_room", view="Results", of="all")
    assert "best_of" not in app.dataframe[0].value, "without a sweep there is no such column"
    folder = make_sweep(workspace)
    ids = [add_trial(folder, number, {"learning_rate": 0.01 * number}, (0.3 * number,))[0] for number in (1, 2, 3)]
    app.run()
    table = app.dataframe[0].value
    assert len(table) == 4 and table["best_of"].dropna().tolist() == [3]
    assert table[table["best_of"].notna()]["learning_rate"].tolist() == [0.03]
    assert set(app.session_state["class_runs_drawn"][0]) == {*waiting.values(), ids[2]}
    assert "**4 runs** of 2 people, 1 with a result, a sweep as its best run" in said(app)
    drawn = [chart.proto.spec for chart in app.get("plotly_chart")]
    app.session_state["class_runs"] = [ids[0]]  # ticked while it was the best: now it has no row
    app.run()
    assert len(drawn) == 1 and [chart.proto.spec for chart in app.get("plotly_chart")] == drawn
