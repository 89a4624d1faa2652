"""One row for a sweep that works, in the box of active runs on every page: how far it is, its best, its Stop."""

import contextlib
from collections.abc import Sequence

import streamlit as st

from cifar_core.errors import SweepError
from cifar_core.runs import Run
from cifar_core.sweeps.among_runs.active import active_sweeps
from cifar_core.sweeps.estimate import sweep_time_left
from cifar_core.sweeps.sweep import Sweep, SweepStatus, best_of, read_sweep
from cifar_core.text import counted
from cifar_core.workspace import Workspace
from pages.ui.markdown import escaped
from pages.ui.sweep.choice import sweep_name
from pages.ui.sweep.stop_button import show_stop_button
from pages.ui.train.run_buttons import runs_seen_active
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
        show_stop_button(workspace, sweep, f"{page}_stop_sweep_{sweep.id}")
    st.progress(min(1.0, sweep.runs_done / sweep.plan.options.runs), text=_position(sweep, runs))


def _best_words(sweep: Sweep, runs: Sequence[Run]) -> str:
    best = best_of(sweep, runs)
    return f"best {percent(best.value)} on validation" if best else "no finished run yet"


def _position(sweep: Sweep, runs: Sequence[Run]) -> str:
    """Return how far a sweep is: `12 of 30 runs · 2 to 4 min left`."""
    done = f"{sweep.runs_done:,} of {counted(sweep.plan.options.runs, 'run')}"
    left = sweep_time_left(sweep, runs) if sweep.active else None
    return f"{done} · {range_words(left.low, left.high)} left" if left else done
