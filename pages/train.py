"""Train: choose settings, start a run, watch it learn. Reads datasets and runs; starts, stops, pauses and resumes runs."""

from typing import Literal

import streamlit as st

from cifar_core.config import RunConfig, spec_of
from cifar_core.data import list_datasets
from cifar_core.errors import CifarCoreError
from cifar_core.runs import Run, list_runs
from cifar_core.text import one_line
from cifar_core.workspace import Workspace
from pages.ui.frame import guard, run_in_focus, setup_page
from pages.ui.markdown import plain, sentence
from pages.ui.train.active_runs import training_now
from pages.ui.train.live_view import outlook, watch
from pages.ui.train.network_preview import check, show_layers, show_strip
from pages.ui.train.run_buttons import launch, start_nonce
from pages.ui.train.settings_form import MADE_FROM, in_words, preset_words, show_earlier, show_presets, show_settings
from pages.ui.url_state import choice, give, take

NEW, WATCH = "New run", "Watch"
MAX_LABEL = 40  # characters of a name in a button; the page says all of it below
VIEW = "train_view"
REFUSED = "train_refused"  # session: why the last start was refused, shown once


def main(workspace: Workspace) -> None:
    """Two views of one page: settings of the next run, or the run in focus as it learns."""
    runs = list_runs(workspace)
    running = training_now(runs)
    if running is not None and "run" not in st.query_params:
        st.query_params["run"] = running.id
    run = run_in_focus(workspace, runs, required=False)
    parts = {"view": choice([NEW, WATCH], None)}  # said in the address either way: a watched run stays when it ends
    take("train", parts)
    if st.session_state[VIEW] is None:
        st.session_state[VIEW] = WATCH if run is not None and run.active else NEW
    if run is not None:
        st.segmented_control(
            "View",
            [NEW, WATCH],
            key=VIEW,
            required=True,
            label_visibility="collapsed",
            format_func=lambda name: name if name == NEW else f"{name} {plain(one_line(run.name, MAX_LABEL))}",
        )
    give("train", parts)
    if run is not None and st.session_state[VIEW] == WATCH:
        with guard():
            watch(workspace, run, runs)
            _after(run)
    else:
        _new_run(workspace, runs)


def _new_run(workspace: Workspace, runs: list[Run]) -> None:
    datasets = list_datasets(workspace)
    bar = st.container(horizontal=True, vertical_alignment="bottom")
    promise = st.container()  # there even while empty: what moved up would be drawn anew, its chosen tab forgotten
    with st.grid(2, min_column_width=380, gap="medium"):
        left, right = st.container(), st.container(border=True)
        with left, st.container(border=True):
            settings = show_settings(datasets)
        with bar:  # once it is known what is set: the marked preset and the times follow from it
            show_presets(workspace, runs)
            show_earlier(runs)
        if preset_words():
            promise.caption(preset_words())
        config, problems = check(settings, datasets)
        here = any(state.name == settings["dataset"] and state.state == "ready" for state in datasets)
        with left, guard():
            if config is not None and here:
                show_strip(workspace, config)
        with right:
            for problem in problems:
                st.error(sentence(problem), icon=":material/error:")
            outlook(workspace, config, runs)
            blocked = config is None or bool(problems)
            st.button("Start", type="primary", icon=":material/play_arrow:", key="train_start", disabled=blocked,
                      on_click=_start, args=(workspace, config, start_nonce()))  # fmt: skip
            if REFUSED in st.session_state:
                st.error(st.session_state.pop(REFUSED), icon=":material/error:")
            if config is not None:
                show_layers(config, datasets)


def _start(workspace: Workspace, config: RunConfig, nonce: str) -> None:
    try:
        st.query_params["run"] = launch(workspace, config, nonce, st.session_state.get(MADE_FROM) or "")
        st.session_state[VIEW] = WATCH
    except CifarCoreError as error:
        st.session_state[REFUSED] = sentence(error)


def _after(run: Run) -> None:
    """Where to go from a run: what it gets wrong, and its settings."""
    if run.best is not None:
        with st.container(horizontal=True):
            kind: Literal["primary", "secondary"] = "secondary" if run.active else "primary"
            if st.button("Look inside", type=kind, icon=":material/grid_on:", key="train_inside"):
                st.switch_page("pages/confusion.py", query_params={"run": run.id})
            if st.button("See its mistakes", icon=":material/rule:", key="train_mistakes"):
                st.switch_page("pages/misclassified.py", query_params={"run": run.id})
    with st.expander("Settings of this run", icon=":material/tune:"):
        if run.made_from:
            st.caption(f"Made from the settings of run {plain(run.made_from)}.")
        st.table({spec_of(name).label: plain(in_words(value)) for name, value in run.config.flat().items()},
                 border="horizontal", width="content")  # fmt: skip


main(
    setup_page("Train", "Choose how the network learns, start, and watch it; training goes on if you close this page.")
)
