"""The epoch that a page shows: it follows the run in focus, and is called best where a validation part chose it."""

import json
import shutil

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cifar_core.data.array_files import write_array
from cifar_core.runs.run_folder import RunFolder
from cifar_core.workspace import Workspace
from tests.pages.support import OpenPage, rewrite_run, said

PAGES = ("confusion", "misclassified")


@pytest.fixture
def many_epochs(epochs_of_their_own: Workspace) -> Workspace:
    """With a run `many` of four epochs, of which the last is the best."""
    path = epochs_of_their_own.runs / "many"
    shutil.copytree(epochs_of_their_own.runs / "late", path)
    folder = RunFolder(path)
    line = json.loads(folder.metrics.read_text("utf-8").splitlines()[0])
    lines = [line | {"epoch": epoch, "validation_accuracy": epoch / 10} for epoch in range(1, 5)]
    folder.metrics.write_text("".join(json.dumps(each) + "\n" for each in lines), "utf-8")
    for epoch in (3, 4):
        shutil.copy(folder.probs("test", 2), folder.probs("test", epoch))
    return epochs_of_their_own


def focus(app: AppTest, run_id: str) -> None:
    """Choose another run in the sidebar."""
    app.selectbox(key="frame_run").select(run_id).run()
    assert not app.exception
    assert not app.error


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("other", ["early", "short"])
def test_another_run_is_shown_at_its_own_best_epoch(
    open_page: OpenPage, epochs_of_their_own: Workspace, page: str, other: str
) -> None:
    app = open_page(epochs_of_their_own, page, run="late")
    assert "epoch 2 of 2, the best" in said(app)
    focus(app, other)
    assert "epoch 1 of 2, the best" in said(app)
    assert "epoch" not in app.query_params
    focus(app, "late")
    assert "epoch 2 of 2, the best" in said(app)


@pytest.mark.parametrize("page", PAGES)
def test_an_epoch_chosen_by_hand_stays_where_the_other_run_has_it(
    open_page: OpenPage, epochs_of_their_own: Workspace, page: str
) -> None:
    app = open_page(epochs_of_their_own, page, run="early")
    app.select_slider(key=f"{page}_epoch").set_value(2).run()
    assert app.query_params["epoch"] == "2"
    focus(app, "unjudged")
    assert "epoch 2 of 2, the last" in said(app)
    app.select_slider(key=f"{page}_epoch").set_value(1).run()
    focus(app, "late")
    assert app.select_slider(key=f"{page}_epoch").value == 1
    assert "epoch 1 of 2" in said(app)
    assert app.query_params["epoch"] == "1"
    app.select_slider(key=f"{page}_epoch").set_value(2).run()
    focus(app, "early")
    assert "epoch 1 of 2, the best" in said(app), "the best of one run is not an epoch chosen by hand in another"


def test_an_epoch_that_the_other_run_has_not_gives_way(open_page: OpenPage, epochs_of_their_own: Workspace) -> None:
    app = open_page(epochs_of_their_own, "confusion", run="early")
    app.select_slider(key="confusion_epoch").set_value(2).run()
    focus(app, "short")
    assert "epoch 1 of 2, the best" in said(app)
    assert "epoch" not in app.query_params


def test_a_new_best_epoch_of_the_same_run_is_followed_and_a_chosen_one_kept(
    open_page: OpenPage, epochs_of_their_own: Workspace
) -> None:
    app = open_page(epochs_of_their_own, "confusion", run="early")
    rewrite_run(epochs_of_their_own.runs / "early", 2, 2)
    app.run()
    assert not app.error
    assert "epoch 2 of 2, the best" in said(app)
    app.select_slider(key="confusion_epoch").set_value(1).run()
    rewrite_run(epochs_of_their_own.runs / "early", 1, 1)
    app.run()
    assert "epoch 1 of 2, the best" in said(app)


@pytest.mark.fault(81)
@pytest.mark.parametrize(("run_id", "word", "other"), [("late", "best", "last"), ("unjudged", "last", "best")])
def test_best_is_said_only_where_a_validation_part_chose(
    open_page: OpenPage, epochs_of_their_own: Workspace, run_id: str, word: str, other: str
) -> None:
    """There, each page says once how few pictures chose it, and of which class there were none."""
    for another in {"early", "late", "short", "unjudged"} - {run_id}:  # Home shows several runs
        shutil.rmtree(epochs_of_their_own.runs / another)
    facts = epochs_of_their_own.runs / run_id / "facts.json"
    content = json.loads(facts.read_text())
    content["dataset"]["unvalidated"] = ["frog"]
    facts.write_text(json.dumps(content))
    caveats, times = ("Only 30 validation pictures", "No validation picture shows frog"), int(word == "best")
    home = open_page(epochs_of_their_own, "home", run=run_id)
    assert [said(home).count(words) for words in caveats] == [times, times]
    assert f", the {word}" in said(home) and f", the {other}" not in said(home)
    for page in PAGES:
        app = open_page(epochs_of_their_own, page, run=run_id)
        options = app.select_slider(key=f"{page}_epoch").options
        assert [option.removeprefix("epoch ") for option in options] == ["1", f"2 ({word})"]
        assert f"epoch 2 of 2, the {word}" in said(app)
        assert [said(app).count(words) for words in caveats] == [times, times]
        assert (caveats[1] in app.select_slider(key=f"{page}_epoch").help) == (word == "best")
    watched = open_page(epochs_of_their_own, "train", run=run_id, view="Watch")
    for chart in watched.get("plotly_chart"):
        assert f"{word}: epoch 2" in chart.proto.spec
        assert f"{other}: epoch" not in chart.proto.spec
    assert [said(watched).count(words) for words in caveats] == [times, times]


