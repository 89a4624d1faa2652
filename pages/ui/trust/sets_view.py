"""Sets of classes: instead of one answer, all classes that a picture may be, with a promise over all pictures."""

from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from cifar_core.evaluate import SET_COVERAGE, TERMS
from cifar_core.figures import class_coverage_chart, class_coverage_words
from cifar_core.text import counted, no_pictures, times_in_100, whole_percent
from pages.ui.charts import with_readable_axes
from pages.ui.trust.choice import PAGE_KEY
from pages.ui.trust.numbers import ClassSets
from pages.ui.wording import PERCENT_FORMAT, in_percent, percent

MAX_TABLE_ROWS = 12  # a longer table scrolls


def show_sets_in_words(sets: ClassSets) -> None:
    """Show what the sets hold and where their limit comes from, in plain words."""
    whole = sets.table.iloc[-1]
    interval = f"95\u00a0% interval {100 * whole['low']:.1f} to {percent(whole['high'])}"
    st.markdown(
        f"**The true class is in the set {times_in_100(whole['covered'], whole['n'])}; on average a set names "
        f"{whole['mean_size']:.1f} classes** ({percent(whole['coverage'])}, {interval}; n = {whole['n']:,.0f})."
    )
    n, single, empty = int(whole["n"]), int(sets.sizes[1]), int(sets.sizes[0])
    where = (
        f"on {counted(sets.fitted, 'validation picture')} and measured on the test part"
        if sets.on_validation
        else f"on the measured pictures themselves (n = {sets.fitted:,}), since there is no validation part; the "
        "coverage is measured with two halves, each with the limit of the other"
    )
    st.caption(
        f"A set holds every class with a probability of at least {percent(1 - sets.quantile)} (score 1 − p, quantile "
        f"{sets.quantile:.3f}), fitted for {whole_percent(SET_COVERAGE)} {where}. One class alone: "
        f"{percent(single / n)} of the pictures ({single:,}); none at all: {percent(empty / n)} ({empty:,}). What is "
        f"promised for new pictures holds for all of them together, not for each class.{_little_use(sets)}"
    )


def _little_use(sets: ClassSets) -> str:
    """Return why there are empty sets where one class is right more often than a set shall be."""
    if sets.accuracy <= SET_COVERAGE:
        return ""
    return (
        f" Its one class alone is right more often than that ({percent(sets.accuracy)}): so some sets are empty, where "
        "it is least sure."
    )


def show_class_chart(sets: ClassSets) -> None:
    """Show how often the set holds the true class, for each class."""
    classes = sets.table.iloc[:-1]
    st.plotly_chart(
        with_readable_axes(class_coverage_chart(classes, SET_COVERAGE)),
        key=f"{PAGE_KEY}_class_coverage",
        alt=class_coverage_words(classes, SET_COVERAGE),
        config={"displayModeBar": False},
    )


def show_class_table(sets: ClassSets) -> None:
    """Show the coverage of each class and of all as a table, then how many classes the sets name."""
    table = sets.table
    shown = in_percent(table, ["coverage"]).assign(
        mean_size=table["mean_size"].round(2),
        chance=[
            "" if np.isnan(low) else f"{100 * low:.1f} to {100 * high:.1f}"
            for low, high in zip(table["low"], table["high"], strict=True)
        ],
    )
    count = partial(st.column_config.NumberColumn, format="localized")
    st.dataframe(
        shown[["class", "n", "coverage", "chance", "mean_size", "empty"]],
        key=f"{PAGE_KEY}_class_sets",
        hide_index=True,
        height="content" if len(shown) <= MAX_TABLE_ROWS else 460,
        placeholder=no_pictures("test"),
        alt="How often the set of a picture holds its true class, for each class and for all",
        column_config={
            "class": st.column_config.TextColumn("Class"),
            "n": count("n", help="Test pictures of the class."),
            "coverage": st.column_config.NumberColumn(
                "In the set", format=PERCENT_FORMAT, help="Share of the pictures whose set holds the true class."
            ),
            "chance": st.column_config.TextColumn("95 %", help=TERMS["interval"].help),
            "mean_size": st.column_config.NumberColumn("Classes", format="%.2f", help="Classes in a set, on average."),
            "empty": count("Empty", help="Pictures whose set names no class: none is probable enough."),
        },
    )


def show_sizes(sets: ClassSets) -> None:
    """Show how many pictures have a set of each size."""
    held = np.flatnonzero(sets.sizes)
    table = pd.DataFrame({"classes": held, "pictures": sets.sizes[held], "share": sets.sizes[held] / sets.sizes.sum()})
    with st.expander("How many classes a set names"):
        st.dataframe(
            in_percent(table, ["share"]),
            key=f"{PAGE_KEY}_sizes",
            hide_index=True,
            height="content" if len(table) <= MAX_TABLE_ROWS else 460,
            alt="How many pictures have a set of how many classes",
            column_config={
                "classes": st.column_config.NumberColumn("Classes in the set"),
                "pictures": st.column_config.NumberColumn("Pictures", format="localized"),
                "share": st.column_config.NumberColumn("Share", format=PERCENT_FORMAT),
            },
        )
