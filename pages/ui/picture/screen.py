"""The screen of a picture, which `/picture` opens at the test pictures and `/predict` at a person's own."""

import streamlit as st

from cifar_core.runs import Run, network_missing
from pages.ui.caches import finished_epochs
from pages.ui.error_messages import show_errors
from pages.ui.frame import PageFrame
from pages.ui.markdown import escaped_sentence
from pages.ui.picture.choice import picture_url_parameters, show_test_pictures
from pages.ui.picture.drawer import PICTURE_PAGE
from pages.ui.picture.temperature import URL_PARAMETER
from pages.ui.predict.own_pictures import show_own_pictures
from pages.ui.run_focus import facts_line, require_result, run_in_focus
from pages.ui.url_state import one_of, url_to_widgets, widgets_to_url

TITLE, LEAD = "Picture", "One picture, and what the network makes of it."
SOURCES = {"test": "A test picture", "own": "Your own pictures"}  # where the picture comes from


def show_picture_screen(page: PageFrame, first: str) -> None:
    """Show the screen; `first` of `SOURCES` is chosen where the URL names none."""
    with show_errors():
        run = run_in_focus(page.workspace, picker=page.head)
        if run is not None:
            _show_source(page, run, first)


def _show_source(page: PageFrame, run: Run, first: str) -> None:
    require_result(run)
    if run.best is None:
        st.error(escaped_sentence(run.problem), icon=":material/broken_image:")
        return
    class_names = run.dataset.class_names if run.dataset else ()
    test_parameters = picture_url_parameters(class_names, finished_epochs(page.workspace, run), run.best.epoch)
    parameters = {"source": one_of(list(SOURCES), first), **URL_PARAMETER, **test_parameters}
    url_to_widgets(PICTURE_PAGE, parameters, subject=run.id)
    source = st.segmented_control(
        "Pictures",
        list(SOURCES),
        required=True,
        key=f"{PICTURE_PAGE}_source",
        format_func=SOURCES.__getitem__,
        label_visibility="collapsed",
    )
    epoch = run.best.epoch if source == "own" else st.session_state[f"{PICTURE_PAGE}_epoch"]
    with page.head:
        facts_line(run, n=run.dataset.test if run.dataset else None, epoch=epoch)
    if source == "own" and not run.has_network:
        _show_why_not(run)
    elif source == "own":
        show_own_pictures(page.workspace, run, f"{PICTURE_PAGE}_calibrated")
    else:
        with show_errors():
            show_test_pictures(page.workspace, run)
    widgets_to_url(PICTURE_PAGE, parameters)


def _show_why_not(run: Run) -> None:
    """Show why imported predictions cannot answer a person's own picture."""
    st.info(
        f"{escaped_sentence(network_missing(run))} Choose above a run that was trained here.",
        icon=":material/info:",
    )
