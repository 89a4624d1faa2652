"""The form that looks into pictures a person has: a path on this machine, or an archive through the browser."""

from typing import Any

import streamlit as st

from cifar_core.data import free_dataset_name, pasted_path, start_look, suggested_name
from cifar_core.errors import CifarCoreError
from cifar_core.limits import require_upload
from cifar_core.storage.atomic import temp_beside, write_atomic
from cifar_core.workspace import Workspace
from pages.ui.error_messages import show_errors
from pages.ui.markdown import single_line
from pages.ui.server.access import allowed_path, is_shared
from pages.ui.server.upload_quota import drop_uploads, upload_field_key, upload_limit_mb

ARCHIVE_EXTENSIONS = ["zip", "tar", "gz", "tgz", "xz", "bz2"]
_NAME_KEY, _PATH_KEY, _SUGGESTED_KEY = "data_import_name", "data_import_path", "data_import_suggested"
_DONE_KEY = "data_import_done"  # session: what the fields hold was looked into


def show_picture_import(workspace: Workspace) -> None:
    """Show the form: a path on this machine or an archive through the browser, and the name of the dataset."""
    if st.session_state.pop(_DONE_KEY, False):
        st.session_state.update({_NAME_KEY: "", _PATH_KEY: "", _SUGGESTED_KEY: ""})
    with st.expander("Import pictures you have", icon=":material/drive_folder_upload:"):
        st.markdown(
            "A folder, .zip or .tar (.gz, .xz, .bz2) in which every class has a folder: `train/<class>/*` and "
            "`test/<class>/*`, under these or similar names, or the class folders alone. Also the archives of CIFAR-10 "
            "and CIFAR-100. You see what is found inside before anything is imported."
        )
        where = (
            ("Path in the workspace", "data/pictures.zip")
            if is_shared()
            else ("Path on this machine", "/home/me/pictures.zip")
        )
        path = pasted_path(st.text_input(where[0], key=_PATH_KEY, placeholder=where[1]))
        upload = st.file_uploader(
            "or an archive from your browser",
            ARCHIVE_EXTENSIONS,
            key=upload_field_key("data_import_file"),
            max_upload_size=upload_limit_mb(workspace),
        )
        _suggest_name(workspace, upload.name if upload is not None else path)
        name = st.text_input(
            "Name", key=_NAME_KEY, max_chars=64, help="Of the dataset: small letters, digits and hyphens."
        ).strip()
        asked = st.button("Look inside", icon=":material/search:", key="data_import_start")
    if asked:
        with show_errors():
            _start_look(workspace, name, path, upload)


def _suggest_name(workspace: Workspace, source: str) -> None:
    """Fill in the name from that of the source, unless the person has written another."""
    state = st.session_state
    written = state.get(_NAME_KEY, "")
    if source and written in ("", state.get(_SUGGESTED_KEY, "")):
        state[_SUGGESTED_KEY] = state[_NAME_KEY] = free_dataset_name(workspace, suggested_name(source))


def _start_look(workspace: Workspace, name: str, path: str, upload: Any) -> None:
    if upload is not None and path:
        st.warning("Give a path or an archive, not both.", icon=":material/info:")
        return
    if upload is not None:
        # This is checked here too, because a browser may not have checked it.
        require_upload(workspace, upload.size, single_line(upload.name))
        source = temp_beside(workspace.data / "upload")  # cleaned up if this server dies before the job begins
        write_atomic(source, upload.getbuffer())
        try:
            start_look(workspace, source, name, upload=True, shown=single_line(upload.name))
        except CifarCoreError:
            source.unlink(missing_ok=True)
            raise
        drop_uploads()  # its content is on the disk now
    elif path:
        start_look(workspace, allowed_path(workspace, path), name)
    else:
        st.warning("Give a path, or choose an archive.", icon=":material/info:")
        return
    st.session_state[_DONE_KEY] = True
    st.rerun()
