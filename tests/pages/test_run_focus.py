"""The run in focus: chosen in the box, asked for by the program, named by a URL that the browser sends too early."""

import pytest

from cifar_core.workspace import Workspace
from pages.ui.run_focus import SELECT_BOX_KEY
from tests.pages.support import OpenPage


@pytest.mark.parametrize("asked", [False, True])
def test_a_click_right_after_the_choice_of_a_run_does_not_go_back(
    open_page: OpenPage, epochs_of_their_own: Workspace, asked: bool
) -> None:
    app = open_page(epochs_of_their_own, "confusion", run="early")
    if asked:
        app.session_state["frame_asked"] = "late"
        app.run()
    else:
        app.selectbox(key=SELECT_BOX_KEY).select("late").run()
    app.query_params["run"] = "early"  # the browser has not received the new URL yet
    app.toggle(key="confusion_diagonal").set_value(False).run()
    assert app.query_params["run"] == app.selectbox(key=SELECT_BOX_KEY).value == "late"
    app.query_params["run"] = "late"
    app.run()
    app.query_params["run"] = "early"  # a link
    app.run()
    assert app.selectbox(key=SELECT_BOX_KEY).value == "early"


def test_that_a_run_is_not_here_is_said_until_one_goes_elsewhere(
    open_page: OpenPage, epochs_of_their_own: Workspace
) -> None:
    app = open_page(epochs_of_their_own, "misclassified", run="gone")
    for _ in range(2):  # a component that reports draws the page again
        assert [warning.value for warning in app.warning if "no run gone here" in warning.value]
        app.run()
    app.selectbox(key=SELECT_BOX_KEY).select("late").run()
    assert not [warning for warning in app.warning if "gone" in warning.value]
