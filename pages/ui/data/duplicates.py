"""The duplicates of a dataset: how many there are, and each group of equal pictures as tiles with where they stand."""

import math

import numpy as np
import pandas as pd
import streamlit as st

from cifar_core.data import Dataset, DatasetCheck, duplicate_sentences, duplicate_table
from cifar_core.export import table_csv
from cifar_core.text import counted, first_names
from cifar_core.workspace import Workspace
from pages.ui.components.image_grid import image_grid
from pages.ui.data.cleaned_copy import show_cleaned_copy
from pages.ui.data.picture_browser import open_picture
from pages.ui.error_messages import show_warnings
from pages.ui.markdown import escaped
from pages.ui.url_state import one_of, url_to_widgets, whole_number, widgets_to_url

_GROUPS_ON_PAGE = 8
_TILES_OF_GROUP = 4  # more of the same picture tell nothing
_KINDS = {
    "test": "In test and training",
    "validation": "In validation and training",
    "classes": "Under several classes",
    "within": "Within one part",
}


def show_duplicates(workspace: Workspace, dataset: Dataset, check: DatasetCheck) -> None:
    """Show what is known about the duplicates of a dataset, how to be rid of them, and each kind with its pictures."""
    st.subheader(
        "Duplicates",
        anchor=False,
        help="Pictures whose pixels are all equal once they are 32 x 32, whatever their files are. A network knows a "
        "test picture that it was trained on, so its accuracy there says little about new pictures.",
    )
    sentences = duplicate_sentences(check.duplicates, len(dataset.test.labels), dataset.held)
    if not sentences:
        pictures = counted(check.groups.count, "picture")
        st.markdown(f":material/check_circle: No duplicates: all {pictures} are different.")
        return
    show_warnings(sentences)
    show_cleaned_copy(workspace, dataset, check)
    _show_groups(dataset, check)


def _show_groups(dataset: Dataset, check: DatasetCheck) -> None:
    table, kinds = _table_and_kinds(check.duplicates, dataset.fingerprint, dataset, check)
    parameters = {"kind": one_of(list(kinds), next(iter(kinds))), "pairs": whole_number(1, 10**6, 1)}
    url_to_widgets("data", parameters, subject=dataset.name)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.segmented_control(
            "Show",
            list(kinds),
            key="data_kind",
            required=True,
            on_change=_go_to_first_page,
            format_func=lambda kind: f"{_KINDS[kind]} ({counted(len(kinds[kind]), 'picture')})",
        )
        st.download_button(
            "Duplicates (CSV)",
            lambda: table_csv(table.drop(columns="row")),
            f"{dataset.name}-duplicates.csv",
            "text/csv",
            key="data_duplicates_csv",
            icon=":material/download:",
            on_click="ignore",
        )
    found = kinds[kind or next(iter(kinds))]
    pages = math.ceil(len(found) / _GROUPS_ON_PAGE)
    st.session_state["data_pairs"] = min(st.session_state["data_pairs"], pages)
    first = (st.session_state["data_pairs"] - 1) * _GROUPS_ON_PAGE
    with st.grid("auto", min_column_width=240):
        for number in found[first : first + _GROUPS_ON_PAGE]:
            _show_group(dataset, table[table["group"] == number])
    if pages > 1:
        with st.container(horizontal_alignment="center"):
            st.pagination(pages, key="data_pairs")
    widgets_to_url("data", parameters)


@st.cache_data(max_entries=4, show_spinner=False)
def _table_and_kinds(
    counts: object, fingerprint: str, _dataset: Dataset, _check: DatasetCheck
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Return the table of duplicates, and the numbers of the groups of each kind that there is."""
    table = duplicate_table(_dataset, _check.groups)
    pictures = table.groupby(["group", "part"]).size().unstack(fill_value=0)
    train, validation, test = (pictures.get(part, 0 * pictures.iloc[:, 0]) for part in ("train", "validation", "test"))
    fits = {
        "test": (test > 0) & (train + validation > 0),
        "validation": (validation > 0) & (train > 0),
        "classes": table.groupby("group")["classes"].first() > 1,
        "within": (pictures > 1).any(axis=1),
    }
    return table, {kind: pictures.index[fits[kind]].to_numpy() for kind in _KINDS if fits[kind].any()}


def _show_group(dataset: Dataset, group: pd.DataFrame) -> None:
    """Show pictures that are equal side by side, each with its part and class; a click opens one in the browser."""
    shown = group.head(_TILES_OF_GROUP)
    keys = [f"{part} {name}" for part, name in zip(shown["part"], shown["id"], strict=True)]
    number, more = int(group["group"].iloc[0]), len(group) - len(shown)
    with st.container(border=True):
        images = [
            (dataset.test if part == "test" else dataset.train).images[row]
            for part, row in zip(shown["part"], shown["row"], strict=True)
        ]
        event = image_grid(
            np.stack(images),
            [f"{part}\n{name}" for part, name in zip(shown["part"], shown["class"], strict=True)],
            keys,
            key=f"data_pair_{number}",
            tile=64,
        )
        names = first_names(shown["id"].tolist())
        st.caption(escaped(names + (f" and {more:,} more" if more else "")))
    if event.opened:
        picture = shown.iloc[keys.index(event.opened)]
        split = dataset.test if picture["part"] == "test" else dataset.train
        open_picture(dataset, split, int(picture["row"]))


def _go_to_first_page() -> None:
    st.session_state["data_pairs"] = 1
