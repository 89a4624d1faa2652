"""The tags of a dataset on the Data page: how many pictures have each, and the table of them out and in as CSV."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from cifar_core.data import Dataset
from cifar_core.export import import_tags, tags_csv
from cifar_core.notes import count_tags, read_notes, tags_of, undo_note
from cifar_core.runs import Run, list_runs, own_first
from cifar_core.text import counted
from cifar_core.workspace import Workspace
from pages.ui.error_messages import show_errors, show_errors_as_toast, show_warnings
from pages.ui.markdown import escaped
from pages.ui.server.access import current_person

_IMPORTED_KEY = "data_tags_imported"  # session: dataset and note of the last import, and how many tags were new
_NOTHING_NEW_KEY = "data_tags_nothing_new"  # session: whether a file without new tags was just read
_MOST_MB = 32  # of a CSV
_MOST_IN_URL = 50  # tags


def show_dataset_tags(workspace: Workspace, dataset: Dataset) -> None:
    """Show the tags of a dataset; they stay when the dataset is deleted, and are here again when it is back.

    Raises:
        DataError, StorageError: the notes cannot be read.
    """
    notes = read_notes(workspace, dataset.fingerprint)
    show_warnings(notes.problems)
    counts = count_tags(tags_of(notes).values())
    if counts:
        _show_counts(workspace, dataset, counts)
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


def _show_counts(workspace: Workspace, dataset: Dataset, counts: Mapping[str, int]) -> None:
    """Show how many pictures have each tag, and the way to those of the ticked one, else of all."""
    chosen = st.dataframe(
        pd.DataFrame({"tag": list(counts), "pictures": list(counts.values())}),
        hide_index=True,
        width="content",
        alt="How many pictures have each tag",
        column_config={
            "tag": st.column_config.TextColumn(width="medium"),
            "pictures": st.column_config.NumberColumn(format="localized"),
        },
        key=f"data_tag_counts_{dataset.name}",
        on_select="rerun",
        selection_mode="multi-row",
    )
    run = next((run for run in own_first(list_runs(workspace)) if _answers(run, dataset)), None)
    if run is None:
        st.caption("Misclassified shows the pictures of a tag once a run on this dataset has a result.")
        return
    rows = [row for row in chosen["selection"]["rows"] if row < len(counts)]  # others may have taken a tag away
    ticked = [list(counts)[row] for row in rows]
    st.page_link(
        "pages/misclassified.py",
        label=f"See the test pictures tagged {escaped(' or '.join(ticked))}"
        if ticked
        else "See the tagged test pictures",
        icon=":material/image_search:",
        query_params={"run": run.id, "outcome": "all", "tags": ticked or list(counts)[:_MOST_IN_URL]},
        help="" if ticked else "Tick tags in the table to see theirs alone.",
    )


def _answers(run: Run, dataset: Dataset) -> bool:
    """Whether a run shows the test pictures of the dataset."""
    return run.best is not None and run.dataset is not None and run.dataset.fingerprint == dataset.fingerprint


def _show_import(workspace: Workspace, dataset: Dataset) -> None:
    key = f"data_tags_{dataset.name}"
    # The field is a new one after each import: a file that stayed in it would be imported again after Undo.
    times = st.session_state.setdefault(f"{key}_times", 0)
    upload = st.file_uploader(
        "Import tags from a CSV with the columns id and tag",
        type="csv",
        max_upload_size=_MOST_MB,
        key=f"{key}_{times}",
    )
    if upload is None:
        if st.session_state.pop(_NOTHING_NEW_KEY, False):
            st.info("Nothing is new: the pictures have these tags already.", icon=":material/check:")
        return
    with show_errors():
        added, note = import_tags(workspace, dataset, upload.getvalue(), current_person())
        if added:
            st.session_state[_IMPORTED_KEY] = dataset.fingerprint, note, added
        else:
            st.session_state[_NOTHING_NEW_KEY] = True
        st.session_state[f"{key}_times"] = times + 1
        st.rerun()


def _show_undo(workspace: Workspace, dataset: Dataset) -> None:
    fingerprint, note, added = st.session_state.get(_IMPORTED_KEY, ("", "", 0))
    if fingerprint == dataset.fingerprint:
        st.markdown(f":material/check: {counted(added, 'new tag')} imported", width="content")
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
