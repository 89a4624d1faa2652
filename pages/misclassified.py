"""Misclassified: filter, sort, look at, select and save the pictures that the network gets wrong.

Reads a run's predictions and its dataset; writes only what a person asks to save, under `exports/`.
"""

import streamlit as st

from cifar_core.runs import Run
from cifar_core.workspace import Workspace
from pages.ui.caches import epochs_of, find
from pages.ui.frame import facts_line, guard, require_result, run_in_focus, setup_page
from pages.ui.understand.filters import address_parts, show_filters
from pages.ui.understand.gallery import Shelf, View, clear, gallery, select_all, select_page, selected
from pages.ui.understand.picture_download import offer_exports
from pages.ui.understand.recompute import best_findings
from pages.ui.url_state import give, take

PAGE = "misclassified"


def show(workspace: Workspace, shelf: Shelf) -> None:
    """How many match, what can be done with them, and the tiles."""
    table, chosen = shelf.findings.table, selected(shelf.view)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"**{(~table['correct']).sum():,}** mistakes in {len(table):,} pictures · "
            f"**{len(shelf.rows):,}** match · **{len(chosen):,}** selected",
            width="content",
        )
        for label, choose in (("this page", select_page), ("all that match", select_all)):
            st.button(f"Select {label}", key=f"{PAGE}_{label}", type="tertiary", icon=":material/select_all:",
                      disabled=shelf.rows.empty, on_click=choose, args=(shelf.view,))  # fmt: skip
        st.button("Clear", key=f"{PAGE}_clear", type="tertiary", icon=":material/deselect:", disabled=not chosen,
                  on_click=clear, args=(shelf.view,))  # fmt: skip
    offer_exports(workspace, shelf)
    gallery(shelf)


def main(workspace: Workspace, run: Run) -> None:
    """Settings, the pictures they choose, show."""
    require_result(run)
    best, epochs = best_findings(workspace, run).predictions, epochs_of(workspace, run)
    parts = address_parts(best.class_names, epochs, best.epoch)
    take(PAGE, parts, of=run.id)
    findings = find(workspace, run, st.session_state[f"{PAGE}_epoch"])
    facts_line(run, best.split, len(findings.table), findings.predictions.epoch)
    sample_filter, sort = show_filters(PAGE, run, best.class_names, epochs, parts)
    show(workspace, View(PAGE, workspace, run, findings.predictions.epoch, sample_filter, sort).shelf())
    give(PAGE, parts)


here = setup_page(
    "Misclassified", "The pictures that the network gets wrong: filter, look closely, save the telling ones."
)
with guard():
    focus = run_in_focus(here)
    if focus is not None:
        main(here, focus)
