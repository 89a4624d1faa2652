"""Repeating a run with other seeds: the button, and what its repeats have reached."""

import secrets
from functools import partial

import streamlit as st

from cifar_core.data import list_datasets
from cifar_core.runs import (
    MOST_SEEDS,
    Run,
    SeedGroup,
    Status,
    estimate_run,
    group_of,
    group_words,
    read_speed,
    repeat_with_seeds,
    seed_groups,
)
from cifar_core.runs.run import FRESH
from cifar_core.text import counted
from cifar_core.workspace import Workspace
from pages.ui.class_room.person import person_going_on
from pages.ui.error_messages import show_errors_as_toast
from pages.ui.wording import range_words

_FURTHER = 2  # seeds that are proposed: three in all give a first idea of the spread
_NONCE_KEY = "seeds_nonce"  # session: one nonce for the next repeats, so that a double click makes them once


def show_repeat_choice(
    workspace: Workspace, run: Run, runs: list[Run], page: str, label: str = "Repeat with seeds"
) -> None:
    """Show the button that repeats a finished run with other seeds, with a few words below it.

    Args:
        workspace: where.
        run: the run; nothing is shown of one that is not finished, or went on from another one's weights.
        runs: all runs, newest first, whose times correct the estimate.
        page: prefix of the widget keys.
        label: of the button.
    """
    if run.status is not Status.FINISHED or run.origin not in FRESH:
        return
    menu = f"{page}_repeat_{run.id}"
    with st.container(width="content", gap=None):
        with st.popover(label, icon=":material/casino:", key=menu, on_change="rerun") as popover:
            st.markdown(
                "The same settings again, each time with another seed: it shows how much of a result is chance."
            )
            count = st.number_input(
                "Further runs", 1, MOST_SEEDS, _FURTHER, key=f"{page}_repeats_{run.id}", persist_state="page"
            )
            st.button(
                f"Queue {counted(count, 'run')}",
                key=f"{page}_repeat_start_{run.id}",
                icon=":material/play_arrow:",
                on_click=partial(_repeat, workspace, run, count, _nonce(), menu),
            )
            if popover.open:
                _show_time(workspace, run, runs, count)
        st.caption("how much is chance?")


def _show_time(workspace: Workspace, run: Run, runs: list[Run], count: int) -> None:
    """Show how long so many repeats will take here, one after the other; nothing where that is not known."""
    estimate = estimate_run(run.config, read_speed(workspace), list_datasets(workspace), runs)
    if estimate is not None:
        whole = estimate.whole.times(count)
        st.caption(f":material/timer: In all {range_words(whole.low, whole.high)}, {estimate.source}.")


def show_seeds_line(run: Run, runs: list[Run]) -> None:
    """Show what the repeats of a run have reached together; nothing where it has none.

    Args:
        run: the run.
        runs: all runs, newest first.
    """
    group = group_of(seed_groups(runs), run.id)
    if group is not None:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            show_seed_group(group, run)


def show_seed_group(group: SeedGroup, run: Run) -> None:
    """Show what the runs of a group have reached, and the way to the pictures that all of them get wrong.

    Args:
        group: of the run.
        run: whose pictures are shown; before its first result it has none.
    """
    st.caption(f":material/casino: {group_words(group)}", width="content")
    if run.best is not None and len(group.measured) > 1:
        st.page_link(
            "pages/misclassified.py",
            label="Pictures wrong with every seed",
            icon=":material/rule:",
            query_params={"run": run.id, "wrong_in": f"{len(group.measured)}~", "sort": "wrong_in"},
        )


def _nonce() -> str:
    return str(st.session_state.setdefault(_NONCE_KEY, secrets.token_hex(8)))


def _repeat(workspace: Workspace, run: Run, count: int, nonce: str, menu: str) -> None:
    """Queue the repeats and close the menu; the second click of a double click finds them made."""
    with show_errors_as_toast():
        made = repeat_with_seeds(workspace, run.id, count, nonce=nonce, person=person_going_on(run))
        st.session_state[_NONCE_KEY] = secrets.token_hex(8)
        st.session_state[menu] = False
        st.toast(f"{counted(len(made), 'run')} queued, each with a seed of its own.", icon=":material/play_arrow:")
