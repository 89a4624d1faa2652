"""What a sweep has found: the best so far, the charts, the table of trials; followed while it runs."""

from collections.abc import Mapping, Sequence

import streamlit as st

from cifar_core.runs import Run
from cifar_core.sweeps.folder import SweepFolder
from cifar_core.sweeps.importance import read_importance
from cifar_core.sweeps.sweep import Sweep, best_of, read_sweep
from cifar_core.workspace import Workspace
from pages.ui.error_messages import show_errors
from pages.ui.rerun import rerun_page
from pages.ui.sweep.results import choice
from pages.ui.sweep.results.best import show_best
from pages.ui.sweep.results.charts import show_lines, show_settings, show_time
from pages.ui.sweep.results.choice import follow_click, openable_runs, read_chart, show_chart_choice
from pages.ui.sweep.results.effect_view import show_effect
from pages.ui.sweep.results.trials_view import show_trials
from pages.ui.train.active_runs import refresh_interval, run_lister


def show_sweep_results(workspace: Workspace, sweep: Sweep, runs: Sequence[Run]) -> None:
    """Show what a sweep has found, read again every few seconds while it runs. Not inside of another fragment.

    Args:
        workspace: where.
        sweep: as the page is drawn.
        runs: all runs, as the page is drawn.
    """
    listing = run_lister(workspace, list(runs))

    def refresh() -> None:
        listed = listing()
        with show_errors():
            now = read_sweep(workspace, sweep.id, listed)
            if now.status != sweep.status:
                rerun_page()
            _show_results(workspace, now, listed)

    read_chart(sweep.plan)
    follow_click()
    st.fragment(refresh, run_every=2 * refresh_interval() if sweep.active else None)()


def _show_results(workspace: Workspace, sweep: Sweep, runs: list[Run]) -> None:
    follow_click()
    if not sweep.trials:
        st.info("The charts come with the first trial.", icon=":material/hourglass_empty:")
        return
    best = best_of(sweep, runs)
    first = len(sweep.plan.space) > 1  # of one setting, the effect is what a person came for
    if best is not None and first:
        show_best(workspace, sweep, best, runs)
    opened = openable_runs(sweep.trials, runs)
    _show_chart(workspace, sweep, None if best is None else best.trial.number, opened)
    if best is not None and not first:
        show_best(workspace, sweep, best, runs)
    show_trials(sweep, opened)


def _show_chart(workspace: Workspace, sweep: Sweep, best: int | None, opened: Mapping[int, str]) -> None:
    match show_chart_choice(sweep.plan):
        case choice.EFFECT:
            show_effect(sweep)
        case choice.SETTINGS:
            importance = read_importance(SweepFolder(workspace.sweeps / sweep.id))
            show_settings(sweep, importance, best, opened)
        case choice.TIME:
            show_time(sweep, best, opened)
        case _:
            show_lines(sweep, opened)
