"""Sweep: many runs whose settings are proposed, or one setting over its values.

Reads datasets, runs and sweeps; starts, stops, resumes, deletes and restores sweeps.
"""

import streamlit as st

from cifar_core.runs import list_runs
from cifar_core.sweeps.extras import HOW_TO_GET_IT, has_optuna
from cifar_core.sweeps.sweep import list_sweeps
from pages.ui.error_messages import show_errors
from pages.ui.frame import PageFrame, setup_page
from pages.ui.sweep.choice import EFFECT_VIEW, PAGE_KEY, choose_view, page_parameters
from pages.ui.sweep.deleting import show_trash, show_undo
from pages.ui.sweep.new_sweep import FORM_KEYS, Address, show_new_sweep
from pages.ui.sweep.plan_form import take_click
from pages.ui.sweep.sweep_head import show_sweep
from pages.ui.sweep.sweep_list import show_sweeps
from pages.ui.train.form_state import LESSON, LESSON_PARAMETER
from pages.ui.url_state import url_to_widgets, write_url


def main(page: PageFrame) -> None:
    """Show the form of a search or of the effect of one setting, and the list of sweeps; or the watched sweep."""
    workspace = page.workspace
    runs = list_runs(workspace)
    sweeps = list_sweeps(workspace, runs)
    clicked = take_click()  # also where it is too late for it: a second click
    show_undo(workspace)
    view, sweep = choose_view(sweeps, page.head)
    url_to_widgets(LESSON, LESSON_PARAMETER)
    address: Address = {PAGE_KEY: page_parameters(), LESSON: LESSON_PARAMETER}
    if sweep is not None:
        write_url(address, hidden=FORM_KEYS)
        show_sweep(workspace, sweep, runs)
        return
    if has_optuna():
        show_new_sweep(workspace, runs, address, clicked, effect=view == EFFECT_VIEW)
    else:
        st.info(HOW_TO_GET_IT, icon=":material/extension:")
        write_url(address, hidden=FORM_KEYS)
    with show_errors():
        show_sweeps(sweeps, runs)
        show_trash(workspace)


main(
    setup_page(
        "Sweep",
        "Let many runs find good settings, or see what one setting does; judged on validation, never on the test set.",
        compact=True,
    )
)
