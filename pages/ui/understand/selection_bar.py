"""The bar at the bottom of the window with what can be done with the selected pictures: tag, save, download, clear.

It is there only while something is selected, while a save runs or has failed, or after a key has tagged a picture. What
a save made is told once to each session that saw it begin or run.
"""

from collections.abc import Set
from functools import partial
from pathlib import Path

import pandas as pd
import streamlit as st

from cifar_core.errors import CifarCoreError, DataError
from cifar_core.export import epoch_file_name, require_exportable, save_job, start_save, zip_bytes
from cifar_core.jobs.job import JobFolder, JobState, dismiss_job, read_job
from cifar_core.runs import RunEpoch
from cifar_core.samples import SampleFilter, select_samples
from cifar_core.text import size_text
from cifar_core.workspace import Workspace
from pages.ui.components.job_view import show_job_end, show_running_job
from pages.ui.error_messages import show_errors
from pages.ui.markdown import escaped, escaped_sentence
from pages.ui.tags.tag_buttons import key_pressed, pictures_to_tag, show_tag_buttons, show_tag_keys
from pages.ui.understand.gallery_query import GalleryContent, GalleryQuery, selected_ids
from pages.ui.understand.selection import clear_selection, keep_in_browser

ENLARGEMENTS = (1, 4, 8)  # times the picture's own size
ENLARGEMENT_HELP = "32 × 32 keeps the dataset's own pixels; 4× and 8× repeat each pixel, without smoothing."
ALL_PICTURES = SampleFilter(outcome="all")


def show_selection_bar(workspace: Workspace, content: GalleryContent) -> None:
    """Show the bar, and keep the selection in the browser; the last call of a page with a gallery."""
    query, chosen = content.query, frozenset(selected_ids(content.query))
    keep_in_browser(query)
    rows, folder = rows_to_export(content, chosen), save_job(workspace, query.run.id)
    job = read_job(folder)
    _tell_end(query, job)
    troubled = job is not None and (job.active or job.state == "failed")
    if rows.empty and not troubled and not key_pressed():
        return
    tagged = pictures_to_tag(workspace, query.run, rows["id"])
    with st.bottom:
        if rows.empty and key_pressed():
            show_tag_keys(tagged, query.page)
        elif not rows.empty:
            _show_actions(workspace, content, rows, job)
            # While a picture is open in the drawer, the keys tag that one.
            show_tag_buttons(tagged, query.page, with_keys=not st.session_state[f"{query.page}_image"], low=True)
        if troubled:
            _show_save_job(folder, f"{query.page}_save")


def rows_to_export(content: GalleryContent, chosen: Set[str]) -> pd.DataFrame:
    """Return what is selected, in the order of the sort, even if a filter hides it."""
    table = content.table
    return select_samples(table[table["id"].isin(chosen)], ALL_PICTURES, content.query.sort)


def _show_actions(workspace: Workspace, content: GalleryContent, rows: pd.DataFrame, job: JobState | None) -> None:
    """Show how many pictures are selected, and the buttons for them."""
    query = content.query
    about, refused = _export_size(workspace, content, rows)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        hidden = len(rows) - int(rows["id"].isin(content.rows["id"]).sum())
        elsewhere = f" ({hidden:,} of them outside the filters)" if hidden else ""
        st.markdown(f"**{len(rows):,} selected**{elsewhere}", width="content")
        st.button(
            "Clear",
            key=f"{query.page}_clear",
            type="tertiary",
            icon=":material/deselect:",
            on_click=clear_selection,
            args=(query,),
        )
        enlarge = _choose_enlargement(query.page)
        save = st.button(
            "Save to disk",
            type="primary",
            icon=":material/save:",
            key=f"{query.page}_save",
            disabled=bool(refused) or (job is not None and job.active),
            help="PNG files, a table (CSV) and a contact sheet, in a new folder.",
        )
        st.download_button(
            "Download ZIP",
            data=partial(_make_zip, query, frozenset(rows["id"]), enlarge),
            file_name=epoch_file_name(query.run.id, query.epoch, "pictures.zip"),
            mime="application/zip",
            icon=":material/folder_zip:",
            key=f"{query.page}_zip",
            on_click="ignore",
            disabled=bool(refused),
            help=f"The same files, {about}; made when you click.",
        )
        _show_last_save(job)
    if refused:
        st.warning(refused, icon=":material/folder_off:")
    if save:
        _start(workspace, query, rows, enlarge)


