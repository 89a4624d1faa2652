"""The box of active runs, the same on every page: what trains and waits, redrawn every few seconds.

A sweep that works is one row there, whatever its trials do. Reads runs and sweeps; its buttons stop, pause and resume
them. A run that ends keeps its row until the person leaves the page, so that nothing moves under the pointer of
somebody who is about to press Stop.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import streamlit as st

from cifar_core.runs import EndRequest, QueuePlace, Run, Status, list_runs, own_runs, queue_places, slots
from cifar_core.sweeps.among_runs.active import active_sweep_ids, without_trials_of
from cifar_core.sweeps.among_runs.stop_all import request_stop_of_everything
from cifar_core.sweeps.sweep import Sweep
from cifar_core.text import counted
from cifar_core.workspace import Workspace
from pages.ui.error_messages import show_errors_as_toast
from pages.ui.markdown import escaped
from pages.ui.rerun import rerun_page
from pages.ui.runs.export_import import show_export_refusals
from pages.ui.server.upload_quota import open_session_count
from pages.ui.sweep.stop_button import is_stopping
from pages.ui.sweep.sweep_row import box_sweeps, show_sweep_row
from pages.ui.train.run_buttons import runs_seen_active, show_end_buttons, show_resume_button
from pages.ui.wording import percent, position_line, progress_share, silence_line, status_display, waiting_line

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


@dataclass(frozen=True)
class _Box:
    """What the box shows."""

    runs: list[Run]  # all
    apart: list[Run]  # without the trials of the sweeps that work
    sweeps: list[Sweep]  # those that have a row
    places: dict[str, QueuePlace]  # of all runs that wait
    rows: list[Run]  # those that have a row

    @property
    def active(self) -> list[Run]:
        """The runs that train or wait, without trials of the sweeps that work."""
        return [run for run in self.apart if run.active]

    @property
    def working(self) -> list[Sweep]:
        """The sweeps that work."""
        return [sweep for sweep in self.sweeps if sweep.active]

    @property
    def statuses(self) -> Snapshot:
        """What has to change for the page to rerun at once."""
        return _status_snapshot(self.runs, [sweep.id for sweep in self.working])

    def results(self, *, trials: bool) -> Snapshot:
        """What has to change for the page to rerun in a while."""
        return _results_snapshot(self.runs if trials else self.apart)


def current_run(runs: list[Run]) -> Run | None:
    """Return the newest of these runs that trains, else the newest that waits; trials of sweeps do not count."""
    return min((run for run in own_runs(runs) if run.active), key=lambda run: run.status is Status.QUEUED, default=None)


def refresh_interval() -> float:
    """Return the seconds between reads of the disk while something is active; more where many sessions are open."""
    return min(_MAX_INTERVAL, max(1.0, open_session_count() / _FEW_SESSIONS) * _MIN_INTERVAL)


def _status_snapshot(runs: list[Run], sweeps: Iterable[str] = ()) -> Snapshot:
    """Return what changes when a run comes, goes, queues or changes its state, so that its page has to rerun.

    The trials of the `sweeps`, which work, do so all the time: their page follows them by itself.
    """
    ids = tuple(sweeps)
    return ids, *((run.id, status_display(run), run.waits, run.name) for run in without_trials_of(runs, ids))


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

    def snapshot(runs: list[Run]) -> Snapshot:
        sweeps = [] if only else active_sweep_ids(workspace)
        return _status_snapshot(runs, sweeps), _results_snapshot(without_trials_of(runs, sweeps))

    drawn, listing = snapshot(runs), run_lister(workspace, runs)

    def refresh() -> None:
        show_export_refusals()
        if snapshot([run for run in listing() if only in ("", run.id)]) != drawn:
            rerun_page()

    st.fragment(refresh, run_every=IDLE_INTERVAL)()


def show_active_runs(workspace: Workspace, runs: list[Run], page: str, *, trials: bool = False) -> None:
    """Show what trains and waits, with buttons; follow the disk, and rerun the page when its runs change.

    Args:
        workspace: where.
        runs: all runs, as the page is drawn.
        page: prefix of the widget keys.
        trials: whether the page shows the trials of sweeps, so that their results are news.
    """
    shown = _box(workspace, runs, page)
    if not shown.rows and not shown.sweeps:
        rerun_when_runs_change(workspace, runs)
        return
    drawn, results, listing = shown.statuses, shown.results(trials=trials), run_lister(workspace, runs)
    pace = refresh_interval() if shown.active or shown.working else IDLE_INTERVAL
    stale = time.monotonic() + _REFRESHES_PER_RESULT * pace

    def refresh() -> None:
        show_export_refusals()
        now = _box(workspace, listing(), page)
        _show_box(workspace, now, page)
        has_news = time.monotonic() > stale and now.results(trials=trials) != results
        if has_news or now.statuses != drawn:  # after the buttons, so that a click is not lost
            rerun_page()

    with st.container(border=True):
        st.fragment(refresh, run_every=pace)()


def show_run_progress(run: Run, words: str = "") -> None:
    """Show how far a run is: a bar with `words`, else with its position, and a notice where it does not respond."""
    st.progress(progress_share(run), text=words or position_line(run))
    if run.silent_since is not None:
        st.warning(silence_line(run), icon=":material/heart_broken:")


def _box(workspace: Workspace, runs: list[Run], page: str) -> _Box:
    """Return what the box of a page shows of these runs, which are all there are."""
    sweeps = box_sweeps(workspace, runs, page)
    apart = without_trials_of(runs, (sweep.id for sweep in sweeps if sweep.active))
    places = queue_places(runs, slots(workspace))
    return _Box(runs, apart, sweeps, places, _box_rows(apart, list(places), page))


def _box_rows(runs: list[Run], queue: Sequence[str], page: str) -> list[Run]:
    """Return the runs that have a row in the box.

    First those that this page has shown before, in their order then; of the others what trains, then the queue.

    Args:
        runs: all but those for which the row of their sweep stands.
        queue: ids of the runs that wait, in their order.
        page: prefix of the widget keys.
    """
    by_id, seen = {run.id: run for run in runs if not run.problem}, runs_seen_active(page)
    ended = [run_id for run_id in seen if run_id in by_id and not by_id[run_id].active]
    dropped = set(ended[:-_MAX_ENDED_SHOWN])
    places = [run_id for run_id in queue if run_id in by_id]
    in_line = {run_id: position for position, run_id in enumerate(places)}
    new = [run for run in by_id.values() if run.active and run.id not in seen]
    new.sort(key=lambda run: (run.waits, in_line.get(run.id, len(places))))
    rows = [by_id[run_id] for run_id in seen if run_id in by_id and run_id not in dropped] + new
    shown = set(places[:MAX_WAITING_SHOWN])
    return [run for run in rows if run.id in shown or run.id not in in_line]


def _show_box(workspace: Workspace, box: _Box, page: str) -> None:
    _show_head(workspace, box, page)
    for sweep in box.sweeps:
        show_sweep_row(workspace, sweep, box.runs, page)
    for run in box.rows:
        if run.waits:
            _show_run_row(workspace, run, page)
            st.caption(silence_line(run) or waiting_line(run, box.places))
        else:
            best = (
                f"{percent(run.best.test_accuracy)} on test at epoch {run.best.epoch}" if run.best else "no epoch yet"
            )
            _show_run_row(workspace, run, page, best)
            show_run_progress(run)
        if run.status is Status.PAUSED:
            show_resume_button(workspace, run, f"{page}_box", "secondary")  # the page has a primary button of its own
    waiting = sum(run.id in box.places for run in box.apart)
    if waiting > MAX_WAITING_SHOWN:
        st.caption(f"and {waiting - MAX_WAITING_SHOWN} more waiting; the table on the Runs page lists them all")


def _show_head(workspace: Workspace, box: _Box, page: str) -> None:
    waiting = sum(run.waits for run in box.active)
    counts = {
        counted(len(box.working), "sweep"): len(box.working),
        f"{len(box.active) - waiting} training": len(box.active) - waiting or not box.working,
        f"{waiting} waiting": waiting,
    }
    with st.container(horizontal=True, vertical_alignment="center"):
        busy = box.active or box.working
        words = ", ".join(text for text, shown in counts.items() if shown) if busy else "nothing trains"
        st.markdown(f"**Now**: {words}", width="stretch")
        if len(box.rows) + len(box.sweeps) > 1:
            _show_stop_all(workspace, box, page)


def _show_run_row(workspace: Workspace, run: Run, page: str, result: str = "") -> None:
    word, colour, icon = status_display(run)
    with st.container(horizontal=True, vertical_alignment="center"):
        facts = [f"**{escaped(run.name)}** on {escaped(run.config.data.dataset)}", result, escaped(run.person)]
        facts += [f"on {escaped(run.place.words)}"] if run.is_elsewhere and not run.waits else []
        st.markdown(f":{colour}-badge[{icon} {word}] {' · '.join(filter(None, facts))}", width="stretch")
        show_end_buttons(workspace, run, page)


def _show_stop_all(workspace: Workspace, box: _Box, page: str) -> None:
    working = bool(box.active or box.working)
    asked = all(run.ending is EndRequest.STOP for run in box.active) and all(map(is_stopping, box.working))
    st.button(
        ("Stopping" if working else "Stopped") if asked else "Stop all",
        key=f"{page}_stop_all",
        type="tertiary",
        icon="spinner" if asked and working else ":material/stop_circle:",
        help="Stops every sweep and every run that trains or waits; each keeps what it has and can be resumed.",
        disabled=asked,
        width=_STOP_ALL_WIDTH,
        on_click=_stop_all,
        args=(workspace,),
    )


def _stop_all(workspace: Workspace) -> None:
    with show_errors_as_toast():
        request_stop_of_everything(workspace)
