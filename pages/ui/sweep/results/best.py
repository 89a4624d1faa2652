"""The best trial of a sweep: its validation accuracy with interval, the gain, its test accuracy, the part of luck."""

from collections.abc import Sequence

import streamlit as st

from cifar_core.evaluate import TERMS
from cifar_core.evaluate.spread import spread_of
from cifar_core.figures.sweep import settings_words
from cifar_core.runs import Run, group_of, seed_groups
from cifar_core.sweeps.sweep import Best, Sweep
from cifar_core.sweeps.tables import gain_sentence, luck_sentence
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
    own = {run.run for run in best.trial.runs}
    here = [run for run in runs if run.id in own]
    run = next((run for run in here if run.id == best.run), None)
    with st.container(horizontal=True, gap="medium"):
        _show_validation(sweep, best)
        if run is not None and not sweep.active:
            _show_test(here)
        with st.container(gap="xxsmall"):
            st.markdown(f"Trial {best.trial.number}: {escaped(settings_words(best.trial.settings))}")
            if words := gain_sentence(sweep):
                st.caption(escaped_sentence(words))
            if run is not None and not sweep.active:
                _show_ways_on(workspace, run, list(runs))
    if run is not None and not sweep.active:
        show_caveats(run)
        show_seeds_line(run, list(runs))
        if words := luck_sentence(best, _others(run, runs, best)):
            st.caption(escaped_sentence(words))


def _others(run: Run, runs: Sequence[Run], best: Best) -> list[float]:
    """Return the validation accuracies that the settings of a run have reached with seeds beside those of its trial."""
    group = group_of(seed_groups(runs), run.id)
    tried = {each.seed for each in best.trial.runs}
    return [
        each.best.validation_accuracy
        for each in (group.measured if group else ())
        if each.config.machine.seed not in tried and each.best and each.best.validation_accuracy is not None
    ]


def _show_validation(sweep: Sweep, best: Best) -> None:
    what = f"mean of {counted(best.n, 'seed')}" if len(best.trial.runs) > 1 else f"n = {best.n:,}"
    _show_number(
        f"{'Best so far' if sweep.active else 'Best'} · validation, {what}",
        percent(best.value),
        _interval_words(best.low, best.high),
        TERMS["winners_curse"].help,
    )


def _show_test(runs: Sequence[Run]) -> None:
    """Show the test accuracy of the runs of the best trial, of several seeds their mean, as they were chosen by it."""
    measured = [(run, run.best.test_accuracy) for run in runs if run.best is not None]
    if not measured:
        return
    (run, accuracy), *more = measured
    n = f", n = {run.dataset.test:,}" if run.dataset else ""
    small_print = accuracy_interval(run, accuracy)
    if more:
        spread = spread_of([found for _, found in measured])
        accuracy, n = spread.mean, f", mean of {counted(spread.n, 'seed')}"
        small_print = _interval_words(max(spread.low, 0.0), min(spread.high, 1.0))
    _show_number(
        f"Test{n}",
        percent(accuracy),
        " · ".join(filter(None, (small_print, "measured after choosing"))),
        "The test pictures chose no trial, so this number is not raised by the choice, as the one beside it is.",
    )


def _interval_words(low: float, high: float) -> str:
    return f"95\u00a0% interval {100 * low:.1f} to {percent(high)}"


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
