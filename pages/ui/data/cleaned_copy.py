"""A cleaned copy of a dataset: what would leave it and why, in numbers, and the button that makes the copy."""

from typing import Literal

import pandas as pd
import streamlit as st

from cifar_core.data import Dataset, dataset_job, free_dataset_name, start_cleaned_copy
from cifar_core.data.checks.check import DatasetCheck
from cifar_core.data.checks.cleaned import classes_table, parts_table, plan_cleaned_copy
from cifar_core.jobs.job import read_job
from cifar_core.workspace import Workspace
from pages.ui.error_messages import show_errors
from pages.ui.markdown import escaped_sentence

_ROWS_SHOWN = 7  # classes; more of them scroll
_TABLE_HEIGHT = 288  # screen pixels
_LONGEST = 50  # characters of the source's name in the suggested one


def show_cleaned_copy(workspace: Workspace, dataset: Dataset, check: DatasetCheck) -> None:
    """Show what a cleaned copy would hold, and the button that makes it; nothing where no picture occurs twice."""
    if not check.duplicates.any:
        return
    # With a key it stays open when the copy in preparation appears above it.
    opened = st.expander(
        "Make a cleaned copy", key=f"data_clean_open_{dataset.name}", icon=":material/cleaning_services:"
    )
    with opened, show_errors():
        plan = plan_cleaned_copy(dataset, check.groups)
        st.markdown("\n".join(f"- {escaped_sentence(sentence)}" for sentence in plan.sentences))
        with st.grid(2, min_column_width=300):
            _show_counts(parts_table(plan), "Pictures of each part before and after")
            _show_counts(classes_table(plan), "Pictures of the classes that change, before and after")
        same = len(dataset.class_names) - len(classes_table(plan))
        if same:
            st.caption("One other class stays as it is." if same == 1 else f"{same:,} other classes stay as they are.")
        _ask_for_name_and_make(workspace, dataset.name)


def _show_counts(table: pd.DataFrame, alt: str) -> None:
    height: int | Literal["content"] = "content" if len(table) <= _ROWS_SHOWN else _TABLE_HEIGHT
    columns = {name: st.column_config.NumberColumn(format="localized") for name in table.columns[1:]}
    st.dataframe(table, hide_index=True, height=height, alt=alt, column_config=columns)


def _ask_for_name_and_make(workspace: Workspace, source: str) -> None:
    key = f"data_clean_name_{source}"
    if key not in st.session_state:  # kept while the copy is made, so that a double click asks for the same copy
        st.session_state[key] = free_dataset_name(workspace, f"{source[:_LONGEST]}-clean")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input(
            "Name of the copy", key=key, max_chars=64, width=260, help="Small letters, digits and hyphens."
        ).strip()
        asked = st.button("Make a cleaned copy", key=f"data_clean_{source}", icon=":material/cleaning_services:")
    st.caption(f"`{source}` itself is not changed.")
    if asked:
        start_cleaned_copy(workspace, source, name)
        st.rerun()
    with show_errors():
        job = read_job(dataset_job(workspace, name)) if name else None
        if job is not None and job.active:
            st.info(f"`{name}` is being made. It opens here when it is ready.", icon=":material/hourglass_top:")
