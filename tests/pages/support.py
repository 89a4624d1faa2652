"""Pages opened from the entry script, on the shared workspace of the run tests; nothing here starts a process by itself."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

from cifar_core.workspace import VARIABLE, Workspace

ENTRY = str(Path(__file__).resolve().parents[2] / "streamlit_app.py")
OpenPage = Callable[..., AppTest]
_INIT = PagesManager.__init__


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> OpenPage:
    """Opens a page as a person does: `open_page(workspace, "train", run="...")`; fails on any uncaught exception."""
    st.cache_resource.clear()
    monkeypatch.setattr(PagesManager, "__init__", _as_after_the_first_request)
    monkeypatch.setattr("pages.ui.live.start_calibration", lambda workspace: None)

    def opened(workspace: Workspace, page: str, /, **address: str) -> AppTest:
        monkeypatch.setenv(VARIABLE, str(workspace.root))
        app = AppTest.from_file(ENTRY, default_timeout=60).run()
        if page != "home":  # the default page is open already, and switching to it would open it under another address
            app.switch_page(f"pages/{page}.py")
        for name, value in address.items():
            app.query_params[name] = value
        app.run()
        assert not app.exception, app.exception
        return app

    return opened


def _as_after_the_first_request(manager: PagesManager, *args: Any, **more: Any) -> None:
    """AppTest is a new server at every run, on which Streamlit's old page discovery would swallow the first click."""
    _INIT(manager, *args, **more)
    PagesManager.uses_pages_directory = False


def said(app: AppTest) -> str:
    """All words on the page, for questions such as "does it say so?"."""
    kinds = ("title", "header", "subheader", "markdown", "caption", "error", "warning", "info", "code")
    return "\n".join(str(element.value) for kind in kinds for element in app.get(kind))


def primaries(app: AppTest) -> list[str]:
    """Labels of the primary buttons."""
    return [button.label for button in app.button if button.proto.type == "primary"]
