"""A run that has ended: three things of its own that are worth a look, and its answers to the saved views."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import streamlit as st

from cifar_core.evaluate import most_confused
from cifar_core.runs import ForgottenPicture, Run, Status, find_forgotten
from cifar_core.samples import SampleFilter, select_samples
from cifar_core.text import counted, percent
from cifar_core.workspace import Workspace
from pages.ui.caches import Findings, load_findings
from pages.ui.markdown import escaped
from pages.ui.run_focus import show_result_links
from pages.ui.saved_views.run_answers import show_run_answers

_THINGS = 3
_SHORT = 24  # characters of a class name in a button


@dataclass(frozen=True)
class Look:
    """One thing to look at: what it is, the words on its button, and where it leads."""

    title: str
    words: str
    icon: str
    page: Literal["confusion", "misclassified", "picture"]
    address: dict[str, str]


def show_things_to_look_at(workspace: Workspace, run: Run) -> None:
    """Show the buttons of a run that has ended with a result, each of which goes to one thing; then its saved views.

    Between them stand the links to the pages that judge the whole run.

    Raises:
        RunError: its predictions are damaged.
    """
    found = load_findings(workspace, run)
    forgotten = _forgotten(workspace, run, (run.id, run.created, run.last and run.last.epoch, run.seconds))
    kind: Literal["primary", "secondary"] = "primary" if run.status is Status.FINISHED else "secondary"
    with st.grid(_THINGS, min_column_width=235):
        for number, look in enumerate(things_to_look_at(run, found, forgotten)):
            with st.container(gap="xxsmall"):
                st.caption(look.title)
                pressed = st.button(
                    look.words,
                    key=f"train_look_{number}",
                    icon=look.icon,
                    type=kind if number == 0 else "secondary",
                    width="stretch",
                )
            if pressed:
                st.switch_page(f"pages/{look.page}.py", query_params={"run": run.id, **look.address})
    with st.container(horizontal=True, gap="medium"):
        show_result_links(run.id, "trust", "learning")
    show_run_answers(workspace, run)


@st.cache_data(max_entries=32, show_spinner=False)
def _forgotten(_workspace: Workspace, _run: Run, identity: object) -> ForgottenPicture | None:
    return find_forgotten(_workspace, _run)


def things_to_look_at(run: Run, found: Findings, forgotten: ForgottenPicture | None) -> list[Look]:
    """Return up to three things, each a fact of this run: a pair, its surest mistake, a forgotten picture or a class.

    Args:
        run: the run.
        found: its predictions at the reported epoch.
        forgotten: of `find_forgotten`.
    """
    return list(_looks(run, found, forgotten))[:_THINGS]


def _looks(run: Run, found: Findings, forgotten: ForgottenPicture | None) -> Iterator[Look]:
    pairs, mistakes = most_confused(found.matrix), select_samples(found.table, SampleFilter(), "confidence")
    if mistakes.empty:
        address = {"outcome": "correct", "sort": "margin"}
        yield Look("No mistake", "Its closest calls", ":material/rule:", "misclassified", address)
    else:
        pair, surest = pairs.iloc[0], mistakes.iloc[0]
        words = f"{_class(pair['true'])} taken for {_class(pair['predicted'])}, {_times(int(pair['count']))}"
        address = {"true": str(pair["true"]), "predicted": str(pair["predicted"])}
        yield Look("Most confused", words, ":material/grid_on:", "confusion", address)
        words = f"{_class(surest['true'])} called {_class(surest['predicted'])}, {percent(surest['confidence'])} sure"
        yield Look("Surest mistake", words, ":material/priority_high:", "misclassified", {"sort": "confidence"})
    if forgotten is not None and run.last is not None:
        words = (
            f"{_class(forgotten.true)}, right until epoch {forgotten.right_until}, then {_class(forgotten.predicted)}"
        )
        address = {"id": forgotten.id, "epoch": str(run.last.epoch)}
        yield Look("Forgotten", words, ":material/history:", "picture", address)
    judged = found.classes.dropna(subset="recall").sort_values("recall", kind="stable")
    if len(judged) and judged["recall"].iloc[0] < 1:
        weakest = judged.iloc[0]
        words = f"{_class(weakest['class'])}, {percent(weakest['recall'])} found"
        yield Look("Weakest class", words, ":material/rule:", "misclassified", {"true": str(weakest["class"])})


def _class(name: object) -> str:
    return escaped(name, _SHORT)


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, counted(count, "time"))
