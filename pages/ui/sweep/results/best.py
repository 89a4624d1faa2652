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
from pages.ui.sweep.results.choice import PREFIX
from pages.ui.wording import accuracy_interval, percent


def show_best(sweep: Sweep, best: Best) -> None:
    """Show the highest validation accuracy so far, what it is of and how sure it is, and how it compares."""
    several = len(best.trial.runs) > 1
    what = counted(best.n, "seed") if several else counted(best.n, "validation picture")
    label = f"{'Best so far' if sweep.active else 'Best'} · validation, {'mean of ' if several else 'n = '}{what}"
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.metric(label, percent(best.value), width="content", help=TERMS["winners_curse"].help)
        with st.container(gap="xxsmall"):
            interval = f"95\u00a0% interval {100 * best.low:.1f} to {percent(best.high)}"
            st.markdown(f"Trial {best.trial.number}: {escaped(settings_words(best.trial.settings))}")
            st.caption(f"{interval}. {escaped_sentence(gain_sentence(sweep, best))}")


def show_after_the_end(workspace: Workspace, sweep: Sweep, best: Best, runs: Sequence[Run]) -> None:
    """Show the test accuracy of the best run once the sweep has ended, and the way to see how much of it is luck."""
    run = next((run for run in runs if run.id == best.run), None)
    if run is None or run.best is None or sweep.active:
        return
    n = f", n = {run.dataset.test:,}" if run.dataset else ""
    facts = [f"**Test accuracy {percent(run.best.test_accuracy)}**{n}", accuracy_interval(run, run.best.test_accuracy)]
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        with st.container(gap="xxsmall"):
            st.markdown(" · ".join(filter(None, facts)), help=TERMS["winners_curse"].help)
            st.caption(
                f"Of run {escaped(run.name)}, measured after choosing: no trial was chosen by it, so it is an honest exam."
            )
            show_caveats(run)
            show_seeds_line(run, list(runs))
        st.page_link(
            "pages/train.py",
            label="Open this run",
            icon=":material/open_in_new:",
            query_params={"run": run.id, "view": "Watch"},
        )
        show_repeat_choice(workspace, run, list(runs), PREFIX, label="Train the best with other seeds")
