"""The room that a run takes on the disk, and the button that frees what it can do without."""

import streamlit as st

from cifar_core.errors import CifarCoreError
from cifar_core.runs import LAST_WEIGHTS, Run, remove_last_weights, space_of
from cifar_core.text import size_text
from cifar_core.workspace import Workspace
from pages.ui.error_messages import show_errors


def show_disk_space(workspace: Workspace, run: Run) -> None:
    """Show a button that opens the sizes of a run's parts, and removes its last weights and optimiser."""
    try:
        parts = space_of(workspace, run.id)
    except CifarCoreError:  # it has been deleted meanwhile
        return
    with st.popover(
        f"Disk · {size_text(sum(parts.values()))}", icon=":material/hard_drive:", key=f"runs_space_{run.id}"
    ):
        st.markdown("\n".join(f"- {part}: **{size_text(size)}**" for part, size in parts.items()))
        if LAST_WEIGHTS in parts and st.button(
            f"Remove the last weights and optimiser · {size_text(parts[LAST_WEIGHTS])}",
            key=f"runs_remove_last_{run.id}",
            icon=":material/delete_sweep:",
            help="The weights of the best epoch and all predictions stay. To train for more epochs, a run then begins "
            "with the best weights and a new optimiser. Nothing brings the removed ones back.",
        ):
            with show_errors():
                remove_last_weights(workspace, run.id)
                st.rerun()