def test_an_epoch_that_was_computed_anew_is_shown_as_it_is_now(
    open_page: OpenPage, epochs_of_their_own: Workspace
) -> None:
    """A run that was resumed under other conditions does this."""
    app = open_page(epochs_of_their_own, "misclassified", run="early", epoch="2")
    before = said(app)
    history = epochs_of_their_own.runs / "early" / "predictions" / "test-0002.npy"
    probs = np.load(history)
    write_array(history, np.eye(10, dtype=np.float32)[np.arange(100) % 10])  # all of them right
    app.run()
    assert not app.error
    assert "of 0 mistakes match" in said(app) and "of 0 mistakes" not in before
    write_array(history, probs)
    app.run()
    assert said(app) == before


@pytest.mark.parametrize("page", PAGES)
def test_an_epoch_whose_predictions_are_gone_leads_to_the_best_one(
    open_page: OpenPage, epochs_of_their_own: Workspace, page: str
) -> None:
    (epochs_of_their_own.runs / "early" / "predictions" / "test-0002.npy").unlink()
    app = open_page(epochs_of_their_own, page, run="early", epoch="2")
    assert "are missing" in app.error[0].value
    app.button(key=f"{page}_best_epoch").click().run()
    assert not app.error and not app.exception
    assert "epoch 1 of 2, the best" in said(app) and "epoch" not in app.query_params


def played(app: AppTest, page: str) -> tuple[int, str, str]:
    """The epoch that is shown, that in the URL, and the word on the button."""
    assert not app.exception and not app.error
    epoch = app.select_slider(key=f"{page}_epoch").value
    return epoch, "".join(app.query_params.get("epoch", "")), app.button(key=f"{page}_play_button").label


def tick(app: AppTest, page: str) -> None:
    """Let the time come at which the player goes to the next epoch."""
    app.session_state[f"{page}_epoch"] += 1
    app.session_state[f"{page}_play_reached"] = app.session_state[f"{page}_epoch"]
    app.run()


@pytest.mark.parametrize("page", PAGES)
def test_epochs_are_played_until_the_last(open_page: OpenPage, many_epochs: Workspace, page: str) -> None:
    app = open_page(many_epochs, page, run="many")
    assert played(app, page) == (4, "", "Play"), "the best one, which is the last"
    app.button(key=f"{page}_play_button").click().run()
    assert played(app, page) == (1, "1", "Pause"), "from the last one it begins again"
    tick(app, page)
    tick(app, page)
    assert played(app, page) == (3, "3", "Pause")
    assert page != "confusion" or app.toggle(key="confusion_hold").value, "a colour means the same in every epoch"
    tick(app, page)
    assert played(app, page) == (4, "", "Play")


@pytest.mark.parametrize("page", PAGES)
def test_anything_else_pauses_the_epochs(open_page: OpenPage, many_epochs: Workspace, page: str) -> None:
    def playing(epoch: str) -> AppTest:
        app = open_page(many_epochs, page, run="many", epoch=epoch)
        app.button(key=f"{page}_play_button").click().run()
        assert played(app, page) == (int(epoch), epoch, "Pause")
        return app

    app = playing("2")
    app.button(key=f"{page}_play_button").click().run()
    assert played(app, page) == (2, "2", "Play")
    app = playing("1")
    app.select_slider(key=f"{page}_epoch").set_value(3).run()
    assert played(app, page) == (3, "3", "Play")
    app = playing("1")
    picture = "confusion_image" if page == "confusion" else "misclassified_image"
    app.session_state[picture] = "test/00001.png"
    app.run()
    assert played(app, page) == (1, "1", "Play")
    app.run()
    assert played(app, page)[2] == "Play", "it does not go on by itself"


def test_a_single_epoch_is_not_played(open_page: OpenPage, epochs_of_their_own: Workspace) -> None:
    app = open_page(epochs_of_their_own, "confusion", run="short")
    assert not [button for button in app.button if button.label == "Play"]
