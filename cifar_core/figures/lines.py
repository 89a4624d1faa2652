"""Line charts of metrics per epoch, for one run or several."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
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
CURVES_HEIGHT = 268  # pixels: as high as the dozen pictures beside it, so that what is below does not move
PART_WORDS = {"train": "training", "validation": "validation", "test": "test"}
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


@dataclass(frozen=True)
class CurveScale:
    """What the axes of a run's curves are made of: facts that do not change while it trains, so they stand still."""

    epochs: int  # of the whole run, as it was planned
    classes: int = 10  # whose guessing tells how large a loss may be
    zoomed: bool = False  # whether the y axis fits what is drawn, instead


def curves(
    metrics: pd.DataFrame,
    kind: CurveKind,
    scale: CurveScale,
    best: tuple[str, int] | None = None,
    within: pd.DataFrame | None = None,
    earlier: pd.DataFrame | None = None,
) -> go.Figure:
    """Accuracy or loss per epoch for the training, validation and test part.

    Args:
        metrics: one row per epoch: `epoch`, `train_<kind>`, `validation_<kind>` (may be absent), `test_<kind>`.
        kind: `accuracy` (fractions, shown in per cent) or `loss`.
        scale: the axes.
        best: word and epoch of the line with a label that marks the epoch whose weights are used, such as ("best", 4).
        within: the accuracy within the epochs, measured on some pictures: columns `epoch` (0.25 is a quarter of the
            first), `accuracy`, `pictures`, `part`; drawn lightly.
        earlier: epochs of the runs that this one continues: columns as of `metrics`, `place` (0 is the last of them, -1
            the one before) and `run`. They are drawn to the left of 0, under their own numbers.

    Raises:
        ConfigError: another kind.
    """
    if kind not in ("accuracy", "loss"):
        raise ConfigError([f"Curves show accuracy or loss, not {kind!r}."])
    # Another scale is another view, for which the browser must not keep a zoom of its own.
    figure = new_figure(height=CURVES_HEIGHT, revision=f"curves-{kind}-{scale.epochs}-{scale.zoomed}")
    # Room for the label of the best epoch above and for the legend below, also before there are any.
    figure.update_layout(margin={"t": 20, "b": 76}, showlegend=True, xaxis_automargin=False)
    drawn = metrics.assign(place=metrics["epoch"])
    if earlier is not None and len(earlier):
        drawn = pd.concat([earlier, drawn], ignore_index=True)
    for part in ("train", "validation", "test"):
        column = f"{part}_{kind}"
        if column not in drawn or drawn[column].isna().all():
            continue
        style = {"color": PART_COLOURS[part]}
        figure.add_scatter(
            x=drawn["place"],
            y=_SCALE[kind] * _finite(drawn[column]),
            customdata=drawn["epoch"],
            name=PART_WORDS[part],
            mode="lines+markers",
            line={**style, "width": 2},
            marker={**style, "size": 7, "symbol": SYMBOLS[part]},
            hovertemplate=_hover(kind),
        )
    if within is not None and kind == "accuracy" and len(within):
        _add_within(figure, metrics, within)
    _run_axes(figure, drawn, kind, scale)
    if earlier is not None and len(earlier):
        _show_earlier(figure, earlier, scale)
    if best is not None:
        _mark_epoch(figure, *best, scale)
    return figure


def _add_within(figure: go.Figure, metrics: pd.DataFrame, within: pd.DataFrame) -> None:
    """Draw the accuracy within the epochs; its line goes through the ends of the epochs, which have points already."""
    part, pictures = str(within["part"].iloc[-1]), int(within["pictures"].iloc[-1])
    ends = metrics[["epoch", f"{part}_accuracy"]].set_axis(["epoch", "accuracy"], axis=1)
    points = pd.concat([within.assign(size=4), ends.assign(size=0)]).sort_values("epoch", kind="stable")
    style = {"color": PART_COLOURS.get(part, NEUTRAL)}
    figure.add_scatter(
        x=points["epoch"],
        customdata=points["epoch"],
        y=_SCALE["accuracy"] * _finite(points["accuracy"]),
        name="within epochs",
        mode="lines+markers",
        opacity=0.8,  # less cannot be read in the dark
        line={**style, "width": 1.5, "dash": "dot"},
        marker={**style, "size": points["size"], "symbol": SYMBOLS.get(part, "circle"), "line": {"width": 0}},
        hovertemplate=f"{_hover('accuracy')} of {pictures:,} {part} pictures",
    )


def _show_earlier(figure: go.Figure, earlier: pd.DataFrame, scale: CurveScale) -> None:
    """Make room for the epochs of earlier runs, number them as those runs do, and mark where each was continued."""
    count = len(earlier)
    step = whole_number_step(scale.epochs + count, MAX_EPOCH_TICKS)
    before = earlier[earlier["epoch"] % step == 0]
    own = list(range(step, scale.epochs + 1, step))
    room = 0.02 * (scale.epochs + count)
    figure.update_xaxes(
        range=[1 - count - room, scale.epochs + room],
        tickmode="array",
        tickvals=[*before["place"], *own],
        ticktext=[str(epoch) for epoch in (*before["epoch"], *own)],
        unifiedhovertitle_text=" ",  # it would be the place; each line names the epoch instead
    )
    figure.for_each_trace(
        lambda trace: trace.update(hovertemplate=f"{trace.hovertemplate}, epoch %{{customdata:.3~g}}")
    )
    for place in earlier.groupby("run", sort=False)["place"].max():
        figure.add_vline(
            x=place,
            line={"color": NEUTRAL, "width": 1.5},
            annotation={
                "text": "continued",
                "showarrow": False,
                "yref": "paper",
                "y": 0,
                "yanchor": "bottom",
                "xanchor": "right" if place + count > count / 2 else "left",
            },
            annotation_position="bottom",
        )


