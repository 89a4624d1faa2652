"""The frame of every page: its head, the login, and the workspace, named by `CIFAR_WORKSPACE` (else `./workspace`)."""

import streamlit as st

from cifar_core.errors import StorageError
from cifar_core.runs import empty_old_trash
from cifar_core.workspace import Workspace, open_workspace
from pages.ui.markdown import escaped, escaped_sentence
from pages.ui.server.access import require_login, show_logout
from pages.ui.server.kept_media import keep_shown_media
from pages.ui.server.startup import freeze_garbage_collector, leave_old_page_discovery, skip_ip_lookup
from pages.ui.server.upload_quota import grant_upload_quota, limit_uploads
from pages.ui.url_state import note_page

APP_NAME = "CIFAR-10 workbench"


def setup_page(title: str, lead: str = "") -> Workspace:
    """Draw the head of a page and open the workspace; the first call of every page.

    Args:
        title: the page's name.
        lead: one sentence that says what a person can do here.
    """
    leave_old_page_discovery()
    st.set_page_config(page_title=f"{title} · {APP_NAME}", layout="wide")
    skip_ip_lookup()
    limit_uploads()
    keep_shown_media()
    require_login()
    note_page(title)
    st.title(title, anchor=False)
    if lead:
        st.markdown(lead)
    show_logout()
    try:
        workspace = open_workspace()  # at every rerun, because its folders may have been deleted meanwhile
    except StorageError as error:
        st.error(escaped_sentence(error), title="The workspace cannot be used", icon=":material/folder_off:")
        st.stop()
    _show_read_only_notice(workspace)
    grant_upload_quota(workspace, title)
    freeze_garbage_collector(title)
    empty_old_trash(workspace)
    return workspace


def _show_read_only_notice(workspace: Workspace) -> None:
    """Say that the workspace is read-only before a click that would write is refused."""
    closed = workspace.unwritable()
    if closed is not None:
        st.info(
            f"There is no permission to write in {escaped(str(closed))}: you can look at what is there, "
            "but nothing can be saved there.",
            icon=":material/lock:",
        )
