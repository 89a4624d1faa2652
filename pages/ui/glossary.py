"""The glossary: every word of the screens, in a student's words and as the field says it."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cifar_core.evaluate import Term, find_terms
from pages.ui.markdown import escaped, escaped_sentence

_BUTTON_KEY = "frame_glossary"


def show_glossary_button(place: DeltaGenerator) -> None:
    """Show the button that opens the glossary, as a group of its own below those of the pages."""
    group = place.container(gap="xxsmall")
    group.caption("Help")
    if group.button("Glossary", icon=":material/menu_book:", type="tertiary", key=_BUTTON_KEY):
        _show_glossary()


def glossary_is_open() -> bool:
    """Return whether it was just asked for: another dialog waits until it is closed, for Streamlit shows only one."""
    return bool(st.session_state.get(_BUTTON_KEY))


@st.dialog("Glossary", icon=":material/menu_book:", position="right", on_dismiss="rerun")
def _show_glossary() -> None:
    words = st.text_input(
        "Find a word", key="glossary_find", live=True, type="search", placeholder="such as recall, or how sure"
    )
    found = find_terms(words)
    if not found:
        st.caption(escaped_sentence(f"Nothing here says {words!r}. Try a shorter word."))
    for term in found:
        _show_term(term)


def _show_term(term: Term) -> None:
    st.markdown(f"**{escaped(term.title)}** · {escaped(term.plain)}  \n{escaped_sentence(term.help)}")
    if term.formula:
        st.caption(f"{escaped(term.title)} = {escaped(term.formula)}")
