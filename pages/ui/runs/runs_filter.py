"""Which runs the table shows, in which order: the widgets above it, a chip for each filter, all of it in the URL."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from cifar_core.runs import Run, own_runs
from cifar_core.text import natural_key
from pages.ui.markdown import escaped
from pages.ui.runs.runs_table import HIDDEN_COLUMNS, SHARES, column_label, numeric_columns, one_row_a_setting
from pages.ui.url_state import UrlParameter, any_of, free_text, on_off, one_of, reset_widgets
from pages.ui.wording import IMPORTED_DISPLAY, STATUS_DISPLAY

PAGE = "runs"  # prefix of the widget keys
DEFAULT_SORT = "created"
ORDERS = {"descending": ":material/arrow_downward:", "ascending": ":material/arrow_upward:"}
STATUS_WORDS = [word for word, _, _ in (*STATUS_DISPLAY.values(), IMPORTED_DISPLAY)] + ["not responding", "unreadable"]
MAX_RANGES = 8
_NEW_RANGE = f"{PAGE}_new_range"  # prefix of the fields of a range that is being made
_FILTERS = ("text", "status", "dataset", "sweep", "range")


@dataclass(frozen=True)
class ColumnRange:
    """A range that a column of numbers must be in, ends included; None is no limit. Shares are in per cent."""

    column: str
    low: float | None
    high: float | None

    def words(self) -> str:
        """Return the range as a chip says it."""
        unit = "\u00a0%" if self.column in SHARES else "\u00a0s" if self.column == "seconds" else ""
        low, high = (None if limit is None else f"{limit:g}{unit}" for limit in (self.low, self.high))
        ends = f"at least {low}" if high is None else f"at most {high}" if low is None else f"{low} to {high}"
        return f"{column_label(self.column)}: {ends}"


def trials_url_parameters(runs: Sequence[Run]) -> dict[str, UrlParameter]:
    """Return the URL parameters that say which runs the table holds, to be read before it is made."""
    return {"trials": on_off(False), "sweep": one_of(_sweeps(runs), None)}


def listed_runs(runs: Sequence[Run]) -> list[Run]:
    """Return the runs that the table holds: without trials of sweeps, unless they are asked for or all there is."""
    state, own = st.session_state, own_runs(runs)
    if state[f"{PAGE}_trials"] or not own:
        return list(runs)
    sweep = state[f"{PAGE}_sweep"]
    return [run for run in runs if not run.is_trial or run.sweep == sweep] if sweep else own


def _show_trials_toggle(runs: Sequence[Run]) -> None:
    """Show the switch that brings the trials of sweeps into the table, where there are other runs too."""
    trials = len(runs) - len(own_runs(runs))
    if 0 < trials < len(runs):
        st.toggle(
            f"Trials ({trials:,})",
            key=f"{PAGE}_trials",
            help="Runs that sweeps have made. The Sweep page shows what each sweep has found.",
        )


def _sweeps(runs: Sequence[Run]) -> list[str]:
    """Return the ids of the sweeps that the runs are trials of, that of the newest run first."""
    return list(dict.fromkeys(run.sweep for run in runs if run.is_trial))


def filter_url_parameters(runs: Sequence[Run], table: pd.DataFrame) -> dict[str, UrlParameter]:
    """Return the URL parameters of the filter and the order."""
    columns = [key for key in table.columns if key not in HIDDEN_COLUMNS and key != "colour"]
    datasets = {run.config.data.dataset for run in runs if not run.problem}
    return {
        "text": free_text(),
        "status": any_of(STATUS_WORDS),
        "dataset": any_of(sorted(datasets, key=natural_key)),
        "range": UrlParameter([], partial(_read_ranges, numeric_columns(table)), lambda ranges: [*map(_text, ranges)]),
        "sort": one_of(columns, DEFAULT_SORT),
        "order": one_of(list(ORDERS), "descending"),
        "group": on_off(False),
    }


def show_filter_row(runs: Sequence[Run], table: pd.DataFrame) -> None:
    """Show the text field, the other filters behind one button, and the order; what they say is in the session.

    Args:
        runs: all runs.
        table: of those that are listed.
    """
    st.text_input(
        "Find runs",
        type="search",
        live=True,
        key=f"{PAGE}_text",
        placeholder="Find in all columns",
        label_visibility="collapsed",
        width=200,
    )
    with st.popover("Filters", icon=":material/filter_list:", key=f"{PAGE}_filters"):
        _show_filters(runs, table)
    _show_order(table)
    if table["group"].notna().any():
        st.toggle("Group seeds", key=f"{PAGE}_group", help="One row for all runs that differ in the seed alone.")
    _show_trials_toggle(runs)


def _show_filters(runs: Sequence[Run], table: pd.DataFrame) -> None:
    datasets = sorted({run.config.data.dataset for run in runs if not run.problem}, key=natural_key)
    st.multiselect("Status", STATUS_WORDS, placeholder="any", key=f"{PAGE}_status")
    st.multiselect("Dataset", datasets, placeholder="any", key=f"{PAGE}_dataset", format_func=str)
    if sweeps := _sweeps(runs):
        st.selectbox("Trials of one sweep", sweeps, index=None, placeholder="any", key=f"{PAGE}_sweep")
    _show_range_fields(numeric_columns(table))


def _show_order(table: pd.DataFrame) -> None:
    columns = [key for key in table.columns if key not in HIDDEN_COLUMNS and key != "colour"]
    with st.container(horizontal=True, gap="xxsmall", vertical_alignment="center", width="content"):
        st.selectbox(
            "Sort by",
            columns,
            key=f"{PAGE}_sort",
            format_func=lambda key: f"Sort: {column_label(key)}",
            label_visibility="collapsed",
            width=210,
        )
        st.segmented_control(
            "Order",
            list(ORDERS),
            required=True,
            key=f"{PAGE}_order",
            format_func=ORDERS.__getitem__,
            label_visibility="collapsed",
        )


def show_chips(parameters: dict[str, UrlParameter]) -> list[str]:
    """Show a chip for each filter, which lifts it; return them in words."""
    chips = _chips(parameters)
    if chips:
        with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
            for name, words, lift in chips:
                st.button(
                    escaped(words),
                    icon=":material/close:",
                    icon_position="right",
                    key=f"{PAGE}_lift_{name}",
                    help="Lift this filter",
                    on_click=lift,
                )
            if len(chips) > 1:
                st.button(
                    "Show all runs",
                    icon=":material/restart_alt:",
                    type="tertiary",
                    key=f"{PAGE}_reset",
                    on_click=partial(_lift_all, parameters),
                )
    return [words for _, words, _ in chips]


def chosen_view() -> dict[str, Any]:
    """Return what the widgets say: the filters, `sort` and `order`, by the names of their URL parameters."""
    return {name: st.session_state[f"{PAGE}_{name}"] for name in (*_FILTERS, "sort", "order", "group")}


def matching_rows(table: pd.DataFrame, said: Mapping[str, Any]) -> pd.DataFrame:
    """Return the rows that pass the filter, in the chosen order; those without a value come last.

    Where seeds are grouped, the first one that passes stands for its setting.

    Args:
        table: of `runs_table`.
        said: of `chosen_view`.
    """
    kept = pd.Series(True, index=table.index)
    for word in said["text"].casefold().split():
        kept &= table["words"].str.contains(word, regex=False)
    if said["status"]:
        kept &= table["status"].str.split(",").str[0].isin(said["status"])
    if said["dataset"]:
        kept &= table["dataset"].isin(said["dataset"])
    if said["sweep"]:
        kept &= table["sweep"] == said["sweep"]
    for each in said["range"]:
        if each.column in table:
            kept &= _shown_numbers(table, each.column).between(
                -math.inf if each.low is None else each.low, math.inf if each.high is None else each.high
            )
    rows, by = table[kept], said["sort"] if said["sort"] in table else DEFAULT_SORT
    rows = rows.sort_values(
        by, ascending=said["order"] == "ascending", kind="stable", na_position="last", key=_sort_key
    )
    return one_row_a_setting(rows) if said["group"] else rows


def _sort_key(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return what a column is sorted by: numbers and times as they are, text as people order it."""
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column):
        return column
    ranks = {text: rank for rank, text in enumerate(sorted({str(value) for value in column.dropna()}, key=natural_key))}
    return column.map(lambda value: ranks.get(str(value)), na_action="ignore").astype(float)


