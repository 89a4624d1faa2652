"""What a run answers to the saved views of its dataset, each a line with a link to its pictures; marked where worse."""

import streamlit as st

from cifar_core.evaluate import TERMS
from cifar_core.runs import Run, list_runs
from cifar_core.saved_views import RunAnswers, ViewAnswer, answer_words, change_words, worse_phrase
from cifar_core.workspace import Workspace
from pages.ui.error_messages import show_errors
from pages.ui.markdown import escaped, escaped_sentence, single_line
from pages.ui.saved_views.address import view_address
from pages.ui.saved_views.loaded_answers import load_answers

MOST_LINES = 5
WORSE_BADGE = ":orange-badge[:material/trending_down: worse]"


def show_run_answers(workspace: Workspace, run: Run) -> None:
    """Show the answers of a run, those where it is worse first; nothing where there is no view."""
    with show_errors():
        found = load_answers(workspace, run, list_runs(workspace))
        if found.answers:
            _show_answers(run, found)


def answer_line(answer: ViewAnswer, found: RunAnswers) -> str:
    """Return an answer as Markdown: the mark, the share with its interval, and the change since the run before."""
    previous = single_line(found.previous.name) if found.previous else ""
    words = escaped_sentence(", ".join(filter(None, [answer_words(answer), change_words(answer, previous)])))
    return f"{WORSE_BADGE} {words}" if answer.worse else words


def _show_answers(run: Run, found: RunAnswers) -> None:
    answers = sorted(found.answers, key=lambda answer: not answer.worse)
    marked = worse_phrase(answers)
    st.caption(
        f"Saved views{f': **{marked}**' if marked else ''}",
        help=TERMS["saved_view"].help,
    )
    with st.container(gap="xsmall"):
        for answer in answers[:MOST_LINES]:
            with st.container(horizontal=True, vertical_alignment="center", gap="xxsmall"):
                st.page_link(
                    "pages/misclassified.py",
                    label=escaped(answer.view.name),
                    icon=":material/bookmark:",
                    query_params={"run": run.id, **view_address(answer.view.sample_filter)},
                )
                st.markdown(f":small[{answer_line(answer, found)}]", width="stretch")
        if len(answers) > MOST_LINES:
            st.caption(f"and {len(answers) - MOST_LINES} more, under Views on the Misclassified page")
