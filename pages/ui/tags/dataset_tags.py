"""The tags of a dataset on the Data page: how many pictures have each, and the table of them out and in as CSV."""

import pandas as pd
import streamlit as st

from cifar_core.data import Dataset
from cifar_core.export import import_tags, tags_csv
from cifar_core.notes import TAG, count_tags, read_notes, tags_of, undo_note
from cifar_core.text import counted
from cifar_core.workspace import Workspace
from pages.ui.error_messages import show_errors, show_errors_as_toast, show_warnings
from pages.ui.server.access import current_person

_IMPORTED_KEY = "data_tags_imported"  # session: dataset and note of the last import
_MOST_MB = 32  # of a CSV


def show_dataset_tags(workspace: Workspace, dataset: Dataset) -> None:
    """Show the tags of a dataset; they stay when the dataset is deleted, and are here again when it is back.

    Raises:
        DataError, StorageError: the notes cannot be read.
    """
    notes = read_notes(workspace, dataset.fingerprint)
    show_warnings(notes.problems)
    counts = count_tags(tags_of(notes).values())
    if counts:
        st.dataframe(
            pd.DataFrame({"tag": list(counts), "pictures": list(counts.values())}),
            hide_index=True,
            width="content",
            alt="How many pictures have each tag",
            column_config={
                "tag": st.column_config.TextColumn(width="medium"),
                "pictures": st.column_config.NumberColumn(format="localized"),
            },
        )
    else:
        st.info(
            "No picture has a tag yet. Select pictures on Misclassified, Confusion or Picture, or open one, "
            "and type a word.",
            icon=":material/label:",
        )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            "Download CSV",
            tags_csv(notes),
            f"{dataset.name}-tags.csv",
            "text/csv",
            key="data_tags_csv",
            icon=":material/download:",
            on_click="ignore",
            disabled=not counts,
            help="A row for each word of a picture: id, tag, author, time. Import reads it again, here or elsewhere.",
        )
        _show_undo(workspace, dataset)
    _show_import(workspace, dataset)


def _show_import(workspace: Workspace, dataset: Dataset) -> None:
    key = f"data_tags_{dataset.name}"
    # The field is a new one after each import, so that it is empty.
    times = st.session_state.setdefault(f"{key}_times", 0)
    upload = st.file_uploader(
        "Import tags from a CSV with the columns id and tag",
        type="csv",
        max_upload_size=_MOST_MB,
        key=f"{key}_{times}",
    )
    if upload is None:
        return
    with show_errors():
        added = import_tags(workspace, dataset, upload.getvalue(), current_person())
        if added:
            newest = read_notes(workspace, dataset.fingerprint).of(TAG)[-1]
            st.session_state[_IMPORTED_KEY] = dataset.fingerprint, newest.key
        st.session_state[f"{key}_times"] = times + 1
        st.toast(f"{counted(added, 'new tag')} imported.", icon=":material/check:")
        st.rerun()


def _show_undo(workspace: Workspace, dataset: Dataset) -> None:
    fingerprint, note = st.session_state.get(_IMPORTED_KEY, ("", ""))
    if fingerprint == dataset.fingerprint:
        st.button(
            "Undo import",
            icon=":material/undo:",
            type="tertiary",
            key="data_tags_undo",
            on_click=_undo,
            args=(workspace, fingerprint, note),
        )


def _undo(workspace: Workspace, fingerprint: str, note: str) -> None:
    with show_errors_as_toast():
        undo_note(workspace, fingerprint, current_person(), note)
        st.session_state.pop(_IMPORTED_KEY)
