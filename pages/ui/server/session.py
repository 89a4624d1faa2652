"""The session that a script run of Streamlit belongs to."""

from collections.abc import Collection
from typing import Any

from pages.ui.server.internals import (
    Absent,
    Runtime,
    SafeSessionState,
    ScriptRunContext,
    get_instance,
    get_script_run_ctx,
)
from pages.ui.server.patching import Patch, patch_fits

SESSION = Patch(
    name="streamlit.runtime.scriptrunner_utils.script_run_context.ScriptRunContext",
    lost="uploads of one session are not limited, and a step back right after a choice may be overlooked",
    of=ScriptRunContext,
    sample=lambda: ScriptRunContext.__new__(ScriptRunContext),
    attributes={
        "session_id": (str,),
        "uploaded_file_mgr": (object,),
        "is_history_navigation": (bool,),
        "session_state": (object,),
    },
)
WIDGET_VALUES = Patch(
    name="streamlit.runtime.state.safe_session_state.SafeSessionState",
    lost="what the address of a page says may be lost by a click before the page is drawn whole",
    of=SafeSessionState,
    sample=lambda: SafeSessionState.__new__(SafeSessionState),
    methods={"get_widget_states": ("self",)},
)


def has_real_server() -> bool:
    """Whether a server runs this script; not so in AppTest, which has a stand-in for it."""
    try:
        return Runtime is not Absent and type(get_instance()) is Runtime
    except RuntimeError:  # a script without anything like a server
        return False


def session_context() -> Any:
    """Streamlit's context of this script run, with what `SESSION` lists; None where it does not fit."""
    context = get_script_run_ctx()
    return context if patch_fits(SESSION, context) else None


def session_id() -> str:
    """The id of the session that this script run belongs to; empty where Streamlit does not tell."""
    context = session_context()
    return context.session_id if context is not None else ""


def is_step_back() -> bool:
    """Whether the browser's back or forward button caused this script run; false where Streamlit does not tell."""
    context = session_context()
    return context is not None and context.is_history_navigation


def not_sent(keys: Collection[str]) -> set[str]:
    """Those of `keys` whose widgets the browser did not send with this script run; to be asked before any is drawn.

    None where Streamlit does not tell.
    """
    context = session_context()
    if not keys or context is None or not patch_fits(WIDGET_VALUES, context.session_state):
        return set()
    return {*keys} - {widget.id.split("-", 2)[-1] for widget in context.session_state.get_widget_states()}
