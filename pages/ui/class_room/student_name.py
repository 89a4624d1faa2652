"""The name of a student who came by a lesson's link to a server without a login: typed once, kept by the browser.

Nobody checks it. The session has it under `class_person` (`person.TYPED_KEY`).
"""

import streamlit as st

from cifar_core.errors import ConfigError, RunError
from cifar_core.limits import read_limits
from cifar_core.text import clean_text
from cifar_core.workspace import Workspace
from pages.ui.class_room.person import TYPED_KEY, person_of_runs
from pages.ui.components.browser_storage import browser_storage
from pages.ui.url_state import give, give_first

MAX_NAME = 60  # characters
_HEARD_KEY = "class_person_heard"  # session: the browser has said which name it keeps
_PROBLEM_KEY = "class_person_problem"  # session: what is wrong with the name that was typed
_FIELD = "class_person_field"


def show_student_name(workspace: Workspace) -> None:
    """Show the field for the name, beside the lesson."""
    kept = str(st.session_state.get(TYPED_KEY, ""))
    browser_storage(
        "class_person",
        [kept] if kept else [],
        heard=bool(st.session_state.get(_HEARD_KEY)),
        on_heard=lambda items: _hear(workspace, items),
    )
    give_first(_FIELD, kept)
    st.text_input(
        "Your name",
        key=_FIELD,
        max_chars=MAX_NAME,
        width=200,
        placeholder="as your teacher knows it",
        help="Your runs carry it, and the queue counts by it. There is no login here, so nobody checks it. This "
        "browser keeps it for next time.",
        on_change=_take,
        args=(workspace,),
    )


def name_problem() -> str:
    """Return what prevents a start, as a sentence: no name, or one that cannot be; empty where nothing does."""
    wrong = str(st.session_state.get(_PROBLEM_KEY, ""))
    return wrong or ("" if person_of_runs() else "Type your name, so that your runs can be told from those of others.")


def _hear(workspace: Workspace, items: list[str]) -> None:
    """Take up the name that the browser has kept, unless one was typed meanwhile."""
    st.session_state[_HEARD_KEY] = True
    if items and not st.session_state.get(TYPED_KEY) and not _problem(workspace, items[0]):
        st.session_state[TYPED_KEY] = items[0].strip()
        give(_FIELD, items[0].strip())


def _take(workspace: Workspace) -> None:
    typed = str(st.session_state[_FIELD])
    wrong = _problem(workspace, typed)
    st.session_state[_PROBLEM_KEY] = wrong
    st.session_state[TYPED_KEY] = "" if wrong else typed.strip()


def _problem(workspace: Workspace, name: str) -> str:
    """Return what is wrong with a name, a sentence; the names of teachers are theirs."""
    try:
        name = clean_text(name, "name", MAX_NAME, RunError)
        teachers = read_limits(workspace).teachers
    except (RunError, ConfigError) as error:
        return str(error)
    if name in teachers:
        return f"{name} is the name of a teacher here: type your own."
    return ""
