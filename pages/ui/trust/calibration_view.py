"""How sure, how right: the reliability diagram, the numbers of the calibration, and the pictures of a bin."""

import contextlib
from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from cifar_core.analyse.calibration import (
    CALIBRATION,
    CalibrationParameters,
    CalibrationResult,
    MeasuredScores,
    calibration_of,
)
from cifar_core.evaluate import TERMS, explain_mce
from cifar_core.figures import NEUTRAL, bin_words, reliability_diagram, reliability_words
from cifar_core.runs import Run
from cifar_core.samples import SampleFilter
from cifar_core.text import counted
from cifar_core.workspace import Workspace
from pages.ui.analyses.analysis_box import show_analysis
from pages.ui.caches import Findings
from pages.ui.charts import text_colour, with_readable_axes
from pages.ui.trust.choice import PAGE_KEY, choose_pictures, chosen, clicked_key, on_pictures_changed
from pages.ui.trust.numbers import Calibration, Reliability
from pages.ui.trust.pictures import show_pictures
from pages.ui.wording import PERCENT_FORMAT, in_percent, percent

SCORES = {"ece": "ECE", "mce": "MCE", "brier": "Brier score", "nll": "NLL"}
_SHARES = ("ece", "mce")
_SCORES_HELP = "Lower is better, but for T. " + " ".join(
    f"{title}: {TERMS[name].help}" for name, title in SCORES.items()
)
TABLE_HEIGHT = 228  # CSS pixels: with the numbers above it as high as the diagram


def bin_range(confidence: NDArray[np.float64], bins: NDArray[np.int8], place: int) -> tuple[float, float]:
    """Return the least and the largest confidence in a bin that holds pictures, both inclusive as a filter's range is.

    A bin ends just below its upper bound, and a filter at its bound: these two values leave nothing between bins.

    Args:
        confidence: of each picture [N].
        bins: of each picture [N].
        place: the bin.
    """
    inside = confidence[bins == place]
    return float(inside.min()), float(inside.max())


def show_diagram(reliability: Reliability) -> None:
    """Show the reliability diagram; a click on a bin chooses its pictures."""
    key, place = clicked_key("diagram"), chosen("bin")
    st.plotly_chart(
        _figure(reliability.table, place, text_colour(), reliability.table.to_numpy(float).tobytes()),
        key=key,
        on_select=partial(_on_click, key),
        selection_mode="points",
        alt=reliability_words(reliability.table),
        config={"displayModeBar": False},
    )


@st.cache_resource(max_entries=64, show_spinner=False)
def _figure(_table: pd.DataFrame, place: int | None, ink: str | None, content: bytes) -> go.Figure:
    """Return the figure; it is kept, because drawing it takes longer than the rest of the page."""
    return with_readable_axes(reliability_diagram(_table, place, ink or NEUTRAL))


def _on_click(key: str) -> None:
    """Choose the bin that was clicked; for a callback."""
    points = st.session_state[key].selection.points
    clicked = [point["customdata"] for point in points if "customdata" in point]
    if clicked:
        choose_pictures("bin", clicked[0])


