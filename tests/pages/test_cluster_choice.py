"""Where to train, on Train and Sweep: offered only where settings.json names a cluster, checked beside the page."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from cifar_core.cluster.check import ClusterFacts, ClusterNode
from cifar_core.config import make_config
from cifar_core.errors import ClusterError
from cifar_core.lifecycle.place import LOCAL, Place, write_place
from cifar_core.lifecycle.states import Status
from cifar_core.runs import create_run, list_runs, read_run
from cifar_core.runs.run_folder import run_folder
from cifar_core.storage.json_files import write_json
from cifar_core.sweeps.folder import SweepFolder
from cifar_core.sweeps.plan_file import read_plan
from cifar_core.workspace import Workspace
from pages.ui.cluster import state
from tests.conftest import save_tiny
from tests.lifecycle.conftest import until
from tests.pages.support import OpenPage, said
from tests.runs.conftest import TINY, ended_run

HEAD = "10.0.0.5:6379"
THERE = Place("ray", HEAD, cpus=2)


def node(cpus: int, gpus: int = 0) -> ClusterNode:
    return ClusterNode("n", "host", "10.0.0.5", is_head=True, is_here=True, cpus=cpus, gpus=gpus, versions=None)


@pytest.fixture
def offered(workspace: Workspace) -> Workspace:
    """A workspace whose settings.json names a cluster."""
    save_tiny(workspace)
    write_json(workspace.root / "settings.json", {"cluster": HEAD})
    return workspace


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Any], None]]:
    """Sets what the cluster answers: an error, or its nodes; until then a page waits for it."""
    has_come, answers = threading.Event(), [None]

    def check(_workspace: Workspace, place: Place) -> ClusterFacts:
        assert has_come.wait(30)
        if isinstance(answers[0], Exception):
            raise answers[0]
        return ClusterFacts(place.address, tuple(answers[0] or ()))

    def give(found: Any) -> None:
        answers[0] = found
        has_come.set()
        until(lambda: not state._asked, "the answer is kept")

    monkeypatch.setattr(state, "check_cluster", check)
    monkeypatch.setattr("pages.ui.train.run_buttons.start_run", lambda *_: None)
    yield give
    has_come.set()
    until(lambda: not state._asked, "nobody asks any more")
    state._answers.clear()


def set_to(app: AppTest, key: str, value: object) -> None:
    app.get_by_key(key).set_value(value)
    app.run()
    assert not app.exception


def start(app: AppTest, page: str = "train") -> None:
    app.get_by_key(f"{page}_start").click()
    app.run()
    assert not app.exception


def words(app: AppTest) -> str:
    return said(app).replace("\\", "")


def is_drawn(app: AppTest, key: str) -> bool:
    return any(getattr(element, "key", None) == key for element in app.main)


@pytest.mark.parametrize("page", ["train", "sweep"])
def test_nothing_of_it_is_shown_where_no_cluster_is_named(open_page: OpenPage, workspace: Workspace, page: str) -> None:
    save_tiny(workspace)
    app = open_page(workspace, page)
    assert not is_drawn(app, "where_backend") and "luster" not in words(app)
    app = open_page(workspace, page, backend="ray")  # a link from elsewhere
    assert "No cluster is offered here" in words(app) and not app.get_by_key(f"{page}_start").disabled


def test_nothing_is_asked_of_a_cluster_that_is_not_chosen(
    open_page: OpenPage, offered: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "check_cluster", lambda *_: pytest.fail("asked"))
    app = open_page(offered, "train", dataset="tiny")
    assert app.session_state["where_backend"] == "local" and not state._asked
    assert not app.get_by_key("train_start").disabled


def test_the_page_does_not_wait_for_the_cluster_and_starts_there_once_it_answers(
    open_page: OpenPage, offered: Workspace, answer: Callable[[Any], None]
) -> None:
    app = open_page(offered, "train", dataset="tiny", epochs="1")
    set_to(app, "where_backend", "ray")
    assert "ray" in app.query_params["backend"]
    assert "Looking for the cluster at" in words(app) and app.get_by_key("train_start").disabled
    answer([node(4), node(2)])
    app.run()
    assert "2 nodes with 6 processors" in words(app) and "measured speed" not in words(app)
    set_to(app, "where_cpus", 3)
    start(app)
    (run,) = list_runs(offered)
    assert run.place == Place("ray", HEAD, cpus=3) and run.expected_seconds is None


def test_why_nothing_can_start_there_is_said_and_this_machine_stays(
    open_page: OpenPage, offered: Workspace, answer: Callable[[Any], None]
) -> None:
    app = open_page(offered, "train", dataset="tiny", backend="ray")
    answer(ClusterError("No cluster answers at the moon."))
    app.run()
    assert "No cluster answers at the moon." in words(app) and app.get_by_key("train_start").disabled
    set_to(app, "where_backend", "local")
    assert "moon" not in words(app) and "backend" not in app.query_params
    start(app)
    assert [run.place for run in list_runs(offered)] == [LOCAL]


def test_an_answer_that_comes_while_the_page_is_drawn_is_shown(
    open_page: OpenPage, offered: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([None])
    refused = state.ClusterState(problem="No cluster answers at the moon.")
    monkeypatch.setattr("pages.ui.cluster.where.cluster_state", lambda *_: next(answers, refused))
    app = open_page(offered, "train", dataset="tiny", backend="ray")
    assert "No cluster answers at the moon." in words(app) and app.get_by_key("train_start").disabled


@pytest.mark.slow
def test_more_than_a_node_has_is_refused_before_the_start(
    open_page: OpenPage, offered: Workspace, answer: Callable[[Any], None]
) -> None:
    app = open_page(offered, "train", dataset="tiny", backend="ray", cpus="8")
    answer([node(4)])
    app.run()
    assert "has 8 CPUs: the largest has 4 CPUs" in words(app) and app.get_by_key("train_start").disabled
    assert not is_drawn(app, "where_gpus")  # there are none


@pytest.mark.slow
def test_a_sweep_takes_the_place_along(
    open_page: OpenPage, offered: Workspace, answer: Callable[[Any], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cifar_core.sweeps.control.start_job", lambda *_: True)
    app = open_page(offered, "sweep", dataset="tiny", backend="ray", cpus="2", set="learning_rate=0.0001..0.01")
    assert app.get_by_key("sweep_start").disabled
    answer([node(2)])
    app.run()
    assert "30 runs." in words(app)
    start(app, "sweep")
    (folder,) = offered.sweeps.iterdir()
    assert read_plan(SweepFolder(folder)).options.place == THERE
    assert "on the cluster at 10.0.0.5:6379" in words(app)


def test_where_a_run_trains_and_waits_is_shown_wherever_it_is(open_page: OpenPage, offered: Workspace) -> None:
    waits = create_run(offered, make_config(TINY), place=THERE, name="in the cloud")
    app = open_page(offered, "train", run=waits, view="Watch")
    assert "It waits for the cluster at 10.0.0.5:6379." in words(app)
    (bar,) = app.get("progress")
    assert "Waits for the cluster at" in bar.proto.text
    app = open_page(offered, "runs", run=waits)
    assert "waiting for the cluster at 10.0.0.5:6379; it starts by itself when there is room there" in words(app)
    table = open_page(offered, "runs").dataframe[0].value
    assert list(table["place"]) == ["cluster at 10.0.0.5:6379"]


@pytest.mark.slow
def test_the_runs_table_says_nothing_of_places_where_all_train_here(open_page: OpenPage, workspace: Workspace) -> None:
    save_tiny(workspace)
    ended_run(workspace, Status.STOPPED, make_config(TINY))
    assert "place" not in open_page(workspace, "runs").dataframe[0].value


@pytest.mark.slow
def test_a_run_of_a_lost_cluster_goes_on_here(
    open_page: OpenPage, offered: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr("pages.ui.train.run_buttons.resume_run", lambda *_, place: asked.append(place))
    run_id = ended_run(offered, Status.INTERRUPTED, make_config(TINY))
    app = open_page(offered, "train", run=run_id, view="Watch")
    assert not is_drawn(app, f"train_resume_here_{run_id}")  # it is here
    write_place(run_folder(offered, run_id), THERE)
    app = open_page(offered, "train", run=run_id, view="Watch")
    app.get_by_key(f"train_resume_here_{run_id}").click()
    app.run()
    assert asked == [LOCAL] and read_run(offered, run_id).place == THERE
