"""Runs that travel: one as a .zip to download, and the .zip of a colleague brought in.

Reads runs; writes the run that comes in, and nothing else that stays. Session: what became of the last import.
"""

import threading
from dataclasses import dataclass, field

import streamlit as st
from streamlit.typing import UploadedFile

from cifar_core.errors import CifarCoreError
from cifar_core.files import MB, size_text, temp_beside, write_atomic
from cifar_core.runs import Run, export_bytes, export_run, import_run, read_run
from cifar_core.settings import SETTINGS_FILE, read_limits, require_upload
from cifar_core.workspace import Workspace
from pages.ui.markdown import escaped, escaped_sentence, single_line
from pages.ui.server.upload_quota import drop_uploads, upload_field_key, upload_limit_mb

IMPORT_OUTCOME_KEY = "runs_came"  # session: the `ImportOutcome` of the last import
EXPORT_REFUSALS_KEY = "runs_export_refused"  # session: sentences of exports that could not be made, to be shown once


@dataclass
class ImportOutcome:
    """What became of an import; a second click draws the page a second time while the first one is at work."""

    file: str = ""  # id of the upload
    run: str = ""  # "" where it was refused
    words: str = ""
    shown: bool = True  # the page has been drawn since
    lock: threading.Lock = field(default_factory=threading.Lock)


def show_export_button(workspace: Workspace, run: Run) -> None:
    """A run as a .zip, made when asked for; a run that cannot leave says why."""
    refused, about = "", ""
    try:
        content, most = export_bytes(workspace, run.id), read_limits(workspace).export_mb * MB
        about = size_text(content)
        if content > most:
            refused = f"It has {about}, more than the {size_text(most)} of one export ({escaped(f'export_mb in {SETTINGS_FILE}')})."
    except CifarCoreError as error:
        refused = escaped_sentence(error)
    told: list[str] = st.session_state.setdefault(EXPORT_REFUSALS_KEY, [])
    st.download_button(
        f"Export · {about}" if about else "Export",
        data=lambda: _export_zip(workspace, run.id, told),
        file_name=f"{run.id}.zip",
        mime="application/zip",
        key=f"runs_export_{run.id}",
        icon=":material/folder_zip:",
        on_click="ignore",
        disabled=bool(refused),
        help=refused
        or f"One .zip with settings, curves, weights and predictions: {about} before packing. Import opens it, here or elsewhere.",
    )


def show_export_refusals() -> None:
    """Say why an export that was asked for could not be made; the browser itself only says that it failed."""
    told: list[str] = st.session_state.setdefault(EXPORT_REFUSALS_KEY, [])
    while told:
        st.toast(escaped_sentence(told.pop(0)), icon=":material/error:", duration="long")


def show_run_import(workspace: Workspace) -> None:
    """A field for the .zip of a run; the same run a second time is found here."""
    came: ImportOutcome = st.session_state.setdefault(IMPORT_OUTCOME_KEY, ImportOutcome())
    with st.expander("Import a run", icon=":material/move_to_inbox:", key="runs_import_box"):
        st.markdown(
            "The .zip that Export or `runs export` made, here or elsewhere. The run can be looked at like any other; "
            "it comes without its checkpoint, so it cannot be resumed."
        )
        place = st.empty()
        with place.container(), st.form("runs_import", border=False):
            upload = st.file_uploader(
                "Exported run",
                ["zip"],
                key=upload_field_key("runs_import_file"),
                max_upload_size=upload_limit_mb(workspace),
            )
            asked = st.form_submit_button("Import", icon=":material/move_to_inbox:", key="runs_import_start")
        if asked and upload is not None:
            # No field meanwhile: what it was given would be forgotten.
            with place, st.spinner("Checking every file…"), came.lock:
                if came.file != upload.file_id:
                    _import_run(workspace, upload, came)
        if not came.shown:
            if came.run:
                st.query_params["run"] = came.run
            came.shown = True
            st.rerun()
        if came.words:
            tell = st.success if came.run else st.error
            tell(came.words, icon=":material/check_circle:" if came.run else ":material/error:")
        elif asked:
            st.warning("Choose a .zip first.", icon=":material/info:")


def _import_run(workspace: Workspace, upload: UploadedFile, came: ImportOutcome) -> None:
    """Take a run in, or say why not; imported or refused, the file need not stay in memory."""
    name = single_line(upload.name)
    source = temp_beside(workspace.runs / "upload")  # swept if this server dies meanwhile
    try:
        require_upload(workspace, upload.size, name)  # the browser may not have looked
        write_atomic(source, upload.getbuffer())
        arrival = import_run(workspace, source, shown=name)
        word = "is here now" if arrival.new else "was here already: nothing was changed"
        came.run, came.words = arrival.run, f"Run **{escaped(read_run(workspace, arrival.run).name)}** {word}."
    except CifarCoreError as error:
        came.run, came.words = "", escaped_sentence(error)
    finally:
        source.unlink(missing_ok=True)
    came.file, came.shown = upload.file_id, False
    drop_uploads()


def _export_zip(workspace: Workspace, run_id: str, told: list[str]) -> bytes:
    """The .zip of a run; runs in a thread of the server, where nothing can be shown."""
    path = temp_beside(workspace.exports / f"{run_id}.zip")
    try:
        return export_run(workspace, run_id, path).read_bytes()
    except CifarCoreError as error:
        told.append(str(error))
        raise
    finally:
        path.unlink(missing_ok=True)
