"""Export of pictures: saved to the workspace's `exports/`, or downloaded as a ZIP of the same files."""

from collections.abc import Set
from functools import partial
from pathlib import Path

import pandas as pd
import streamlit as st

from cifar_core.errors import CifarCoreError
from cifar_core.export import require_exportable, save_job, start_save, zip_bytes
from cifar_core.jobs.job import JobFolder, dismiss_job, read_job
from cifar_core.samples import SORTS, SampleFilter, select_samples
from cifar_core.text import counted, size_text
from cifar_core.workspace import Workspace
from pages.ui.components.job_view import show_job_end, show_running_job
from pages.ui.error_messages import show_errors
from pages.ui.markdown import escaped_sentence
from pages.ui.understand.gallery_query import GalleryContent, GalleryQuery, selected_ids

ENLARGEMENTS = (1, 4, 8)  # times the picture's own size
ENLARGEMENT_HELP = "32 × 32 keeps the dataset's own pixels; 4× and 8× repeat each pixel, without smoothing."
ALL_PICTURES = SampleFilter(outcome="all")


def show_save_and_download(workspace: Workspace, content: GalleryContent) -> None:
    """Show both buttons, for what is selected, else for all that match, and the folder of the last save."""
    query, chosen = content.query, frozenset(selected_ids(content.query))
    rows = rows_to_export(content, chosen)
    many = counted(len(rows), "picture")
    folder = save_job(workspace, query.run.id)
    job = read_job(folder)
    about, refused = _export_size(workspace, content, rows)
    blocked = rows.empty or bool(refused)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        enlarge = _choose_enlargement(query.page)
        save = st.button(
            f"Save {many} to disk",
            type="primary",
            icon=":material/save:",
            key=f"{query.page}_save",
            disabled=blocked or (job is not None and job.active),
            help="PNG files, a table (CSV) and a contact sheet, in a new folder.",
        )
        st.download_button(
            f"Download {many} as ZIP",
            data=partial(_make_zip, query, chosen, enlarge),
            file_name=f"{query.run.id}-pictures.zip",
            mime="application/zip",
            icon=":material/folder_zip:",
            key=f"{query.page}_zip",
            on_click="ignore",
            disabled=blocked,
            help=f"The same files, {about}; made when you click.",
        )
    if refused:
        st.warning(refused, icon=":material/folder_off:")
    if save:
        with show_errors():
            label = f"{query.run.id}-by-{SORTS[query.sort].column}"
            start_save(workspace, query.run.id, query.epoch, rows, label=label, enlarge=enlarge)
            st.rerun()
    _show_last_save(folder, f"{query.page}_save")


def _choose_enlargement(page: str) -> int:
    chosen: int = st.segmented_control(
        "Size of the files",
        ENLARGEMENTS,
        default=1,
        required=True,
        key=f"{page}_enlarge",
        format_func=lambda times: "32 × 32" if times == 1 else f"{times}×",
        help=ENLARGEMENT_HELP,
    )
    return chosen


def _show_last_save(folder: JobFolder, key: str) -> None:
    """Show the last save of this run: its progress, or how it ended, until a person dismisses it."""
    job = show_running_job(folder, key)
    if job is None or job.active:
        return
    show_job_end(job)
    if len(job.report) == 2:
        many, place = job.report
        st.success(f"Saved {many} to exports/{Path(place).name}. The folder, to copy:", icon=":material/check_circle:")
        st.code(place, language=None, wrap_lines=True)
    with show_errors():
        if st.button("Dismiss", key=f"{key}_dismiss", icon=":material/close:", type="tertiary"):
            dismiss_job(folder)
            st.rerun()


def _export_size(workspace: Workspace, content: GalleryContent, rows: pd.DataFrame) -> tuple[str, str]:
    """Return about how large the files will be, and the reason where they cannot be made."""
    enlarge, names = (
        st.session_state.get(f"{content.query.page}_enlarge") or 1,
        content.findings.predictions.class_names,
    )
    try:
        return f"about {size_text(require_exportable(workspace, content.split, rows, names, enlarge=enlarge))}", ""
    except CifarCoreError as error:
        return "too many", escaped_sentence(error)


def rows_to_export(content: GalleryContent, chosen: Set[str]) -> pd.DataFrame:
    """Return what is selected, in the order of the sort, even if a filter hides it; all that match when nothing is."""
    if not chosen:
        return content.rows
    table = content.findings.table
    return select_samples(table[table["id"].isin(chosen)], ALL_PICTURES, content.query.sort)


def _make_zip(query: GalleryQuery, chosen: Set[str], enlarge: int) -> bytes:
    """Return the ZIP; runs at the click, in a thread of the server."""
    content = query.load()
    found = content.findings.predictions
    return zip_bytes(content.split, rows_to_export(content, chosen), found.probs, found.class_names, enlarge=enlarge)
