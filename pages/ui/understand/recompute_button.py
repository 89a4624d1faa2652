"""Recompute damaged predictions: the sentence that says what is wrong, and a button that makes them again."""

from typing import NoReturn

import streamlit as st

from cifar_core.errors import RunError
from cifar_core.runs import Run, recompute_job, start_recompute
from cifar_core.workspace import Workspace
from pages.ui.caches import Findings, load_findings
from pages.ui.components.job_view import show_job
from pages.ui.markdown import escaped_sentence


def best_epoch_findings(workspace: Workspace, run: Run) -> Findings:
    """Return the findings of a run's best epoch; where they cannot be read, end the page with the button instead."""
    try:
        return load_findings(workspace, run)
    except RunError as error:
        if run.problem or run.active:
            raise
        _show_recompute(workspace, run, error)


def _show_recompute(workspace: Workspace, run: Run, error: RunError) -> NoReturn:
    st.error(escaped_sentence(error), icon=":material/error:")
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
