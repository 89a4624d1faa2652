"""The curves of several runs, one chart for each dataset: accuracies on different pictures say nothing together."""

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from cifar_core.figures import CURVE_KINDS, RunCurve, overlay_curves
from cifar_core.runs import Run, list_runs, read_earlier_epochs
from cifar_core.text import counted
from cifar_core.workspace import Workspace
from pages.ui.caches import load_metrics
from pages.ui.charts import with_readable_axes
from pages.ui.error_messages import show_errors
from pages.ui.markdown import escaped, single_line
from pages.ui.runs.runs_filter import PAGE
from pages.ui.url_state import UrlParameter, one_of

MAX_CHARTS = 6
MAX_CURVES = 20  # in one chart
SPLITS = ["test", "validation", "train"]
CURVE_URL_PARAMETERS: dict[str, UrlParameter] = {
    "kind": one_of(CURVE_KINDS, CURVE_KINDS[0]),
    "split": one_of(SPLITS, SPLITS[0]),
}


def show_run_curves(workspace: Workspace, runs: Sequence[Run], title: str, page: str = PAGE) -> None:
    """Show a chart for each dataset of these runs, the first run's first, and the choice of what is drawn.

    Args:
        workspace: where.
        runs: whose curves are drawn.
        title: above them.
        page: prefix of the widget keys.
    """
    st.header(title, anchor=False)
    with st.container(horizontal=True):
        kind = st.segmented_control("What", CURVE_KINDS, required=True, key=f"{page}_kind") or CURVE_KINDS[0]
        split = st.segmented_control("Split", SPLITS, required=True, key=f"{page}_split") or SPLITS[0]
    charts = _curves_by_dataset(workspace, runs)
    if not charts:
        st.caption("The curves appear when a first epoch is finished.")
        return
    column = f"{split}_{kind}"
    drawn = {name: curves for name, curves in charts.items() if _has_values(curves, column)}
    if not drawn:
        st.caption(f"None of these runs has a {split} part.")
        return
    with st.grid(min(2, len(drawn)), min_column_width=360):
        for place, (name, curves) in enumerate(list(drawn.items())[:MAX_CHARTS]):
            with st.container():
                _show_chart(name, curves, column, f"{page}_curves_{place}", several=len(drawn) > 1)
    if len(drawn) > MAX_CHARTS:
        st.caption(f"and {counted(len(drawn) - MAX_CHARTS, 'dataset')} more: tick fewer runs to see them")


def _show_chart(name: str, curves: list[RunCurve], column: str, key: str, *, several: bool) -> None:
    split, kind = column.split("_")
    if several:
        st.markdown(f"**{escaped(name)}**")
    st.plotly_chart(
        _figure(curves[:MAX_CURVES], column, st.context.theme.type, _content(curves[:MAX_CURVES], column)),
        key=key,
        alt=f"{split} {kind} per epoch of {counted(len(curves[:MAX_CURVES]), 'run')} on {single_line(name)}",
    )
    if len(curves) > MAX_CURVES:
        st.caption(f"and {counted(len(curves) - MAX_CURVES, 'run')} more on {escaped(name)}")


@st.cache_resource(max_entries=64, show_spinner=False)
def _figure(_curves: list[RunCurve], column: str, theme: str | None, content: object) -> go.Figure:
    """Return the figure; it is kept, because drawing five takes longer than the rest of the page."""
    return with_readable_axes(overlay_curves(_curves, column))


def _content(curves: Sequence[RunCurve], column: str) -> list[tuple[object, ...]]:
    """Return everything that the figure shows."""
    return [
        (curve.run_id, curve.name, curve.offset, _values(curve.metrics, column), _values(curve.earlier, column))
        for curve in curves
    ]


def _values(epochs: pd.DataFrame | None, column: str) -> bytes:
    if epochs is None or column not in epochs:
        return b""
    return epochs[["epoch", column]].to_numpy(float).tobytes()


def run_curve(workspace: Workspace, run: Run) -> RunCurve:
    """Return the curve of a run; where it continues others, behind the epochs of those.

    Raises:
        RunError: the run, or one that it continues, has just been deleted.
    """
    metrics, earlier = load_metrics(workspace, run), None
    if run.origin == "continued":
        earlier = read_earlier_epochs(workspace, run, {item.id: item for item in list_runs(workspace)})
    return RunCurve(run.id, run.colour, single_line(run.name), metrics, run.earlier_epochs, earlier)


def _curves_by_dataset(workspace: Workspace, runs: Sequence[Run]) -> dict[str, list[RunCurve]]:
    """Return the curves of runs with a finished epoch by dataset; one that was replaced counts as another one."""
    found: dict[str, dict[str, list[RunCurve]]] = {}
    for run in runs:
        with show_errors():
            curve = run_curve(workspace, run)
            if not curve.metrics.empty:
                versions = found.setdefault(run.config.data.dataset, {})
                version = run.dataset.fingerprint if run.dataset else ""
                versions.setdefault(version, []).append(curve)
    return {
        name if place == 0 else f"{name}, other pictures of that name ({place + 1})": curves
        for name, versions in found.items()
        for place, curves in enumerate(versions.values())
    }


def _has_values(curves: Sequence[RunCurve], column: str) -> bool:
    return any(column in curve.metrics and curve.metrics[column].notna().any() for curve in curves)
