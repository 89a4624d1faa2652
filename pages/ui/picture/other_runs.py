"""What other runs say of a picture: those that were measured on the same test pictures."""

import streamlit as st

from cifar_core.runs import list_runs, measured_alike, own_runs, read_answers
from cifar_core.text import counted, percent
from pages.ui.markdown import escaped
from pages.ui.picture.shown_picture import ShownPicture
from pages.ui.run_focus import run_labels

_MOST_LINES = 6  # without a scroll bar
_LINES_HEIGHT = 220  # screen pixels, of more


def show_other_runs(picture: ShownPicture) -> None:
    """Show how many other runs are right, and the answer of each as a link to its view of the picture."""
    listed = own_runs(list_runs(picture.workspace))  # hundreds of trials would say little and take long to read
    answers, damaged = read_answers(
        picture.workspace, measured_alike(picture.workspace, picture.run, listed), picture.row
    )
    if not answers and not damaged:
        return
    right = sum(answer.predicted == picture.label for answer in answers)
    sentences = ["**Other runs.**"]
    if answers:
        sentences.append(f"Right in {right:,} of {counted(len(answers), 'other run')} on the same test pictures.")
    if damaged:
        sentences.append(f"{counted(len(damaged), 'run')} with damaged predictions left out.")
    st.markdown(" ".join(sentences))
    labels = run_labels([answer.run for answer in answers])
    with st.container(height=_LINES_HEIGHT if len(answers) > _MOST_LINES else "content", gap="xxsmall"):
        for answer in answers:
            is_right = answer.predicted == picture.label
            st.page_link(
                "pages/picture.py",
                label=f"{escaped(answer.class_name)} {percent(answer.confidence)} · {escaped(labels[answer.run.id])}",
                icon=":material/check:" if is_right else ":material/close:",
                query_params={"run": answer.run.id, "id": picture.id},
            )
