"""One row for a sweep that works, in the box of active runs on every page: how far it is, its best, its Stop."""

import contextlib
from collections.abc import Sequence

import streamlit as st

from cifar_core.errors import SweepError
from cifar_core.runs import Run
from cifar_core.sweeps.among_runs.active import active_sweeps
from cifar_core.sweeps.control import stop_sweep
from cifar_core.sweeps.estimate import sweep_time_left
from cifar_core.sweeps.sweep import Sweep, SweepStatus, best_of, read_sweep
from cifar_core.text import counted
from cifar_core.workspace import Workspace
from pages.ui.error_messages import show_errors_as_toast
from pages.ui.markdown import escaped
from pages.ui.sweep.choice import sweep_name
from pages.ui.train.run_buttons import END_WIDTH, runs_seen_active
from pages.ui.wording import BadgeColour, percent, range_words

SWEEP_DISPLAY: dict[SweepStatus, tuple[BadgeColour, str]] = {  # colour, icon
    "running": ("blue", ":material/play_circle:"),
    "finished": ("green", ":material/check_circle:"),
    "stopped": ("gray", ":material/stop_circle:"),
    "failed": ("red", ":material/error:"),
    "interrupted": ("orange", ":material/power_off:"),
}


def box_sweeps(workspace: Workspace, runs: Sequence[Run], page: str) -> list[Sweep]:
    """Return the sweeps that the box shows: those that work, and those that ended while the person was on the page.

    Args:
        workspace: where.
        runs: all runs.
        page: prefix of the widget keys.
    """
    working, seen = {sweep.id: sweep for sweep in active_sweeps(workspace, runs)}, runs_seen_active(f"{page}_sweeps")
    seen += [sweep_id for sweep_id in working if sweep_id not in seen]
    rows = []
    for sweep_id in seen:
        with contextlib.suppress(SweepError):  # it was deleted meanwhile
            rows.append(working.get(sweep_id) or read_sweep(workspace, sweep_id, runs))
    return rows


def show_sweep_row(workspace: Workspace, sweep: Sweep, runs: Sequence[Run], page: str) -> None:
    """Show a sweep in two lines: its name, best and Stop, which keep their place when it ends; its progress."""
    colour, icon = SWEEP_DISPLAY[sweep.status]
    word = "sweeping" if sweep.active else sweep.status
    with st.container(horizontal=True, vertical_alignment="center"):
        dataset = str(sweep.plan.settings.get("dataset", ""))
        facts = [f"**{escaped(sweep_name(sweep))}** on {escaped(dataset)}", _best_words(sweep, runs)]
        facts.append(escaped(sweep.plan.person))
        st.markdown(f":{colour}-badge[{icon} {word}] {' · '.join(filter(None, facts))}", width="stretch")
        st.page_link("pages/sweep.py", label="Open", icon=":material/open_in_new:", query_params={"sweep": sweep.id})
        _show_stop(workspace, sweep, page)
    st.progress(min(1.0, sweep.runs_done / _planned(sweep)), text=_position(sweep, runs))


def is_stopping(sweep: Sweep) -> bool:
    """Whether a sweep that works was asked to stop."""
    return sweep.active and sweep.job is not None and sweep.job.phase == "Cancelling"


def _best_words(sweep: Sweep, runs: Sequence[Run]) -> str:
    best = best_of(sweep, runs)
    return f"best {percent(best.value)} on validation" if best else "no finished run yet"


def _planned(sweep: Sweep) -> int:
    return max(1, sweep.plan.candidates * sweep.plan.options.seeds)


def _position(sweep: Sweep, runs: Sequence[Run]) -> str:
    """Return how far a sweep is: `12 of 30 runs · 2 to 4 min left`."""
    done = f"{sweep.runs_done:,} of {counted(_planned(sweep), 'run')}"
    left = sweep_time_left(sweep, runs) if sweep.active else None
    return f"{done} · {range_words(left.low, left.high)} left" if left else done


def _show_stop(workspace: Workspace, sweep: Sweep, page: str) -> None:
    """Show Stop; from the click on it says what was asked, then how the sweep ended, and does nothing."""
    asked = is_stopping(sweep)
    label = "Stopping" if asked else "Stop" if sweep.active else sweep.status.capitalize()
    st.button(
        label,
        key=f"{page}_stop_sweep_{sweep.id}",
        icon={"Stop": ":material/stop:", "Stopping": "spinner"}.get(label),
        help="Ends the sweep and keeps everything so far: its runs pause, and Resume on the Sweep page goes on.",
        disabled=asked or not sweep.active,
        width=END_WIDTH,
        on_click=_stop,
        args=(workspace, sweep.id),
    )


def _stop(workspace: Workspace, sweep_id: str) -> None:
    """Stop a sweep; the second click of a double click may find that it has ended."""
    with show_errors_as_toast(), contextlib.suppress(SweepError):
        stop_sweep(workspace, sweep_id)
