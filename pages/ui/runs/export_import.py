"""Export of a run as a .zip to download, and import of such a .zip.

The only lasting write is an imported run. The session keeps the outcome of the last import.
"""

import threading
from dataclasses import dataclass, field

import streamlit as st
from streamlit.typing import UploadedFile

from cifar_core.errors import CifarCoreError
from cifar_core.limits import LIMITS_FILE, read_limits, require_upload
from cifar_core.runs import Run, export_bytes, export_run, import_run, read_run
from cifar_core.storage.atomic import temp_beside, write_atomic
from cifar_core.text import MB, size_text
from cifar_core.workspace import Workspace
from pages.ui.markdown import escaped, escaped_sentence, single_line
from pages.ui.run_focus import focus_on
from pages.ui.server.upload_quota import drop_uploads, upload_field_key, upload_limit_mb

IMPORT_OUTCOME_KEY = "runs_came"  # session: the `ImportOutcome` of the last import
EXPORT_REFUSALS_KEY = "runs_export_refused"  # session: why exports could not be made; each sentence is shown once


@dataclass
class ImportOutcome:
    """The outcome of an import. A second click draws the page again while the first one is at work, hence the lock."""

    file: str = ""  # id of the upload
    run: str = ""  # id of the run; empty where it was refused
    message: str = ""
    shown: bool = True  # whether the page has been drawn since
    lock: threading.Lock = field(default_factory=threading.Lock)


def show_export_button(workspace: Workspace, run: Run) -> None:
    """Show the export button of a run; the .zip is made at the click. A run that cannot be exported says why."""
    refused, about = "", ""
    try:
        content, most = export_bytes(workspace, run.id), read_limits(workspace).export_mb * MB
        about = size_text(content)
        if content > most:
            limit = escaped(f"export_mb in {LIMITS_FILE}")
            refused = f"It has {about}, more than the {size_text(most)} that one export may have ({limit})."
    except CifarCoreError as error:
        refused = escaped_sentence(error)
    refusals: list[str] = st.session_state.setdefault(EXPORT_REFUSALS_KEY, [])
    st.download_button(
        f"Export · {about}" if about else "Export",
        data=lambda: _export_zip(workspace, run.id, refusals),
        file_name=f"{run.id}.zip",
        mime="application/zip",
        key=f"runs_export_{run.id}",
        icon=":material/folder_zip:",
        on_click="ignore",
        disabled=bool(refused),
        help=refused
        or f"One .zip with settings, curves, weights and predictions: {about} before packing. "
        "Import opens it, here or elsewhere.",
    )


def show_export_refusals() -> None:
    """Show why an export could not be made, because the browser only says that it failed."""
    refusals: list[str] = st.session_state.setdefault(EXPORT_REFUSALS_KEY, [])
    while refusals:
        st.toast(escaped_sentence(refusals.pop(0)), icon=":material/error:", duration="long")


def show_run_import(workspace: Workspace) -> None:
    """Show the field for the .zip of a run. Importing the same run a second time changes nothing."""
    outcome: ImportOutcome = st.session_state.setdefault(IMPORT_OUTCOME_KEY, ImportOutcome())
    with st.expander("Import a run", icon=":material/move_to_inbox:", key="runs_import_box"):
        st.markdown(
            "The .zip that Export made, here or elsewhere. The run can be looked at like any other; "
            "it comes without its checkpoint, so it cannot be resumed.",
            help="On the command line: `runs export RUN` and `runs import FILE`.",
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
            # The field is removed meanwhile, because a file given to it now would be lost.
            with place, st.spinner("Checking every file…"), outcome.lock:
                if outcome.file != upload.file_id:
                    _import_run(workspace, upload, outcome)
        if not outcome.shown:
            if outcome.run:
                focus_on(outcome.run)
            outcome.shown = True
            st.rerun()
        if outcome.message:
            show_message = st.success if outcome.run else st.error
            show_message(outcome.message, icon=":material/check_circle:" if outcome.run else ":material/error:")
        elif asked:
            st.warning("Choose a .zip first.", icon=":material/info:")


def _import_run(workspace: Workspace, upload: UploadedFile, outcome: ImportOutcome) -> None:
    """Import a run, or say why not; the file does not stay in memory either way."""
    name = single_line(upload.name)
    source = temp_beside(workspace.runs / "upload")  # a temporary name is cleaned up even if this server dies
    try:
        require_upload(workspace, upload.size, name)  # checked here too, because a browser may not have checked it
        write_atomic(source, upload.getbuffer())
        imported = import_run(workspace, source, shown=name)
        word = "is here now" if imported.new else "was here already, so nothing was changed"
        outcome.run, outcome.message = (
            imported.run,
            f"Run **{escaped(read_run(workspace, imported.run).name)}** {word}.",
        )
    except CifarCoreError as error:
        outcome.run, outcome.message = "", escaped_sentence(error)
    finally:
        source.unlink(missing_ok=True)
    outcome.file, outcome.shown = upload.file_id, False
    drop_uploads()


def _export_zip(workspace: Workspace, run_id: str, refusals: list[str]) -> bytes:
    """Return the .zip of a run; runs in a thread of the server, where nothing can be shown."""
    path = temp_beside(workspace.exports / f"{run_id}.zip")
    try:
        return export_run(workspace, run_id, path).read_bytes()
    except CifarCoreError as error:
        refusals.append(str(error))
        raise
    finally:
        path.unlink(missing_ok=True)
