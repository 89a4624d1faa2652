"""The limits of a class: what they are, and for a teacher the form that changes them in `settings.json`."""

from typing import Any

import streamlit as st

from cifar_core.errors import ConfigError
from cifar_core.limits import LIMITS_FILE, ServerLimits, change_limits, limit_table, read_limits
from cifar_core.spec import value_words
from cifar_core.workspace import Workspace
from pages.ui.class_room.choice import PAGE
from pages.ui.error_messages import show_errors_as_toast
from pages.ui.markdown import escaped, escaped_sentence
from pages.ui.server.access import has_login, is_shared
from pages.ui.url_state import give_first

CLASS_LIMITS = ("slots", "fair_share", "runs_per_person", "most_epochs", "most_parameters")
_DRAWN_KEY = f"{PAGE}_limits_drawn"  # session: the limits that the fields began with
_SAVED_KEY = f"{PAGE}_limits_saved"  # session: a change was just written


def show_limits(workspace: Workspace, *, teacher: bool) -> None:
    """Show the limits, with the form that changes them for a teacher."""
    try:
        limits = read_limits(workspace)
    except ConfigError as error:
        for problem in error.problems:
            st.error(escaped_sentence(problem), icon=":material/error:")
        return
    if teacher:
        _show_form(workspace, limits)
    else:
        table = limit_table()
        lines = [f"- {table[name].label}: **{_words(name, getattr(limits, name))}**" for name in CLASS_LIMITS]
        st.markdown("\n".join(lines))
    st.caption(who_may(limits))


def who_may(limits: ServerLimits) -> str:
    """Return who may change the limits here, in a sentence, as Markdown."""
    if not is_shared():
        return (
            ":material/lock_open: Only this machine reaches the app, so everybody at it may change the limits and stop "
            "the runs of all."
        )
    if not has_login():
        return (
            ":material/lock: People reach this server without a login, so nobody is known as a teacher: change the "
            f"limits in {LIMITS_FILE} of the workspace."
        )
    if not limits.teachers:
        return (
            f":material/lock: No teacher is named yet: write their logins into `teachers` in {LIMITS_FILE} of the "
            "workspace."
        )
    return f":material/school: Teachers here: {', '.join(map(escaped, limits.teachers))}."


def _words(name: str, value: Any) -> str:
    return ("on" if value else "off") if isinstance(value, bool) else value_words(limit_table()[name], value)


def _show_form(workspace: Workspace, limits: ServerLimits) -> None:
    table = limit_table()
    _let_fields_follow(limits)
    with st.form(f"{PAGE}_limits", border=False):
        st.toggle(f"{table['fair_share'].label} `fair_share`", **_field("fair_share", limits))
        with st.grid(2, min_column_width=220):
            for name in CLASS_LIMITS:
                if (spec := table[name]).kind == "int":
                    zero = " (0: no limit)" if spec.low == 0 else ""
                    bounds = int(spec.low), int(spec.high)
                    st.number_input(f"{spec.label}{zero} `{name}`", *bounds, step=1, **_field(name, limits))
        st.form_submit_button(
            "Save the limits",
            icon=":material/save:",
            on_click=_save,
            args=(workspace,),
            key=f"{PAGE}_limits_save",
        )
    if st.session_state.pop(_SAVED_KEY, False):
        st.success("Saved. Waiting runs follow at once; runs that train go on as they are.", icon=":material/check:")


def _let_fields_follow(limits: ServerLimits) -> None:
    """Forget what the fields say of limits that somebody else has changed since they were drawn."""
    drawn = st.session_state.get(_DRAWN_KEY, limits)
    for name in CLASS_LIMITS:
        if getattr(drawn, name) != getattr(limits, name):
            st.session_state.pop(f"{PAGE}_limit_{name}", None)
    st.session_state[_DRAWN_KEY] = limits


def _field(name: str, limits: ServerLimits) -> dict[str, Any]:
    """Return key and help of the field of a limit, which first has its value."""
    key = f"{PAGE}_limit_{name}"
    give_first(key, getattr(limits, name))
    return {"key": key, "help": limit_table()[name].help}


def _save(workspace: Workspace) -> None:
    """Write what was changed here; what somebody else has changed meanwhile stays."""
    drawn = st.session_state[_DRAWN_KEY]
    with show_errors_as_toast():
        wanted = {name: st.session_state[f"{PAGE}_limit_{name}"] for name in CLASS_LIMITS}
        change_limits(workspace, {name: value for name, value in wanted.items() if value != getattr(drawn, name)})
        st.session_state[_SAVED_KEY] = True
