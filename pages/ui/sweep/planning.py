"""From what the form says to a plan, with the sentences that prevent a start; the time it will take; the start."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from cifar_core.data import DatasetState
from cifar_core.errors import CifarCoreError, ConfigError
from cifar_core.lifecycle.place import LOCAL
from cifar_core.runs import Run, read_speed, slots
from cifar_core.sweeps.control import start_sweep
from cifar_core.sweeps.estimate import estimate_sweep
from cifar_core.sweeps.plan import SweepOptions, SweepPlan, plan_sweep, with_validation
from cifar_core.sweeps.space import parse_space
from cifar_core.text import counted
from cifar_core.workspace import Workspace
from pages.ui.class_room.lesson_link import lesson_problem
from pages.ui.class_room.person import person_of_runs
from pages.ui.error_messages import show_errors
from pages.ui.markdown import escaped_sentence
from pages.ui.rerun import rerun_page
from pages.ui.sweep.choice import watch_sweep
from pages.ui.sweep.plan_form import forget_nonce
from pages.ui.train.active_runs import IDLE_INTERVAL
from pages.ui.train.form_state import current_lesson
from pages.ui.train.network_preview import check_settings
from pages.ui.train.start_estimate import machine_state, missing_estimate
from pages.ui.wording import range_words


@dataclass(frozen=True)
class Draft:
    """What the form asks for, checked."""

    plan: SweepPlan | None  # None where something prevents a start
    problems: Sequence[str] = ()  # a sentence each
    note: str = ""  # what was changed so that the runs can be judged
    words: str = ""  # what is tried, as Markdown, where that can be listed


def draft_of(
    workspace: Workspace,
    settings: dict[str, Any],
    changed: Sequence[str],
    space: Sequence[str],
    options: SweepOptions,
    datasets: list[DatasetState],
) -> Draft:
    """Return the plan of what the form says, or why there is none.

    Args:
        workspace: where.
        settings: all of them, as the form says.
        changed: those that the person chose by hand.
        space: as `parse_space` reads it.
        options: as the form says.
        datasets: of the workspace.
    """
    config, problems = check_settings(settings, datasets)
    if config is None or problems:
        return Draft(None, problems)
    if not space:
        return Draft(None, ["Tick at least one setting to vary."])
    try:
        judged, note = with_validation(workspace, config.flat(), changed)
        found = parse_space(space, judged)
        plan = plan_sweep(workspace, judged, found, options, person=person_of_runs(), lesson=current_lesson())
        return Draft(plan, (), note)
    except ConfigError as error:
        return Draft(None, error.problems)
    except CifarCoreError as error:
        return Draft(None, [str(error)])


def show_problems(draft: Draft) -> None:
    """Show what prevents a start, and what was changed for the sweep."""
    for problem in draft.problems:
        st.error(escaped_sentence(problem), icon=":material/error:")
    if draft.note:
        st.caption(f":material/info: {escaped_sentence(draft.note)}")


def start_drafted(workspace: Workspace, draft: Draft, clicked: str | None) -> None:
    """Start the sweep where Start was clicked and nothing prevents it, and watch it."""
    if clicked is None or draft.plan is None:
        return
    if problem := lesson_problem():
        st.error(escaped_sentence(problem), icon=":material/error:")
        return
    with show_errors():
        watch_sweep(start_sweep(workspace, draft.plan, nonce=clicked))
        forget_nonce()
        st.rerun()


def show_time(workspace: Workspace, draft: Draft, runs: list[Run]) -> None:
    """Show how many runs there will be and how long they take on this machine; follow the measurement of its speed."""
    state = machine_state(workspace, runs)

    def refresh() -> None:
        if state in ("measuring", "busy") and machine_state(workspace, runs) != state:
            rerun_page()
        if draft.plan is not None and draft.plan.options.place != LOCAL:
            st.caption(f":material/timer: {' '.join(filter(None, (draft.words, _count_words(draft.plan))))}.")
        elif draft.plan is not None:
            time = _time_line(workspace, draft.plan, runs, state)
            st.caption(f":material/timer: {' '.join(filter(None, (draft.words, time)))}")

    st.fragment(refresh, run_every=IDLE_INTERVAL if state in ("measuring", "busy") else None)()


def _count_words(plan: SweepPlan) -> str:
    options, what = plan.options, counted(plan.candidates * plan.options.seeds, "run")
    if options.seeds == 1:
        return what
    word = "value" if options.sampler == "grid" and len(plan.space) == 1 else "candidate"
    return f"{counted(plan.candidates, word)} with {options.seeds} seeds each, {what}"


def _time_line(workspace: Workspace, plan: SweepPlan, runs: list[Run], state: str) -> str:
    options, at_once = plan.options, min(slots(workspace), plan.options.runs)
    what = _count_words(plan)
    what += f", {at_once} at a time" if at_once > 1 else ""
    span = estimate_sweep(workspace, plan, runs)
    if span is None:
        timed = read_speed(workspace) is not None
        return f"{what}: not timed yet" + ("." if timed else f": {missing_estimate(state)}.")
    pruned = "" if options.pruner == "none" else ", less what runs that stop early save"
    active = sum(run.active for run in runs)
    beside = f" It shares this machine with {counted(active, 'run')} under way." if active else ""
    return f"{what}: {range_words(span.low, span.high)} on this machine{pruned}.{beside}"
