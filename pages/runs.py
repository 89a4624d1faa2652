"""Runs: what trains and waits, and everything that was trained.

Compares, stops, resumes, names, exports, imports, deletes and restores runs.
"""

import pandas as pd
import streamlit as st

from cifar_core.runs import Run, list_runs, queue_places, slots
from cifar_core.text import counted
from cifar_core.workspace import Workspace
from pages.ui.compare.links import show_compare_button
from pages.ui.frame import setup_page
from pages.ui.markdown import escaped
from pages.ui.run_focus import run_in_focus
from pages.ui.runs.delete_and_restore import show_trash, show_undo
from pages.ui.runs.export_import import show_run_import
from pages.ui.runs.import_predictions import show_prediction_import
from pages.ui.runs.run_curves import CURVE_URL_PARAMETERS, show_run_curves
from pages.ui.runs.run_panel import show_run_panels
from pages.ui.runs.runs_filter import (
    PAGE,
    chosen_view,
    filter_url_parameters,
    listed_runs,
    matching_rows,
    show_chips,
    show_filter_row,
    trials_url_parameters,
)
from pages.ui.runs.runs_table import runs_csv, runs_table
from pages.ui.runs.ticked_runs import MAX_TICKED, TICKED_URL_PARAMETER, clear_ticks, follow_ticks, show_table
from pages.ui.saved_views.loaded_answers import worse_views
from pages.ui.train.active_runs import show_active_runs
from pages.ui.train.first_run import show_first_run_button
from pages.ui.url_state import url_to_widgets, widgets_to_url

FIRST_RUNS = 5  # in the table, whose curves are shown when none is ticked


def main(workspace: Workspace) -> None:
    """Show active runs, the table, and the ticked runs; below, the imports and the trash."""
    above, below = st.container(), st.container()  # keeps the import field in place while parts above come and go
    with above:
        _show_runs(workspace, list_runs(workspace))
    with below:
        show_run_import(workspace)
        show_prediction_import(workspace)
        show_trash(workspace)


def _show_runs(workspace: Workspace, runs: list[Run]) -> None:
    if not runs:
        run_in_focus(workspace, runs, required=False)
        show_undo(workspace)
        show_active_runs(workspace, runs, PAGE)
        st.info(
            "There is no run yet. What you train, or import below, will be listed and compared here.",
            icon=":material/model_training:",
        )
        show_first_run_button(workspace, "runs_first")
        return
    which = trials_url_parameters(runs)
    url_to_widgets(PAGE, which)
    listed = listed_runs(runs)
    table = runs_table(listed, queue_places(runs, slots(workspace)), worse_views(workspace, runs))
    parameters = {**filter_url_parameters(runs, table), **CURVE_URL_PARAMETERS, "runs": TICKED_URL_PARAMETER}
    url_to_widgets(PAGE, parameters)
    parameters |= which
    ticked = follow_ticks(runs)
    run_in_focus(workspace, runs, required=False)
    show_undo(workspace)
    show_active_runs(workspace, runs, PAGE, trials=any(run.is_trial for run in listed))
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        show_filter_row(runs, table)
        place_of_csv = st.empty()
    words = show_chips(parameters)
    rows = matching_rows(table, chosen_view())
    place_of_csv.download_button(
        "CSV",
        lambda: runs_csv(rows),
        "runs.csv",
        "text/csv",
        key="runs_csv",
        icon=":material/download:",
        help="Downloads the rows below as a table, accuracies as exact fractions.",
    )
    _show_table(rows, len(listed), len(runs) - len(listed), words)
    _show_ticked(workspace, ticked, runs, rows)
    _show_curves(workspace, ticked, listed, rows)
    widgets_to_url(PAGE, parameters)


def _show_curves(workspace: Workspace, ticked: list[Run], listed: list[Run], rows: pd.DataFrame) -> None:
    """Show the curves of the ticked runs, else of the first of the table; imported predictions have none."""
    by_id = {run.id: run for run in listed}
    shown = [run for run in ticked or map(by_id.__getitem__, rows["id"]) if run.has_network]
    if ticked and shown:
        show_run_curves(workspace, shown, "Curves")
    elif shown:
        show_run_curves(workspace, *_first_with_curves(shown, [run for run in listed if run.has_network]))


def _first_with_curves(shown: list[Run], trained: list[Run]) -> tuple[list[Run], str]:
    """Return the first runs of the table whose curves are drawn, and the title above them."""
    first = [run for run in shown if run.last][:FIRST_RUNS]
    newest = first == [run for run in trained if run.last][: len(first)]
    return first, "Curves" if len(first) < 2 else f"Curves of the {'newest' if newest else 'first'} {len(first)}"


def _show_table(rows: pd.DataFrame, total: int, trials: int, words: list[str]) -> None:
    """Show the rows of the table and how many there are; `trials` of sweeps are not listed."""
    if rows.empty:
        lines = [f"No run matches {' and '.join(f'“{escaped(each)}”' for each in words)}."]
        lines += ["Trials of sweeps were left out."] if trials else []
        st.info(" ".join([*lines, "Click a filter above to lift it."]), icon=":material/search_off:")
        return
    show_table(rows)
    count = f"{len(rows):,} of {total:,} runs" if words else f"{total:,} runs" if total > 1 else "1 run"
    if chosen_view()["group"]:
        count = f"{counted(len(rows), 'row')}, one for all runs that differ in the seed alone"
    st.caption(
        f"{count}. Tick rows to open, name, resume, export, compare or delete runs. Of the settings, only those that "
        "differ are shown."
    )


def _show_ticked(workspace: Workspace, ticked: list[Run], runs: list[Run], rows: pd.DataFrame) -> None:
    if not ticked:
        return
    shown = set(rows["id"])
    hidden = [run for run in ticked if run.id not in shown]
    most = ", the most there can be" if len(ticked) == MAX_TICKED else ""
    words = f"{len(ticked)} ticked{most}" + (f", {len(hidden)} of them {_why_hidden(hidden)}" if hidden else "")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(words, width="content")
        show_compare_button(ticked)
        st.button("Clear the ticks", key="runs_clear", type="tertiary", icon=":material/close:", on_click=clear_ticks)
    show_run_panels(workspace, ticked, runs)


def _why_hidden(hidden: list[Run]) -> str:
    """Return why these ticked runs have no row."""
    if all(run.is_trial for run in hidden) and not st.session_state[f"{PAGE}_trials"]:
        return "among the trials of sweeps, which are not listed"
    if chosen_view()["group"]:
        return "without a row: grouped with another seed, or hidden by the filter"
    return "hidden by the filter"


main(
    setup_page(
        "Runs",
        "Everything that was trained here: compare settings and curves, open a run, give it a name.",
        compact=True,
    ).workspace
)
