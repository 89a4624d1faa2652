"""Who may see anything, and which paths a visitor may type. A login's own pages are Streamlit's and its provider's."""

from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.runtime.secrets import secrets_singleton

from cifar_core.errors import DataError
from cifar_core.workspace import Workspace
from pages.ui.server import access
from tests.conftest import save_tiny
from tests.pages.support import OpenPage, said
from tests.pages.test_all_pages import PAGES

AUTH = """
[auth]
redirect_uri = "http://localhost:8501/oauth2callback"
cookie_secret = "a long secret of the tests, nobody else's"
client_id = "tests"
client_secret = "tests"
server_metadata_url = "http://localhost:1/.well-known/openid-configuration"
"""
ANN = {"is_logged_in": True, "email": "ann@example.org", "sub": "17"}


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that gives the server a `secrets.toml` of this text."""
    file = tmp_path / "secrets.toml"

    def put(text: str) -> None:
        file.write_text(text, "utf-8")
        monkeypatch.setattr(secrets_singleton, "_secrets", None)

    real = st.get_option
    monkeypatch.setattr(st, "get_option", lambda key: [str(file)] if key == "secrets.files" else real(key))
    monkeypatch.setattr("streamlit.config.get_option", lambda key: [str(file)] if key == "secrets.files" else real(key))
    monkeypatch.setattr(secrets_singleton, "_secrets", None)
    return put


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that sets options of the server."""
    options: dict[str, Any] = {
        "server.address": "127.0.0.1",
        "server.allowedHosts": ["127.0.0.1", "localhost"],
        "secrets.files": [],
    }
    monkeypatch.setattr(st, "get_option", options.__getitem__)
    return lambda **more: options.update({f"server.{name}": value for name, value in more.items()})


@pytest.mark.parametrize("page", PAGES)
def test_where_a_login_is_set_up_nobody_sees_anything_without_it(
    page: str, open_page: OpenPage, workspace: Workspace, secrets: Any
) -> None:
    save_tiny(workspace, "private")
    secrets(AUTH)
    app = open_page(workspace, page)
    assert [button.label for button in app.button] == ["Log in"]
    assert [title.value for title in app.title] == ["Log in"]
    assert "private" not in said(app)
    assert not app.get("file_uploader")
    assert not app.text_input


def test_whoever_is_logged_in_sees_the_page_and_the_way_out(
    open_page: OpenPage, workspace: Workspace, secrets: Any
) -> None:
    secrets(AUTH)
    app = open_page(workspace, "data")
    app.user = ANN
    app.run()
    assert [title.value for title in app.title] == ["Data"]
    assert "ann@example.org" in [text.value for text in app.text]
    assert "Log out" in {button.label for button in app.button}


def test_secrets_that_cannot_be_read_let_nobody_in(open_page: OpenPage, workspace: Workspace, secrets: Any) -> None:
    """Streamlit itself would go on without a login."""
    secrets("[auth\nredirect_uri = ")
    app = open_page(workspace, "data")
    assert ["nobody is let in" in error.value for error in app.error] == [True]
    assert not app.title


def test_without_a_login_it_is_as_ever(open_page: OpenPage, workspace: Workspace) -> None:
    app = open_page(workspace, "data")
    assert [title.value for title in app.title] == ["Data"]
    assert "Log out" not in {button.label for button in app.button}


def test_a_login_that_is_not_set_up_is_one_sentence(open_page: OpenPage, workspace: Workspace, secrets: Any) -> None:
    secrets("[auth]\nclient_id = 'x'")
    app = open_page(workspace, "home")
    app.button(key="visitors_login").click().run()
    assert not app.exception
    assert ["not set up yet" in error.value for error in app.error] == [True]


@pytest.mark.parametrize(
    ("user", "name"),
    [({}, ""), (ANN, "ann@example.org"), ({"is_logged_in": True, "sub": "17"}, "17"), ({"is_logged_in": False}, "")],
)
def test_a_person_is_their_e_mail(user: dict[str, Any], name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "user", user)
    assert access.current_person() == name


@pytest.mark.parametrize(
    ("options", "shared"),
    [
        ({}, False),
        ({"address": "localhost"}, False),
        ({"address": "::1"}, False),
        ({"address": None}, True),
        ({"address": ""}, True),
        ({"address": "0.0.0.0"}, True),
        ({"address": "192.168.1.7"}, True),
        ({"address": "127.0.0.1.example.org"}, True),
        ({"allowedHosts": []}, True),
        ({"allowedHosts": ["127.0.0.1", "lab.example.org"]}, True),
        ({"allowedHosts": ["*"]}, True),
    ],
)
def test_a_server_is_shared_unless_it_answers_this_machine_alone(
    server: Any, options: dict[str, Any], shared: bool
) -> None:
    server(**options)
    assert access.is_shared() is shared


@pytest.mark.parametrize("header", access.FORWARDED_HEADERS)
def test_behind_a_proxy_it_is_shared(server: Any, header: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(st.context), "headers", {header: "203.0.113.7"})
    assert access.is_shared()


def test_with_a_login_it_is_shared(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "user", {"is_logged_in": False})
    assert access.is_shared()


def test_on_a_machine_of_their_own_a_person_may_name_any_path(server: Any, workspace: Workspace) -> None:
    assert access.allowed_path(workspace, "~/pictures.zip") == Path("~/pictures.zip")


@pytest.mark.parametrize(
    "text", ["/etc", "../x", "data/../../x", "//host/share", "data/\0x", "leak", "leak/passwd", "/"]
)
def test_on_a_shared_server_no_path_leads_out(server: Any, workspace: Workspace, text: str) -> None:
    server(address="0.0.0.0")
    (workspace.root / "leak").symlink_to("/etc")
    with pytest.raises(DataError, match="must lie in its workspace"):
        access.allowed_path(workspace, text)


def test_on_a_shared_server_a_path_inside_is_fine(server: Any, workspace: Workspace) -> None:
    server(address="0.0.0.0")
    inside = workspace.root / "data" / "pictures.zip"
    assert access.allowed_path(workspace, "data/pictures.zip") == inside
    assert access.allowed_path(workspace, str(inside)) == inside
    assert access.allowed_path(workspace, "~/x").is_relative_to(workspace.root), "nobody's home folder"


def test_the_data_page_refuses_a_path_outside(
    open_page: OpenPage, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pages.ui.server.access.is_shared", lambda: True)
    monkeypatch.setattr("pages.ui.data.import_pictures.is_shared", lambda: True)
    app = open_page(workspace, "data")
    app.text_input(key="data_import_name").set_value("mine")
    app.text_input(key="data_import_path").set_value("/etc")
    app.button(key="data_import_start").click().run()
    assert not app.exception
    assert ["must lie in its workspace" in error.value for error in app.error] == [True]
    assert not (workspace.data / ".jobs" / "mine").exists()
