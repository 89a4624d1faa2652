"""Saved views on the Misclassified page: save what is filtered, open a view, rename it, delete it with a way back.

Writes notes of the dataset. The session keeps which view is being renamed, and which was deleted last.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import streamlit as st

from cifar_core.evaluate import TERMS
from cifar_core.runs import Run, list_runs
from cifar_core.samples import FILTERS, SampleFilter
from cifar_core.saved_views import (
    MAX_VIEW_NAME,
    View,
    delete_view,
    judged_words,
    rename_view,
    restore_view,
    save_view,
    unsavable_part,
)
from cifar_core.workspace import Workspace
from pages.ui.error_messages import show_errors, show_errors_as_toast
from pages.ui.markdown import escaped, single_line
from pages.ui.saved_views.address import view_address
from pages.ui.saved_views.loaded_answers import load_answers, load_views
from pages.ui.saved_views.run_answers import answer_line
from pages.ui.server.access import current_person
from pages.ui.understand.gallery_filters import go_to_first_page
from pages.ui.url_state import UrlParameter, current_visit

MENU_WIDTH = 640  # CSS pixels: an answer on one line; in a narrow window on more

_FILTER_PARAMETERS = ("outcome", "true", "predicted", "text", "per_pair", "tags", *FILTERS)


@dataclass(frozen=True)
class ViewsOf:
    """The views that a page shows and changes. Callbacks keep this."""

    page: str  # prefix of the widget keys
    workspace: Workspace
    run: Run

    @property
    def fingerprint(self) -> str:
        """Of the dataset, whose views they are."""
        return self.run.dataset.fingerprint if self.run.dataset else ""

    def key(self, name: str) -> str:
        """A key of a widget or of the session."""
        return f"{self.page}_view_{name}"


def show_saved_views(of: ViewsOf, parameters: Mapping[str, UrlParameter], sample_filter: SampleFilter) -> View | None:
    """Show the button that saves the filter as a view, and the menu of the views.

    Args:
        of: whose views.
        parameters: of the page's URL.
        sample_filter: what is filtered now.

    Returns:
        the view that is open: the one with this filter.
    """
    chosen = open_ended(sample_filter, parameters)
    with show_errors():
        views = load_views(of.workspace, of.run)
        opened = next((view for view in views if _same(view.sample_filter, chosen)), None)
        if opened is None and view_address(chosen).keys() - {"outcome", "per_pair"}:
            _show_save(of, chosen)
        if views:
            _show_menu(of, parameters, views, opened)
        return opened
    return None


def show_open_view(of: ViewsOf, view: View, epoch: int) -> None:
    """Show what the run answers to the view that is open, on one line."""
    with show_errors():
        found = load_answers(of.workspace, of.run, list_runs(of.workspace))
        answer = next((answer for answer in found.answers if answer.view.id == view.id), None)
        if answer is not None and of.run.best is not None:
            at = "" if epoch == of.run.best.epoch else f" at epoch {of.run.best.epoch}"
            st.markdown(f":small[:material/bookmark: **{escaped(view.name)}**{at}: {answer_line(answer, found)}]")


def open_ended(sample_filter: SampleFilter, parameters: Mapping[str, UrlParameter]) -> SampleFilter:
    """Return the filter with no end where a slider stands at its limit, which is another one in another run."""
    ranges = {}
    for name, (low, high) in sample_filter.ranges.items():
        first, last = parameters[name].default
        ranges[name] = (-math.inf if low <= first else low, math.inf if high >= last else high)
    return replace(sample_filter, ranges=ranges)


def _same(of_view: SampleFilter, other: SampleFilter) -> bool:
    """Whether the filter of a page is that of a view, in any order of the names."""
    if unsavable_part(other):
        return False
    first, second = ({name: sorted(texts) for name, texts in view_address(each).items()} for each in (of_view, other))
    return first == second


def _show_save(of: ViewsOf, chosen: SampleFilter) -> None:
    with (
        st.popover("Save as view", icon=":material/bookmark_add:", key=of.key("save"), on_change="rerun"),
        st.form(of.key("form"), border=False, clear_on_submit=False),
    ):
        st.text_input("Name of the view", max_chars=MAX_VIEW_NAME, key=of.key("name"))
        st.caption(f"{judged_words(chosen)} It is marked where it is worse than the run before.")
        st.form_submit_button(
            "Save", icon=":material/save:", key=of.key("save_now"), on_click=partial(_save, of, chosen)
        )


def _save(of: ViewsOf, chosen: SampleFilter) -> None:
    with show_errors_as_toast():
        view = save_view(of.workspace, of.fingerprint, current_person(), st.session_state[of.key("name")], chosen)
        st.session_state[of.key("name")] = ""
        st.session_state[of.key("save")] = False
        st.toast(
            f"Saved as view {escaped(view.name)}. Every run on this dataset answers it.", icon=":material/bookmark:"
        )


def _show_menu(of: ViewsOf, parameters: Mapping[str, UrlParameter], views: list[View], opened: View | None) -> None:
    label = f"Views · {len(views)}" if opened is None else f"View: {escaped(opened.name, 40)}"
    menu = st.popover(
        label,
        icon=":material/bookmarks:",
        help=TERMS["saved_view"].help,
        key=of.key("menu"),
        on_change="rerun",
    )
    if not menu.open:  # answering takes a moment, the first time
        return
    with menu, st.container(width=MENU_WIDTH, gap="small"):
        found = load_answers(of.workspace, of.run, list_runs(of.workspace))
        for answer in found.answers:
            with st.container(gap=None):
                _show_view(of, parameters, answer.view)
                st.markdown(f":small[{answer_line(answer, found)}]")


def _show_view(of: ViewsOf, parameters: Mapping[str, UrlParameter], view: View) -> None:
    """Show one view of the menu: its name, which opens it, and what changes it; or the field for another name."""
    if st.session_state.get(of.key("renaming")) == view.id:
        _show_rename(of, view)
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            escaped(view.name),
            key=of.key(f"open_{view.id}"),
            type="tertiary",
            icon=":material/bookmark:",
            help="Show the pictures of this view" + (f"; saved by {escaped(view.author)}" if view.author else ""),
            on_click=partial(_open, of, parameters, view.sample_filter),
        )
        st.space("stretch")
        for name, icon, act in (("Rename", "edit", _ask_name), ("Delete", "delete", _delete)):
            st.button(
                name,
                key=of.key(f"{name.lower()}_{view.id}"),
                type="tertiary",
                icon=f":material/{icon}:",
                on_click=partial(act, of, view),
            )


def _show_rename(of: ViewsOf, view: View) -> None:
    with (
        st.form(of.key("rename_form"), border=False),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        st.text_input("New name", single_line(view.name), max_chars=MAX_VIEW_NAME, key=of.key("new_name"))
        st.form_submit_button(
            "Rename", icon=":material/save:", key=of.key("rename_now"), on_click=partial(_rename, of, view)
        )


def show_deleted_view(of: ViewsOf) -> None:
    """Show Undo for the view that was deleted last, while the person stays on the page."""
    deleted = st.session_state.get(of.key("deleted"))
    if deleted is None or deleted[:2] != (current_visit(), of.fingerprint):
        return
    _, _, deletion, name = deleted
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f":material/delete: View **{escaped(name)}** is deleted.", width="content")
        st.button("Undo", key=of.key("undo"), icon=":material/undo:", on_click=partial(_undo, of, deletion))
        st.button(
            "Close",
            key=of.key("undo_close"),
            icon=":material/close:",
            type="tertiary",
            on_click=partial(_forget_deleted, of),
        )


def _open(of: ViewsOf, parameters: Mapping[str, UrlParameter], sample_filter: SampleFilter) -> None:
    """Set the filters of the page to those of a view; the sort and the size of the tiles stay."""
    texts = view_address(sample_filter)
    for name in _FILTER_PARAMETERS:
        if name in parameters:
            said, parameter = texts.get(name, []), parameters[name]
            value: Any = parameter.read(said) if said else parameter.default
            st.session_state[f"{of.page}_{name}"] = value
    go_to_first_page(of.page)
    st.session_state[of.key("menu")] = False


def _ask_name(of: ViewsOf, view: View) -> None:
    st.session_state[of.key("renaming")] = view.id
    st.session_state.pop(of.key("new_name"), None)


def _rename(of: ViewsOf, view: View) -> None:
    with show_errors_as_toast():
        rename_view(of.workspace, of.fingerprint, current_person(), view.id, st.session_state[of.key("new_name")])
        st.session_state.pop(of.key("renaming"), None)


def _delete(of: ViewsOf, view: View) -> None:
    with show_errors_as_toast():
        deletion = delete_view(of.workspace, of.fingerprint, current_person(), view.id)
        st.session_state[of.key("deleted")] = current_visit(), of.fingerprint, deletion, view.name
        st.session_state[of.key("menu")] = False  # Undo stands below it
        st.session_state.pop(of.key("renaming"), None)


def _undo(of: ViewsOf, deletion: str) -> None:
    with show_errors_as_toast():
        restore_view(of.workspace, of.fingerprint, current_person(), deletion)
        _forget_deleted(of)


def _forget_deleted(of: ViewsOf) -> None:
    st.session_state.pop(of.key("deleted"), None)
