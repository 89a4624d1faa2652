"""Answer only when sure: a threshold of the confidence, what it costs in answers, and the four outcomes as pictures."""

import math
from functools import partial

import pandas as pd
import streamlit as st

from cifar_core.evaluate import OUTCOMES, TERMS, outcomes
from cifar_core.figures import coverage_chart, coverage_words
from cifar_core.runs import Run
from cifar_core.samples import SampleFilter
from cifar_core.workspace import Workspace
from pages.ui.caches import Findings
from pages.ui.charts import with_readable_axes
from pages.ui.trust.choice import (
    PAGE_KEY,
    WANTED_HIGH,
    WANTED_LOW,
    choose,
    choose_pictures,
    chosen,
    on_pictures_changed,
)
from pages.ui.trust.numbers import Proposal, answered_of, load_curve, load_proposal
from pages.ui.trust.pictures import show_pictures
from pages.ui.wording import PERCENT_FORMAT, in_percent, percent

TABLE_HEIGHT = 350  # CSS pixels


def show_threshold_controls(workspace: Workspace, run: Run, findings: Findings) -> None:
    """Show the slider, what its threshold means, and the threshold that a wanted accuracy asks for."""
    wanted = chosen("wanted")
    proposal = None if wanted is None else load_proposal(workspace, run, wanted / 100)
    with st.grid(2, min_column_width=300):
        st.slider(
            "Answer only from a confidence of",
            0.0,
            1.0,
            step=0.01,
            format="percent",
            key=f"{PAGE_KEY}_threshold",
            help=TERMS["coverage"].help,
            on_change=on_pictures_changed,
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.number_input(
                "Wanted accuracy, %",
                WANTED_LOW,
                WANTED_HIGH,
                step=0.5,
                format="%.1f",
                key=f"{PAGE_KEY}_wanted",
                placeholder="95",
                width=190,
                help="Proposes the lowest threshold with which at least so many of the answers are right.",
            )
            if proposal is not None:
                st.button(
                    f"Use {percent(proposal.threshold)}",
                    key=f"{PAGE_KEY}_use",
                    icon=":material/check:",
                    on_click=partial(_use, proposal.threshold),
                    disabled=chosen("threshold") == proposal.threshold,
                )
    st.markdown(_answers_words(answered_of(findings, chosen("threshold")), len(findings.table)))
    if wanted is not None:
        st.caption(_proposal_words(proposal, f"{wanted:g}\u00a0%"))


def _answers_words(row: "pd.Series[float]", whole: int) -> str:
    """Return what a threshold means, as a sentence."""
    if not row["n"]:
        return "**Answers none of the pictures**: it is never so sure."
    interval = f"95\u00a0% interval {100 * row['accuracy_low']:.1f} to {percent(row['accuracy_high'])}"
    return (
        f"**Answers {percent(row['coverage'])} of the pictures, right in {percent(row['accuracy'])}** "
        f"({interval}; n = {row['n']:,.0f} of {whole:,})."
    )


def _proposal_words(proposal: Proposal | None, wanted: str) -> str:
    """Return the proposed threshold, where it was chosen, and what it reaches there and on the test part."""
    if proposal is None:
        return f":material/block: No threshold makes {wanted} of the answers right: choose a lower accuracy."
    fitted, measured = proposal.fitted, proposal.measured
    reached = "no picture is answered."
    if measured["n"]:
        interval = f"95\u00a0% interval {100 * measured['accuracy_low']:.1f} to {percent(measured['accuracy_high'])}"
        answers = f"of {percent(measured['coverage'])} answered, n = {measured['n']:,.0f}"
        reached = f"{percent(measured['accuracy'])} right ({interval}) {answers}."
    there = f"{percent(fitted['accuracy'])} right of {percent(fitted['coverage'])} answered"
    proposed = f"For {wanted} right: answer from **{percent(proposal.threshold)}**, chosen on the"
    if proposal.on_validation:
        return f"{proposed} validation part ({there}). Measured on the test part: {reached}"
    return (
        f"{proposed} measured pictures themselves ({there}), since there is no validation part. Measured with two "
        f"halves, each with the threshold of the other: {reached}"
    )


def _use(threshold: float) -> None:
    choose("threshold", threshold)
    on_pictures_changed()


def show_curve(workspace: Workspace, run: Run, findings: Findings) -> None:
    """Show accuracy against coverage, with the chosen threshold as a point."""
    curve, row = load_curve(workspace, run), answered_of(findings, chosen("threshold"))
    wanted = chosen("wanted")
    st.plotly_chart(
        with_readable_axes(coverage_chart(curve, row, None if wanted is None else wanted / 100)),
        key=f"{PAGE_KEY}_curve",
        alt=coverage_words(curve, row),
        config={"displayModeBar": False},
    )


def show_outcome_choice(findings: Findings) -> None:
    """Show the four outcomes with their numbers of pictures, each a button that shows them, and then lifts that."""
    found = outcomes(findings.predictions, chosen("threshold"))
    with st.grid(2, min_column_width=150, gap="xsmall"):
        for place, name in enumerate(OUTCOMES):
            taken = chosen("list") == name
            st.button(
                f"{name.capitalize()} · {(found == place).sum():,}",
                key=f"{PAGE_KEY}_outcome_{place}",
                icon=":material/check_circle:" if name.startswith("right") else ":material/cancel:",
                type="primary" if taken else "secondary",
                width="stretch",
                on_click=partial(choose_pictures, "list", None if taken else name),
            )


def outcome_filter(outcome: str, threshold: float) -> SampleFilter:
    """Return the filter that keeps the pictures with one of `OUTCOMES` at a threshold."""
    right, taken = outcome.startswith("right"), outcome.endswith("answered")
    bounds = (threshold, 1.0) if taken else (0.0, math.nextafter(threshold, 0.0))
    return SampleFilter(outcome="correct" if right else "mistakes", ranges={"confidence": bounds})


def show_outcome_pictures(workspace: Workspace, run: Run, findings: Findings) -> None:
    """Show the pictures of the chosen outcome."""
    outcome, threshold = chosen("list"), chosen("threshold")
    wanted = outcome_filter(outcome, threshold)
    low, high = wanted.ranges["confidence"]
    link = {"outcome": "correct"} if wanted.outcome == "correct" else {}
    link["confidence"] = f"{low!r}~" if outcome.endswith("answered") else f"~{high!r}"
    show_pictures(
        workspace,
        run,
        findings.predictions.epoch,
        wanted,
        choice="list",
        title=f"{outcome.capitalize()} at {percent(threshold)}",
        link=link,
    )


def show_curve_table(workspace: Workspace, run: Run) -> None:
    """Show the chart as a table, from the highest threshold that answers anything."""
    curve = load_curve(workspace, run)
    drawn = curve[curve["n"] > 0].iloc[::-1]
    shown = in_percent(drawn, ["threshold", "coverage", "accuracy"]).assign(
        chance=[
            f"{100 * low:.1f} to {100 * high:.1f}" for low, high in drawn[["accuracy_low", "accuracy_high"]].to_numpy()
        ]
    )
    share = partial(st.column_config.NumberColumn, format=PERCENT_FORMAT)
    st.dataframe(
        shown[["threshold", "coverage", "n", "accuracy", "chance"]],
        key=f"{PAGE_KEY}_thresholds",
        hide_index=True,
        height=TABLE_HEIGHT,
        alt="Accuracy and coverage at each threshold",
        column_config={
            "threshold": share("Confidence from", format="%.0f %%"),
            "coverage": share("Answered"),
            "n": st.column_config.NumberColumn("n", format="localized"),
            "accuracy": share("Right"),
            "chance": st.column_config.TextColumn("95 %", help=TERMS["interval"].help),
        },
    )
