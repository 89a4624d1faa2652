"""The box of active runs, the same on every page: what trains and waits, redrawn every few seconds.

Reads runs; its buttons stop, pause and resume them.
"""

import time
from collections.abc import Callable

import streamlit as st

from cifar_core.runs import Run, Status, list_runs, queue_places, slots, stop_all
from cifar_core.workspace import Workspace
from pages.ui.error_messages import show_errors_as_toast
from pages.ui.markdown import escaped
from pages.ui.rerun import rerun_page
from pages.ui.runs.export_import import show_export_refusals
from pages.ui.server.upload_quota import open_session_count
from pages.ui.train.run_buttons import show_run_buttons
from pages.ui.wording import percent, progress_line, progress_share, queue_line, silence_line, status_display

# Seconds between reads of the disk while something is active: for up to `_FEW_SESSIONS` open sessions, and at most.
# However many sessions there are, nobody is shown a dead process for longer than 5 seconds.
_MIN_INTERVAL = 1.0
_MAX_INTERVAL = 3.0
_FEW_SESSIONS = 6
# A page reruns for new results alone after this many refreshes; for a changed status it reruns at once.
_REFRESHES_PER_RESULT = 10
IDLE_INTERVAL = 4.0  # while nothing is active, because another page or the command line may start a run
MAX_WAITING_SHOWN = 8  # waiting runs shown; a class of thirty sees the others in the table of runs
Snapshot = tuple[object, ...]


def current_run(runs: list[Run]) -> Run | None:
    """Return the newest of these runs that trains, else the newest that waits."""
    return min((run for run in runs if run.active), key=lambda run: run.status is Status.QUEUED, default=None)


def refresh_interval() -> float:
    """Return the seconds between reads of the disk while something is active; more where many sessions are open."""
    return min(_MAX_INTERVAL, max(1.0, open_session_count() / _FEW_SESSIONS) * _MIN_INTERVAL)


def _status_snapshot(runs: list[Run]) -> Snapshot:
    """Return what changes when a run comes, goes, queues or changes its state, so that its page has to rerun."""
    return tuple((run.id, status_display(run), run.waits, run.name) for run in runs)


def _results_snapshot(runs: list[Run]) -> Snapshot:
    """Return what changes when a run finishes an epoch."""
    return tuple(run.last and run.last.epoch for run in runs)


def run_lister(workspace: Workspace, runs: list[Run]) -> Callable[[], list[Run]]:
    """Return a function that lists the runs for a fragment: `runs` at the first call, then what is on the disk."""
    given = [runs]
    return lambda: given.pop() if given else list_runs(workspace)


def rerun_when_runs_change(workspace: Workspace, runs: list[Run], only: str = "") -> None:
    """Rerun a page without active runs when its runs change elsewhere; nothing is shown.

    Args:
        workspace: where.
        runs: what the page shows.
        only: the id of the one run that the page shows; without it, all runs.
    """
    drawn, listing = (_status_snapshot(runs), _results_snapshot(runs)), run_lister(workspace, runs)

    def refresh() -> None:
        show_export_refusals()
        now = [run for run in listing() if only in ("", run.id)]
        if (_status_snapshot(now), _results_snapshot(now)) != drawn:
            rerun_page()

    st.fragment(refresh, run_every=IDLE_INTERVAL)()


def show_active_runs(workspace: Workspace, runs: list[Run], page: str) -> None:
    """Show what trains and waits, with buttons; follow the disk, and rerun the page when its runs change.

    Args:
        workspace: where.
        runs: all runs, as the page is drawn.
        page: prefix of the widget keys.
    """
    if not any(run.active for run in runs):
        rerun_when_runs_change(workspace, runs)
        return
    drawn, results, listing = _status_snapshot(runs), _results_snapshot(runs), run_lister(workspace, runs)
    pace = refresh_interval()
    stale = time.monotonic() + _REFRESHES_PER_RESULT * pace

    def refresh() -> None:
        show_export_refusals()
        now = listing()
        for run in _training_runs(now):
            _show_training(workspace, run, page)
        has_news = time.monotonic() > stale and _results_snapshot(now) != results
        if has_news or _status_snapshot(now) != drawn:  # after the buttons, so that a click is not lost
            rerun_page()

    with st.container(border=True):
        _show_head(workspace, runs, page)
        st.fragment(refresh, run_every=pace)()
        _show_waiting(workspace, runs, page)


def show_run_progress(run: Run) -> None:
    """Show the progress bar of a run that trains with its line, and a notice where it does not respond."""
    st.progress(
        progress_share(run.progress) if run.progress else 0.0,
        text=progress_line(run.progress) if run.progress else "starting…",
    )
    if run.silent_since is not None:
        st.warning(silence_line(run), icon=":material/heart_broken:")


def _training_runs(runs: list[Run]) -> list[Run]:
    return [run for run in runs if run.active and not run.waits]


def _show_head(workspace: Workspace, runs: list[Run], page: str) -> None:
    active = sum(run.active for run in runs)
    training = len(_training_runs(runs))
    with st.container(horizontal=True, vertical_alignment="center"):
        waits = f", {active - training} waiting" if active > training else ""
        st.markdown(f"**Now**: {training} training{waits}", width="stretch")
        if active > 1:
            _show_stop_all(workspace, page)


def _show_training(workspace: Workspace, run: Run, page: str) -> None:
    best = f"{percent(run.best.test_accuracy)} on test at epoch {run.best.epoch}" if run.best else "no epoch yet"
    _show_run_row(workspace, run, page, best)
    show_run_progress(run)


def _show_waiting(workspace: Workspace, runs: list[Run], page: str) -> None:
    """Show the waiting runs. They change only with the page, which reruns when a turn comes."""
    by_id, places = {run.id: run for run in runs}, queue_places(runs, slots(workspace))
    for run_id in list(places)[:MAX_WAITING_SHOWN]:
        _show_run_row(workspace, by_id[run_id], page, queue_line(places[run_id]))
    for run in runs:
        if run.waits and run.silent_since is not None:
            _show_run_row(workspace, run, page, silence_line(run))
    if len(places) > MAX_WAITING_SHOWN:
        st.caption(f"and {len(places) - MAX_WAITING_SHOWN} more waiting; the table on the Runs page lists them all")


def _show_run_row(workspace: Workspace, run: Run, page: str, line: str) -> None:
    word, colour, icon = status_display(run)
    with st.container(horizontal=True, vertical_alignment="center"):
        facts = [f"**{escaped(run.name)}** on {escaped(run.config.data.dataset)}", line]
        facts += [escaped(run.person)] if run.person else []
        st.markdown(f":{colour}-badge[{icon} {word}] {' · '.join(facts)}", width="stretch")
        show_run_buttons(workspace, run, page)


def _show_stop_all(workspace: Workspace, page: str) -> None:
    if st.button(
        "Stop all",
        key=f"{page}_stop_all",
        type="tertiary",
        icon=":material/stop_circle:",
        help="Stops every run that trains or waits; each keeps what it has and can be resumed.",
    ):
        with show_errors_as_toast():
            with st.spinner("Stopping…"):
                stop_all(workspace)
            st.rerun()
