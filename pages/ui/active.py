"""The runs that train and wait now, redrawn every second, on every page the same. Reads runs; steers them where asked to."""

from collections.abc import Callable

import streamlit as st

from cifar_core.runs import Run, Status, list_runs, queue_places, slots, stop_all
from cifar_core.workspace import Workspace
from pages.ui.frame import guard_click
from pages.ui.parcels import tell_refused
from pages.ui.steer import offer_moves
from pages.ui.text import plain
from pages.ui.words import done_share, percent, progress_line, since, state_words, turn_line

TICK = 1.0  # seconds between looks at the disk while something trains or waits
IDLE_TICK = 4.0  # and while nothing does: another page or the command line may begin something
MOST = 8  # waiting runs shown; a class of thirty sees the others in the table of runs
Mark = tuple[object, ...]


def training_now(runs: list[Run]) -> Run | None:
    """The newest of these runs that trains, else the newest that waits."""
    return min((run for run in runs if run.active), key=lambda run: run.status is Status.QUEUED, default=None)


def _mark(runs: list[Run]) -> Mark:
    """What changes when a page that lists runs has to be drawn anew: one comes, goes, ends an epoch or changes its state."""
    return tuple((run.id, state_words(run), run.last and run.last.epoch, run.name) for run in runs)


def as_drawn(workspace: Workspace, runs: list[Run]) -> Callable[[], list[Run]]:
    """What lists the runs for a view that is redrawn by itself: `runs` as its page is drawn, from then on the disk."""
    given = [runs]
    return lambda: given.pop() if given else list_runs(workspace)


def keep_up(workspace: Workspace, runs: list[Run], only: str = "") -> None:
    """Draw a page on which nothing lives anew when its runs change elsewhere; nothing is shown.

    Args:
        workspace: where.
        runs: what the page shows.
        only: the id of the one run that it shows; all of them without it.
    """
    drawn, listing = _mark(runs), as_drawn(workspace, runs)

    def look() -> None:
        tell_refused()
        if _mark([run for run in listing() if only in ("", run.id)]) != drawn:
            st.rerun()

    st.fragment(look, run_every=IDLE_TICK)()


def show_active(workspace: Workspace, runs: list[Run], page: str) -> None:
    """What trains and what waits, with buttons; follows the disk, and draws the page anew when its runs change.

    Args:
        workspace: where.
        runs: all runs, as the page is drawn.
        page: prefix of the widget keys.
    """
    if not any(run.active for run in runs):
        keep_up(workspace, runs)
        return
    drawn, listing = _mark(runs), as_drawn(workspace, runs)

    def look() -> None:
        tell_refused()
        now = listing()
        _show(workspace, now, page)
        if _mark(now) != drawn:  # after the buttons: a click that came with this look is not lost
            st.rerun()

    st.fragment(look, run_every=TICK)()


def show_progress(run: Run) -> None:
    """The progress bar of a run that trains, with its line of words, and the notice where it does not respond."""
    st.progress(done_share(run.progress) if run.progress else 0.0,
                text=progress_line(run.progress) if run.progress else "starting…")  # fmt: skip
    if run.silent_since is not None:
        st.warning(
            f"Not responding since {since(run.silent_since)}. It may be stuck, or the machine very busy. Stop ends it within "
            "half a minute; Resume then goes on from its last checkpoint.",
            icon=":material/heart_broken:",
        )


def _show(workspace: Workspace, runs: list[Run], page: str) -> None:
    by_id = {run.id: run for run in runs}
    places = queue_places(runs, slots(workspace))
    training = [run for run in runs if run.active and run.id not in places]
    waiting = [by_id[run_id] for run_id in places]
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            waits = f", {len(waiting)} waiting" if waiting else ""
            st.markdown(f"**Now**: {len(training)} training{waits}", width="stretch")
            if len(training) + len(waiting) > 1:
                _offer_stop_all(workspace, page)
        for run in training:
            best = (
                f"{percent(run.best.test_accuracy)} on test at epoch {run.best.epoch}" if run.best else "no epoch yet"
            )
            _row(workspace, run, page, best)
            show_progress(run)
        for run in waiting[:MOST]:
            _row(workspace, run, page, turn_line(places[run.id]))
        if len(waiting) > MOST:
            st.caption(f"and {len(waiting) - MOST} more waiting; the table of runs lists them all")


def _row(workspace: Workspace, run: Run, page: str, line: str) -> None:
    word, colour, icon = state_words(run)
    with st.container(horizontal=True, vertical_alignment="center"):
        facts = [f"**{plain(run.name)}** on {plain(run.config.data.dataset)}", line]
        facts += [plain(run.person)] if run.person else []
        st.markdown(f":{colour}-badge[{icon} {word}] {' · '.join(facts)}", width="stretch")
        offer_moves(workspace, run, page)


def _offer_stop_all(workspace: Workspace, page: str) -> None:
    if st.button("Stop all", key=f"{page}_stop_all", type="tertiary", icon=":material/stop_circle:",
                 help="Stops every run that trains or waits; each keeps what it has and can be resumed."):  # fmt: skip
        with guard_click():
            with st.spinner("Stopping…"):
                stop_all(workspace)
            st.rerun()
