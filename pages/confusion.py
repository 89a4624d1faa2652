"""Confusion: which classes are mistaken for which, and the pictures behind every number. Reads runs and datasets."""

import contextlib
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from cifar_core.errors import CifarCoreError
from cifar_core.evaluate import explain_matrix, largest_confusion, most_confused, wilson_interval
from cifar_core.runs import Run, seen_pictures
from cifar_core.samples import SampleFilter
from cifar_core.text import counted
from cifar_core.workspace import Workspace
from pages.ui.caches import Findings, finished_epochs, load_test_split
from pages.ui.components.scroll_here import scroll_here
from pages.ui.error_messages import show_errors
from pages.ui.frame import PageFrame, setup_page
from pages.ui.markdown import escaped, escaped_sentence
from pages.ui.run_focus import facts_line, require_result, run_in_focus, show_caveats
from pages.ui.understand.confusion_matrix import (
    PAGE_KEY,
    PICTURES,
    choose_cell,
    confusion_url_parameters,
    matrix_cells,
    on_cell_changed,
    show_controls,
    show_matrix,
)
from pages.ui.understand.confusion_tables import show_class_table, show_downloads, show_pairs
from pages.ui.understand.gallery import show_gallery, show_shared
from pages.ui.understand.gallery_query import GalleryQuery
from pages.ui.understand.recompute_button import best_epoch_findings, chosen_epoch_findings
from pages.ui.understand.selection_bar import show_selection_bar
from pages.ui.url_state import url_to_widgets, widgets_to_url
from pages.ui.wording import percent

PICTURES_HEIGHT = 470  # CSS pixels: the matrix beside them stays in view while one looks through them
MAX_BESIDE = 40  # classes; the cells of more are too small to point at in half of a window
UNSCROLLED = 9  # so few pictures have room without scrolling
FIRST_TILE = 320  # CSS pixels from the top of the column to the end of its first tile


def show_right_column(workspace: Workspace, run: Run, findings: Findings, pairs: pd.DataFrame) -> None:
    """Show the choice, and the most confused pairs or, after one, its pictures."""
    scroll_here(PICTURES, FIRST_TILE)
    true, predicted = show_choice(findings.predictions.class_names)
    if true is None and predicted is None:
        st.subheader("Most confused pairs", anchor=False, help="A click on a row, or on a cell, shows its pictures.")
        show_pairs(pairs)
    else:
        with show_errors():
            show_cell(workspace, run, findings, true, predicted)


