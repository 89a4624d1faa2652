"""A fragment that reruns the page and a click at the same moment: the click wins."""

import pytest
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData, ScriptRequests, ScriptRequestType

from pages.ui import rerun
from pages.ui.rerun import rerun_page


class LeaveError(Exception):
    """The script runner leaves the script."""


@pytest.mark.parametrize(("clicked", "goal"), [(None, "here"), ("there", "there")])
def test_the_page_that_was_clicked_is_drawn(monkeypatch: pytest.MonkeyPatch, clicked: str | None, goal: str) -> None:
    """With Streamlit's own queue of requests, asked at each element as its runner does."""
    requests = ScriptRequests()
    if clicked:
        requests.request_rerun(RerunData(page_script_hash=clicked))
    drawn: list[str] = []

    def element() -> None:
        request = requests.on_scriptrunner_yield()
        if request is not None and request.type is ScriptRequestType.RERUN:
            drawn.append(request.rerun_data.page_script_hash)
            raise LeaveError

    def request_rerun() -> None:
        requests.request_rerun(RerunData(page_script_hash="here"))
        element()

    monkeypatch.setattr(rerun.st, "empty", element)
    monkeypatch.setattr(rerun.st, "rerun", request_rerun)
    with pytest.raises(LeaveError):
        rerun_page()
    assert drawn == [goal]
