"""The best trial of a sweep: its validation accuracy with interval, the gain, its test accuracy, and how much is luck."""

from collections.abc import Sequence

import streamlit as st

from cifar_core.evaluate import TERMS
from cifar_core.figures.sweep import settings_words
from cifar_core.runs import Run
from cifar_core.sweeps.sweep import Best, Sweep
from cifar_core.sweeps.tables import gain_sentence
from cifar_core.text import counted
from cifar_core.workspace import Workspace
from pages.ui.markdown import escaped, escaped_sentence
from pages.ui.run_focus import show_caveats
from pages.ui.runs.seeds import show_repeat_choice, show_seeds_line
from pages.ui.sweep.results.choice import PREFIX, RUN_PAGE, run_address
from pages.ui.wording import accuracy_interval, percent

_NUMBER = 215  # CSS pixels of a large number with its label


def show_best(workspace: Workspace, sweep: Sweep, best: Best, runs: Sequence[Run]) -> None:
    """Show the highest validation accuracy so far with its interval and the gain.

    Once the sweep has ended, the test accuracy of its best run stands beside it, and below the way to see how much of
    the result is luck.
    """
    run = next((run for run in runs if run.id == best.run), None)
    with st.container(horizontal=True, gap="medium"):
        _show_validation(sweep, best)
        if run is not None and not sweep.active:
            _show_test(run)
        with st.container(gap="xxsmall"):
            st.markdown(f"Trial {best.trial.number}: {escaped(settings_words(best.trial.settings))}")
            if words := gain_sentence(sweep):
                st.caption(escaped_sentence(words))
            if run is not None and not sweep.active:
                _show_ways_on(workspace, run, list(runs))
    if run is not None and not sweep.active:
        show_caveats(run)
        show_seeds_line(run, list(runs))


def _show_validation(sweep: Sweep, best: Best) -> None:
    what = f"mean of {counted(best.n, 'seed')}" if len(best.trial.runs) > 1 else f"n = {best.n:,}"
    _show_number(
        f"{'Best so far' if sweep.active else 'Best'} · validation, {what}",
        percent(best.value),
        f"95\u00a0% interval {100 * best.low:.1f} to {percent(best.high)}",
        TERMS["winners_curse"].help,
    )


def _show_test(run: Run) -> None:
    if run.best is None:
        return
    _show_number(
        f"Its best run · test{f', n = {run.dataset.test:,}' if run.dataset else ''}",
        percent(run.best.test_accuracy),
        accuracy_interval(run, run.best.test_accuracy),
        "Measured after choosing: the test pictures chose no trial, so this number is not raised by the choice.",
    )


def _show_number(label: str, value: str, small_print: str, meaning: str) -> None:
    with st.container(width=_NUMBER, gap=None):
        st.metric(label, value, help=meaning)
        st.caption(small_print)


def _show_ways_on(workspace: Workspace, run: Run, runs: list[Run]) -> None:
    """Show the way to the best run, and the button that trains it with other seeds."""
    with st.container(horizontal=True, gap="medium"):
        show_repeat_choice(workspace, run, runs, PREFIX, label="Train the best with other seeds")
        st.page_link(
            RUN_PAGE, label="Open its best run", icon=":material/open_in_new:", query_params=run_address(run.id)
        )
