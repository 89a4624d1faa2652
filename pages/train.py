"""Train: choose settings, start a run, watch it learn.

Reads datasets and runs; starts, stops, pauses and resumes runs.
"""

from collections.abc import Mapping
from typing import Literal

import streamlit as st

from cifar_core.config import RunConfig, changed_settings
from cifar_core.data import list_datasets
from cifar_core.lifecycle.place import Place, place_problems
from cifar_core.runs import Run, list_runs, measured_gain, read_speed
from cifar_core.runs.run import MAX_RUN_NAME
from cifar_core.workspace import Workspace
from pages.ui.class_room.form_limits import epochs_limit, limit_problems
from pages.ui.class_room.lesson_link import lesson_problem, show_lesson, show_link_menu
from pages.ui.cluster.where import read_where, show_where
from pages.ui.error_messages import show_errors
from pages.ui.frame import PageFrame, setup_page
from pages.ui.markdown import escaped_sentence
from pages.ui.run_focus import focus_on, run_in_focus
from pages.ui.train.active_runs import current_run
from pages.ui.train.first_run import FIRST_RUN, show_first_run_button
from pages.ui.train.form_state import (
    BASE,
    FORM,
    LESSON,
    LESSON_PARAMETER,
    NAME_KEY,
    PARENT_KEY,
    WHERE,
    chosen_preset,
    current_lesson,
    forget_name,
    keep_settings,
    read_form,
    show_notice,
)
from pages.ui.train.live_view import show_live_run
from pages.ui.train.network_preview import (
    check_settings,
    is_ready,
    show_augmented_pictures,
    show_data_notes,
    show_network,
)
from pages.ui.train.preset_picker import earlier_runs, show_origin, show_presets
from pages.ui.train.run_buttons import start_new_run, start_nonce
from pages.ui.train.run_settings import show_run_settings
from pages.ui.train.settings_form import show_dataset_and_epochs, show_setting_groups
from pages.ui.train.start_estimate import show_start_estimate
from pages.ui.url_state import UrlParameter, one_of, url_to_widgets, write_url

NEW, WATCH = "New run", "Watch"
VIEW_KEY = "train_view"
_CLICKED_KEY = "train_clicked"  # session: the nonce of a click on Start, until the settings beside it are read
_STARTED_KEY = "train_started"  # session: a run was just started, and is to be watched
Address = dict[str, Mapping[str, UrlParameter]]  # prefix of the widget keys -> what the URL holds of them


def main(page: PageFrame) -> None:
    """Show one of two views: the settings of a new run, or the run in focus as it learns."""
    workspace = page.workspace
    runs = list_runs(workspace)
    running = current_run(runs)
    if running is not None and "run" not in st.query_params:
        st.query_params["run"] = running.id
    run = run_in_focus(workspace, runs, picker=page.head, required=False, results=False)
    clicked = st.session_state.pop(_CLICKED_KEY, None)  # also where it is too late for it: a second click
    # There is no default, so that the URL keeps the view of a watched run when the run ends.
    view: Address = {"train": {"view": one_of([NEW, WATCH], None)}, LESSON: LESSON_PARAMETER}
    for prefix, parameters in view.items():
        url_to_widgets(prefix, parameters)
    if st.session_state[VIEW_KEY] is None or _STARTED_KEY in st.session_state:
        started = st.session_state.pop(_STARTED_KEY, "") or (run is not None and run.active)
        st.session_state[VIEW_KEY] = WATCH if started else NEW
    if run is not None:
        st.segmented_control(
            "View",
            [NEW, WATCH],
            key=VIEW_KEY,
            required=True,
            label_visibility="collapsed",
        )
    if run is not None and st.session_state[VIEW_KEY] == WATCH:
        write_url(view, hidden=(BASE, FORM, WHERE))
        with show_errors():
            show_live_run(workspace, run, runs)
            _show_next_steps(run)
    else:
        _new_run(workspace, runs, view, clicked)


