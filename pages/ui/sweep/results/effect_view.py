"""The effect of one setting: a sentence, the chart with intervals, and its table."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from cifar_core.config import spec_of
from cifar_core.evaluate import TERMS
from cifar_core.figures import NEUTRAL
from cifar_core.figures.sweep import are_numbers, effect_chart, effect_words, setting_words
from cifar_core.sweeps.sweep import Sweep
from cifar_core.sweeps.tables import effect_sentence, effect_table
from pages.ui.charts import text_colour, with_readable_axes
from pages.ui.markdown import escaped_sentence
from pages.ui.sweep.results.choice import PREFIX
from pages.ui.wording import PERCENT_FORMAT, in_percent


def show_effect(sweep: Sweep) -> None:
    """Show what the one swept setting does; a sentence while no trial has finished."""
    table = effect_table(sweep)
    if table is None or table.empty:
        st.info("The chart comes with the first trial that has finished.", icon=":material/hourglass_empty:")
        return
    name = sweep.plan.space[0].name
    if words := effect_sentence(sweep):
        st.markdown(escaped_sentence(words))
    start = _within(sweep.plan.settings.get(name), table["value"].tolist())
    st.plotly_chart(
        with_readable_axes(effect_chart(name, table, start, text_colour() or NEUTRAL)),
        key=f"{PREFIX}_effect",
        alt=effect_words(name, table),
        config={"displayModeBar": False},
    )
    if table["seeds"].max() > 1:
        st.caption(
            "Each interval is of the seeds at that value alone (t interval of their mean). The sentence compares the "
            "values by the spread of all runs, which tells more, and allows for every pair of values (Bonferroni)."
        )
    _show_table(name, table)


def _within(start: Any, values: Sequence[Any]) -> Any:
    """The value that the sweep began with, where it is one of these or lies between them; else None."""
    start = tuple(start) if isinstance(start, list) else start
    if start in values:
        return start
    return start if are_numbers([start, *values]) and min(values) < start < max(values) else None


def _show_table(name: str, table: pd.DataFrame) -> None:
    shown = in_percent(table, ["mean", "low", "high"]).assign(
        value=[setting_words(name, at) for at in table["value"].tolist()]
    )
    share = st.column_config.NumberColumn
    with st.expander("The same as a table", icon=":material/table:"):
        st.dataframe(
            shown[["value", "mean", "low", "high", "seeds", "pictures"]],
            key=f"{PREFIX}_effect_table",
            hide_index=True,
            alt=f"Validation accuracy at each value of {spec_of(name).label}",
            column_config={
                "value": st.column_config.TextColumn(spec_of(name).label),
                "mean": share("Validation accuracy", format=PERCENT_FORMAT, help="The mean of its runs."),
                "low": share("From", format=PERCENT_FORMAT, help=TERMS["interval"].help),
                "high": share("To", format=PERCENT_FORMAT, help=TERMS["interval"].help),
                "seeds": share("Seeds", format="%d", help="Finished runs, one a seed."),
                "pictures": share("Pictures", format="localized", help="Validation pictures of each run."),
            },
        )
