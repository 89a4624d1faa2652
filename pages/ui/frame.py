"""The frame of every page: its head, the login, and the workspace, named by `CIFAR_WORKSPACE` (else `./workspace`)."""

from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cifar_core.errors import StorageError
from cifar_core.sweeps.trash import empty_old_trash
from cifar_core.workspace import Workspace, open_workspace
from pages.ui.background_jobs import start_background_jobs
from pages.ui.components.focus_ring import show_focus_ring
from pages.ui.components.server_watch import watch_server
from pages.ui.glossary import show_glossary_button
from pages.ui.markdown import escaped, escaped_sentence
from pages.ui.server.access import require_login, show_logout
from pages.ui.server.kept_media import keep_shown_media
from pages.ui.server.startup import freeze_garbage_collector, leave_old_page_discovery, skip_ip_lookup
from pages.ui.server.upload_quota import grant_upload_quota, limit_uploads
from pages.ui.url_state import note_page

APP_NAME = "CIFAR-10 workbench"


@dataclass(frozen=True)
class PageFrame:
    """What `setup_page` gives a page."""

    workspace: Workspace
    head: DeltaGenerator  # the row with the title, for what stands beside it


def setup_page(title: str, lead: str, *, compact: bool = False) -> PageFrame:
    """Draw the head of a page and open the workspace; the first call of every page.

    Args:
        title: the page's name.
        lead: one sentence that says what a person can do here.
        compact: the lead stands behind the "?" of the title, so that pictures begin higher.
    """
    leave_old_page_discovery()
    st.set_page_config(page_title=APP_NAME if title == APP_NAME else f"{title} · {APP_NAME}", layout="wide")
    skip_ip_lookup()
    limit_uploads()
    keep_shown_media()
    below_pages = st.sidebar.container()
    with st.sidebar.container(gap=None):  # they show nothing now, and take no room there
        watch_server()
        show_focus_ring()
    require_login()
    note_page(title)
    head = st.container(horizontal=True, vertical_alignment="center", gap="small")
    head.title(title, anchor=False, width="content", help=lead if compact else None)
    if not compact:
        st.markdown(lead)
    show_glossary_button(below_pages)
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
    start_background_jobs(workspace)
    return PageFrame(workspace, head)


def _show_read_only_notice(workspace: Workspace) -> None:
    """Say that the workspace is read-only before a click that would write is refused."""
    closed = workspace.unwritable()
    if closed is not None:
        st.info(
            f"There is no permission to write in {escaped(str(closed))}: you can look at what is there, "
            "but nothing can be saved there.",
            icon=":material/lock:",
        )
