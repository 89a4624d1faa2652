"""The form that imports pictures a person has: a path on this machine, or an archive through the browser."""

from typing import Any

import streamlit as st

from cifar_core.data import start_import
from cifar_core.errors import CifarCoreError
from cifar_core.limits import require_upload
from cifar_core.storage.atomic import temp_beside, write_atomic
from cifar_core.workspace import Workspace
from pages.ui.error_messages import show_errors
from pages.ui.markdown import single_line
from pages.ui.server.access import allowed_path, is_shared
from pages.ui.server.upload_quota import drop_uploads, upload_field_key, upload_limit_mb

ARCHIVE_EXTENSIONS = ["zip", "tar", "gz", "tgz", "xz"]


def show_picture_import(workspace: Workspace) -> None:
    """Show the form: a name, and a path on this machine or an archive through the browser."""
    with st.expander("Import pictures you have", icon=":material/drive_folder_upload:"):
        st.markdown(
            "A folder, .zip or .tar (.gz, .xz) of `train/<class>/*` and `test/<class>/*` pictures, "
            "or the official CIFAR-10 archive. Everything is imported or nothing, unless you choose to "
            "leave out files below."
        )
        with st.form("data_import", border=False, enter_to_submit=False):
            name = st.text_input(
                "Name",
                key="data_import_name",
                placeholder="my-pictures",
                max_chars=64,
                help="Small letters, digits and hyphens.",
            )
            where = (
                ("Path in the workspace", "data/pictures.zip")
                if is_shared()
                else ("Path on this machine", "/home/me/pictures.zip")
            )
            path = st.text_input(where[0], key="data_import_path", placeholder=where[1])
            upload = st.file_uploader(
                "or an archive from your browser",
                ARCHIVE_EXTENSIONS,
                key=upload_field_key("data_import_file"),
                max_upload_size=upload_limit_mb(workspace),
            )
            leave_out = st.toggle(
                "Leave out files that cannot be used",
                key="data_import_leave_out",
                help="Imports the rest, and lists the files left out. "
                "Without this, one such file refuses the whole import.",
            )
            asked = st.form_submit_button("Import", icon=":material/drive_folder_upload:", key="data_import_start")
    if asked:
        with show_errors():
            _start_import(workspace, name.strip(), path.strip(), upload, leave_out=leave_out)


def _start_import(workspace: Workspace, name: str, path: str, upload: Any, *, leave_out: bool) -> None:
    if upload is not None:
        # This is checked here too, because a browser may not have checked it.
        require_upload(workspace, upload.size, single_line(upload.name))
        source = temp_beside(workspace.data / "upload")  # cleaned up if this server dies before the import begins
        write_atomic(source, upload.getbuffer())
        try:
            start_import(
                workspace, source, name, remove_source=True, shown=single_line(upload.name), leave_out=leave_out
            )
        except CifarCoreError:
            source.unlink(missing_ok=True)
            raise
        drop_uploads()  # its content is on the disk now
    elif path:
        start_import(workspace, allowed_path(workspace, path), name, leave_out=leave_out)
    else:
        st.warning("Give a path, or choose an archive.", icon=":material/info:")
        return
    st.rerun()
