"""Class: who trains and waits, the results of a lesson side by side, and the limits. Stops runs, writes the limits."""

import streamlit as st

from cifar_core.runs import Run, list_runs
from cifar_core.workspace import Workspace
from pages.ui.class_room.choice import LIMITS, NOW, PAGE, RESULTS, VIEWS, url_parameters
from pages.ui.class_room.limits_form import show_limits
from pages.ui.class_room.now import show_now
from pages.ui.class_room.person import is_teacher
from pages.ui.class_room.results import show_results
from pages.ui.frame import setup_page
from pages.ui.run_focus import run_in_focus
from pages.ui.url_state import url_to_widgets, widgets_to_url


def main(workspace: Workspace) -> None:
    """Show one of three views."""
    runs = list_runs(workspace)
    parameters = url_parameters(runs)
    url_to_widgets(PAGE, parameters)
    run_in_focus(workspace, runs, required=False)
    with st.container(horizontal=True, vertical_alignment="center"):
        view = st.segmented_control("View", VIEWS, key=f"{PAGE}_view", required=True, label_visibility="collapsed")
        st.page_link(
            "pages/train.py",
            label="Make a lesson",
            icon=":material/add_link:",
            query_params={"view": "New run"},
            help="Choose the settings on the Train page, then press Link there: the link opens them for the class.",
        )
    _show_view(workspace, runs, view or NOW)
    widgets_to_url(PAGE, parameters)


def _show_view(workspace: Workspace, runs: list[Run], view: str) -> None:
    teacher = is_teacher(workspace)
    if view == RESULTS:
        show_results(workspace, runs)
    elif view == LIMITS:
        show_limits(workspace, teacher=teacher)
    else:
        show_now(workspace, runs, teacher=teacher)


main(
    setup_page(
        "Class",
        "Many people on one machine: who trains and waits, the runs of a lesson side by side, and the limits.",
        compact=True,
    ).workspace
)
