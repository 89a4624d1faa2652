"""The live view of one run: its progress, its curves, and how it ended.

Reads the run from the disk; its buttons are those of `run_buttons`.
"""

from collections.abc import Callable

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from cifar_core.evaluate import explain_curve
from cifar_core.export import table_csv
from cifar_core.figures import CURVE_KINDS, CurveKind, curves
from cifar_core.runs import Run, Status, queue_places, read_metrics, slots, worker_log_tail
from cifar_core.text import clock, counted
from cifar_core.workspace import Workspace
from pages.ui.charts import with_readable_axes
from pages.ui.components.status_badge import status_badge
from pages.ui.error_messages import show_errors
from pages.ui.markdown import escaped, escaped_sentence
from pages.ui.rerun import rerun_page
from pages.ui.run_focus import focus_on, show_caveats
from pages.ui.train.active_runs import (
    refresh_interval,
    rerun_when_runs_change,
    run_lister,
    show_run_progress,
)
from pages.ui.train.run_buttons import show_end_buttons, show_go_on_buttons
from pages.ui.wording import (
    PERCENT_FORMAT,
    epoch_word,
    estimate_error_line,
    in_percent,
    percent,
    queue_line,
    result_line,
)

_MAX_CHARTS = 32  # charts kept, some hundred kB in all
_MAX_RESULTS_INTERVAL = 5.0  # at most, between two reads of the results of a run that trains
MAX_NOTICES = 3  # notices shown at once
END_TITLES = {
    Status.FAILED: "The run failed",
    Status.STOPPED: "The run stopped",
    Status.INTERRUPTED: "The run was interrupted",
}


def show_live_run(workspace: Workspace, drawn: Run, runs: list[Run]) -> None:
    """Show one run: its progress, read every few seconds while it is active, and below its results.

    Args:
        workspace: where.
        drawn: the run, as the page is drawn.
        runs: all runs, as the page is drawn.
    """

    def live(show: Callable[[Run, list[Run]], None], pace: float) -> None:
        listing = run_lister(workspace, runs)

        def refresh() -> None:
            listed = listing()
            run = next((run for run in listed if run.id == drawn.id), None)
            if run is None or run.active != drawn.active:  # it ended, began again, or was deleted
                rerun_page()
            first_epoch_ended = (run.last is None) != (drawn.last is None)  # it tells how long an epoch takes
            if run.problem or first_epoch_ended:
                rerun_page()
            show(run, listed)

        st.fragment(refresh, run_every=pace if drawn.active else None)()

    if drawn.problem:
        st.error(escaped_sentence(drawn.problem), icon=":material/broken_image:")
    else:
        live(lambda run, listed: _show_head(workspace, run, listed), refresh_interval())
        live(lambda run, listed: _show_results(workspace, run), _results_interval(drawn))
    if not drawn.active:
        rerun_when_runs_change(workspace, [drawn], drawn.id)


def _results_interval(run: Run) -> float:
    """Return the seconds between reads of the results.

    New results come with an epoch, so twice as often is enough. On a small machine, drawing charts takes time from
    the training.
    """
    epoch = run.seconds / run.last.epoch if run.last else 0.0
    return max(refresh_interval(), min(_MAX_RESULTS_INTERVAL, epoch / 2))


def _show_results(workspace: Workspace, run: Run) -> None:
    with show_errors():
        metrics = read_metrics(workspace, run.id)
        if run.status is Status.RUNNING or not metrics.empty:
            _show_curves(run, metrics)
        if not metrics.empty:
            _show_epoch_table(run, metrics)
        _show_end_reason(workspace, run)


