"""Taking pictures away: saved to the workspace's `exports/`, or downloaded as a ZIP of the same files."""

from pathlib import Path

import pandas as pd
import streamlit as st

from cifar_core.analyse import SORTS, SampleFilter, select_samples
from cifar_core.errors import CifarCoreError
from cifar_core.export import require_exportable, save_samples, zip_bytes
from cifar_core.files import size_text
from cifar_core.workspace import Workspace
from pages.ui.frame import guard
from pages.ui.gallery import Shelf, selected
from pages.ui.text import sentence

ENLARGE = (1, 4, 8)  # times the picture's own size
EVERYTHING = SampleFilter(outcome="all")


def offer_exports(workspace: Workspace, shelf: Shelf) -> None:
    """Two buttons for what is selected, else for all that match, and where the last save went."""
    rows, found = chosen_rows(shelf), shelf.findings.predictions
    many = f"{len(rows):,} {'picture' if len(rows) == 1 else 'pictures'}"
    saved_key = f"{shelf.page}_saved"
    about, refused = _size(workspace, shelf, rows)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        enlarge = st.segmented_control(
            "Size of the files", ENLARGE, default=1, required=True, key=f"{shelf.page}_enlarge",
            format_func=lambda times: "32 × 32" if times == 1 else f"{times}×",
            help="32 × 32 keeps the dataset's own pixels; 4× and 8× repeat each pixel, without smoothing.",
        )  # fmt: skip
        save = st.button(f"Save {many} to disk", type="primary", icon=":material/save:", key=f"{shelf.page}_save",
                         disabled=rows.empty or bool(refused), help="PNG files, a table (CSV) and a contact sheet, in a new folder.")  # fmt: skip
        st.download_button(
            f"Download {many} as ZIP", data=lambda: zip_bytes(shelf.split, rows, found.probs, found.class_names, enlarge=enlarge), file_name=f"{shelf.run.id}-pictures.zip",
            mime="application/zip", icon=":material/folder_zip:", key=f"{shelf.page}_zip", on_click="ignore",
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
    enlarge, names = st.session_state.get(f"{shelf.page}_enlarge") or 1, shelf.findings.predictions.class_names
    try:
        return f"about {size_text(require_exportable(workspace, shelf.split, rows, names, enlarge=enlarge))}", ""
    except CifarCoreError as error:
        return "too many", sentence(error)


def chosen_rows(shelf: Shelf) -> pd.DataFrame:
    """What is selected, in the order of the sort, also where a filter hides it now; all that match when nothing is."""
    chosen = selected(shelf)
    if not chosen:
        return shelf.rows
    table = shelf.findings.table
    return select_samples(table[table["id"].isin(chosen)], EVERYTHING, shelf.sort)


def _save(workspace: Workspace, shelf: Shelf, rows: pd.DataFrame, enlarge: int) -> Path:
    found = shelf.findings.predictions
    made = save_samples(workspace, shelf.split, rows, found.probs, found.class_names,
                        label=f"{shelf.run.id}-by-{SORTS[shelf.sort].column}", enlarge=enlarge)  # fmt: skip
    return made.folder
