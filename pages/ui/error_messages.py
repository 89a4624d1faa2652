"""Errors and warnings of the library as sentences on the page: at the place where they arise, or as a toast."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import streamlit as st

from cifar_core.errors import CifarCoreError
from pages.ui.markdown import escaped_sentence


@contextmanager
def show_errors() -> Iterator[None]:
    """Show a `CifarCoreError` raised inside as its one sentence, and go on after the block."""
    try:
        yield
    except CifarCoreError as error:
        st.error(escaped_sentence(error), icon=":material/error:")


@contextmanager
def show_errors_as_toast() -> Iterator[None]:
    """As `show_errors`, with a toast, for buttons in a view that is redrawn every second: a toast stays for a while."""
    try:
        yield
    except CifarCoreError as error:
        st.toast(escaped_sentence(error), icon=":material/error:", duration="long")


def show_warnings(sentences: Sequence[str], *, small: bool = False) -> None:
    """Show what makes numbers doubtful, one sentence a line; nothing where there are none.

    Args:
        sentences: what is doubtful.
        small: as small print, where pictures that stand below are what a person came for.
    """
    if sentences:
        lines = [f":small[{escaped_sentence(each)}]" if small else escaped_sentence(each) for each in sentences]
        st.warning("  \n".join(lines), icon=":material/warning:")
