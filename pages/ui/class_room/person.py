"""Whose a run is that a page starts, and who is a teacher.

With a login that is the login. Without one, a student who came by a lesson's link has typed a name: the session has it,
and nobody has checked it.
"""

import streamlit as st

from cifar_core.errors import ConfigError
from cifar_core.limits import read_limits
from cifar_core.runs import Run
from cifar_core.workspace import Workspace
from pages.ui.server.access import current_person, has_login, is_shared

TYPED_KEY = "class_person"  # session: the name that a student typed


def person_of_runs() -> str:
    """Return whose the runs are that this session starts; empty without a login and without a typed name."""
    return current_person() if has_login() else str(st.session_state.get(TYPED_KEY, ""))


def person_going_on(run: Run) -> str:
    """Return whose a run is that goes on from `run`: without a login and a typed name, whose that one is."""
    return person_of_runs() or ("" if has_login() else run.person)


def is_teacher(workspace: Workspace) -> bool:
    """Return whether the person may see to the class: with a login a teacher by name, else everybody at this machine.

    On a server that others reach without a login, nobody may: nobody there is known.
    """
    if not is_shared():
        return True
    try:
        return has_login() and current_person() in read_limits(workspace).teachers
    except ConfigError:
        return False
