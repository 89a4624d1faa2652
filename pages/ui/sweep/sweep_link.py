"""The way from a run to the sweep that it is a trial of."""

import streamlit as st

from cifar_core.runs import Run
from cifar_core.sweeps.folder import SweepFolder
from cifar_core.workspace import Workspace


def show_sweep_link(workspace: Workspace, run: Run) -> None:
    """Show the link from a trial to its sweep, where that is here; it may be deleted, or in another workspace."""
    if run.is_trial and SweepFolder(workspace.sweeps / run.sweep).plan.is_file():
        st.page_link("pages/sweep.py", label="Its sweep", icon=":material/tune:", query_params={"sweep": run.sweep})