def show_scaling(calibration: Calibration) -> None:
    """Show the switch that scales all probabilities, and what that brings."""
    before, after = calibration.before.scores.ece, calibration.after.scores.ece
    rounded = round(calibration.temperature, 2)
    effect = "Hardly changes it" if rounded == 1 else f"Makes it {'surer' if rounded < 1 else 'less sure'}"
    where = (
        f"fitted on {counted(calibration.fitted, 'validation picture')}"
        if calibration.on_validation
        else f"fitted on the {counted(calibration.fitted, 'measured picture')}, since there is no validation part; its "
        "effect is measured with two halves, each with the T of the other"
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.toggle(
            "After temperature scaling",
            key=f"{PAGE_KEY}_scaled",
            help=TERMS["temperature"].help,
            on_change=on_pictures_changed,
        )
        change = f"{100 * before:.1f} → {percent(after)}"
        st.caption(f"**{effect} (T {calibration.temperature:.2f}): ECE {change}**, {where}.", width="stretch")


def load_intervals(workspace: Workspace, run: Run) -> CalibrationResult | None:
    """Show how the analysis that computes the intervals stands; return what it found, None while there is nothing."""
    kept = show_analysis(workspace, run, CALIBRATION, CalibrationParameters(), f"{PAGE_KEY}_analysis")
    with contextlib.suppress(ValueError):  # a file that was changed by hand
        return None if kept is None or kept.stale else calibration_of(kept.values)
    return None


def show_numbers(calibration: Calibration, found: CalibrationResult | None) -> None:
    """Show ECE, MCE, Brier score and NLL, before and after temperature scaling, and the temperature.

    Args:
        calibration: the numbers.
        found: their 95 % intervals; None while they are being computed.
    """
    text = partial(st.column_config.TextColumn, alignment="right")  # together as wide as beside the diagram at 1366
    chance = partial(
        text, "95 %", width=118, help="The range in which chance alone may move it: 1,000 bootstrap resamples."
    )
    st.dataframe(
        _score_table(calibration, found),
        key=f"{PAGE_KEY}_scores",
        hide_index=True,
        height="content",
        alt="ECE, MCE, Brier score and NLL before and after temperature scaling, with intervals",
        column_config={
            "score": st.column_config.TextColumn("Score", width=92, help=_SCORES_HELP),
            "now": text("Now", width=60),
            "chance": chance(),
            "after": text("Scaled", width=64, help=TERMS["temperature"].help),
            "after_chance": chance(),
        },
    )
    if words := explain_mce(calibration.before.table, calibration.after.table):
        st.caption(words)


def _score_table(calibration: Calibration, found: CalibrationResult | None) -> pd.DataFrame:
    rows = [
        {
            "score": title,
            "now": _score_words(name, getattr(calibration.before.scores, name)),
            "chance": _interval_words(name, None if found is None else found.before),
            "after": _score_words(name, getattr(calibration.after.scores, name)),
            "after_chance": _interval_words(name, None if found is None else found.after),
        }
        for name, title in SCORES.items()
    ]
    rows.append(
        {
            "score": "T",
            "now": "1.00",
            "chance": "",
            "after": f"{calibration.temperature:.2f}",
            "after_chance": "…" if found is None else f"{found.temperature[1]:.2f} to {found.temperature[2]:.2f}",
        }
    )
    return pd.DataFrame(rows)


def _score_words(name: str, value: float) -> str:
    return percent(value) if name in _SHARES else f"{value:.3f}"


def _interval_words(name: str, scores: MeasuredScores | None) -> str:
    if scores is None:
        return "…"
    _, low, high = scores.intervals[name]
    return f"{100 * low:.1f} to {100 * high:.1f}" if name in _SHARES else f"{low:.3f} to {high:.3f}"


def show_bins(table: pd.DataFrame) -> None:
    """Show the bins as a table: the diagram's numbers, and its keyboard; a click in a row chooses its pictures."""
    filled = table[table["n"] > 0].iloc[::-1]
    key = clicked_key("bins")
    shown = in_percent(filled, ["confidence", "accuracy"]).assign(
        bin=[bin_words(row) for _, row in filled.iterrows()],
        chance=[f"{100 * row['accuracy_low']:.1f} to {100 * row['accuracy_high']:.1f}" for _, row in filled.iterrows()],
        gap=(100 * filled["gap"]).round(1),
    )
    share = st.column_config.NumberColumn
    st.dataframe(
        shown[["bin", "n", "confidence", "accuracy", "chance", "gap"]],
        key=key,
        on_select=partial(_choose_row, key, filled.index.tolist()),
        selection_mode=["single-row", "single-cell"],
        hide_index=True,
        height="content" if len(filled) <= 6 else TABLE_HEIGHT,
        alt="The bins of the reliability diagram; a row shows its pictures",
        column_config={
            "bin": st.column_config.TextColumn("Confidence", help=TERMS["reliability"].help),
            "n": share("n", format="localized", help="Pictures with such a confidence."),
            "confidence": share("It says", format=PERCENT_FORMAT, help="The mean confidence of the bin."),
            "accuracy": share("It is right", format=PERCENT_FORMAT),
            "chance": st.column_config.TextColumn("95 %", help=TERMS["interval"].help),
            "gap": share("Gap", format="%+.1f", help="Right less said, in percentage points: below 0 it is too sure."),
        },
    )


def _choose_row(key: str, bins: Sequence[int]) -> None:
    """Choose the bin of the row that was clicked; for a callback."""
    selection = st.session_state[key].selection
    rows = [*selection.rows, *(row for row, _ in selection.cells)]
    if rows and rows[0] < len(bins):
        choose_pictures("bin", bins[rows[0]])


def show_bin_pictures(workspace: Workspace, run: Run, findings: Findings, reliability: Reliability, place: int) -> None:
    """Show the pictures of a bin, as many as the diagram says."""
    words = bin_words(reliability.table.iloc[place])
    inside = reliability.bins == place
    if chosen("scaled") or not inside.any():  # an address may name an empty bin
        ids = findings.table["id"][inside]
        wanted, link = SampleFilter(outcome="all", ids=frozenset(ids)), {}
        words = f"{words} after scaling" if chosen("scaled") else words
    else:
        low, high = bin_range(findings.table["confidence"].to_numpy(), reliability.bins, place)
        wanted = SampleFilter(outcome="all", ranges={"confidence": (low, high)})
        link = {"outcome": "all", "confidence": f"{low!r}~{high!r}"}
    title = f"Confidence {words}"
    show_pictures(workspace, run, findings.predictions.epoch, wanted, choice="bin", title=title, link=link)