def _finite(values: pd.Series) -> pd.Series:
    """The values, with gaps where the loss is no number any more."""
    return values.astype(float).replace([np.inf, -np.inf], np.nan)


def _run_axes(figure: go.Figure, metrics: pd.DataFrame, kind: CurveKind, scale: CurveScale) -> None:
    room = 0.02 * scale.epochs  # for markers at the ends
    figure.update_xaxes(
        title_text="epoch",
        tickformat="d",
        dtick=whole_number_step(scale.epochs, MAX_EPOCH_TICKS),
        tick0=0,
        range=[-room, scale.epochs + room],
        showgrid=False,
        zeroline=False,
    )
    figure.update_yaxes(ticksuffix=_UNIT[kind], gridcolor="rgba(128,128,128,0.2)", zeroline=False)
    if scale.zoomed and figure.data:
        figure.update_yaxes(autorangeoptions=BOUNDS[kind], nticks=7)
    elif kind == "accuracy":
        figure.update_yaxes(range=[BOUNDS[kind]["clipmin"], BOUNDS[kind]["clipmax"]], tick0=0, dtick=20)
    else:
        top = _top_of_losses(metrics, scale.classes)
        figure.update_yaxes(range=[-0.02 * top, top])


def _top_of_losses(metrics: pd.DataFrame, classes: int) -> float:
    """The upper end of an axis of losses: a little above that of guessing; twice as high where a loss is above that.

    So it moves once at most, and losses that grow without end leave the chart instead of flattening all others.
    """
    top = 1.2 * math.log(max(classes, 2))
    losses = [_finite(metrics[name]).max() for name in metrics if str(name).endswith("_loss")]
    return 2 * top if any(loss > top for loss in losses) else top


def _mark_epoch(figure: go.Figure, word: str, epoch: int, scale: CurveScale) -> None:
    figure.add_vline(
        x=epoch,
        line={"dash": "dot", "color": NEUTRAL, "width": 1.5},
        annotation={
            "text": f"{word}: epoch {epoch}",
            "showarrow": False,
            "yref": "paper",
            "y": 1,
            "yanchor": "bottom",
            "xanchor": _label_side(epoch / scale.epochs),
        },
        annotation_position="top",
    )


def _label_side(position: float) -> str:
    """The side of a label that is at its line: at the ends of the chart a centred label would be cut off."""
    return "right" if position > 2 / 3 else "left" if position < 1 / 3 else "center"


@dataclass(frozen=True)
class RunCurve:
    """What a chart of several runs shows of one of them."""

    run_id: str
    colour: int  # `Run.colour`
    name: str  # names may repeat
    metrics: pd.DataFrame  # as for `curves`
    offset: int = 0  # epochs of the runs that it continues: its first one stands behind them
    earlier: pd.DataFrame | None = None  # those epochs, as for `curves`; drawn lightly, since their run may have a line


def overlay_curves(
    runs: Sequence[RunCurve], column: str, marked: Sequence[tuple[str, int]] = (), height: int = 360
) -> go.Figure:
    """One column of the metrics of several runs, one line for each run in its own colour (`run_looks`).

    Args:
        runs: in the order of the legend.
        column: such as `validation_accuracy`; a run without it is left out.
        marked: word and place of each line across the chart, such as ("A", 3): its epoch with its run's `offset`.
        height: of the chart, in pixels.
    """
    kind: CurveKind = "accuracy" if column.endswith("accuracy") else "loss"
    figure = new_figure(height=height, revision=f"overlay-{column}")
    shown = [run for run in runs if column in run.metrics and not run.metrics[column].isna().all()]
    looks = run_looks({run.run_id: run.colour for run in shown})
    for run in shown:  # below the lines of the runs themselves
        if run.earlier is not None and len(run.earlier) and column in run.earlier:
            _add_earlier(figure, run, run.earlier, column, looks[run.run_id].colour)
    for run in shown:
        look = looks[run.run_id]
        figure.add_scatter(
            x=run.metrics["epoch"] + run.offset,
            y=_SCALE[kind] * run.metrics[column].astype(float),
            name=escaped_name(run.name, 40),
            mode="lines+markers",
            line={"color": look.colour, "width": 2, "dash": look.dash},
            marker={"color": look.colour, "size": 7, "symbol": look.marker},
            hovertemplate=_hover(kind),
        )
    epochs = [run.metrics["epoch"] + run.offset for run in runs if len(run.metrics)]
    _epoch_axes(figure, pd.concat(epochs) if epochs else pd.Series(dtype=int), kind)
    for word, epoch in marked:
        figure.add_vline(epoch, line={"dash": "dot", "color": NEUTRAL, "width": 1.5}, annotation_text=word)
    figure.update_layout(showlegend=True, yaxis_title_text=column.replace("_", " "))
    if any(run.offset for run in runs):
        figure.update_xaxes(title_text="epoch, counted on from the runs that are continued")
    return figure


def _add_earlier(figure: go.Figure, run: RunCurve, earlier: pd.DataFrame, column: str, colour: str) -> None:
    """Draw the epochs that a run continues, up to its own first one, which follows with a marker."""
    kind: CurveKind = "accuracy" if column.endswith("accuracy") else "loss"
    first = run.metrics[:1].assign(place=run.metrics["epoch"][:1])
    points = pd.concat([earlier, first], ignore_index=True)
    figure.add_scatter(
        x=points["place"] + run.offset,
        y=_SCALE[kind] * _finite(points[column]),
        mode="lines",
        line={"color": colour, "width": 1.5, "dash": "dot"},
        showlegend=False,
        hoverinfo="skip",
    )


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
