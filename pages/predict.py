"""Predict: the address at which a person's own pictures stand. It is the Picture page with them chosen.

It shows them itself, because a page that only sends on would do so again at each step back.
"""

import streamlit as st

from cifar_core.runs import Run
from pages.ui.error_messages import show_errors
from pages.ui.frame import PageFrame, setup_page
from pages.ui.markdown import escaped_sentence
from pages.ui.predict.own_pictures import SOURCES, show_own_pictures
from pages.ui.run_focus import facts_line, require_result, run_in_focus


def main(page: PageFrame, run: Run) -> None:
    """Show the own pictures; the choice of a test picture opens the Picture page."""
    require_result(run)
    if run.best is None:
        st.error(escaped_sentence(run.problem), icon=":material/broken_image:")
        return
    with page.head:
        facts_line(run, n=run.dataset.test if run.dataset else None, epoch=run.best.epoch)
    source = st.segmented_control(
        "Pictures",
        list(SOURCES),
        default="own",
        required=True,
        key="predict_source",
        format_func=SOURCES.__getitem__,
        label_visibility="collapsed",
    )
    if source == "test":
        st.switch_page("pages/picture.py", query_params={"run": run.id})
    show_own_pictures(page.workspace, run)


frame = setup_page("Picture", "One picture, and what the network makes of it.", compact=True)
with show_errors():
    focus = run_in_focus(frame.workspace, picker=frame.head)
    if focus is not None:
        main(frame, focus)
