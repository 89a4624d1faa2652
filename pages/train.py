"""Train: choose settings, start a run, watch it learn.

Reads datasets and runs; starts, stops, pauses and resumes runs.
"""

from typing import Literal

import streamlit as st

from cifar_core.config import RunConfig, spec_of
from cifar_core.data import list_datasets
from cifar_core.errors import CifarCoreError
from cifar_core.runs import Run, list_runs, read_speed
from cifar_core.text import one_line
from cifar_core.workspace import Workspace
from pages.ui.error_messages import show_errors
from pages.ui.frame import PageFrame, setup_page
from pages.ui.markdown import escaped, escaped_sentence
from pages.ui.run_focus import focus_on, run_in_focus
from pages.ui.train.active_runs import current_run
from pages.ui.train.first_run import FIRST_RUN, show_first_run_button
from pages.ui.train.live_view import show_live_run
from pages.ui.train.network_preview import (
    check_settings,
    is_ready,
    show_augmented_pictures,
    show_data_notes,
    show_layer_table,
)
from pages.ui.train.preset_picker import marked_preset_description, show_earlier_runs, show_presets
from pages.ui.train.run_buttons import start_new_run, start_nonce
from pages.ui.train.settings_form import MADE_FROM_KEY, setting_text, show_settings_form
from pages.ui.train.start_estimate import show_start_estimate
from pages.ui.url_state import one_of, url_to_widgets, widgets_to_url

NEW, WATCH = "New run", "Watch"
MAX_NAME_IN_BUTTON = 40  # characters of a name in a button; the page says all of it below
VIEW_KEY = "train_view"
START_REFUSAL_KEY = "train_refused"  # session: why the last start was refused; it is shown once


def main(page: PageFrame) -> None:
    """Show one of two views: the settings of a new run, or the run in focus as it learns."""
    workspace = page.workspace
    runs = list_runs(workspace)
    running = current_run(runs)
    if running is not None and "run" not in st.query_params:
        st.query_params["run"] = running.id
    run = run_in_focus(workspace, runs, picker=page.head, required=False)
    # There is no default, so that the URL keeps the view of a watched run when the run ends.
    parameters = {"view": one_of([NEW, WATCH], None)}
    url_to_widgets("train", parameters)
    if st.session_state[VIEW_KEY] is None:
        st.session_state[VIEW_KEY] = WATCH if run is not None and run.active else NEW
    if run is not None:
        st.segmented_control(
            "View",
            [NEW, WATCH],
            key=VIEW_KEY,
            required=True,
            label_visibility="collapsed",
            format_func=lambda name: (
                name if name == NEW else f"{name} {escaped(one_line(run.name, MAX_NAME_IN_BUTTON))}"
            ),
        )
    widgets_to_url("train", parameters)
    if run is not None and st.session_state[VIEW_KEY] == WATCH:
        with show_errors():
            show_live_run(workspace, run, runs)
            _show_next_steps(run)
    else:
        _new_run(workspace, runs)


def _new_run(workspace: Workspace, runs: list[Run]) -> None:
    datasets = list_datasets(workspace)
    if not runs and all(state.name == FIRST_RUN.data.dataset or state.state == "absent" for state in datasets):
        show_first_run_button(workspace, "train_first")  # with pictures of their own, people know what they want
    bar = st.container(horizontal=True, vertical_alignment="bottom")
    # It exists even while empty, because elements that move up lose their state, such as the chosen tab.
    preset_note = st.container()
    with st.grid(2, min_column_width=380, gap="medium"):
        left, right = st.container(), st.container(border=True)
        with left, st.container(border=True):
            settings = show_settings_form(datasets)
        with bar:  # filled after the form, because the marked preset and the times depend on the settings
            show_presets(runs, datasets, read_speed(workspace))
            show_earlier_runs(runs)
        if marked_preset_description():
            preset_note.caption(marked_preset_description())
        config, problems = check_settings(settings, datasets)
        here = is_ready(settings["dataset"], datasets)
        with left, show_errors():
            if config is not None and here:
                show_augmented_pictures(workspace, config)
        with right:
            for problem in problems:
                st.error(escaped_sentence(problem), icon=":material/error:")
            if config is not None:
                show_data_notes(workspace, config, datasets)
            show_start_estimate(workspace, config, runs, datasets)
            blocked = config is None or bool(problems)
            st.button(
                "Start",
                type="primary",
                icon=":material/play_arrow:",
                key="train_start",
                disabled=blocked,
                on_click=_start,
                args=(workspace, config, start_nonce()),
            )
            if START_REFUSAL_KEY in st.session_state:
                st.error(st.session_state.pop(START_REFUSAL_KEY), icon=":material/error:")
            if config is not None:
                show_layer_table(config, datasets)


def _start(workspace: Workspace, config: RunConfig, nonce: str) -> None:
    try:
        focus_on(start_new_run(workspace, config, nonce, st.session_state.get(MADE_FROM_KEY) or ""))
        st.session_state[VIEW_KEY] = WATCH
    except CifarCoreError as error:
        st.session_state[START_REFUSAL_KEY] = escaped_sentence(error)


def _show_next_steps(run: Run) -> None:
    """Show where to go from a run: to its confusion matrix and its mistakes; and its settings."""
    if run.best is not None:
        with st.container(horizontal=True):
            kind: Literal["primary", "secondary"] = "secondary" if run.active else "primary"
            if st.button("Look inside", type=kind, icon=":material/grid_on:", key="train_inside"):
                st.switch_page("pages/confusion.py", query_params={"run": run.id})
            if st.button("See its mistakes", icon=":material/rule:", key="train_mistakes"):
                st.switch_page("pages/misclassified.py", query_params={"run": run.id})
    with st.expander("Settings of this run", icon=":material/tune:"):
        if run.parent:
            st.caption(f"Made from the settings of run {escaped(run.parent)}.")
        st.table(
            {spec_of(name).label: escaped(setting_text(value)) for name, value in run.config.flat().items()},
            border="horizontal",
            width="content",
        )


main(
    setup_page("Train", "Choose how the network learns, start, and watch it; training goes on if you close this page.")
)
