"""Compare: what changed between two runs, or two epochs of one, on the same test pictures. Reads runs and datasets."""

import streamlit as st

from cifar_core.runs import Run, accuracy_doubts, list_runs
from cifar_core.workspace import Workspace
from pages.ui.caches import load_findings
from pages.ui.compare.choice import PAGE_KEY, PAIR_URL_PARAMETERS, chosen_pair, show_choice, show_way_out
from pages.ui.compare.downloads import show_downloads
from pages.ui.compare.pair import Pair, load_pair
from pages.ui.compare.pictures import list_counts, picture_url_parameters, show_lists, show_pictures
from pages.ui.compare.summary import show_summary
from pages.ui.compare.views import (
    show_classes,
    show_curves,
    show_matrices,
    show_matrix,
    show_view_choice,
    view_url_parameters,
)
from pages.ui.error_messages import show_errors, show_warnings
from pages.ui.frame import PageFrame, setup_page
from pages.ui.run_focus import require_result, run_in_focus
from pages.ui.understand.joined_columns import RunAtEpoch, table_with_seeds
from pages.ui.url_state import url_to_widgets, widgets_to_url

MAX_BESIDE = 40  # classes; the cells of more are too small to point at in half of a window


def main(page: PageFrame, runs: list[Run], focus: Run) -> None:
    """Choose A and B, then show what changed; where they cannot be compared, the reason, and the choice stays."""
    chosen = chosen_pair(page.workspace, runs, focus)
    if chosen is None:
        require_result(focus)
        return
    show_choice(page.head, runs, *chosen)
    with show_errors():
        show_comparison(page.workspace, *chosen)
        return
    show_way_out(page.workspace, runs, *chosen)
    widgets_to_url(PAGE_KEY, PAIR_URL_PARAMETERS)


def show_comparison(workspace: Workspace, a: RunAtEpoch, b: RunAtEpoch) -> None:
    """Show the sentence, then the pictures and what stands beside them."""
    pair, found = load_pair(workspace, a, b), load_findings(workspace, b.run, b.epoch)
    counts, known = list_counts(pair.comparison), found.predictions.class_names
    table = table_with_seeds(workspace, b.run, found)
    pictures = picture_url_parameters(known, pair.matrix_a.class_names, table, counts)
    parameters = view_url_parameters(a.run, b.run) | pictures
    url_to_widgets(PAGE_KEY, parameters, subject=f"{a.run.id} {b.run.id}")
    show_summary(pair, a, b, list_runs(workspace))
    show_warnings(_doubts(a.run, b.run), small=True)
    with st.container(horizontal=True, gap="small"):
        show_lists(counts)
        show_view_choice(a.run, b.run)
    sides, view = (a, b), st.session_state[f"{PAGE_KEY}_view"]
    if view == "matrices":
        show_matrices(pair, known)
        place = st.container()
    else:
        with st.grid(2 if len(known) <= MAX_BESIDE else 1, min_column_width=340) as grid:
            place = grid.cell()
            with grid.cell():
                show_view(workspace, pair, sides, known)
    with place, show_errors():
        show_pictures(workspace, sides, counts, pictures)
    show_downloads(workspace, *sides, pair)
    widgets_to_url(PAGE_KEY, PAIR_URL_PARAMETERS | parameters)


def _doubts(a: Run, b: Run) -> list[str]:
    """Return what puts the accuracies in doubt; what is said of one side alone begins with its letter."""
    of_a, of_b = accuracy_doubts(a), accuracy_doubts(b)
    shared = [words for words in of_a if words in of_b]
    sides = (("A", of_a), ("B", of_b))
    return shared + [f"{side}: {words}" for side, said in sides for words in said if words not in shared]


def show_view(workspace: Workspace, pair: Pair, sides: tuple[RunAtEpoch, RunAtEpoch], known: tuple[str, ...]) -> None:
    """Show what was chosen to stand beside the pictures."""
    match st.session_state[f"{PAGE_KEY}_view"]:
        case "classes":
            show_classes(pair.classes)
        case "curves":
            show_curves(workspace, *sides)
        case _:
            show_matrix(pair, "difference", known)


page = setup_page(
    "Compare",
    "What changed between two runs, or two epochs of one, on the same test pictures: how sure the difference is, and "
    "which pictures it is made of.",
    compact=True,
)
with show_errors():
    listed = list_runs(page.workspace)
    focused = run_in_focus(page.workspace, listed)
    if focused is not None:
        main(page, listed, focused)
