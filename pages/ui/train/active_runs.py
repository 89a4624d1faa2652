"""The box of active runs, the same on every page: what trains and waits, redrawn every few seconds.

Reads runs; its buttons stop, pause and resume them. A run that ends keeps its row until the person leaves the page, so
that nothing moves under the pointer of somebody who is about to press Stop.
"""

import time
from collections.abc import Callable

import streamlit as st

from cifar_core.runs import EndRequest, Run, Status, list_runs, queue_places, request_stop_of_all, slots
from cifar_core.workspace import Workspace
from pages.ui.error_messages import show_errors_as_toast
from pages.ui.markdown import escaped
from pages.ui.rerun import rerun_page
from pages.ui.runs.export_import import show_export_refusals
from pages.ui.server.upload_quota import open_session_count
from pages.ui.train.run_buttons import runs_seen_active, show_end_buttons, show_resume_button
from pages.ui.wording import percent, position_line, progress_share, queue_line, silence_line, status_display

# Seconds between reads of the disk while something is active: for up to `_FEW_SESSIONS` open sessions, and at most.
# However many sessions there are, nobody is shown a dead process for longer than 5 seconds.
_MIN_INTERVAL = 1.0
_MAX_INTERVAL = 3.0
_FEW_SESSIONS = 6
# A page reruns for new results alone after this many refreshes; for a changed status it reruns at once.
_REFRESHES_PER_RESULT = 10
IDLE_INTERVAL = 4.0  # while nothing is active, because another page or the command line may start a run
MAX_WAITING_SHOWN = 8  # waiting runs shown; a class of thirty sees the others in the table of runs
_MAX_ENDED_SHOWN = 8  # of those that ended while the page was open
_STOP_ALL_WIDTH = 140  # pixels, whatever it says
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
    if not _box_rows(workspace, runs, page):
        rerun_when_runs_change(workspace, runs)
        return
    drawn, results, listing = _status_snapshot(runs), _results_snapshot(runs), run_lister(workspace, runs)
    pace = refresh_interval() if any(run.active for run in runs) else IDLE_INTERVAL
    stale = time.monotonic() + _REFRESHES_PER_RESULT * pace

    def refresh() -> None:
        show_export_refusals()
        now = listing()
        _show_rows(workspace, now, page)
        has_news = time.monotonic() > stale and _results_snapshot(now) != results
        if has_news or _status_snapshot(now) != drawn:  # after the buttons, so that a click is not lost
            rerun_page()

    with st.container(border=True):
        st.fragment(refresh, run_every=pace)()


def show_run_progress(run: Run, words: str = "") -> None:
    """Show how far a run is: a bar with `words`, else with its position, and a notice where it does not respond."""
    st.progress(progress_share(run), text=words or position_line(run))
    if run.silent_since is not None:
        st.warning(silence_line(run), icon=":material/heart_broken:")


def _box_rows(workspace: Workspace, runs: list[Run], page: str) -> list[Run]:
    """Return the runs that the box shows.

    First those that this page has shown before, in their order then; of the others what trains, then the queue.
    """
    by_id, seen = {run.id: run for run in runs if not run.problem}, runs_seen_active(page)
    ended = [run_id for run_id in seen if run_id in by_id and not by_id[run_id].active]
    dropped = set(ended[:-_MAX_ENDED_SHOWN])
    places = list(queue_places(runs, slots(workspace)))
    in_line = {run_id: position for position, run_id in enumerate(places)}
    new = [run for run in by_id.values() if run.active and run.id not in seen]
    new.sort(key=lambda run: (run.waits, in_line.get(run.id, len(places))))
    rows = [by_id[run_id] for run_id in seen if run_id in by_id and run_id not in dropped] + new
    shown = set(places[:MAX_WAITING_SHOWN])
    return [run for run in rows if run.id in shown or run.id not in in_line]


def _show_rows(workspace: Workspace, runs: list[Run], page: str) -> None:
    rows, places = _box_rows(workspace, runs, page), queue_places(runs, slots(workspace))
    _show_head(workspace, runs, page, several=len(rows) > 1)
    for run in rows:
        if run.waits:
            _show_run_row(workspace, run, page)
            st.caption(silence_line(run) or queue_line(places.get(run.id)))
        else:
            best = (
                f"{percent(run.best.test_accuracy)} on test at epoch {run.best.epoch}" if run.best else "no epoch yet"
            )
            _show_run_row(workspace, run, page, best)
            show_run_progress(run)
        if run.status is Status.PAUSED:
            show_resume_button(workspace, run, f"{page}_box", "secondary")  # the page has a primary button of its own
    if len(places) > MAX_WAITING_SHOWN:
        st.caption(f"and {len(places) - MAX_WAITING_SHOWN} more waiting; the table on the Runs page lists them all")


def _show_head(workspace: Workspace, runs: list[Run], page: str, *, several: bool) -> None:
    active = [run for run in runs if run.active]
    waiting = sum(run.waits for run in active)
    with st.container(horizontal=True, vertical_alignment="center"):
        waits = f", {waiting} waiting" if waiting else ""
        trains = f"{len(active) - waiting} training{waits}" if active else "nothing trains"
        st.markdown(f"**Now**: {trains}", width="stretch")
        if several:
            _show_stop_all(workspace, active, page)


def _show_run_row(workspace: Workspace, run: Run, page: str, result: str = "") -> None:
    word, colour, icon = status_display(run)
    with st.container(horizontal=True, vertical_alignment="center"):
        facts = [f"**{escaped(run.name)}** on {escaped(run.config.data.dataset)}", result, escaped(run.person)]
        st.markdown(f":{colour}-badge[{icon} {word}] {' · '.join(filter(None, facts))}", width="stretch")
        show_end_buttons(workspace, run, page)


def _show_stop_all(workspace: Workspace, active: list[Run], page: str) -> None:
    asked = all(run.ending is EndRequest.STOP for run in active)
    st.button(
        ("Stopping" if active else "Stopped") if asked else "Stop all",
        key=f"{page}_stop_all",
        type="tertiary",
        icon="spinner" if asked and active else ":material/stop_circle:",
        help="Stops every run that trains or waits; each keeps what it has and can be resumed.",
        disabled=asked,
        width=_STOP_ALL_WIDTH,
        on_click=_stop_all,
        args=(workspace,),
    )


def _stop_all(workspace: Workspace) -> None:
    with show_errors_as_toast():
        request_stop_of_all(workspace)
