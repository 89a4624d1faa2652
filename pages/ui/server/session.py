"""The session that a script run of Streamlit belongs to."""

from typing import Any

from pages.ui.server.internals import ScriptRunContext, get_script_run_ctx
from pages.ui.server.patching import Patch, patch_fits

SESSION = Patch(
    name="streamlit.runtime.scriptrunner_utils.script_run_context.ScriptRunContext",
    lost="uploads of one session are not limited",
    of=ScriptRunContext,
    sample=lambda: ScriptRunContext.__new__(ScriptRunContext),
    attributes={"session_id": (str,), "uploaded_file_mgr": (object,)},
)


def session_context() -> Any:
    """Streamlit's context of this script run, with `session_id` and `uploaded_file_mgr`; None where it does not fit."""
    context = get_script_run_ctx()
    return context if patch_fits(SESSION, context) else None


def session_id() -> str:
    """The id of the session that this script run belongs to; empty where Streamlit does not tell."""
    context = session_context()
    return context.session_id if context is not None else ""