def _shown_numbers(table: pd.DataFrame, column: str) -> "pd.Series[Any]":
    """Return a column's numbers as a person sees them: shares in per cent with one decimal."""
    return (100 * table[column]).round(1) if column in SHARES else table[column]


def _show_range_fields(columns: Sequence[str]) -> None:
    with st.form(_NEW_RANGE, border=False, clear_on_submit=True):
        st.selectbox(
            "Range of a column",
            columns,
            key=f"{_NEW_RANGE}_column",
            format_func=column_label,
            help="Accuracies in per cent, times in seconds. Leave one end empty for no limit.",
        )
        with st.container(horizontal=True):
            st.number_input("At least", value=None, key=f"{_NEW_RANGE}_low", format="%g", width=140)
            st.number_input("At most", value=None, key=f"{_NEW_RANGE}_high", format="%g", width=140)
        st.form_submit_button("Add this range", key=f"{_NEW_RANGE}_add", icon=":material/add:", on_click=_add_range)


def _add_range() -> None:
    """Add what the fields say to the ranges; a second range of a column takes the place of the first."""
    column, low, high = (st.session_state.get(f"{_NEW_RANGE}_{name}") for name in ("column", "low", "high"))
    if column is None or (low is None and high is None):
        st.toast("Give at least one end of the range.", icon=":material/info:")
        return
    if low is not None and high is not None and low > high:
        low, high = high, low
    others = [each for each in st.session_state[f"{PAGE}_range"] if each.column != column]
    st.session_state[f"{PAGE}_range"] = [*others, ColumnRange(column, low, high)][-MAX_RANGES:]


