"""Confusion: which classes are taken for which, and the very pictures behind every number. Reads runs and datasets."""

import streamlit as st

from cifar_core.analyse import SampleFilter, explain_matrix, most_confused
from cifar_core.runs import Run
from cifar_core.workspace import Workspace
from pages.ui.caches import Findings, epochs_of, find
from pages.ui.frame import facts_line, guard, require_result, run_in_focus, setup_page
from pages.ui.markdown import sentence
from pages.ui.understand.confusion_matrix import (
    PAGE,
    SCALE_HELP,
    SCALES,
    address_parts,
    cell_changed,
    offer_files,
    show_chip,
    show_classes,
    show_matrix,
    show_pairs,
)
from pages.ui.understand.filters import choose_epoch
from pages.ui.understand.gallery import View, gallery
from pages.ui.understand.recompute import best_findings
from pages.ui.url_state import give, take


def show_settings(run: Run, findings: Findings, epochs: list[int], best: int) -> tuple[str, bool]:
    """How the matrix is drawn, at which epoch, and the chosen cell (the keyboard's way to it)."""
    names = findings.predictions.class_names
    with st.container(horizontal=True, vertical_alignment="bottom"):
        by = st.segmented_control("Each cell shows", list(SCALES), required=True, key=f"{PAGE}_by",
                                  format_func=SCALES.__getitem__, help=SCALE_HELP)  # fmt: skip
        hide = st.toggle("Hide the diagonal", key=f"{PAGE}_diagonal", help="Leave out the right ones, so that the colours "
                         "tell the mistakes apart.")  # fmt: skip
        for name, title in (("true", "True"), ("predicted", "Predicted")):
            st.selectbox(title, names, index=None, key=f"{PAGE}_{name}", placeholder="any", width=150,
                         on_change=cell_changed)  # fmt: skip
        with st.container(width=200):
            choose_epoch(PAGE, run, epochs, best)
    return by or "count", hide


def show_cell(workspace: Workspace, run: Run, findings: Findings) -> None:
    """The pictures of the chosen cell, row or column."""
    true, predicted = st.session_state[f"{PAGE}_true"], st.session_state[f"{PAGE}_predicted"]
    if true is None and predicted is None:
        st.info("Click a cell, or choose a true and a predicted class above: its pictures appear here.",
                icon=":material/touch_app:")  # fmt: skip
        return
    whole = bool(true and predicted)  # a cell is exactly one pair; a row or a column is shown without its right ones
    wanted = SampleFilter(
        (true,) if true else (), (predicted,) if predicted else (), outcome="all" if whole else "mistakes"
    )
    epoch = findings.predictions.epoch
    shelf = View(PAGE, workspace, run, epoch, wanted, "loss", selectable=False).shelf()
    with st.container(horizontal=True, vertical_alignment="center"):
        show_chip(true, predicted, len(shelf.rows))
        link = {"run": run.id, "true": true, "predicted": predicted, "outcome": "all" if whole else "",
                "epoch": str(epoch)}  # fmt: skip
        st.page_link("pages/misclassified.py", label="Open in Misclassified", icon=":material/open_in_new:",
                     query_params={name: value for name, value in link.items() if value})  # fmt: skip
    gallery(shelf)


def main(workspace: Workspace, run: Run) -> None:
    """Settings, the tables of this run at this epoch, show."""
    require_result(run)
    best, epochs = best_findings(workspace, run).predictions, epochs_of(workspace, run)
    parts = address_parts(best.class_names, epochs, best.epoch)
    take(PAGE, parts, of=run.id)
    findings = find(workspace, run, st.session_state[f"{PAGE}_epoch"])
    pairs = most_confused(findings.matrix, best.class_names)
    facts_line(run, best.split, len(findings.table), findings.predictions.epoch)
    by, hide = show_settings(run, findings, epochs, best.epoch)
    with st.grid(2, min_column_width=400) as grid:
        with grid.cell():
            figure = show_matrix(findings, by, hide)
            st.caption(sentence(explain_matrix(findings.matrix, best.class_names)))
        with grid.cell():
            st.subheader("Most confused pairs", anchor=False)
            show_pairs(pairs)
            offer_files(run, findings, pairs, figure)
    with guard():
        show_cell(workspace, run, findings)
    st.subheader("Classes", anchor=False)
    show_classes(findings)
    give(PAGE, parts)


here = setup_page("Confusion", "Which classes are taken for which. Every number leads to its pictures.")
with guard():
    focus = run_in_focus(here)
    if focus is not None:
        main(here, focus)
