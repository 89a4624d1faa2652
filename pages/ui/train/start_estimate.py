"""Before a start: how long the chosen settings would train on this machine, and the place in the queue."""

import sys

import streamlit as st

from cifar_core.config import RunConfig
from cifar_core.data import DatasetState
from cifar_core.jobs.job import read_job
from cifar_core.lifecycle.place import LOCAL, Place
from cifar_core.runs import (
    Estimate,
    QueuePlace,
    Run,
    Status,
    ensure_speed,
    estimate_run,
    measure_speed,
    next_round,
    queue_places,
    read_speed,
    slots,
    speed_job,
)
from cifar_core.workspace import Workspace
from pages.ui.class_room.person import person_of_runs
from pages.ui.components.job_view import show_job_end, show_start_button
from pages.ui.error_messages import show_errors
from pages.ui.markdown import escaped
from pages.ui.rerun import rerun_page
from pages.ui.train.active_runs import (
    IDLE_INTERVAL,
    current_run,
    refresh_interval,
    run_lister,
    show_run_progress,
)
from pages.ui.wording import estimate_words, queue_line, range_words


def show_start_estimate(
    workspace: Workspace, config: RunConfig | None, runs: list[Run], datasets: list[DatasetState], where: Place
) -> None:
    """Show the run that is training now and the place in the queue, and how long these settings will take here.

    Args:
        workspace: where.
        config: the settings; None where they break a rule.
        runs: the workspace's runs as the page was drawn.
        datasets: the workspace's datasets as the page was drawn.
        where: the place that is chosen; nothing is promised of another one than this machine.
    """
    running = current_run(runs)
    state = "busy" if running else machine_state(workspace, runs)
    refreshing = running is not None or state == "measuring"
    listing = run_lister(workspace, runs)

    def refresh() -> None:
        listed = listing()
        now = current_run(listed)
        if (now and now.id) != (running and running.id):
            rerun_page()
        if now is not None:
            turn = now.place.words if now.is_elsewhere else "its turn"
            word = "is training" if now.status is Status.RUNNING else f"waits for {escaped(turn)}"
            st.markdown(f"**{escaped(now.name)}** {word}.")
            if now.status is Status.RUNNING:
                show_run_progress(now)
        if running is None and state in ("measuring", "busy") and machine_state(workspace, listed) != state:
            rerun_page()
        if config is not None and where == LOCAL:
            _show_estimate(workspace, config, datasets, listed, state)

    st.fragment(refresh, run_every=refresh_interval() if refreshing else IDLE_INTERVAL)()


def _next_place(workspace: Workspace, config: RunConfig, runs: list[Run]) -> QueuePlace:
    """Return where a run with these settings would stand in the queue if it were started now."""
    turn = next_round(workspace, person_of_runs())
    following = Run("next", "", "", Status.QUEUED, config, "", ticket=sys.maxsize, round=turn)
    return queue_places([*runs, following], slots(workspace))[following.id]


def machine_state(workspace: Workspace, runs: list[Run]) -> str:
    """Return whether the speed of this machine is measured; measure it where not, or where a run contradicts it."""
    if workspace.unwritable(workspace.root) is not None:  # the folder that keeps the speed
        return "unwritable"
    with show_errors():
        return ensure_speed(workspace, runs)
    return "failed"


def _show_estimate(
    workspace: Workspace, config: RunConfig, datasets: list[DatasetState], runs: list[Run], state: str
) -> None:
    """Show how long a run will take, and the job that measures this machine, where it runs or has failed."""
    speed, found = read_speed(workspace), read_job(speed_job(workspace))
    estimate, place = estimate_run(config, speed, datasets, runs), _next_place(workspace, config, runs)
    if place.seconds != 0 and (estimate is None or place.wait is None):
        st.caption(f":material/hourglass_top: A run started now would wait {queue_line(place)}.")
    if estimate is None:
        unknown = speed is not None and config.model.model not in speed.costs
        of = f"{escaped(config.model.model)} is " if unknown else ""
        line = f"{of}{estimate_words(estimate)}: {missing_estimate(state)}"
    else:
        line = estimate_line(estimate, place)
    st.caption(f":material/timer: {line}")
    if state == "measuring" and found is not None and found.active:
        st.caption(f":material/speed: {found.sentence}")
    if state == "failed":
        show_job_end(found)
        show_start_button("speed_retry", "Retry", lambda: measure_speed(workspace))


def estimate_line(estimate: Estimate, place: QueuePlace) -> str:
    """Return how long a run will take, the wait for its turn included, and what that rests on.

    As in `3 to 8 min: 2 to 6 min behind quiet-otter, then 40 to 60 s, from the measured speed of this machine`.

    Args:
        estimate: of the run.
        place: its place in the queue if it were started now.
    """
    words, wait = estimate_words(estimate), place.wait
    if wait is None:
        return f"{words} once it is its turn, {estimate.source}"
    if wait.middle == 0:
        return f"{words}, {estimate.source}"
    whole, ahead = wait + estimate.whole, range_words(wait.low, wait.high)
    in_all = range_words(whole.low, whole.high)
    return f"{in_all}: {ahead} {place.who(escaped)}, then {words}, {estimate.source}"


def missing_estimate(state: str) -> str:
    return {
        "measuring": "the speed of this machine is being measured",
        "busy": "the speed of this machine is measured once nothing else goes on",
        "unwritable": "the measured speed of this machine cannot be written in this workspace",
        "failed": "the speed of this machine could not be measured",
    }.get(state, "the time is known once the pictures are here")
