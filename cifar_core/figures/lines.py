"""Line charts of metrics per epoch, for one run or several."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd
import plotly.graph_objects as go

from cifar_core.errors import ConfigError
from cifar_core.figures.run_looks import run_looks
from cifar_core.figures.style import (
    NEUTRAL,
    PART_COLOURS,
    escaped_name,
    new_figure,
    whole_number_step,
)

SYMBOLS = {"train": "circle", "validation": "diamond", "test": "square"}

CurveKind = Literal["accuracy", "loss"]
CURVE_KINDS: tuple[CurveKind, ...] = ("accuracy", "loss")
MAX_EPOCH_TICKS = 12
# Accuracies are drawn in per cent, not as fractions with a format: so Plotly gives ticks the decimals that they need.
_SCALE: dict[CurveKind, float] = {"accuracy": 100.0, "loss": 1.0}
_UNIT: dict[CurveKind, str] = {"accuracy": "\u00a0%", "loss": ""}

# Limits of an axis, since around a single point Plotly would show an accuracy of 150 %. Markers at them have room.
BOUNDS: dict[CurveKind, dict[str, float]] = {
    "accuracy": {"clipmin": -2, "clipmax": 102},
    "loss": {"clipmin": -0.05},
}
# Range of an axis without points, where Plotly would show -1 to 4; guessing among ten classes has a loss of 2.3.
_EMPTY: dict[CurveKind, list[float]] = {"accuracy": [0, 100], "loss": [0, 2.5]}


def curves(
    metrics: pd.DataFrame, kind: CurveKind, best_epoch: int | None = None, epoch_name: str = "best"
) -> go.Figure:
    """Accuracy or loss per epoch for the training, validation and test part.

    Args:
        metrics: one row per epoch: `epoch`, `train_<kind>`, `validation_<kind>` (may be absent), `test_<kind>`.
        kind: `accuracy` (fractions, shown in per cent) or `loss`.
        best_epoch: the epoch whose weights are used; a line with a label marks it.
        epoch_name: what the label calls it; `last` if no validation part chose it.

    Raises:
        ConfigError: another kind.
    """
    if kind not in ("accuracy", "loss"):
        raise ConfigError([f"Curves show accuracy or loss, not {kind!r}."])
    figure = new_figure(height=320, revision=f"curves-{kind}")
    for part in ("train", "validation", "test"):
        column = f"{part}_{kind}"
        if column not in metrics or metrics[column].isna().all():
            continue
        style = {"color": PART_COLOURS[part]}
        figure.add_scatter(
            x=metrics["epoch"],
            y=_SCALE[kind] * metrics[column].astype(float),
            name=part,
            mode="lines+markers",
            line={**style, "width": 2},
            marker={**style, "size": 7, "symbol": SYMBOLS[part]},
            hovertemplate=_hover(kind),
        )
    _epoch_axes(figure, metrics["epoch"], kind)
    if best_epoch is not None:
        figure.add_vline(
            x=best_epoch,
            line={"dash": "dot", "color": NEUTRAL, "width": 1.5},
            annotation={
                "text": f"{epoch_name}: epoch {best_epoch}",
                "showarrow": False,
                "yref": "paper",
                "y": 1.08,
                "yanchor": "top",
                "xanchor": _label_side(best_epoch, metrics["epoch"]),
            },
            annotation_position="top",
        )
    return figure


def _label_side(epoch: int, epochs: "pd.Series[int]") -> str:
    """The side of a label that is at its line: at the ends of the chart a centred label would be cut off."""
    position = (epoch - epochs.min()) / max(1, epochs.max() - epochs.min())
    return "right" if position > 2 / 3 else "left" if position < 1 / 3 else "center"


@dataclass(frozen=True)
class RunCurve:
    """What a chart of several runs shows of one of them."""

    run_id: str  # decides the colour
    name: str  # names may repeat
    metrics: pd.DataFrame  # as for `curves`


def overlay_curves(runs: Sequence[RunCurve], column: str) -> go.Figure:
    """One column of the metrics of several runs, one line for each run in its own colour (`run_looks`).

    Args:
        runs: in the order of the legend.
        column: such as `validation_accuracy`; a run without it is left out.
    """
    kind: CurveKind = "accuracy" if column.endswith("accuracy") else "loss"
    figure = new_figure(height=360, revision=f"overlay-{column}")
    shown = [run for run in runs if column in run.metrics and not run.metrics[column].isna().all()]
    looks = run_looks([run.run_id for run in shown])
    for run in shown:
        look = looks[run.run_id]
        figure.add_scatter(
            x=run.metrics["epoch"],
            y=_SCALE[kind] * run.metrics[column].astype(float),
            name=escaped_name(run.name, 40),
            mode="lines+markers",
            line={"color": look.colour, "width": 2, "dash": look.dash},
            marker={"color": look.colour, "size": 7, "symbol": look.marker},
            hovertemplate=_hover(kind),
        )
    epochs = [run.metrics["epoch"] for run in runs if len(run.metrics)]
    _epoch_axes(figure, pd.concat(epochs) if epochs else pd.Series(dtype=int), kind)
    figure.update_layout(showlegend=True, yaxis_title_text=column.replace("_", " "))
    return figure


def _epoch_axes(figure: go.Figure, epochs: pd.Series, kind: CurveKind) -> None:
    last = int(epochs.max()) if len(epochs) else 1
    figure.update_xaxes(
        title_text="epoch",
        tickformat="d",
        dtick=whole_number_step(last, MAX_EPOCH_TICKS),
        range=[0.5, max(last, 2) + 0.5],
        showgrid=False,
    )
    figure.update_yaxes(
        title_text=kind,
        ticksuffix=_UNIT[kind],
        gridcolor="rgba(128,128,128,0.2)",
        autorangeoptions=BOUNDS[kind],
    )
    if not figure.data:
        figure.update_yaxes(range=_EMPTY[kind])


def _hover(kind: CurveKind) -> str:
    return f"%{{y:{'.1f' if kind == 'accuracy' else '.3f'}}}{_UNIT[kind]}"