def show_choice(names: Sequence[str]) -> tuple[str | None, str | None]:
    """Show the chosen true and predicted class as select boxes; return them."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        true, predicted = (
            st.selectbox(
                title,
                names,
                index=None,
                key=f"{PAGE_KEY}_{title.lower()}",
                placeholder=f"any {title.lower()} class",
                label_visibility="collapsed",
                on_change=on_cell_changed,
            )
            for title in ("True", "Predicted")
        )
    return true, predicted


def show_cell(workspace: Workspace, run: Run, findings: Findings, true: str | None, predicted: str | None) -> None:
    """Show the pictures of the chosen cell, row or column, with a way back to the most confused pairs."""
    whole = bool(true and predicted)  # a row or a column is shown without its correct pictures
    wanted = SampleFilter(
        (true,) if true else (), (predicted,) if predicted else (), outcome="all" if whole else "mistakes"
    )
    epoch = findings.predictions.epoch
    content = GalleryQuery(PAGE_KEY, workspace, run, epoch, wanted, "loss").load()
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.button(
            "Most confused pairs",
            key=f"{PAGE_KEY}_back",
            icon=":material/arrow_back:",
            type="tertiary",
            on_click=choose_cell,
            args=(None, None),
        )
        link = {"run": run.id, "true": true, "predicted": predicted, "epoch": str(epoch)}
        link["outcome"] = "all" if whole else ""
        st.page_link(
            "pages/misclassified.py",
            label="Open in Misclassified",
            icon=":material/open_in_new:",
            query_params={name: value for name, value in link.items() if value},
        )
    st.markdown(f"**{cell_title(true, predicted)} · {len(content.rows):,}**")
    support = findings.predictions.labels == findings.predictions.class_names.index(true) if true else None
    if content.rows.empty and (support is None or support.any()):
        st.info("There is no such picture.", icon=":material/image_not_supported:")
        return
    show_shared(content)
    with st.container(height=PICTURES_HEIGHT if len(content.rows) > UNSCROLLED else "content", border=False):
        show_gallery(content)
    show_selection_bar(workspace, content)


def cell_title(true: str | None, predicted: str | None) -> str:
    """Return which cell is chosen; None stands for the mistakes of a whole row or column."""
    if true is None:
        return f"true another class → predicted {escaped(predicted)}"
    return f"true {escaped(true)} → predicted {escaped(predicted or 'another class')}"


def show_accuracy_without_seen(workspace: Workspace, run: Run, findings: Findings) -> None:
    """The accuracy of this epoch with and without the pictures that were seen in training too."""
    seen = seen_pictures(workspace, run, findings.predictions)
    if seen is None or not seen.any():
        return
    right = findings.table["correct"].to_numpy()
    if seen.all():
        new = "all were seen in training, so nothing is known about new pictures"
    else:
        low, high = wilson_interval(int(right[~seen].sum()), int((~seen).sum()))
        interval = f"95\u00a0% interval {100 * low:.1f} to {percent(high)}"
        without = f"without the {seen.sum():,} seen in training {percent(right[~seen].mean())}"
        new = f"{without} (n = {(~seen).sum():,}, {interval})"
    pictures = counted(len(right), "test picture")
    st.markdown(f":material/difference: Accuracy on all {pictures}: **{percent(right.mean())}**; {new}.")


def warm_pictures(workspace: Workspace, run: Run) -> None:
    """Open the pictures while a person looks at the matrix, so that the first click is answered as fast as the next."""
    with contextlib.suppress(CifarCoreError):  # is said where the pictures are shown
        load_test_split(workspace, run)


def main(page: PageFrame, run: Run) -> None:
    """Read the chosen epoch of the run, then show the matrix, the pictures of the chosen cell, and the tables."""
    require_result(run)
    workspace = page.workspace
    best, epochs = best_epoch_findings(workspace, run).predictions, finished_epochs(workspace, run)
    parameters = confusion_url_parameters(best.class_names, epochs, best.epoch)
    url_to_widgets(PAGE_KEY, parameters, subject=run.id)
    findings = chosen_epoch_findings(PAGE_KEY, workspace, run)
    pairs, words = most_confused(findings.matrix), explain_matrix(findings.matrix)
    with page.head:
        facts_line(run, best.split, len(findings.table), findings.predictions.epoch)
    show_caveats(run)
    show_accuracy_without_seen(workspace, run, findings)
    with st.container(gap=None):
        st.subheader(escaped_sentence(largest_confusion(findings.matrix)), anchor=False)
        st.caption(escaped_sentence(words))
    drawing = show_controls(run, epochs, best.epoch)
    cells = matrix_cells(workspace, run, findings, epochs, drawing)
    beside = len(cells.class_names) <= MAX_BESIDE
    with st.grid(2 if beside else 1, min_column_width=340) as grid:
        with grid.cell():
            show_matrix(cells, words)
        with grid.cell():
            show_right_column(workspace, run, findings, pairs)
    show_downloads(run, findings, pairs, cells)
    st.subheader("Classes", anchor=False)
    show_class_table(findings)
    widgets_to_url(PAGE_KEY, parameters)
    warm_pictures(workspace, run)


page = setup_page(
    "Confusion", "Which classes are mistaken for which. Every number leads to its pictures.", compact=True
)
with show_errors():
    focus = run_in_focus(page.workspace, picker=page.head)
    if focus is not None:
        main(page, focus)
