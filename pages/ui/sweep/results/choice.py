"""What a person chose of the results of a sweep: a chart, kept in the URL; the trial whose run is to be opened."""

from collections.abc import Mapping, Sequence

import streamlit as st

from cifar_core.figures.sweep import reached
from cifar_core.runs import Run
from cifar_core.sweeps.plan import SweepPlan
from cifar_core.sweeps.sweep import Trial
from pages.ui.url_state import one_of, url_to_widgets, widgets_to_url

PREFIX = "results"  # of the widget keys, as a page has one
EFFECT, LINES, SETTINGS, TIME = "effect", "trials", "settings", "time"
TITLES = {LINES: "All trials", SETTINGS: "Which setting matters", TIME: "Accuracy and time"}
RUN_PAGE = "pages/train.py"  # where a run is looked at
_OPENED_KEY = "results_opened"  # session: the run that a click opens


def charts_of(plan: SweepPlan) -> dict[str, str]:
    """The charts of a sweep and their titles, the first one shown first: of one swept setting its effect."""
    if len(plan.space) == 1:
        return {EFFECT: "Its effect", TIME: TITLES[TIME]}
    return TITLES


def read_chart(plan: SweepPlan) -> None:
    """Take over the chart from the URL, and write the chosen one there; once for each run of the page."""
    options = list(charts_of(plan))
    parameters = {"chart": one_of(options, options[0])}
    url_to_widgets(PREFIX, parameters, subject=plan.id)
    widgets_to_url(PREFIX, parameters)


def show_chart_choice(plan: SweepPlan) -> str:
    """Show the choice of a chart; return the chosen one."""
    titles = charts_of(plan)
    st.segmented_control(
        "Chart",
        list(titles),
        required=True,
        key=f"{PREFIX}_chart",
        format_func=titles.__getitem__,
        label_visibility="collapsed",
        wrap=True,
        on_change=lambda: widgets_to_url(PREFIX, {"chart": one_of(list(titles), next(iter(titles)))}),
    )
    return str(st.session_state[f"{PREFIX}_chart"])


def openable_runs(trials: Sequence[Trial], runs: Sequence[Run]) -> dict[int, str]:
    """The run that a click on a trial opens, by the trial's number: the best so far of those that are here."""
    here = {run.id for run in runs}
    found = {}
    for trial in trials:
        made = [run for run in trial.runs if run.run in here and not run.deleted]
        if made:
            found[trial.number] = max(made, key=lambda run: max(run.values, default=-1.0)).run
    return found


def best_first(trials: Sequence[Trial]) -> list[Trial]:
    """The trials, finished ones by their value, then those that have reached something, then the others."""
    return sorted(trials, key=lambda trial: (trial.value is None, -(reached(trial) or 0.0), trial.number))


def open_trial(runs: Mapping[int, str], number: int) -> None:
    """Let the page open the run of a trial; for a callback."""
    if number in runs:
        st.session_state[_OPENED_KEY] = runs[number]


def follow_click() -> None:
    """Go to the run that a person has just clicked, if any.

    The address keeps what it says of the sweep: Streamlit leaves it behind for the browser's back button, which so
    leads to the same sweep and chart.
    """
    opened = st.session_state.pop(_OPENED_KEY, None)
    if opened is not None:
        kept = {name: st.query_params[name] for name in ("sweep", "chart") if name in st.query_params}
        st.switch_page(RUN_PAGE, query_params=kept | run_address(opened))


def run_address(run_id: str) -> dict[str, str]:
    """The address of a run on `RUN_PAGE`."""
    return {"run": run_id, "view": "Watch"}
