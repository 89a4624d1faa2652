"""Misclassified: filter, sort, look at, select and save the pictures that the network gets wrong.

Reads a run's predictions and its dataset; writes only the pictures that a person saves, under `exports/`.
"""

import streamlit as st

from cifar_core.runs import Run
from cifar_core.workspace import Workspace
from pages.ui.caches import finished_epochs, load_findings
from pages.ui.error_messages import show_errors
from pages.ui.frame import PageFrame, setup_page
from pages.ui.run_focus import facts_line, require_result, run_in_focus, show_caveats
from pages.ui.understand.gallery import show_gallery
from pages.ui.understand.gallery_filters import filter_url_parameters, show_filters
from pages.ui.understand.gallery_query import GalleryContent, GalleryQuery
from pages.ui.understand.prediction_download import show_prediction_downloads
from pages.ui.understand.recompute_button import best_epoch_findings
from pages.ui.understand.selection import select_all, select_page
from pages.ui.understand.selection_bar import show_selection_bar
from pages.ui.url_state import url_to_widgets, widgets_to_url

PAGE_KEY = "misclassified"


def show_pictures(workspace: Workspace, content: GalleryContent) -> None:
    """Show how many pictures match, the buttons for them, and the tiles."""
    table = content.findings.table
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"**{(~table['correct']).sum():,}** mistakes in {len(table):,} pictures · **{len(content.rows):,}** match",
            width="content",
        )
        for label, choose in (("this page", select_page), ("all that match", select_all)):
            st.button(
                f"Select {label}",
                key=f"{PAGE_KEY}_{label}",
                type="tertiary",
                icon=":material/select_all:",
                disabled=content.rows.empty,
                on_click=choose,
                args=(content.query,),
            )
        show_prediction_downloads(content.query.run, content.findings)
    show_gallery(content)
    show_selection_bar(workspace, content)


def main(page: PageFrame, run: Run) -> None:
    """Read the filters, load the pictures that match, and show them."""
    require_result(run)
    workspace = page.workspace
    best, epochs = best_epoch_findings(workspace, run).predictions, finished_epochs(workspace, run)
    parameters = filter_url_parameters(best.class_names, epochs, best.epoch)
    url_to_widgets(PAGE_KEY, parameters, subject=run.id)
    findings = load_findings(workspace, run, st.session_state[f"{PAGE_KEY}_epoch"])
    with page.head:
        facts_line(run, best.split, len(findings.table), findings.predictions.epoch)
    show_caveats(run)
    sample_filter, sort = show_filters(PAGE_KEY, run, best.class_names, epochs, parameters)
    show_pictures(
        workspace, GalleryQuery(PAGE_KEY, workspace, run, findings.predictions.epoch, sample_filter, sort).load()
    )
    widgets_to_url(PAGE_KEY, parameters)


page = setup_page(
    "Misclassified",
    "The pictures that the network gets wrong: filter, look closely, save the telling ones.",
    compact=True,
)
with show_errors():
    focus = run_in_focus(page.workspace, picker=page.head)
    if focus is not None:
        main(page, focus)
