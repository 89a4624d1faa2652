"""What one does next with a stored dataset: look at it, train on it, import predictions for it, export or delete it.

Starts exports; moves datasets to the trash and back.
"""

import streamlit as st

from cifar_core.data import (
    DatasetState,
    delete_dataset,
    deleted_datasets,
    empty_dataset_trash,
    export_job,
    export_path,
    restore_dataset,
    start_export,
)
from cifar_core.limits import LIMITS_FILE, read_limits
from cifar_core.runs import dataset_use, list_runs
from cifar_core.sweeps.among_runs.dataset_use import sweep_use
from cifar_core.sweeps.sweep import list_sweeps
from cifar_core.text import MB, size_text
from cifar_core.workspace import Workspace
from pages.ui import trash
from pages.ui.components.job_view import show_job_end, show_running_job
from pages.ui.components.scroll_here import ask_to_scroll, scroll_here
from pages.ui.data.views import look_inside
from pages.ui.error_messages import show_errors, show_errors_as_toast
from pages.ui.markdown import escaped, escaped_sentence
from pages.ui.runs.import_link import ADDRESS, ICON
from pages.ui.train.form_state import open_form_with_dataset

_PAGE = "data"
_ASKED_KEY = "data_delete_asked"  # session: the dataset whose deletion a person is asked about
_UNDO = "data_undo"  # at the top of the page, out of sight of most cards
_EXPORT_HELP = (
    "One .zip of class folders with a PNG of each picture: Import reads it again, here or elsewhere. "
    "On the command line: `data export NAME`."
)
_COMMANDS = "`data restore NAME` brings back the last deleted dataset of that name."


def show_actions(workspace: Workspace, state: DatasetState) -> None:
    """Show the buttons of a dataset that is ready, and the export that is on its way."""
    name = state.name
    with st.container(horizontal=True):
        st.button(
            "Look",
            key=f"data_look_at_{name}",
            icon=":material/visibility:",
            on_click=look_inside,
            args=(name, "Pictures"),
            help="Its pictures, below.",
        )
        if st.button("Train on it", key=f"data_train_{name}", icon=":material/model_training:"):
            open_form_with_dataset(name)
    with show_errors():
        job = show_running_job(export_job(workspace, name), f"data_exporting_{name}")
        exporting = job is not None and job.active
        if job is not None and job.state == "failed":
            show_job_end(job)
        with st.container(horizontal=True):
            if state.test and st.button(
                "Import predictions",
                key=f"data_predictions_{name}",
                icon=ICON,
                type="tertiary",
                help="Of your own model for its test pictures: confusion, mistakes, calibration, comparison.",
            ):
                st.switch_page("pages/runs.py", query_params={ADDRESS: name})
            if not exporting:
                _show_export(workspace, state)
            show_delete_button(workspace, state)


def show_delete_button(workspace: Workspace, state: DatasetState) -> None:
    """Show a button that deletes: at one click where nothing uses the dataset, since there is Undo; else it asks."""
    st.button(
        "Delete",
        key=f"data_delete_{state.name}",
        icon=":material/delete:",
        type="tertiary",
        help="Moves it to the trash, with a way back.",
        on_click=_ask_or_delete,
        args=(workspace, state),
    )
    if st.session_state.get(_ASKED_KEY) == state.name:
        _ask(workspace, state)


def _ask_or_delete(workspace: Workspace, state: DatasetState) -> None:
    if _use(workspace, state.name):
        st.session_state[_ASKED_KEY] = state.name
    else:
        _delete(workspace, state)


def _use(workspace: Workspace, name: str) -> list[str]:
    """Return what uses a dataset, in sentences."""
    runs = list_runs(workspace)
    return [*dataset_use(runs, name), *sweep_use(list_sweeps(workspace, runs), name)]


def _forget_question() -> None:
    st.session_state.pop(_ASKED_KEY, None)


@st.dialog("Delete this dataset?", on_dismiss=_forget_question)
def _ask(workspace: Workspace, state: DatasetState) -> None:
    """Say what uses a dataset before it is deleted."""
    st.markdown(f"**{escaped(state.title)}** is in use:")
    st.markdown("\n".join(f"- {escaped_sentence(text)}" for text in _use(workspace, state.name)))
    with st.container(horizontal=True):
        sure = st.button("Delete it", key="data_delete_sure", icon=":material/delete:", type="primary")
        if sure or st.button("Keep it", key="data_delete_not"):
            _forget_question()
            if sure:
                _delete(workspace, state)
            st.rerun()


def _delete(workspace: Workspace, state: DatasetState) -> None:
    with show_errors_as_toast():
        trash.note_deleted(_PAGE, state.name, state.title)
        delete_dataset(workspace, state.name)
        ask_to_scroll(_UNDO)
        if st.query_params.get("dataset") == state.name:
            del st.query_params["dataset"]


def show_undo(workspace: Workspace) -> None:
    """Show Undo for the last deleted dataset while it is in the trash, with what it means for runs on their way."""
    if st.session_state.get(trash.last_deleted_key(_PAGE)):
        scroll_here(_UNDO)
    trash.show_undo(_trash_of_datasets(workspace), lambda name: _use(workspace, name))


def show_trash(workspace: Workspace) -> None:
    """Show the deleted datasets."""
    trash.show_trash(workspace, _trash_of_datasets(workspace))


def _trash_of_datasets(workspace: Workspace) -> trash.TrashOf:
    return trash.TrashOf(
        _PAGE,
        "dataset",
        items=lambda: deleted_datasets(workspace),
        restore=lambda item: restore_dataset(workspace, item.path.name),
        empty=lambda: empty_dataset_trash(workspace),
        commands=_COMMANDS,
    )


def _show_export(workspace: Workspace, state: DatasetState) -> None:
    """Show the button that exports a dataset; once its file is there, the one that downloads it."""
    file = export_path(workspace, state.name, state.fingerprint)
    if not file.is_file():
        if st.button(
            "Export",
            key=f"data_export_{state.name}",
            icon=":material/folder_zip:",
            type="tertiary",
            help=_EXPORT_HELP,
        ):
            start_export(workspace, state.name)
            st.rerun()
        return
    size, most = file.stat().st_size, read_limits(workspace).export_mb * MB
    where = f"It is in exports as {escaped(file.name)}"
    st.download_button(
        f"Download .zip · {size_text(size)}",
        file.read_bytes,
        f"{state.name}.zip",
        "application/zip",
        key=f"data_download_{state.name}",
        icon=":material/download:",
        type="tertiary",
        on_click="ignore",
        disabled=size > most,
        help=f"{where}. Import reads it again, here or elsewhere."
        if size <= most
        else f"{where}: more than the {size_text(most)} that one download may have "
        f"({escaped(f'export_mb in {LIMITS_FILE}')}).",
    )
