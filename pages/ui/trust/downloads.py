"""The tables of the Trust page as files."""

from collections.abc import Callable
from functools import partial

import pandas as pd
import streamlit as st

from cifar_core.export import epoch_file_name, table_csv
from cifar_core.runs import Run
from cifar_core.workspace import Workspace
from pages.ui.trust.choice import PAGE_KEY
from pages.ui.trust.numbers import load_calibration, load_curve, load_sets


def show_downloads(workspace: Workspace, run: Run, epoch: int) -> None:
    """Show a button for each table; the file is made at the click."""
    files: dict[str, tuple[str, Callable[[Workspace, Run], pd.DataFrame]]] = {
        "Bins (CSV)": ("bins", _bins),
        "Thresholds (CSV)": ("thresholds", load_curve),
        "Sets (CSV)": ("sets", lambda place, of: load_sets(place, of).table),
    }
    with st.container(horizontal=True):
        for label, (name, make) in files.items():
            st.download_button(
                label,
                data=partial(_file, make, workspace, run, epoch),
                file_name=epoch_file_name(run.id, epoch, f"trust-{name}.csv"),
                mime="text/csv",
                on_click="ignore",
                key=f"{PAGE_KEY}_file_{name}",
                type="tertiary",
                icon=":material/download:",
                help="Shares from 0 to 1, with their 95 % intervals.",
            )


def _file(make: Callable[[Workspace, Run], pd.DataFrame], workspace: Workspace, run: Run, epoch: int) -> bytes:
    return table_csv(make(workspace, run).assign(epoch=epoch))


def _bins(workspace: Workspace, run: Run) -> pd.DataFrame:
    """The bins as they are and after temperature scaling, one below the other."""
    found = load_calibration(workspace, run)
    parts = {"as they are": found.before.table, "after temperature scaling": found.after.table}
    return pd.concat([table.assign(probabilities=name) for name, table in parts.items()], ignore_index=True)
