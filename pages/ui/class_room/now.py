"""Who trains and who waits, in the order of the queue, read again every few seconds; a teacher stops runs here."""

from collections import Counter
from collections.abc import Sequence

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from cifar_core.lifecycle.states import EndRequest
from cifar_core.runs import QueuePlace, Run, queue_places, slots, time_left
from cifar_core.runs.control.stop_all import request_stop_of
from cifar_core.text import counted
from cifar_core.workspace import Workspace
from pages.ui.class_room.choice import PAGE
from pages.ui.class_room.ticked_rows import show_ticked_rows, text_width
from pages.ui.error_messages import show_errors_as_toast
from pages.ui.markdown import escaped, single_line
from pages.ui.train.active_runs import IDLE_INTERVAL, refresh_interval, run_lister
from pages.ui.wording import progress_share, range_words, status_display

_TICKED = f"{PAGE}_active"
_HEIGHT = 440  # pixels, eleven rows and a half
NOBODY = "no name"


def show_now(workspace: Workspace, runs: list[Run], *, teacher: bool) -> None:
    """Show the table of active runs, and for a teacher what can be done with the ticked ones."""
    listing = run_lister(workspace, runs)

    def refresh() -> None:
        listed = listing()
        _show(workspace, listed, teacher=teacher)

    pace = refresh_interval() if any(run.active for run in runs) else IDLE_INTERVAL
    st.fragment(refresh, run_every=pace)()


def _show(workspace: Workspace, runs: list[Run], *, teacher: bool) -> None:
    places = queue_places(runs, slots(workspace))
    active = active_in_order(runs, places)
    if not active:
        st.info("Nothing trains or waits. Runs appear here as soon as somebody starts one.", icon=":material/bedtime:")
        return
    waiting = sum(run.waits for run in active)
    people = len({run.person for run in active})
    lesson = active[0].lesson if len({run.lesson for run in active}) == 1 else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"**{len(active) - waiting}** training, **{waiting}** waiting, of "
            f"**{'1 person' if people == 1 else f'{people} people'}**"
            + (f", in lesson **{escaped(lesson)}**" if lesson else ""),
            width="content",
        )
        # Beside the words: the right end is where the table's own buttons appear, above it.
        buttons = st.container(horizontal=True, width="content")
    ticked = show_ticked_rows(_TICKED, _rows(active, places), _columns(active), _ALT, _HEIGHT, ticks=teacher)
    if not teacher:
        return
    with buttons:
        _show_stops(workspace, [run for run in active if run.id in ticked], active)
    if not ticked:
        st.caption("Tick runs to stop them.")


_ALT = "Runs that train and wait, with person, place in the queue, expected start and progress"


def active_in_order(runs: Sequence[Run], places: dict[str, QueuePlace]) -> list[Run]:
    """Return the runs that train, the oldest first, then those that wait, in the order of the queue."""
    order = {run_id: number for number, run_id in enumerate(places)}
    active = [run for run in runs if run.active and not run.problem]
    return sorted(active, key=lambda run: (run.waits, order.get(run.id, len(order)), run.made_at))


def _rows(active: Sequence[Run], places: dict[str, QueuePlace]) -> pd.DataFrame:
    return pd.DataFrame([_row(run, places.get(run.id)) for run in active])


def _row(run: Run, place: QueuePlace | None) -> dict[str, object]:
    if run.waits:
        starts = f"in {range_words(place.wait.low, place.wait.high)}" if place and place.wait else "not timed yet"
        starts = "" if run.silent_since is not None else starts
    else:
        left = time_left(run)  # from which the queue's expected starts are made, so that both agree
        starts = f"{range_words(left.low, left.high)} left" if left and left.high else ""
    return {
        "id": run.id,
        "person": single_line(run.person) or NOBODY,
        "name": single_line(run.name),
        "lesson": single_line(run.lesson),
        "state": status_display(run)[0],
        "place": place.position if place else None,
        "round": run.round + 1 if run.waits else None,
        "time": starts,
        "progress": None if run.waits else 100 * progress_share(run),
        "accuracy": 100 * run.best.test_accuracy if run.best else None,
        "epochs": run.config.optimizer.epochs,
    }


def _columns(active: Sequence[Run]) -> dict[str, ColumnConfig]:
    column = st.column_config
    shown: dict[str, ColumnConfig] = {
        "person": column.TextColumn("Person", pinned=True, width=text_width(run.person for run in active)),
        "state": column.TextColumn("State"),
        "place": column.NumberColumn("Place", help="In the queue: 1 is next."),
        "time": column.TextColumn("Time", help="When it is expected to start, or how long it still trains."),
        "progress": column.ProgressColumn("Progress", format="%.0f %%", min_value=0, max_value=100),
        "accuracy": column.NumberColumn(
            "Test accuracy so far", format="%.1f %%", help="At the epoch that the validation part chose."
        ),
        "name": column.TextColumn("Run", width=text_width(run.name for run in active)),
        "lesson": column.TextColumn("Lesson", width=text_width(run.lesson for run in active)),
        "round": column.NumberColumn(
            "Round", help="Under fair share: 1 is the first run of this person in the last 12 hours, 2 the second."
        ),
        "epochs": column.NumberColumn("Epochs"),
    }
    unused = {
        "lesson": len({run.lesson for run in active}) == 1,  # the line above says it
        "round": not any(run.round for run in active),
        "accuracy": not any(run.best for run in active),
    }
    return {name: config for name, config in shown.items() if not unused.get(name)}


def _show_stops(workspace: Workspace, ticked: Sequence[Run], active: Sequence[Run]) -> None:
    """Show the buttons that stop the ticked runs, and all runs of their person where that is one."""
    if not ticked:
        return
    open_ = [run for run in ticked if run.ending is not EndRequest.STOP]
    st.button(
        f"Stop {counted(len(ticked), 'run')}" if open_ else "Stopping",
        key=f"{PAGE}_stop",
        icon=":material/stop:",
        disabled=not open_,
        on_click=_stop,
        args=(workspace, [run.id for run in open_]),
        help="Each ends within one batch, keeps what it has, and can be resumed.",
    )
    ((person, count),) = Counter(run.person for run in ticked).most_common(1)
    whole = [run.id for run in active if run.person == person and run.ending is not EndRequest.STOP]
    if count == len(ticked) and len(whole) > len(open_):
        st.button(
            f"Stop all {len(whole)} of {escaped(person) or NOBODY}",
            key=f"{PAGE}_stop_person",
            icon=":material/person_off:",
            on_click=_stop,
            args=(workspace, whole),
        )


def _stop(workspace: Workspace, run_ids: Sequence[str]) -> None:
    with show_errors_as_toast():
        request_stop_of(workspace, run_ids)