def _show_head(workspace: Workspace, run: Run, runs: list[Run]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        status_badge(run)
        facts = [f"**{escaped(run.name)}**", f"{escaped(run.config.model.model)} on {escaped(run.config.data.dataset)}"]
        facts += [escaped(f"{run.device} in {run.precision}")] if run.device else []
        st.markdown(" · ".join([*facts, f"{clock(run.seconds)} trained"]), width="stretch")
        show_end_buttons(workspace, run, "train")
    place = queue_places(runs, slots(workspace)).get(run.id)
    if place is not None and place.seconds != 0:
        st.info(f"{queue_line(place)}. It starts by itself when its turn comes.", icon=":material/hourglass_top:")
    elif run.active or run.resumable:
        show_run_progress(run)
    elif estimate_error_line(run):
        st.caption(estimate_error_line(run))
    made = show_go_on_buttons(workspace, run, runs, "train")
    if made:
        focus_on(made)
        st.rerun()
    _show_notices(run)


def _show_notices(run: Run) -> None:
    """Show what a person should know of how the run went, such as an older checkpoint or a line that cannot be read."""
    for warning in run.warnings[:MAX_NOTICES]:
        st.warning(escaped_sentence(warning), icon=":material/info:")
    if len(run.warnings) > MAX_NOTICES:
        with st.expander(counted(len(run.warnings) - MAX_NOTICES, "more notice"), icon=":material/info:"):
            st.code("\n".join(run.warnings[MAX_NOTICES:]), language=None, height=200)
    if run.imported:
        st.caption(
            ":material/move_to_inbox: Imported from another workspace without its checkpoint: "
            "it can be looked at, but not resumed."
        )


def _show_curves(run: Run, metrics: pd.DataFrame) -> None:
    """Show both charts. They are shown empty before the first epoch, so that the browser has loaded Plotly by then."""
    st.markdown(result_line(run))
    show_caveats(run)
    best = run.best.epoch if run.best else None
    with st.grid(2, min_column_width=340):
        for kind in CURVE_KINDS:
            st.plotly_chart(
                with_readable_axes(_curve_figure(metrics, kind, best, epoch_word(run))),
                key=f"train_{kind}",
                config={"displaylogo": False},
                alt=f"{kind} per epoch: train, validation, test",
            )
    words = explain_curve(metrics, classes=len(run.dataset.class_names)) if run.dataset and run.best else ""
    st.markdown(
        f":material/lightbulb: {escaped_sentence(words)}"
        if words
        else "The first points appear when the first epoch ends."
    )


@st.cache_resource(max_entries=_MAX_CHARTS, show_spinner=False)
def _curve_figure(metrics: pd.DataFrame, kind: CurveKind, best: int | None, word: str) -> go.Figure:
    """Return a chart, made once for everybody who watches the run; it must not be changed."""
    return curves(metrics, kind, best, word)


def _show_epoch_table(run: Run, metrics: pd.DataFrame) -> None:
    """Show the table of the numbers in the charts."""
    with st.expander("The numbers of each epoch", icon=":material/table:"):
        accuracies = [name for name in metrics.columns if name.endswith("accuracy")]
        st.dataframe(
            in_percent(metrics, accuracies),
            hide_index=True,
            alt="Loss and accuracy per epoch and split",
            column_config={
                name: st.column_config.NumberColumn(format=PERCENT_FORMAT if name in accuracies else "%.4g")
                for name in metrics.columns
                if name != "epoch"
            },
        )
        st.download_button(
            "Download CSV",
            table_csv(metrics),
            f"{run.id}-epochs.csv",
            "text/csv",
            key="train_metrics_csv",
            icon=":material/download:",
        )


def _show_end_reason(workspace: Workspace, run: Run) -> None:
    """Show in one sentence why a run ended by itself, with the worker's log to unfold."""
    if run.error:
        kept = f" Kept: {percent(run.best.test_accuracy)} (test) at epoch {run.best.epoch}." if run.best else ""
        show_message = st.error if run.status is Status.FAILED else st.warning
        show_message(escaped_sentence(run.error) + kept, title=END_TITLES.get(run.status, "What happened"))
    if run.status in (Status.FAILED, Status.INTERRUPTED):
        with st.expander("What the worker wrote", icon=":material/terminal:"):
            st.code(worker_log_tail(workspace, run.id) or "nothing", language=None)
