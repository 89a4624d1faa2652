"""The curves of one run, whose axes stand still while it trains, and the table of the same numbers.

The session and the URL (`zoom`) keep whether the y axes fit what is drawn.
"""

from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from cifar_core.export import table_csv
from cifar_core.figures import CurveKind, CurveScale, curves
from cifar_core.runs import Run
from pages.ui.charts import with_readable_axes
from pages.ui.train.result_so_far import class_count
from pages.ui.url_state import on_off, url_to_widgets, widgets_to_url
from pages.ui.wording import PERCENT_FORMAT, epoch_word, in_percent

_MAX_CHARTS = 32  # charts kept, some hundred kB in all
_PREFIX = "watch"  # of the keys, as a page has one
_URL_PARAMETERS = {"zoom": on_off(False)}
_PARTS = {"train": "Training", "validation": "Validation", "test": "Test"}
EPOCH_COLUMNS = {  # words for the fields of an epoch, in the order of the table
    "epoch": "Epoch",
    **{f"{part}_{kind}": f"{word} {kind}" for part, word in _PARTS.items() for kind in ("loss", "accuracy")},
    "learning_rate": "Learning rate",
    "seconds": "Seconds",
    "images_per_second": "Pictures per second",
    "looks": "Views of each test picture",
}


@dataclass(frozen=True)
class Curves:
    """What the curves of a run are drawn from."""

    metrics: pd.DataFrame  # of `read_metrics`
    within: pd.DataFrame  # of `read_within_epochs`
    earlier: pd.DataFrame  # of `read_earlier_epochs`


def read_zoom() -> None:
    """Take over from the URL whether to zoom in; once for each run of the page, before the curves are drawn."""
    url_to_widgets(_PREFIX, _URL_PARAMETERS)


def show_accuracy(run: Run, tables: Curves) -> None:
    """Show the accuracy over the epochs, with the switch that zooms both charts. It is drawn empty before any point.

    So the browser has loaded Plotly by then.
    """
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**Accuracy**", width="stretch")
        st.toggle("Zoom in", key=f"{_PREFIX}_zoom", help="Fits the upright axes to the curves; else they stand still.")
    widgets_to_url(_PREFIX, _URL_PARAMETERS)
    _show_curves(run, "accuracy", tables)


def show_loss(run: Run, tables: Curves) -> None:
    """Show the loss over the epochs."""
    st.markdown("**Loss**")
    _show_curves(run, "loss", tables)


def _show_curves(run: Run, kind: CurveKind, tables: Curves) -> None:
    scale = CurveScale(run.config.optimizer.epochs, class_count(run), st.session_state[f"{_PREFIX}_zoom"])
    best = (epoch_word(run), run.best.epoch) if run.best else None
    st.plotly_chart(
        _figure(tables.metrics, kind, scale, best, tables.within, tables.earlier, st.context.theme.type),
        key=f"train_{kind}",
        config={"displayModeBar": False},  # it would cover the label of the best epoch on a phone
        alt=f"{kind} per epoch: training, validation, test"
        + (", after the epochs of the run that it continues" if len(tables.earlier) else ""),
    )


@st.cache_resource(max_entries=_MAX_CHARTS, show_spinner=False)
def _figure(
    metrics: pd.DataFrame,
    kind: CurveKind,
    scale: CurveScale,
    best: tuple[str, int] | None,
    within: pd.DataFrame,
    earlier: pd.DataFrame,
    theme: str | None,
) -> go.Figure:
    """Return a chart, made once for everybody who watches the run in this theme; it must not be changed."""
    return with_readable_axes(curves(metrics, kind, scale, best, within, earlier))


def show_epoch_table(run: Run, metrics: pd.DataFrame) -> None:
    """Show the numbers in the charts as a table in words; its CSV has the names of the fields."""
    with st.expander("The numbers of each epoch", icon=":material/table:"):
        st.dataframe(
            epoch_table(metrics),
            hide_index=True,
            alt="Loss and accuracy per epoch and part",
            column_config={
                word: st.column_config.NumberColumn(format=_number_format(name)) for name, word in EPOCH_COLUMNS.items()
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


def epoch_table(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return the table that is shown: words as columns, accuracies in per cent, without what was not measured."""
    measured = metrics.dropna(axis="columns", how="all")
    if "looks" in measured and (measured["looks"].fillna(1) == 1).all():  # as nearly always; the CSV has it
        measured = measured.drop(columns="looks")
    shown = [name for name in EPOCH_COLUMNS if name in measured]
    accuracies = [name for name in shown if name.endswith("accuracy")]
    return in_percent(measured, accuracies)[shown].rename(columns=EPOCH_COLUMNS)


def _number_format(name: str) -> str:
    """Return a format with as many digits as a value supports; `%.3g` keeps small values readable."""
    if name.endswith("accuracy"):
        return PERCENT_FORMAT
    digits = {"epoch": "%d", "looks": "%d", "seconds": "%.1f", "images_per_second": "%.0f"}
    return digits.get(name, "%.3g")
