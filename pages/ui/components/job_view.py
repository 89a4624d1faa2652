"""A job on the page: its progress with Cancel, how it ended, and the button that starts it or tries it again.

All is read from the job's folder, so that a reload and every other session find it again.
"""

from collections.abc import Callable

import streamlit as st

from cifar_core.jobs.job import JobFolder, JobState, cancel_job, read_job
from pages.ui.error_messages import show_errors
from pages.ui.markdown import escaped_sentence
from pages.ui.rerun import rerun_page

REFRESH_SECONDS = 1.0  # between two reads of a running job


def show_job(folder: JobFolder, key: str, label: str, start: Callable[[], None]) -> None:
    """Show a job while it runs, and rerun the page at its end; else how it ended, and the button that starts it.

    Args:
        folder: of the job.
        key: of its widgets.
        label: of the button that starts it for the first time.
        start: starts the job.
    """
    job = show_running_job(folder, key)
    if job is None or not job.active:
        show_job_end(job)
        show_start_button(key, "Retry" if job is not None and job.state != "done" else label, start, primary=True)


def show_running_job(folder: JobFolder, key: str, *, cancel: str = "Cancel") -> JobState | None:
    """Show a job while it runs, and rerun the page at its end; return its state, None where there is no job.

    Args:
        folder: of the job.
        key: of its widgets.
        cancel: the word on the button that ends it.
    """
    job = read_job(folder)
    if job is not None and job.active:
        st.fragment(lambda: _refresh(folder, key, cancel), run_every=REFRESH_SECONDS)()
    return job


def show_job_progress(folder: JobFolder, job: JobState, key: str, cancel: str = "Cancel") -> None:
    """Show how far a running job is, and the button that cancels it; the caller redraws it."""
    st.progress(job.share, text=job.sentence)
    if st.button(cancel, key=f"{key}_cancel", icon=":material/close:"):
        with show_errors():
            cancel_job(folder)


def show_job_end(job: JobState | None) -> None:
    """Show why a job failed, or that it was cancelled; nothing for one that ended well."""
    if job is not None and job.state == "failed":
        st.error(escaped_sentence(job.error), icon=":material/error:")
    elif job is not None and job.state == "cancelled":
        st.caption("It was cancelled; nothing was changed.")


def show_start_button(key: str, label: str, start: Callable[[], None], *, primary: bool = False) -> None:
    """Show the button that starts a job, and draw the page anew with the job once it was pressed."""
    if st.button(label, key=key, type="primary" if primary else "secondary", icon=":material/restart_alt:"):
        with show_errors():
            start()
            st.rerun()


def _refresh(folder: JobFolder, key: str, cancel: str) -> None:
    job = read_job(folder)
    if job is None or not job.active:
        rerun_page()
    show_job_progress(folder, job, key, cancel)
