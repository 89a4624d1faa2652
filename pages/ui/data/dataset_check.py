"""The check of the chosen dataset: the one that is kept with it, else the job that makes it."""

import streamlit as st

from cifar_core.data import Dataset, DatasetCheck, check_dataset, check_job, read_check, start_check
from cifar_core.errors import StorageError
from cifar_core.jobs.job import read_job
from cifar_core.workspace import Workspace
from pages.ui.components.job_view import show_job_end, show_running_job, show_start_button

_STARTED_KEY = "data_check_started"  # session: fingerprint of the dataset whose check was started last


def load_check(workspace: Workspace, dataset: Dataset) -> DatasetCheck | None:
    """Return the check of a dataset; None while it is being made, which the page then shows.

    A dataset that was imported before there were checks is checked when that is first needed.
    """
    kept = read_check(workspace, dataset)
    if kept is not None:
        return kept
    folder = check_job(workspace, dataset.name)
    job = show_running_job(folder, "data_check")
    if job is not None and job.active:
        st.caption("This dataset was stored before there were checks. It is being checked now, once.")
        return None
    if st.session_state.get(_STARTED_KEY) != dataset.fingerprint:
        st.session_state[_STARTED_KEY] = dataset.fingerprint
        try:
            start_check(workspace, dataset.name)
        except StorageError:  # the workspace may only be read, so the check is made here, for this visit
            return _check_here(workspace, dataset.fingerprint, dataset)
        st.rerun()
    job = read_job(folder)
    if job is not None and job.state == "done":  # what it found could not be kept
        return _check_here(workspace, dataset.fingerprint, dataset)
    show_job_end(job)
    show_start_button("data_check_retry", "Check again", lambda: start_check(workspace, dataset.name))
    return None


@st.cache_resource(max_entries=4, show_spinner="Checking the pictures…")
def _check_here(_workspace: Workspace, fingerprint: str, _dataset: Dataset) -> DatasetCheck:
    return check_dataset(_workspace, _dataset)
