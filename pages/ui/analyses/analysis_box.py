"""An analysis of a run on a page: its kept result, the job that computes it, why it is stale, how the job failed."""

from functools import partial
from typing import Any, TypeVar

import streamlit as st

from cifar_core.analyse import (
    Analysis,
    KeptResult,
    analysis_job,
    inputs_of,
    kept_path,
    missing_needs,
    quick_answer,
    read_kept,
    start_analysis,
)
from cifar_core.errors import CifarCoreError
from cifar_core.jobs.job import JobState
from cifar_core.runs import Run
from cifar_core.workspace import Workspace
from pages.ui.caches import file_identity
from pages.ui.components.job_view import show_job_end, show_running_job, show_start_button
from pages.ui.markdown import escaped_sentence

P = TypeVar("P")
_STARTED_KEY = "analyses_started"  # session: what the page has started by itself, and why that was refused


def show_analysis(
    workspace: Workspace, run: Run, analysis: Analysis[P], parameters: P, key: str
) -> KeptResult[P] | None:
    """Show how an analysis of a run stands, and return its result as soon as there is one.

    One that was never computed is started, at most once: one that failed or was stopped waits for its button. A stale
    result is returned too, below the sentence that says so and the button that renews it.

    Args:
        workspace, run: of which run.
        analysis: which analysis.
        parameters: with which it is wanted.
        key: of the widgets.

    Returns:
        The result; None while there is none, which the page then shows, so that the caller draws nothing of it.

    Raises:
        RunError: no such run any more, or a quick analysis cannot read what it needs.
    """
    if analysis.kind == "quick":
        return _answer(workspace, run, analysis, parameters, _identity(workspace, run, analysis, parameters))
    job_folder = analysis_job(workspace, run.id, analysis, parameters)
    job = show_running_job(job_folder, key, cancel="Stop")
    kept = _load_kept(workspace, run, analysis, parameters, _identity(workspace, run, analysis, parameters))
    shown = None if kept is None or kept.of_other_version else kept
    if job is not None and job.active:
        _say_what_runs(analysis, shown)
    elif kept is None:
        _show_absent(workspace, run, analysis, parameters, job, key)
    elif kept.stale:
        start = partial(start_analysis, workspace, run, analysis, parameters)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.warning(escaped_sentence(kept.stale), icon=":material/history:")
            show_start_button(f"{key}_renew", "Compute again", start)
        show_job_end(job)
    return shown


def _say_what_runs(analysis: Analysis[P], shown: KeptResult[P] | None) -> None:
    if shown is None:
        st.caption(f"The {analysis.title} of this run is being computed, once; it is kept with the run.")
    elif shown.stale:
        st.caption(f"{escaped_sentence(shown.stale)} It is being computed again; below is the earlier one.")


def _show_absent(
    workspace: Workspace, run: Run, analysis: Analysis[P], parameters: P, job: JobState | None, key: str
) -> None:
    """Say why there is no result, or start the job where nobody has tried yet."""
    if missing := missing_needs(workspace, run, analysis, parameters):
        st.info(escaped_sentence(missing), icon=":material/info:")
        return
    started: dict[Any, str] = st.session_state.setdefault(_STARTED_KEY, {})
    this = (run.id, analysis.name_of(parameters))
    if this not in started and (job is None or job.state == "done"):  # done: its result was removed or damaged
        started[this] = ""
        try:
            start_analysis(workspace, run, analysis, parameters)
        except CifarCoreError as error:
            started[this] = str(error)
        else:
            st.rerun()
    if started.get(this):
        st.error(escaped_sentence(started[this]), icon=":material/error:")
    show_job_end(job)
    start = partial(start_analysis, workspace, run, analysis, parameters)
    show_start_button(f"{key}_retry", f"Compute the {analysis.title}", start)


def _identity(workspace: Workspace, run: Run, analysis: Analysis[P], parameters: P) -> tuple[Any, ...]:
    """What changes with the kept result, with what it was computed from, and with what is wanted."""
    kept = file_identity(kept_path(workspace, run, analysis, parameters))
    return (
        str(workspace.root),
        run.id,
        analysis.id,
        analysis.version,
        repr(parameters),
        kept,
        inputs_of(workspace, run, analysis, parameters),
    )


@st.cache_resource(max_entries=8, show_spinner=False)
def _load_kept(
    _workspace: Workspace, _run: Run, _analysis: Analysis[P], _parameters: P, identity: object
) -> KeptResult[P] | None:
    return read_kept(_workspace, _run, _analysis, _parameters)


@st.cache_resource(max_entries=8, show_spinner=False)
def _answer(
    _workspace: Workspace, _run: Run, _analysis: Analysis[P], _parameters: P, identity: object
) -> KeptResult[P]:
    return quick_answer(_workspace, _run, _analysis, _parameters)
