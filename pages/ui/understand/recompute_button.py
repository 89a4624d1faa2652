"""Damaged predictions: the sentence that says what is wrong, and a button that makes them again or shows others."""

from functools import partial
from typing import NoReturn

import streamlit as st

from cifar_core.errors import RunError
from cifar_core.runs import Run, recompute_job, start_recompute
from cifar_core.workspace import Workspace
from pages.ui.caches import Findings, load_findings
from pages.ui.components.job_view import show_job
from pages.ui.markdown import escaped_sentence
from pages.ui.wording import epoch_word


def best_epoch_findings(workspace: Workspace, run: Run) -> Findings:
    """Return the findings of a run's best epoch; where they cannot be read, end the page with the button instead."""
    try:
        return load_findings(workspace, run)
    except RunError as error:
        if run.problem or run.active:
            raise
        _show_recompute(workspace, run, error)


def chosen_epoch_findings(page: str, workspace: Workspace, run: Run) -> Findings:
    """Return the findings of the epoch that a page shows; where they cannot be read, end the page with the way out."""
    try:
        return load_findings(workspace, run, st.session_state[f"{page}_epoch"])
    except RunError as error:
        show_unreadable_epoch(page, run, error)
        st.stop()


def show_unreadable_epoch(page: str, run: Run, error: RunError) -> None:
    """Show why the epoch of a page cannot be shown, and the way to the reported one, which can be read."""
    st.error(escaped_sentence(error), icon=":material/error:")
    best = run.best.epoch if run.best else 0
    if st.session_state[f"{page}_epoch"] != best:
        st.button(
            f"Show epoch {best} ({epoch_word(run)})",
            key=f"{page}_best_epoch",
            on_click=partial(st.session_state.__setitem__, f"{page}_epoch", best),
        )


def _show_recompute(workspace: Workspace, run: Run, error: RunError) -> NoReturn:
    st.error(escaped_sentence(error), icon=":material/error:")
    if not run.has_network:  # the error says what can be done
        st.stop()
    st.caption(
        "The weights of its best epoch can predict the pictures again; that takes some seconds. "
        "The metrics stay as they are."
    )
    show_job(
        recompute_job(workspace, run.id),
        "mend_recompute",
        "Recompute the predictions",
        lambda: start_recompute(workspace, run.id),
    )
    st.stop()
