"""Misclassified: filter, sort, look at, select and save the pictures that the network gets wrong.

Reads a run's predictions and its dataset; writes only the pictures that a person saves, under `exports/`.
"""

from functools import partial

import streamlit as st

from cifar_core.runs import Run
from cifar_core.samples import sorts_of
from cifar_core.workspace import Workspace
from pages.ui.caches import Findings, finished_epochs
from pages.ui.compare.links import show_epoch_link
from pages.ui.error_messages import show_errors
from pages.ui.frame import PageFrame, setup_page
from pages.ui.run_focus import facts_line, require_result, run_in_focus, show_caveats
from pages.ui.saved_views.menu import ViewsOf, show_deleted_view, show_open_view, show_saved_views
from pages.ui.understand.epoch_playback import show_epoch_player
from pages.ui.understand.filter_panel import show_filter_panel
from pages.ui.understand.gallery import show_gallery, show_shared
from pages.ui.understand.gallery_filters import (
    chosen_filter,
    filter_url_parameters,
    go_to_first_page,
    show_chips,
    show_epoch_slider,
    show_panel_button,
    show_tile_sizes,
    show_view_row,
)
from pages.ui.understand.gallery_query import GalleryContent, GalleryQuery
from pages.ui.understand.joined_columns import table_with_seeds
from pages.ui.understand.prediction_download import show_prediction_downloads
from pages.ui.understand.recompute_button import best_epoch_findings, chosen_epoch_findings
from pages.ui.understand.selection import select_all, select_page
from pages.ui.understand.selection_bar import show_selection_bar
from pages.ui.url_state import UrlParameter, one_of, url_to_widgets, widgets_to_url

PAGE_KEY = "misclassified"
FACTS_WIDTH = 430  # CSS pixels: beside the title and the run in a window of 1366; longer facts take a second line


def show_matches(content: GalleryContent) -> int:
    """Show how many pictures match, how large they are, and the buttons that select them.

    Returns:
        the width of a picture in CSS pixels.
    """
    correct, outcome = content.findings.table["correct"], content.query.sample_filter.outcome
    whole = {"mistakes": (~correct).sum(), "correct": correct.sum(), "all": len(correct)}[outcome]
    nouns = {"mistakes": "mistakes", "correct": "correct predictions", "all": "pictures"}
    st.markdown(f"**{len(content.rows):,}** of {whole:,} {nouns[outcome]} match", width="content")
    tile = show_tile_sizes(PAGE_KEY)
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
    return tile


def show_pictures(workspace: Workspace, run: Run, findings: Findings, parameters: dict[str, UrlParameter]) -> None:
    """Show what is filtered and how it is sorted, in three low rows, then the pictures."""
    chosen, epoch = chosen_filter(PAGE_KEY, parameters), findings.predictions.epoch
    content = GalleryQuery(PAGE_KEY, workspace, run, epoch, *chosen).load()
    epochs = finished_epochs(workspace, run)
    with st.container(gap="xsmall"):
        show_view_row(PAGE_KEY, sorts_of(content.table))
        # The small gap keeps the first tile within the upper third also where the chips take a second row.
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            is_open = show_panel_button(PAGE_KEY)
            with st.container(width=190):
                show_epoch_slider(PAGE_KEY, run, epochs, parameters["epoch"].default)
            show_epoch_player(PAGE_KEY, epochs)
            show_epoch_link(run, epoch, epochs)
            show_chips(PAGE_KEY, parameters, chosen[0])
        if is_open:
            show_filter_panel(PAGE_KEY, content, parameters, partial(go_to_first_page, PAGE_KEY))
        saved = ViewsOf(PAGE_KEY, workspace, run)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            tile = show_matches(content)
            view = show_saved_views(saved, parameters, chosen[0])
            show_shared(content)
        show_deleted_view(saved)
        if view is not None:
            show_open_view(saved, view, epoch)
        show_gallery(content, tile=tile)
        with st.container(horizontal=True):
            show_prediction_downloads(workspace, run, findings)
    show_selection_bar(workspace, content)


def main(page: PageFrame, run: Run) -> None:
    """Read the URL, load the predictions that it asks for, and show them."""
    require_result(run)
    workspace = page.workspace
    best = best_epoch_findings(workspace, run).predictions
    parameters = {"epoch": one_of(finished_epochs(workspace, run), best.epoch)}
    url_to_widgets(PAGE_KEY, parameters, subject=run.id)
    findings = chosen_epoch_findings(PAGE_KEY, workspace, run)
    filters = filter_url_parameters(best.class_names, table_with_seeds(workspace, run, findings))
    url_to_widgets(PAGE_KEY, filters, subject=run.id)
    with page.head, st.container(width=FACTS_WIDTH):
        facts_line(run, best.split, len(findings.table), findings.predictions.epoch)
    show_caveats(run)
    show_pictures(workspace, run, findings, parameters | filters)
    widgets_to_url(PAGE_KEY, parameters | filters)


page = setup_page(
    "Misclassified",
    "The pictures that the network gets wrong: filter, look closely, save the telling ones.",
    compact=True,
)
with show_errors():
    focus = run_in_focus(page.workspace, picker=page.head)
    if focus is not None:
        main(page, focus)