def _new_run(workspace: Workspace, runs: list[Run], view: Address, clicked: str | None) -> None:
    """Show the form: where it starts from, what people change most, Start; below all settings and what they lead to.

    Args:
        workspace: where.
        runs: the workspace's runs.
        view: what the URL holds beside the form.
        clicked: the nonce of a click on Start.
    """
    datasets = list_datasets(workspace)
    form = read_form(set(earlier_runs(runs)), {state.name for state in datasets})
    where = read_where(workspace)
    settings = keep_settings()
    dataset = {state.name: state for state in datasets}.get(settings["dataset"])
    own = dataset.validation if dataset else 0
    changed = changed_settings(settings, chosen_preset(), own)
    config, problems = check_settings(settings, datasets)
    problems = [*problems, *limit_problems(workspace, config, datasets)]
    if config is not None:
        problems += place_problems(where.place, config.machine.processes)
    first = not runs and all(state.name == FIRST_RUN.data.dataset or state.state == "absent" for state in datasets)
    show_lesson(workspace)
    if first and not current_lesson():  # with pictures of their own, people know what they want
        show_first_run_button(workspace, "train_first")
    show_presets(settings["dataset"], runs, datasets, read_speed(workspace))
    show_origin(changed, runs)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        show_dataset_and_epochs(settings, datasets, epochs_limit(workspace))
        blocked = config is None or bool(problems) or where.blocks
        _show_name_and_start("secondary" if first else "primary", blocked=blocked)
    show_where(workspace, where)
    show_notice()
    _say_problems_and_start(workspace, config, problems, clicked if not where.blocks else None, where.place)
    show_start_estimate(workspace, config, runs, datasets, where.place)
    if config is not None:
        show_data_notes(workspace, config, datasets)
    with st.grid(2, min_column_width=380, gap="medium"):
        with st.container():
            gain = measured_gain(read_speed(workspace), config) if config is not None else None
            show_setting_groups(settings, own, changed, linked=True, gain=gain)
        with st.container(), show_errors():
            if config is not None:
                show_network(config, datasets)
                if is_ready(settings["dataset"], datasets):
                    show_augmented_pictures(workspace, config)
    write_url(view | form | {WHERE: where.parameters})


def _show_name_and_start(kind: Literal["primary", "secondary"], *, blocked: bool) -> None:
    st.text_input(
        "Name (optional)",
        key=NAME_KEY,
        max_chars=MAX_RUN_NAME,
        width=200,
        placeholder="two words by chance",
        help="What to call the run in lists. It can be changed later, on the Runs page.",
    )
    st.button(
        "Start",
        type=kind,
        icon=":material/play_arrow:",
        key="train_start",
        disabled=blocked,
        # The start itself waits until the widgets are read: a value that was typed just before is in it.
        on_click=_note_click,
        args=(start_nonce(),),
    )
    show_link_menu()


def _note_click(nonce: str) -> None:
    st.session_state[_CLICKED_KEY] = nonce


def _say_problems_and_start(
    workspace: Workspace, config: RunConfig | None, problems: list[str], clicked: str | None, place: Place
) -> None:
    """Say what prevents a start; else start the run where Start was clicked, and watch it."""
    started_without = lesson_problem() if clicked else ""
    for problem in filter(None, (*problems, started_without)):
        st.error(escaped_sentence(problem), icon=":material/error:")
    if clicked is None or config is None or problems or started_without:
        return
    with show_errors():
        parent, name = st.session_state[PARENT_KEY] or "", st.session_state[NAME_KEY]
        focus_on(start_new_run(workspace, config, clicked, parent, name, current_lesson(), place))
        st.session_state[_STARTED_KEY] = True
        forget_name()
        st.rerun()


def _show_next_steps(run: Run) -> None:
    """Show where to go from a run that trains, to its confusion matrix and its mistakes so far; and its settings."""
    if run.best is not None and run.active:
        with st.container(horizontal=True):
            if st.button("Look inside", icon=":material/grid_on:", key="train_inside"):
                st.switch_page("pages/confusion.py", query_params={"run": run.id})
            if st.button("See its mistakes", icon=":material/rule:", key="train_mistakes"):
                st.switch_page("pages/misclassified.py", query_params={"run": run.id})
    if run.has_network:
        with st.expander("Settings of this run", icon=":material/tune:"):
            show_run_settings(run)


main(
    setup_page(
        "Train",
        "Choose how the network learns, start, and watch it; training goes on if you close this page.",
        compact=True,
    )
)
