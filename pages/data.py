"""Data: get datasets, look at their pictures, see what augmentation and normalisation do to one.

Reads datasets; starts and cancels the jobs that fetch, import or export them; deletes and restores them.
"""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cifar_core.data import Dataset, DatasetState, class_counts, list_datasets, open_dataset
from cifar_core.export import table_csv
from cifar_core.figures import class_count_bars
from cifar_core.workspace import Workspace
from pages.ui.charts import with_readable_axes
from pages.ui.data.augmentation_preview import show_augmentation
from pages.ui.data.card_view import show_card
from pages.ui.data.checks_at_a_glance import show_checks
from pages.ui.data.dataset_actions import show_trash, show_undo
from pages.ui.data.dataset_cards import show_dataset_cards
from pages.ui.data.dataset_check import load_check
from pages.ui.data.duplicates import show_duplicates
from pages.ui.data.import_pictures import show_picture_import
from pages.ui.data.imports import rerun_when_datasets_change, show_imports
from pages.ui.data.picture_browser import browse_pictures
from pages.ui.data.views import VIEWS, scroll_to_views
from pages.ui.error_messages import show_errors
from pages.ui.frame import setup_page
from pages.ui.markdown import escaped
from pages.ui.tags.dataset_tags import show_dataset_tags
from pages.ui.url_state import one_of, url_to_widgets, widgets_to_url


def main(workspace: Workspace) -> None:
    """Show the datasets, then the pictures of one of them, then one of its pictures with its augmentations."""
    states = list_datasets(workspace)
    show_undo(workspace)
    show_dataset_cards(workspace, states)
    show_picture_import(workspace)
    show_imports(workspace, states)
    show_trash(workspace)
    rerun_when_datasets_change(workspace, states)
    ready = [state for state in states if state.state == "ready"]
    if not ready:
        st.caption("Class counts and pictures will be here as soon as a dataset is ready.")
        return
    scroll_to_views()
    st.header("Look inside a dataset", anchor=False)
    bar = st.container(horizontal=True, vertical_alignment="bottom")
    with show_errors():
        dataset, view = _choose_dataset(workspace, ready, bar)
        if view == "Pictures":
            _show_pictures(workspace, dataset, bar)
            return
        if view == "Tags":
            show_dataset_tags(workspace, dataset)
            return
        check = load_check(workspace, dataset)
        if check is None:
            return
        if view == "Card":
            show_card(workspace, dataset, check)
        else:
            show_duplicates(workspace, dataset, check)
            show_checks(dataset, check)


def _choose_dataset(workspace: Workspace, ready: list[DatasetState], bar: DeltaGenerator) -> tuple[Dataset, str]:
    """Choose a dataset, and what is shown of it."""
    names = [state.name for state in ready]
    asked = st.query_params.get("dataset")
    if asked is not None and asked not in names:
        st.warning(
            f"There is no dataset {escaped(asked)} that is ready. {escaped(names[0])} is shown instead.",
            icon=":material/search_off:",
        )
    parameters = {"dataset": one_of(names, names[0]), "view": one_of(VIEWS, VIEWS[0])}
    url_to_widgets("data", parameters)
    bar.selectbox("Dataset", names, key="data_dataset", width=200)
    bar.segmented_control(
        "Show",
        VIEWS,
        key="data_view",
        required=True,
        help="Its pictures; what is odd about them, such as test pictures that are training pictures too; "
        "the words that people gave them; "
        "and all facts on one page, to keep with what you found.",
    )
    widgets_to_url("data", parameters)
    return open_dataset(workspace, st.session_state["data_dataset"]), st.session_state["data_view"]


def _show_pictures(workspace: Workspace, dataset: Dataset, bar: DeltaGenerator) -> None:
    split, row = browse_pictures(dataset, bar)
    if row is not None:
        show_augmentation(workspace, dataset, split, row)
    _show_counts(dataset)


def _show_counts(dataset: Dataset) -> None:
    st.header("Pictures of each class", anchor=False)
    counts = class_counts(dataset)
    with st.grid(2, min_column_width=380):
        st.plotly_chart(
            with_readable_axes(class_count_bars(counts)), key="data_counts", alt="Pictures of each class in each part"
        )
        st.dataframe(
            counts,
            hide_index=True,
            height="content",
            alt="Pictures of each class in each part",
            column_config={part: st.column_config.NumberColumn(format="localized") for part in counts.columns[1:]},
        )
    st.download_button(
        "Download CSV",
        table_csv(counts),
        f"{dataset.name}-classes.csv",
        "text/csv",
        key="data_counts_csv",
        icon=":material/download:",
    )


main(setup_page("Data", "The pictures to learn from: get them, look at them, see how training varies them.").workspace)
