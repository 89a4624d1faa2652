"""The session that a script run of Streamlit belongs to."""

from typing import Any

from pages.ui.server.internals import Absent, Runtime, ScriptRunContext, get_instance, get_script_run_ctx
from pages.ui.server.patching import Patch, patch_fits

SESSION = Patch(
    name="streamlit.runtime.scriptrunner_utils.script_run_context.ScriptRunContext",
    lost="uploads of one session are not limited, and a step back right after a choice may be overlooked",
    of=ScriptRunContext,
    sample=lambda: ScriptRunContext.__new__(ScriptRunContext),
    attributes={"session_id": (str,), "uploaded_file_mgr": (object,), "is_history_navigation": (bool,)},
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
