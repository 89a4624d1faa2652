"""Export of pictures: saved to the workspace's `exports/`, or downloaded as a ZIP of the same files."""

from collections.abc import Set
from functools import partial
from pathlib import Path

import pandas as pd
import streamlit as st

from cifar_core.errors import CifarCoreError
from cifar_core.export import require_exportable, save_samples, zip_bytes
from cifar_core.samples import SORTS, SampleFilter, select_samples
from cifar_core.text import counted, size_text
from cifar_core.workspace import Workspace
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
    many, saved_key = counted(len(rows), "picture"), f"{query.page}_saved"
    about, refused = _export_size(workspace, content, rows)
    blocked = rows.empty or bool(refused)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        enlarge = _choose_enlargement(query.page)
        save = st.button(
            f"Save {many} to disk",
            type="primary",
            icon=":material/save:",
            key=f"{query.page}_save",
            disabled=blocked,
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
        with show_errors(), st.spinner(f"Saving {many} …"):
            st.session_state[saved_key] = (many, _save_pictures(workspace, content, rows, enlarge))
    if saved_key in st.session_state:
        _show_saved(*st.session_state[saved_key])


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


def _show_saved(many: str, folder: Path) -> None:
    st.success(f"Saved {many} to exports/{folder.name}. The folder, to copy:", icon=":material/check_circle:")
    st.code(str(folder), language=None, wrap_lines=True)


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


def _save_pictures(workspace: Workspace, content: GalleryContent, rows: pd.DataFrame, enlarge: int) -> Path:
    found = content.findings.predictions
    made = save_samples(
        workspace,
        content.split,
        rows,
        found.probs,
        found.class_names,
        label=f"{content.query.run.id}-by-{SORTS[content.query.sort].column}",
        enlarge=enlarge,
    )
    return made.folder