def _choose_enlargement(page: str) -> int:
    chosen: int = st.segmented_control(
        "Size of the files",
        ENLARGEMENTS,
        default=1,
        required=True,
        key=f"{page}_enlarge",
        format_func=lambda times: "32 × 32" if times == 1 else f"{times}×",
        label_visibility="collapsed",
        help=ENLARGEMENT_HELP,
    )
    return chosen


def _start(workspace: Workspace, query: GalleryQuery, rows: pd.DataFrame, enlarge: int) -> None:
    """Start the job that saves the pictures, and draw the page anew with it."""
    with show_errors():
        label = epoch_file_name(query.run.id, query.epoch, f"by-{query.sort}")
        other = query.against
        against = str(RunEpoch(other.run.id, other.epoch)) if other else ""
        start_save(workspace, query.run.id, query.epoch, rows, label=label, enlarge=enlarge, against=against)
        st.session_state[_watched_key(query)] = True
        st.rerun()


def _show_save_job(folder: JobFolder, key: str) -> None:
    """Show a save while it runs, or why it failed until a person dismisses it."""
    job = show_running_job(folder, key)
    if job is None or job.active:
        return
    show_job_end(job)
    with show_errors():
        if st.button("Dismiss", key=f"{key}_dismiss", icon=":material/close:", type="tertiary"):
            dismiss_job(folder)
            st.rerun()


def _tell_end(query: GalleryQuery, job: JobState | None) -> None:
    """Tell once how a save ended that this session saw begin or run; the page may have been left meanwhile."""
    if job is None:
        return
    if job.active:
        st.session_state[_watched_key(query)] = True
    elif st.session_state.pop(_watched_key(query), False):
        if len(job.report) == 2:
            many, place = job.report
            st.toast(f"Saved {many} to exports/{escaped(Path(place).name)}", icon=":material/check_circle:")
        elif job.state == "cancelled":
            st.toast("The save was cancelled; nothing was saved.", icon=":material/cancel:")


def _watched_key(query: GalleryQuery) -> str:
    """Session key: whether this session waits for the end of a save of this run."""
    return f"save_watched_{query.run.id}"


def _show_last_save(job: JobState | None) -> None:
    """Show the folder of the last save, to copy."""
    if job is not None and len(job.report) == 2:
        with st.popover("Last save", type="tertiary", icon=":material/folder:"):
            many, place = job.report
            st.markdown(f"Saved {many} to this folder:")
            st.code(place, language=None, wrap_lines=True)


def _export_size(workspace: Workspace, content: GalleryContent, rows: pd.DataFrame) -> tuple[str, str]:
    """Return about how large the files will be, and the reason where they cannot be made."""
    if content.pictures.missing:
        return "not here", escaped_sentence(content.pictures.missing)
    enlarge = st.session_state.get(f"{content.query.page}_enlarge") or 1
    names = content.findings.predictions.class_names
    try:
        return f"about {size_text(require_exportable(workspace, content.split, rows, names, enlarge=enlarge))}", ""
    except CifarCoreError as error:
        return "too many", escaped_sentence(error)


def _make_zip(query: GalleryQuery, chosen: Set[str], enlarge: int) -> bytes:
    """Return the ZIP; runs at the click, in a thread of the server."""
    content = query.load()
    if content.pictures.missing:  # gone since the button was drawn
        raise DataError(content.pictures.missing)
    found = content.findings.predictions
    rows = rows_to_export(content, chosen)
    return zip_bytes(content.split, rows, found.probs, found.class_names, query.epoch, enlarge=enlarge)
