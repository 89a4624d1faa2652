"""A lesson is a name and settings behind a link: the link is made here, and what it opened is said here."""

from urllib.parse import urlencode, urlsplit

import streamlit as st

from cifar_core.runs.run import MAX_LESSON
from cifar_core.workspace import Workspace
from pages.ui.class_room.student_name import name_problem, show_student_name
from pages.ui.markdown import escaped
from pages.ui.server.access import has_login, is_this_machine
from pages.ui.train.form_state import LESSON_KEY, current_lesson, form_address
from pages.ui.url_state import give_first

_NAME_KEY = "class_link_lesson"


def lesson_problem() -> str:
    """Return what prevents a start in the lesson, as a sentence; empty where nothing does.

    It is for the moment of the start: a name that was typed just before counts.
    """
    return name_problem() if current_lesson() and not has_login() else ""


def show_lesson(workspace: Workspace) -> None:
    """Show the lesson that what is started here will carry, the student's name, and the way out; else nothing."""
    lesson = current_lesson()
    if not lesson:
        return
    with st.container(horizontal=True, vertical_alignment="bottom", border=True):
        st.markdown(
            f":material/school: **{escaped(lesson)}**  \n:small[What you start here belongs to this lesson.]",
            width="stretch",
        )
        if not has_login():
            show_student_name(workspace)
        st.button(
            "Leave the lesson",
            key="class_leave",
            icon=":material/close:",
            type="tertiary",
            on_click=_leave,
            help="What you start then belongs to no lesson; the settings stay.",
        )


def _leave() -> None:
    st.session_state[LESSON_KEY] = ""


def show_link_menu() -> None:
    """Show the button with the link to the settings of the form as they are now, for a class or for oneself."""
    with st.popover("Link", icon=":material/link:", key="class_link", help="A link that opens these settings"):
        give_first(_NAME_KEY, current_lesson())
        st.markdown("Opens this form with these settings, also for others.")
        st.text_input(
            "Lesson (optional)",
            key=_NAME_KEY,
            max_chars=MAX_LESSON,
            placeholder="such as Learning rates",
            help="Runs that are started by the link carry this name: the Class page lists them side by side.",
        )
        link = link_to_form(str(st.session_state[_NAME_KEY]).strip())
        st.code(link, language=None, wrap_lines=True)
        if is_this_machine(urlsplit(link).hostname):
            st.caption("It works on this machine only: open the app by the server's address to make one for a class.")


def link_to_form(lesson: str) -> str:
    """Return the address of the form with its settings as they are now, and of a lesson where one is named."""
    named = {"lesson": lesson} if lesson else {}
    here = urlsplit(st.context.url or "")
    query = urlencode({"view": "New run", **named, **form_address()})
    return f"{here.scheme}://{here.netloc}{here.path}?{query}" if here.netloc else f"train?{query}"
