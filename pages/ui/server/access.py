"""Who is at the page, and what a visitor from elsewhere may not do. Reads the server's settings and the session's user.

A login is Streamlit's own (OIDC): it is on where `[auth]` stands in `secrets.toml`. docs/SERVER.md says how.
"""

import ipaddress
import os
from pathlib import Path

import streamlit as st
from streamlit.errors import StreamlitAuthError

from cifar_core.errors import DataError
from cifar_core.workspace import Workspace
from pages.ui.markdown import escaped_sentence

FORWARDED_HEADERS = ("Forwarded", "X-Forwarded-For", "X-Real-Ip")  # set by a reverse proxy


def require_login() -> None:
    """End the page for whoever has not logged in, where a login is set up, before anything is shown."""
    if _secrets_are_broken():  # Streamlit would go on without a login
        st.error(
            "secrets.toml cannot be read, so nobody is let in: correct it, then start the server again.",
            icon=":material/lock:",
        )
        st.stop()
    if "is_logged_in" not in st.user or st.user.is_logged_in:
        return
    st.title("Log in", anchor=False)
    st.markdown("This server belongs to a group: log in to see its data and runs.")
    if st.button("Log in", type="primary", icon=":material/login:", key="visitors_login"):
        try:
            st.login()
        except StreamlitAuthError as error:
            st.error(
                escaped_sentence(f"The login is not set up yet ({error}): docs/SERVER.md says what it needs."),
                icon=":material/lock:",
            )
    st.stop()


def show_logout() -> None:
    """Show who is logged in, with a Log out button, in the sidebar; nothing where there is no login."""
    if st.user.get("is_logged_in"):
        with st.sidebar:
            st.text(current_person())
            st.button("Log out", icon=":material/logout:", key="visitors_logout", on_click=st.logout, type="tertiary")


def current_person() -> str:
    """Return who is logged in: the e-mail, else the id of the login; empty where there is no login."""
    return str(st.user.get("email") or st.user.get("sub") or "")


def has_login() -> bool:
    """Return whether people log in here."""
    return "is_logged_in" in st.user


def is_shared() -> bool:
    """Return whether others than the person at this machine can reach the server.

    They cannot where it listens on this machine alone, answers to no other name, and has neither a login nor a proxy.
    """
    names = [st.get_option("server.address"), *(st.get_option("server.allowedHosts") or [""])]
    headers = st.context.headers
    return (
        not all(is_this_machine(name) for name in names)
        or has_login()
        or any(header in headers for header in FORWARDED_HEADERS)
    )


def allowed_path(workspace: Workspace, text: str) -> Path:
    """Return the path that a person typed: any path on their own machine, one in the workspace on a shared server.

    Text that leads elsewhere is refused as text, before the disk (or, on Windows, another machine) is asked for it.

    Raises:
        DataError: it leads out of the workspace of a shared server.
    """
    if not is_shared():
        return Path(text)
    refused = DataError(
        "This server is shared, so a path must lie in its workspace, such as data/pictures.zip: "
        "choose an archive in your browser instead."
    )
    path = Path(os.path.normpath(workspace.root / text))
    if "\0" in text or not path.is_relative_to(workspace.root):
        raise refused
    if not Path(os.path.realpath(path)).is_relative_to(workspace.root):  # a symbolic link that leads out
        raise refused
    return path


def is_this_machine(name: str | None) -> bool:
    """Return whether a host's name or address means the machine itself."""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name or "").is_loopback
    except ValueError:
        return False


def _secrets_are_broken() -> bool:
    files = st.get_option("secrets.files")
    return any(os.path.lexists(file) for file in files) and not st.secrets.load_if_toml_exists()
