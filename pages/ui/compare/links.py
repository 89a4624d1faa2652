"""The ways to the Compare page: from two ticked runs, from one run, and from an epoch of a run."""

from collections.abc import Sequence

import streamlit as st

from cifar_core.runs import Run
from pages.ui.compare.choice import address_of
from pages.ui.understand.joined_columns import RunAtEpoch
from pages.ui.wording import epoch_word

_PAGE, _ICON = "pages/compare.py", ":material/compare_arrows:"


def show_compare_button(ticked: Sequence[Run]) -> None:
    """Show the button that compares the two runs that are ticked, in the order of the ticks; else nothing."""
    if len(ticked) != 2 or any(run.best is None or run.problem for run in ticked):
        return
    a, b = ticked
    if st.button(
        "Compare",
        key="runs_compare",
        type="primary",
        icon=_ICON,
        help="What changed from the run that was ticked first, A, to the other one, B, picture by picture.",
    ):
        st.switch_page(_PAGE, query_params={"run": b.id, "a": a.id, "b": b.id})


def show_compare_link(run_id: str) -> None:
    """Show the link that compares a run with another one, which is chosen there."""
    st.page_link(_PAGE, label="Compare it", icon=_ICON, query_params={"run": run_id, "b": run_id})


def show_epoch_link(run: Run, epoch: int, epochs: Sequence[int]) -> None:
    """Show the link that compares the chosen epoch with the reported one; of that one, the first with it."""
    if len(epochs) < 2 or run.best is None:
        return
    at_best = epoch == run.best.epoch
    other = epochs[0] if at_best and epoch != epochs[0] else epochs[-1] if at_best else epoch
    label = f"Compare with epoch {other}" if at_best else f"Compare with the {epoch_word(run)} epoch"
    link = {"run": run.id, "a": address_of(RunAtEpoch(run, other)), "b": run.id}
    st.page_link(_PAGE, label=label, icon=_ICON, query_params=link)
