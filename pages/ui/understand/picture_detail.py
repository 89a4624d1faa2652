"""One picture opened large, with its scores and the probability of each class."""

from functools import partial
from typing import Any

import streamlit as st

from cifar_core.evaluate import SCORES
from cifar_core.figures import probability_bars
from cifar_core.samples import tile_caption
from pages.ui.components.images import enlarged
from pages.ui.components.original_picture import fitting_words, load_original, show_original
from pages.ui.error_messages import show_errors
from pages.ui.markdown import escaped
from pages.ui.understand.gallery_query import GalleryContent, GalleryQuery, selected_ids

ENLARGEMENT = 11  # times the picture's own size, in the large view
ORIGINAL_HEIGHT = 128  # screen pixels


def show_picture_detail(query: GalleryQuery) -> None:
    """Show the open picture in a drawer on the right; closing it removes the picture from the URL."""
    drawer = st.dialog("Picture", width="medium", position="right", on_dismiss=partial(open_picture, query.page, ""))
    drawer(_show_in_drawer)(query)


def _show_in_drawer(query: GalleryQuery) -> None:
    """Fill the drawer. It is redrawn by itself, and the run may be deleted by then."""
    with show_errors():
        _show_picture(query.load())


def _show_picture(content: GalleryContent) -> None:
    query, wanted = content.query, st.session_state[f"{content.query.page}_image"]
    table = content.findings.table
    found = table[table["id"] == wanted]
    if found.empty:
        st.warning("There is no such picture in this run's test set.")
        return
    row: dict[str, Any] = found.iloc[0].to_dict()
    _show_navigation(content, wanted)
    names = content.findings.predictions.class_names
    st.markdown(f"**true {escaped(row['true'])} → predicted {escaped(row['predicted'])}**")
    with st.grid(2, min_column_width=300):
        with st.container():
            st.image(enlarged(content.split.images[row["index"]], ENLARGEMENT), alt=tile_caption(row, query.sort))
            _show_original(content, int(row["index"]))
        with st.container():
            _show_scores(row)
    st.plotly_chart(
        probability_bars(
            content.findings.predictions.probs[row["index"]], names, int(row["true_index"]), int(row["predicted_index"])
        ),
        key=f"{query.page}_large_bars",
        config={"displayModeBar": False},
        alt=f"Probability of each class; {tile_caption(row, 'confidence')}.",
    )
    st.caption("Picture id")
    st.code(wanted, language=None, wrap_lines=True)


def _show_original(content: GalleryContent, row: int) -> None:
    """Show what the picture was before it became 32 x 32, where the dataset keeps that."""
    query, split = content.query, content.split
    original = load_original(query.workspace, query.run.config.data.dataset, split, row)
    if original is not None:
        fit = query.run.dataset.fit if query.run.dataset else "crop"
        show_original(original, fit, ORIGINAL_HEIGHT, "The original")
        st.caption(fitting_words(original.size if split.sizes is None else split.sizes[row], fit))


def _show_navigation(content: GalleryContent, wanted: str) -> None:
    """Show Previous and Next in the order of the grid, also by the arrow keys, and whether the picture is selected."""
    query, ids = content.query, content.rows["id"].tolist()
    place = ids.index(wanted) if wanted in ids else None
    before = ids[place - 1] if place else None
    after = ids[place + 1] if place is not None and place + 1 < len(ids) else None
    with st.container(horizontal=True, vertical_alignment="center"):
        for label, icon, shortcut, target in (
            ("Previous", ":material/arrow_back:", "Left", before),
            ("Next", ":material/arrow_forward:", "Right", after),
        ):
            st.button(
                label,
                icon=icon,
                shortcut=shortcut,
                key=f"{query.page}_{label}",
                disabled=target is None,
                on_click=open_picture,
                args=(query.page, target),
            )
        st.checkbox(
            "Selected",
            value=wanted in selected_ids(query),
            key=f"{query.page}_pick_{wanted}",
            on_change=_toggle_selected,
            args=(query, wanted),
        )
        st.caption(f"{place + 1:,} of {len(ids):,}" if place is not None else "outside the filters")


def _show_scores(row: dict[str, Any]) -> None:
    """Show the scores of one picture, each with its meaning and formula behind the "?"."""
    for score in SCORES.values():
        st.metric(score.title, score.text(row[score.name]), help=score.explanation)


def _toggle_selected(query: GalleryQuery, wanted: str) -> None:
    st.session_state[query.selection_key] = selected_ids(query) ^ {wanted}


def open_picture(page: str, image: str) -> None:
    """Show a picture large, or none; the URL follows."""
    st.session_state[f"{page}_image"] = image
    if image:
        st.query_params["image"] = image
    else:
        st.query_params.pop("image", None)
