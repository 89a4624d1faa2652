"""Taking pictures away: saved to the workspace's `exports/`, or downloaded as a ZIP of the same files."""

from collections.abc import Set
from functools import partial
from pathlib import Path

import pandas as pd
import streamlit as st

from cifar_core.analyse import SORTS, SampleFilter, select_samples
from cifar_core.errors import CifarCoreError
from cifar_core.export import require_exportable, save_samples, zip_bytes
from cifar_core.files import size_text
from cifar_core.workspace import Workspace
from pages.ui.frame import guard
from pages.ui.markdown import sentence
from pages.ui.understand.gallery import Shelf, View, selected

ENLARGE = (1, 4, 8)  # times the picture's own size
EVERYTHING = SampleFilter(outcome="all")


def offer_exports(workspace: Workspace, shelf: Shelf) -> None:
    """Two buttons for what is selected, else for all that match, and where the last save went."""
    view, chosen = shelf.view, frozenset(selected(shelf.view))
    rows = chosen_rows(shelf, chosen)
    many = f"{len(rows):,} {'picture' if len(rows) == 1 else 'pictures'}"
    saved_key = f"{view.page}_saved"
    about, refused = _size(workspace, shelf, rows)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        enlarge = st.segmented_control(
            "Size of the files", ENLARGE, default=1, required=True, key=f"{view.page}_enlarge",
            format_func=lambda times: "32 × 32" if times == 1 else f"{times}×",
            help="32 × 32 keeps the dataset's own pixels; 4× and 8× repeat each pixel, without smoothing.",
        )  # fmt: skip
        save = st.button(f"Save {many} to disk", type="primary", icon=":material/save:", key=f"{view.page}_save",
                         disabled=rows.empty or bool(refused), help="PNG files, a table (CSV) and a contact sheet, in a new folder.")  # fmt: skip
        st.download_button(
            f"Download {many} as ZIP", data=partial(_zip, view, chosen, enlarge), file_name=f"{view.run.id}-pictures.zip",
            mime="application/zip", icon=":material/folder_zip:", key=f"{view.page}_zip", on_click="ignore",
            disabled=rows.empty or bool(refused), help=f"The same files, {about}; made when you click.",
        )  # fmt: skip
    if refused:
        st.warning(refused, icon=":material/folder_off:")
    if save:
        with guard(), st.spinner(f"Saving {many} …"):
            st.session_state[saved_key] = (many, _save(workspace, shelf, rows, enlarge))
    if saved_key in st.session_state:
        told, folder = st.session_state[saved_key]
        st.success(f"Saved {told} to exports/{folder.name}. The folder, to copy:", icon=":material/check_circle:")
        st.code(str(folder), language=None, wrap_lines=True)


def _size(workspace: Workspace, shelf: Shelf, rows: pd.DataFrame) -> tuple[str, str]:
    """About how much the files will be, in words, and why they cannot be made, where that is so."""
    enlarge, names = st.session_state.get(f"{shelf.view.page}_enlarge") or 1, shelf.findings.predictions.class_names
    try:
        return f"about {size_text(require_exportable(workspace, shelf.split, rows, names, enlarge=enlarge))}", ""
    except CifarCoreError as error:
        return "too many", sentence(error)


def chosen_rows(shelf: Shelf, chosen: Set[str]) -> pd.DataFrame:
    """What is selected, in the order of the sort, also where a filter hides it now; all that match when nothing is."""
    if not chosen:
        return shelf.rows
    table = shelf.findings.table
    return select_samples(table[table["id"].isin(chosen)], EVERYTHING, shelf.view.sort)


def _zip(view: View, chosen: Set[str], enlarge: int) -> bytes:
    """The ZIP, made when it is clicked; runs in a thread of the server."""
    shelf = view.shelf()
    found = shelf.findings.predictions
    return zip_bytes(shelf.split, chosen_rows(shelf, chosen), found.probs, found.class_names, enlarge=enlarge)


def _save(workspace: Workspace, shelf: Shelf, rows: pd.DataFrame, enlarge: int) -> Path:
    found = shelf.findings.predictions
    made = save_samples(workspace, shelf.split, rows, found.probs, found.class_names,
                        label=f"{shelf.view.run.id}-by-{SORTS[shelf.view.sort].column}", enlarge=enlarge)  # fmt: skip
    return made.folder