def _chips(parameters: dict[str, UrlParameter]) -> list[tuple[str, str, Callable[[], None]]]:
    """Return name, words and what lifts it for each filter that is set."""
    said = chosen_view()
    words = {
        "text": f"Contains: {said['text']}" if said["text"].strip() else "",
        "status": f"Status: {' or '.join(said['status'])}" if said["status"] else "",
        "dataset": f"Dataset: {' or '.join(said['dataset'])}" if said["dataset"] else "",
        "sweep": f"Trials of sweep {said['sweep']}" if said["sweep"] else "",
    }
    chips: list[tuple[str, str, Callable[[], None]]] = [
        (name, text, partial(_set, name, parameters[name].default)) for name, text in words.items() if text
    ]
    ranges = [(f"range_{each.column}", each.words(), partial(_drop_range, each)) for each in said["range"]]
    return [*chips, *ranges]


def _set(name: str, value: Any) -> None:
    st.session_state[f"{PAGE}_{name}"] = value


def _lift_all(parameters: dict[str, UrlParameter]) -> None:
    reset_widgets(PAGE, {name: parameters[name] for name in _FILTERS})


def _drop_range(unwanted: ColumnRange) -> None:
    _set("range", [each for each in st.session_state[f"{PAGE}_range"] if each != unwanted])


def _text(each: ColumnRange) -> str:
    """Return a range as the URL says it: `accuracy~70~`."""
    low, high = ("" if limit is None else f"{limit:g}" for limit in (each.low, each.high))
    return f"{each.column}~{low}~{high}"


def _read_ranges(columns: Sequence[str], texts: list[str]) -> list[ColumnRange]:
    """Return the ranges of a URL, one a column; those that make no sense are left out."""
    ranges = {}
    for text in texts[:MAX_RANGES]:
        column, *ends = text.split("~")
        try:
            low, high = (float(end) if end else None for end in ends)
        except ValueError:
            continue
        limits = [limit for limit in (low, high) if limit is not None]
        if column in columns and limits and all(map(math.isfinite, limits)):
            ranges[column] = ColumnRange(column, low, high)
    return list(ranges.values())
