"""The switch that shows one picture with the temperature of the run's calibration, and what it says.

The temperature belongs to the epoch that the run reports. It is shown where the calibration is kept and fresh; where it
is not, a link leads to Trust, which computes it.
"""

import streamlit as st

from cifar_core.analyse.calibration import CalibrationResult, fresh_calibration
from cifar_core.evaluate import TERMS
from cifar_core.runs import Run
from cifar_core.text import counted
from cifar_core.workspace import Workspace
from pages.ui.url_state import on_off

URL_PARAMETER = {"calibrated": on_off(False)}
_LAST_KEY = "calibrated_last"  # session: what was chosen last, for drawers, whose switches come and go


def chosen_calibration(workspace: Workspace, run: Run, epoch: int, key: str) -> CalibrationResult | None:
    """Return the kept calibration where it is of this epoch and the switch is on; None else.

    Args:
        workspace: where the run is.
        run: whose probabilities are shown.
        epoch: after which they are.
        key: of the switch, which may be drawn later.
    """
    state = st.session_state
    if key not in state:
        state[key] = state.get(_LAST_KEY, False)
    found = fresh_calibration(workspace, run) if state[key] else None
    return found if found is not None and found.epoch == epoch else None


def show_switch(workspace: Workspace, run: Run, epoch: int, key: str) -> None:
    """Show the switch with what it does, or the way to what it needs; arguments as of `chosen_calibration`."""
    found = fresh_calibration(workspace, run)
    if found is None:
        st.page_link(
            "pages/trust.py",
            label="Trust: can these probabilities be believed?",
            icon=":material/balance:",
            query_params={"run": run.id},
        )
        return
    there = found.epoch == epoch
    st.toggle(
        f"Calibrated (T = {found.temperature[0]:.2f})",
        key=key,
        disabled=not there,
        help=f"{TERMS['temperature'].help} Trust shows what it brings.",
        on_change=_remember,
        args=(key,),
    )
    if not there:
        st.caption(f"T was fitted after epoch {found.epoch}: only there it can be switched on.")
    elif st.session_state[key]:
        st.caption(
            f"Probabilities and scores here are softmax(ln p / T), T fitted on {_fitted_words(found)}. The predicted "
            "class is the same. Tiles, tables and other epochs show p itself."
        )


def _fitted_words(found: CalibrationResult) -> str:
    return counted(found.fitted, f"{found.fitted_on} picture")


def _remember(key: str) -> None:
    st.session_state[_LAST_KEY] = st.session_state[key]
