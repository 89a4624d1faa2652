"""Going on from a run that has ended: more epochs, or its weights on another dataset. Starts nothing itself."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from cifar_core.config import spec_of
from cifar_core.data import dataset_state, list_datasets
from cifar_core.data.sources.drawn10 import DRAWN10_NAME
from cifar_core.errors import DataError, RunError
from cifar_core.runs import Run, continue_run, continued_rate, fine_tune_run, keeps_optimizer
from cifar_core.runs.dataset.opening import open_own_dataset
from cifar_core.spec import allowed_range, value_words
from cifar_core.text import counted
from cifar_core.workspace import Workspace
from pages.ui.class_room.person import person_going_on
from pages.ui.error_messages import show_errors
from pages.ui.markdown import escaped_sentence, single_line

Make = Callable[[str], str]  # makes a run and returns its id; the argument is the nonce of the start


def show_more_epochs(workspace: Workspace, run: Run, page: str) -> Make | None:
    """Show how a run that `can_be_continued` is trained for more epochs; returns what makes the new run, once asked.

    Args:
        workspace: where.
        run: the run as it is now.
        page: prefix of the widget keys.
    """
    prefix = f"{page}_more_{run.id}"
    with st.container(width="content", gap=None):
        popover = st.popover("Train more epochs", icon=":material/update:", key=prefix, on_change="rerun")
        st.caption("as a new run that goes on from this one")
    if not popover.open:
        return None
    with popover, show_errors():
        lacking = _lacking(workspace, run)
        if lacking:
            st.markdown(escaped_sentence(lacking))
            st.page_link("pages/data.py", label="Datasets", icon=":material/database:")
            return None
        st.markdown(f":small[{_beginning(workspace, run)}]")
        changes = _show_numbers(run.config.optimizer.epochs, continued_rate(run), prefix)
        st.caption(_rate_words(run))
        if _asked(f"Train {counted(int(changes['epochs']), 'more epoch')}", prefix):
            return lambda nonce: continue_run(workspace, run.id, changes, nonce=nonce, person=person_going_on(run))
    return None


def show_other_dataset(workspace: Workspace, run: Run, page: str) -> Make | None:
    """Show how a run's weights are trained on another dataset; arguments and result as of `show_more_epochs`."""
    prefix = f"{page}_tune_{run.id}"
    with st.container(width="content", gap=None):
        popover = st.popover("Use its weights", icon=":material/conversion_path:", key=prefix, on_change="rerun")
        st.caption("on another dataset (fine-tuning)")
    if not popover.open:
        return None
    with popover, show_errors():
        ready = [state for state in list_datasets(workspace) if state.state == "ready"]
        titles = {state.name: single_line(state.title) for state in ready if state.name != run.config.data.dataset}
        if not titles:
            st.markdown("There is no other dataset here yet.")
            st.page_link("pages/data.py", label="Get or import one", icon=":material/photo_library:")
            return None
        st.markdown(
            ":small[Begins with the weights of the best epoch, with the settings of this run. "
            "Where the classes are others, the last layer is made anew.]"
        )
        dataset = st.selectbox(
            "Dataset",
            list(titles),
            key=f"{prefix}_dataset",
            format_func=lambda name: " · ".join(dict.fromkeys((name, titles[name]))),
        )
        settings = run.config.optimizer
        changes = {"dataset": dataset, **_show_numbers(settings.epochs, settings.learning_rate, prefix)}
        if _asked("Train its weights on this dataset", prefix):
            return lambda nonce: fine_tune_run(workspace, run.id, changes, nonce=nonce, person=person_going_on(run))
    return None


def _lacking(workspace: Workspace, run: Run) -> str:
    """Return why the pictures of a run cannot be learned from any more, a sentence; drawn ones are drawn again."""
    name = run.config.data.dataset
    if name == DRAWN10_NAME and dataset_state(workspace, name).state == "absent":
        return ""
    try:
        open_own_dataset(workspace, run)
    except (DataError, RunError) as error:
        return str(error)
    return ""


def _beginning(workspace: Workspace, run: Run) -> str:
    assert run.best is not None and run.last is not None
    if keeps_optimizer(workspace, run):
        return (
            f"Begins with the weights and the optimiser after epoch {run.last.epoch}. "
            "Dataset, validation part, seed and network stay."
        )
    return (
        f"Begins with the weights of the best epoch, {run.best.epoch}, and a new optimiser, because the run keeps no "
        "state of its own. Dataset, validation part, seed and network stay."
    )


def _rate_words(run: Run) -> str:
    """Return what the learning rate does in the further epochs."""
    if run.config.optimizer.schedule == "constant":
        return "The constant learning rate goes on."
    schedule = value_words(spec_of("schedule"), run.config.optimizer.schedule)
    peak = "the peak of this run" if run.origin == "continued" else "a tenth of its peak"
    return f"The schedule ({schedule}) runs anew over these epochs, from {peak}."


def _show_numbers(epochs: int, rate: float, prefix: str) -> dict[str, Any]:
    """Show the two settings that people change; return them."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        return {
            "epochs": _number("epochs", epochs, f"{prefix}_epochs"),
            "learning_rate": _number("learning_rate", rate, f"{prefix}_rate"),
        }


def _number(name: str, value: float, key: str) -> float:
    """Show a field for a setting, without bounds, as in the form of a new run: the check of the settings says more."""
    spec = spec_of(name)
    st.session_state.setdefault(key, value)
    found = st.number_input(
        spec.label,
        key=key,
        format="%g" if spec.kind == "float" else "%d",
        step=value / 10 if spec.kind == "float" else 1,
        width=180,
        help=f"{spec.help} Allowed: {allowed_range(spec)}.",
    )
    return value if found is None else found


def _asked(label: str, prefix: str) -> bool:
    return st.button(label, type="primary", key=f"{prefix}_start", icon=":material/play_arrow:")
