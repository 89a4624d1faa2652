"""Trust: whether the network's confidence can be believed, and what to do with its doubt. Reads runs and datasets."""

import streamlit as st

from cifar_core.runs import Run
from cifar_core.workspace import Workspace
from pages.ui.caches import Findings
from pages.ui.error_messages import show_errors
from pages.ui.frame import PageFrame, setup_page
from pages.ui.markdown import escaped_sentence
from pages.ui.run_focus import facts_line, require_result, run_in_focus, show_caveats
from pages.ui.trust.calibration_view import (
    load_intervals,
    show_bin_pictures,
    show_bins,
    show_diagram,
    show_numbers,
    show_scaling,
)
from pages.ui.trust.choice import PAGE_KEY, TRUST_URL_PARAMETERS, VIEWS, chosen
from pages.ui.trust.downloads import show_downloads
from pages.ui.trust.numbers import Calibration, load_calibration, load_sets
from pages.ui.trust.pictures import mark_place_of_pictures
from pages.ui.trust.sets_view import show_class_chart, show_class_table, show_sets_in_words, show_sizes
from pages.ui.trust.threshold_view import (
    show_curve,
    show_curve_table,
    show_outcome_choice,
    show_outcome_pictures,
    show_threshold_controls,
)
from pages.ui.understand.recompute_button import best_epoch_findings
from pages.ui.url_state import url_to_widgets, widgets_to_url

COLUMN = 340  # CSS pixels, at least: else what stands beside the chart goes below it


def show_head(calibration: Calibration) -> None:
    """Show what the confidence is worth, in a sentence; the choice of a view."""
    shown = calibration.after if chosen("scaled") else calibration.before
    st.header(escaped_sentence(shown.sentence), anchor=False)
    st.segmented_control(
        "View",
        list(VIEWS),
        required=True,
        key=f"{PAGE_KEY}_view",
        format_func=VIEWS.__getitem__,
        label_visibility="collapsed",
        wrap=True,
    )


def show_calibration(workspace: Workspace, run: Run, findings: Findings, calibration: Calibration) -> None:
    """Show the reliability diagram, and beside it the numbers and bins, or the pictures of the chosen bin."""
    show_scaling(calibration)
    shown = calibration.after if chosen("scaled") else calibration.before
    with st.grid(2, min_column_width=COLUMN) as grid:
        with grid.cell():
            show_diagram(shown)
        with grid.cell():
            mark_place_of_pictures()
            if chosen("bin") is None:
                place = st.container()  # the numbers do not wait for their intervals, and nothing above them moves
                intervals = load_intervals(workspace, run)
                with place:
                    show_numbers(calibration, intervals)
                show_bins(shown.table)
            else:
                show_bin_pictures(workspace, run, findings, shown, chosen("bin"))


def show_threshold(workspace: Workspace, run: Run, findings: Findings) -> None:
    """Show the threshold and what it means, its curve, and the pictures of an outcome."""
    show_threshold_controls(workspace, run, findings)
    with st.grid(2, min_column_width=COLUMN) as grid:
        with grid.cell():
            show_curve(workspace, run, findings)
        with grid.cell():
            mark_place_of_pictures()
            show_outcome_choice(findings)
            if chosen("list") is None:
                show_curve_table(workspace, run)
            else:
                show_outcome_pictures(workspace, run, findings)


def show_sets(workspace: Workspace, run: Run) -> None:
    """Show what the sets of classes hold."""
    sets = load_sets(workspace, run)
    show_sets_in_words(sets)
    with st.grid(2, min_column_width=COLUMN) as grid:
        with grid.cell():
            show_class_chart(sets)
        with grid.cell():
            show_class_table(sets)
    show_sizes(sets)


def main(page: PageFrame, run: Run) -> None:
    """Read the URL, then show the sentence and the chosen view."""
    require_result(run)
    workspace = page.workspace
    findings = best_epoch_findings(workspace, run)
    url_to_widgets(PAGE_KEY, TRUST_URL_PARAMETERS, subject=run.id)
    with page.head:
        facts_line(run, findings.predictions.split, len(findings.table), findings.predictions.epoch)
    show_caveats(run)
    calibration = load_calibration(workspace, run)
    show_head(calibration)
    match chosen("view"):
        case "threshold":
            show_threshold(workspace, run, findings)
        case "sets":
            show_sets(workspace, run)
        case _:
            show_calibration(workspace, run, findings, calibration)
    show_downloads(workspace, run, findings.predictions.epoch)
    widgets_to_url(PAGE_KEY, TRUST_URL_PARAMETERS)


page = setup_page(
    "Trust",
    "Whether its confidence can be believed: how often it is right when it says how sure it is, and what its doubt is "
    "good for.",
    compact=True,
)
with show_errors():
    focus = run_in_focus(page.workspace, picker=page.head)
    if focus is not None:
        main(page, focus)
