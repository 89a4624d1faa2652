"""The first training: the button that starts it, the same on every page, and what Home shows before there is a run."""

import numpy as np
import streamlit as st

from cifar_core.config import make_config
from cifar_core.data import dataset_state
from cifar_core.data.drawing import CLASS_NAMES, draw_pictures
from cifar_core.errors import CifarCoreError
from cifar_core.runs import estimate_run, read_speed
from cifar_core.workspace import Workspace
from pages.ui.components.job_view import REFRESH_SECONDS
from pages.ui.data.pictures_so_far import show_pictures_so_far, show_strip
from pages.ui.markdown import escaped, escaped_sentence
from pages.ui.rerun import rerun_page
from pages.ui.train.run_buttons import start_new_run, start_nonce
from pages.ui.wording import estimate_words

# The network of the preset, with more passes to watch and a part that chooses the best of them.
FIRST_RUN = make_config({"dataset": "drawn10", "epochs": 6, "validation_share": 0.1}, preset="first-look")
_EXAMPLES = 12  # as many as are shown while the dataset is drawn
_STARTED_KEY = "first_run_started"  # session: the run that the click has made, until its page is opened
_REFUSED_KEY = "first_run_refused"  # session: why the click made none; shown once


def show_first_run_button(workspace: Workspace, key: str) -> None:
    """Show the button that starts the first run and goes to the Train page to watch it.

    Args:
        workspace: where the run is made; one that can only be read gives a button that says why it does nothing.
        key: of the button.
    """
    closed = workspace.unwritable()
    st.button(
        "Train your first model",
        type="primary",
        icon=":material/play_arrow:",
        key=key,
        disabled=closed is not None,
        on_click=_start,
        args=(workspace, start_nonce()),  # as it was drawn, so that two clicks make one run
    )
    if closed is not None:
        st.caption(
            f":material/lock: Nothing can be trained here: there is no permission to write in {escaped(str(closed))}."
        )
    if _REFUSED_KEY in st.session_state:
        st.error(escaped_sentence(st.session_state.pop(_REFUSED_KEY)), icon=":material/error:")


def open_started_run() -> None:
    """Go to the Train page where the button was just clicked; a page calls it before it lists the runs.

    The button itself could not: it is not drawn any more once there is a run.
    """
    if _STARTED_KEY in st.session_state:
        run_id = st.session_state.pop(_STARTED_KEY)
        st.switch_page("pages/train.py", query_params={"run": run_id, "view": "Watch"})


def _start(workspace: Workspace, nonce: str) -> None:
    try:
        st.session_state[_STARTED_KEY] = start_new_run(workspace, FIRST_RUN, nonce)
    except CifarCoreError as error:
        st.session_state[_REFUSED_KEY] = str(error)


def show_first_step(workspace: Workspace) -> None:
    """Show what a person does before there is a run: a strip of drawn pictures, one sentence, one button."""
    name = FIRST_RUN.data.dataset
    drawn = dataset_state(workspace, name).state

    def refresh() -> None:
        if dataset_state(workspace, name).state != drawn:  # the app itself begins to draw just after it was opened
            rerun_page()
        if not show_pictures_so_far(workspace, name):
            show_strip(_examples(), "Drawn pictures, one or two of each kind")

    st.fragment(refresh, run_every=None if drawn == "ready" else REFRESH_SECONDS)()
    estimate = estimate_run(FIRST_RUN, read_speed(workspace), [dataset_state(workspace, name)])
    time_here = f" It takes {estimate_words(estimate)} here." if estimate else ""
    st.markdown(
        f"Ten kinds of drawn pictures, a small network, {FIRST_RUN.optimizer.epochs} passes over the pictures: you "
        f"watch it learn, then look at what it gets wrong.{time_here}"
    )
    show_first_run_button(workspace, "home_first")


@st.cache_resource(show_spinner=False)
def _examples() -> np.ndarray:
    """Twelve of the drawn pictures, uint8 [12, 3, 32, 32]; they take no more time than a click."""
    return draw_pictures(np.arange(_EXAMPLES) % len(CLASS_NAMES), seed=0, split="train")
