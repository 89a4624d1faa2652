"""The runs of a lesson or of a time side by side: names, accuracies, the settings that differ, curves."""

from typing import Any

import pandas as pd
import streamlit as st

from cifar_core.config import spec_of
from cifar_core.evaluate import TERMS
from cifar_core.export import table_csv
from cifar_core.runs import Run
from cifar_core.runs.classes.collect import FACTS, collect
from cifar_core.text import counted
from cifar_core.workspace import Workspace
from pages.ui.class_room.choice import PAGE, collections
from pages.ui.class_room.now import NOBODY
from pages.ui.class_room.ticked_rows import show_ticked_rows, text_width
from pages.ui.compare.links import show_compare_button
from pages.ui.markdown import single_line
from pages.ui.rerun import rerun_page
from pages.ui.runs.run_curves import show_run_curves
from pages.ui.train.active_runs import IDLE_INTERVAL, refresh_interval, run_lister
from pages.ui.train.settings_form import setting_text
from pages.ui.wording import PERCENT_FORMAT, in_percent, status_display

_HEIGHT = 400  # pixels, ten rows and a half
_SHARES = ("accuracy", "low", "high")
_FEW = 20  # runs whose curves are drawn


def show_results(workspace: Workspace, runs: list[Run]) -> None:
    """Show the choice of runs, their table, and their curves."""
    choices = collections(runs)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        key = st.selectbox(
            "Runs",
            list(choices),
            key=f"{PAGE}_of",
            format_func=lambda key: single_line(choices[key].words),
            width=300,
        )
        newest = st.toggle(
            "Only the newest of each person",
            key=f"{PAGE}_newest",
            help="One row a person. The newest and not the best: the best test accuracy of several tries looks better "
            "than it is.",
        )
        place_of_csv = st.empty()
    found = choices[key].of(runs, newest=newest)
    if not found:
        st.info("There is no such run yet.", icon=":material/hourglass_empty:")
        return
    table = results_table(found)
    place_of_csv.download_button(
        "CSV",
        lambda: table_csv(table),
        "class.csv",
        "text/csv",
        key=f"{PAGE}_csv",
        icon=":material/download:",
        help="Downloads the rows below as a table, accuracies as exact fractions.",
    )
    _show_table(table, {run.id: run for run in found})
    _follow(workspace, runs, found)
    _show_curves(workspace, found, table)


def results_table(found: list[Run]) -> pd.DataFrame:
    """Return the rows; whole numbers stay whole where some runs have none."""
    rows = collect(found)
    kinds = {name: {type(row[name]) for row in rows} - {type(None)} for name in rows[0]}
    whole = [name for name, kind in kinds.items() if kind == {int}]
    return pd.DataFrame(rows).astype(dict.fromkeys(whole, "Int64"))


def _show_table(table: pd.DataFrame, found: dict[str, Run]) -> None:
    buttons = st.container(horizontal=True, vertical_alignment="center", gap="small")
    ticked = show_ticked_rows(f"{PAGE}_runs", _shown(table, found), _columns(table), _ALT, _HEIGHT)
    with buttons:
        people = len(set(table["person"]) - {""})
        of = f" of {'1 person' if people == 1 else f'{people} people'}" if people else ""
        done = f", {int(table['accuracy'].notna().sum())} with a result" if table["accuracy"].isna().any() else ""
        sweeps = ", a sweep as its best run" if table["best_of"].notna().any() else ""
        st.markdown(f"**{counted(len(table), 'run')}**{of}{done}{sweeps}. Tick two to compare them.", width="content")
        show_compare_button([found[run_id] for run_id in ticked])
        st.page_link(
            "pages/runs.py",
            label="Open in Runs",
            icon=":material/list_alt:",
            query_params={"runs": ",".join(ticked or table["id"][:_FEW])},
        )


_ALT = "Runs with person, test accuracy, its interval, number of pictures, and the settings that differ"


def _shown(table: pd.DataFrame, found: dict[str, Run]) -> pd.DataFrame:
    """Return the table as the screen has it."""
    shown = table.assign(
        person=[single_line(person) or NOBODY for person in table["person"]],
        name=[single_line(name) for name in table["name"]],
        status=[status_display(found[run_id])[0] for run_id in table["id"]],
        seconds=pd.to_timedelta(table["seconds"].where(table["seconds"] > 0).round(), unit="s"),
        **{name: [_cell(value) for value in table[name]] for name in _settings(table)},
    )
    return in_percent(shown, _SHARES)


def _cell(value: Any) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number or value is None or value is pd.NA else setting_text(value)


def _settings(table: pd.DataFrame) -> list[str]:
    return [name for name in table.columns if name not in (*FACTS, "id")]


def _columns(table: pd.DataFrame) -> dict[str, Any]:
    column = st.column_config
    interval = TERMS["interval"].help
    columns: dict[str, Any] = {
        "person": column.TextColumn("Person", pinned=True, width=text_width(table["person"])),
        "name": column.TextColumn("Run", width=text_width(table["name"])),
        "best_of": column.NumberColumn(
            "Best of",
            format="localized",
            help="How many runs of a sweep this row stands for: of these it is the one that validation chose. The "
            "Sweep page lists the whole sweep.",
        ),
        "status": column.TextColumn("Status"),
        "accuracy": column.NumberColumn(
            "Test accuracy",
            format=PERCENT_FORMAT,
            help="At the epoch that the validation part chose; at the last one where there is no such part.",
        ),
        "low": column.NumberColumn("95 % from", format=PERCENT_FORMAT, help=interval),
        "high": column.NumberColumn("95 % to", format=PERCENT_FORMAT, help=interval),
        "n": column.NumberColumn("n (test)", format="localized", help=TERMS["n"].help),
        "seconds": column.NumberColumn("Time", format="compact", help="Training and measuring."),
        **{name: column.Column(spec_of(name).label) for name in _settings(table)},
        "epoch": column.NumberColumn("Its epoch", help="The epoch of the test accuracy."),
        "dataset": column.TextColumn("Dataset"),
    }
    unused = {"dataset": table["dataset"].nunique() == 1, "best_of": not table["best_of"].notna().any()}
    return {name: config for name, config in columns.items() if not unused.get(name)}


def _follow(workspace: Workspace, runs: list[Run], found: list[Run]) -> None:
    """Rerun the page when one of these runs has a further result, or a run was made; nothing is shown."""

    def snapshot(runs: list[Run]) -> list[tuple[object, ...]]:
        ids = {run.id for run in found}
        known = [(run.id, run.status, run.last and run.last.epoch) for run in runs if run.id in ids]
        return [*known, (len(runs),)]

    drawn, listing = snapshot(runs), run_lister(workspace, runs)

    def refresh() -> None:
        if snapshot(listing()) != drawn:
            rerun_page()

    busy = any(run.active for run in found)
    st.fragment(refresh, run_every=3 * refresh_interval() if busy else IDLE_INTERVAL)()


def _show_curves(workspace: Workspace, found: list[Run], table: pd.DataFrame) -> None:
    runs = {run.id: run for run in found if run.has_network and run.last}
    by_id = {run_id: runs[run_id] for run_id in table["id"] if run_id in runs}  # without the other trials of a sweep
    ticked = [run_id for run_id in st.session_state[f"{PAGE}_runs"] if run_id in by_id]
    shown = [by_id[run_id] for run_id in ticked or by_id]
    if shown:
        show_run_curves(workspace, shown[:_FEW], "Curves", PAGE)
        if len(shown) > _FEW:
            st.caption(f"Of the first {_FEW} runs of the table; tick rows to see theirs.")
