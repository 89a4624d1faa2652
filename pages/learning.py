"""Learning: how each picture was learned over the epochs, as a map and as pictures. Reads runs and datasets."""

from functools import partial

import numpy as np
import streamlit as st

from cifar_core.analyse import missing_needs
from cifar_core.analyse.learning import LEARNING, LearningParameters
from cifar_core.runs import Run, has_training_records
from cifar_core.workspace import Workspace
from pages.ui.analyses.analysis_box import show_analysis
from pages.ui.error_messages import show_errors
from pages.ui.frame import PageFrame, setup_page
from pages.ui.learning.choice import (
    PAGE_KEY,
    PART_WORDS,
    chosen_rows,
    show_split_choice,
    show_view_choices,
    split_url_parameters,
    view_url_parameters,
)
from pages.ui.learning.classes import show_classes
from pages.ui.learning.data_map import show_map, show_table
from pages.ui.learning.downloads import show_downloads
from pages.ui.learning.lists import counts_of, rows_of
from pages.ui.learning.loaded import Learned, load_learned
from pages.ui.learning.part_pictures import load_part_pictures
from pages.ui.learning.pictures import ShownList, show_list, show_lists, test_query
from pages.ui.learning.summary import show_summary
from pages.ui.markdown import escaped_sentence
from pages.ui.run_focus import facts_line, require_result, run_in_focus, show_caveats
from pages.ui.understand.selection_bar import show_selection_bar
from pages.ui.url_state import url_to_widgets, widgets_to_url


def show_pictures(workspace: Workspace, run: Run, learned: Learned) -> None:
    """Show the map and, beside it, the pictures of the chosen list."""
    split, table, names = learned.facts.split, learned.table, learned.facts.class_names
    chosen = chosen_rows(run, split, len(table))
    parameters = view_url_parameters(names, learned.facts.epochs, len(chosen) > 0)
    url_to_widgets(PAGE_KEY, parameters, subject=f"{run.id} {split}")
    show_summary(learned)
    show_view_choices(names)
    classes = st.session_state[f"{PAGE_KEY}_class"]
    wanted = table["true"].isin(classes).to_numpy() if classes else np.ones(len(table), bool)
    with st.grid(2, min_column_width=340) as grid:
        with grid.cell():
            draw = show_table if st.session_state[f"{PAGE_KEY}_view"] == "table" else partial(show_map, chosen=chosen)
            draw(run, learned, wanted=wanted)
        with grid.cell():
            with st.container(gap=None):  # what marks the place takes no room
                show_lists(split, counts_of(table, wanted, chosen), len(chosen) > 0)
            rows = rows_of(table, st.session_state[f"{PAGE_KEY}_list"], wanted, chosen)
            shown = ShownList(workspace, run, learned, load_part_pictures(workspace, run, split), rows)
            show_list(shown)
    show_downloads(workspace, run, learned, tuple(rows.tolist()))
    widgets_to_url(PAGE_KEY, parameters)
    if split == "test":
        show_selection_bar(workspace, test_query(shown).load())


def _pictures_of(run: Run, split: str) -> int | None:
    """Return how many pictures of a part the run learned from, or was tested on; None of imported predictions."""
    if run.dataset is None:
        return None
    return run.dataset.test if split == "test" else run.dataset.train or None


def main(page: PageFrame, run: Run) -> None:
    """Choose the part, let it be analysed where it is not yet, and show it."""
    require_result(run)
    workspace = page.workspace
    has_records = has_training_records(workspace, run.id)
    parameters = split_url_parameters(has_records)
    url_to_widgets(PAGE_KEY, parameters, subject=run.id)
    split = st.session_state[f"{PAGE_KEY}_split"]
    with page.head:
        show_split_choice()
        facts_line(run, PART_WORDS[split], _pictures_of(run, split))
    show_caveats(run)
    if split == "test" and not has_records:
        missing = missing_needs(workspace, run, LEARNING, LearningParameters("train"))
        st.caption(f":material/info: Only its test pictures can be shown. {escaped_sentence(missing)}")
    wanted = LearningParameters("train" if split == "train" else "test")
    kept = show_analysis(workspace, run, LEARNING, wanted, f"{PAGE_KEY}_analysis")
    if kept is not None:
        show_pictures(workspace, run, load_learned(workspace, run, kept))
    elif split == "train" and not has_records:
        st.button(
            "Show the test pictures",
            key=f"{PAGE_KEY}_to_test",
            icon=":material/arrow_forward:",
            on_click=partial(st.session_state.__setitem__, f"{PAGE_KEY}_split", "test"),
        )
    widgets_to_url(PAGE_KEY, parameters)
    with show_errors():
        show_classes(workspace, run)


page = setup_page(
    "Learning",
    "How each picture was learned: early or late, steadily or not, never. Circle pictures in the map to see them.",
    compact=True,
)
with show_errors():
    focus = run_in_focus(page.workspace, picker=page.head)
    if focus is not None:
        main(page, focus)
