"""What one does next with a stored dataset: look at it, train on it, export it, delete it with a way back.

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
from cifar_core.data.sources.drawn10 import DRAWN10_NAME
from cifar_core.limits import LIMITS_FILE, read_limits
from cifar_core.runs import Run, Status, list_runs
from cifar_core.text import MB, counted, first_names, size_text
from cifar_core.workspace import Workspace
from pages.ui import trash
from pages.ui.components.job_view import show_job_end, show_running_job
from pages.ui.data.views import look_inside
from pages.ui.error_messages import show_errors, show_errors_as_toast
from pages.ui.markdown import escaped
from pages.ui.train.form_state import open_form_with_dataset

_PAGE = "data"
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
            if not exporting:
                _show_export(workspace, state)
            show_delete_button(workspace, state)


def show_delete_button(workspace: Workspace, state: DatasetState) -> None:
    """Show a button that deletes at one click; Undo makes a question needless."""
    if st.button(
        "Delete",
        key=f"data_delete_{state.name}",
        icon=":material/delete:",
        type="tertiary",
        help="Moves it to the trash, with a way back.",
    ):
        with show_errors_as_toast():
            trash.note_deleted(_PAGE, state.name, state.title)
            delete_dataset(workspace, state.name)
            if st.query_params.get("dataset") == state.name:
                del st.query_params["dataset"]
            st.rerun()


def show_undo(workspace: Workspace) -> None:
    """Show Undo for the last deleted dataset while it is in the trash, with what it means for runs on their way."""
    trash.show_undo(_trash_of_datasets(workspace), lambda name: notes_on_runs(list_runs(workspace), name))


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


def notes_on_runs(runs: list[Run], name: str) -> list[str]:
    """Return what the deletion of a dataset means for the runs that train on it, that wait to, and that have ended."""
    runs = [run for run in runs if not run.problem and run.config.data.dataset == name]
    active = [run for run in runs if run.active]
    opened = [run.status is not Status.QUEUED and run.dataset is not None for run in active]
    training = [run.name for run, has_it in zip(active, opened, strict=True) if has_it]
    waiting = [run.name for run, has_it in zip(active, opened, strict=True) if not has_it]
    ended = sum(not run.active and run.best is not None for run in runs)
    sentences = []
    if training:
        sentences.append(f"Training on it goes on to the end: {first_names(training)}.")
    if waiting:
        begins = "draws it again" if name == DRAWN10_NAME else "fails unless it is back"
        sentences.append(f"Waiting to train on it: {first_names(waiting)}. A run whose turn comes {begins}.")
    if ended:
        sentences.append(
            f"{counted(ended, 'run')} trained on it: numbers stay, but no picture is shown until it is back."
        )
    return sentences


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
