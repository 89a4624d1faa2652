"""Confusion: which classes are mistaken for which, and the pictures behind every number. Reads runs and datasets."""

import streamlit as st

from cifar_core.evaluate import explain_matrix, most_confused, wilson_interval
from cifar_core.runs import Run, seen_pictures
from cifar_core.samples import SampleFilter
from cifar_core.text import counted
from cifar_core.workspace import Workspace
from pages.ui.caches import Findings, finished_epochs, load_findings
from pages.ui.error_messages import show_errors
from pages.ui.frame import PageFrame, setup_page
from pages.ui.markdown import escaped_sentence
from pages.ui.run_focus import facts_line, require_result, run_in_focus, show_caveats
from pages.ui.understand.confusion_matrix import (
    CELL_SCALES,
    PAGE_KEY,
    SCALE_HELP,
    confusion_url_parameters,
    on_cell_changed,
    show_cell_chip,
    show_heatmap,
)
from pages.ui.understand.confusion_tables import show_class_table, show_downloads, show_pairs
from pages.ui.understand.gallery import show_gallery
from pages.ui.understand.gallery_filters import show_epoch_slider
from pages.ui.understand.gallery_query import GalleryQuery
from pages.ui.understand.recompute_button import best_epoch_findings
from pages.ui.understand.selection_bar import show_selection_bar
from pages.ui.url_state import url_to_widgets, widgets_to_url
from pages.ui.wording import percent


def show_settings(run: Run, findings: Findings, epochs: list[int], best: int) -> tuple[str, bool]:
    """Controls for the drawing of the matrix, its epoch, and the cell, which the keyboard can choose here too."""
    names = findings.predictions.class_names
    with st.container(horizontal=True, vertical_alignment="bottom"):
        by = st.segmented_control(
            "Each cell shows",
            list(CELL_SCALES),
            required=True,
            key=f"{PAGE_KEY}_by",
            format_func=CELL_SCALES.__getitem__,
            help=SCALE_HELP,
        )
        hide = st.toggle(
            "Hide the diagonal",
            key=f"{PAGE_KEY}_diagonal",
            help="Leave out the correct predictions, so that the colours tell the mistakes apart.",
        )
        for name, title in (("true", "True"), ("predicted", "Predicted")):
            st.selectbox(
                title,
                names,
                index=None,
                key=f"{PAGE_KEY}_{name}",
                placeholder="any",
                width=150,
                on_change=on_cell_changed,
            )
        with st.container(width=200):
            show_epoch_slider(PAGE_KEY, run, epochs, best)
    return by or "count", hide


def show_cell(workspace: Workspace, run: Run, findings: Findings) -> None:
    """The pictures of the chosen cell, row or column."""
    true, predicted = st.session_state[f"{PAGE_KEY}_true"], st.session_state[f"{PAGE_KEY}_predicted"]
    if true is None and predicted is None:
        st.info(
            "Click a cell, or choose a true and a predicted class above: its pictures appear here.",
            icon=":material/touch_app:",
        )
        return
    whole = bool(true and predicted)  # a row or a column is shown without its correct pictures
    wanted = SampleFilter(
        (true,) if true else (), (predicted,) if predicted else (), outcome="all" if whole else "mistakes"
    )
    epoch = findings.predictions.epoch
    content = GalleryQuery(PAGE_KEY, workspace, run, epoch, wanted, "loss").load()
    with st.container(horizontal=True, vertical_alignment="center"):
        show_cell_chip(true, predicted, len(content.rows))
        link = {
            "run": run.id,
            "true": true,
            "predicted": predicted,
            "outcome": "all" if whole else "",
            "epoch": str(epoch),
        }
        st.page_link(
            "pages/misclassified.py",
            label="Open in Misclassified",
            icon=":material/open_in_new:",
            query_params={name: value for name, value in link.items() if value},
        )
    show_gallery(content)
    show_selection_bar(workspace, content)


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


def main(page: PageFrame, run: Run) -> None:
    """Read the chosen epoch of the run, then show the matrix, the pictures of the chosen cell, and the tables."""
    require_result(run)
    workspace = page.workspace
    best, epochs = best_epoch_findings(workspace, run).predictions, finished_epochs(workspace, run)
    parameters = confusion_url_parameters(best.class_names, epochs, best.epoch)
    url_to_widgets(PAGE_KEY, parameters, subject=run.id)
    findings = load_findings(workspace, run, st.session_state[f"{PAGE_KEY}_epoch"])
    pairs, words = most_confused(findings.matrix), explain_matrix(findings.matrix)
    with page.head:
        facts_line(run, best.split, len(findings.table), findings.predictions.epoch)
    show_caveats(run)
    show_accuracy_without_seen(workspace, run, findings)
    by, hide = show_settings(run, findings, epochs, best.epoch)
    with st.grid(2, min_column_width=400) as grid:
        with grid.cell():
            figure = show_heatmap(findings, by, hide, words)
            st.caption(escaped_sentence(words))
        with grid.cell():
            st.subheader("Most confused pairs", anchor=False)
            show_pairs(pairs)
            show_downloads(run, findings, pairs, figure)
    with show_errors():
        show_cell(workspace, run, findings)
    st.subheader("Classes", anchor=False)
    show_class_table(findings)
    widgets_to_url(PAGE_KEY, parameters)


page = setup_page(
    "Confusion", "Which classes are mistaken for which. Every number leads to its pictures.", compact=True
)
with show_errors():
    focus = run_in_focus(page.workspace, picker=page.head)
    if focus is not None:
        main(page, focus)
