"""Pictures of a run with what was predicted: paged tiles that can be selected, and the large view of one.

Keeps in the session, per page and run, which pictures are selected; which page of tiles and which picture are open is
part of the address (`PARTS`).
"""

from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from cifar_core.analyse import SORTS, tile_caption, tile_lines
from cifar_core.data import Split
from cifar_core.figures import probability_bars
from cifar_core.runs import Run
from pages.ui.address import Part, choice, number, text
from pages.ui.caches import Findings
from pages.ui.grid import GridEvent, image_grid
from pages.ui.pictures import enlarged
from pages.ui.text import plain

SIZES = (48, 96, 192)  # pictures on a page of tiles
PARTS: dict[str, Part] = {"page": number(1, 1_000_000, 1), "size": choice(SIZES, SIZES[0]), "image": text()}
LARGE = 11  # times the picture's own size, in the large view


@dataclass(frozen=True)
class Shelf:
    """What a gallery shows: `rows` of the run's sample table in the order they are shown."""

    page: str  # prefix of the widget keys
    run: Run
    findings: Findings
    rows: pd.DataFrame
    split: Split
    sort: str
    selectable: bool = True  # a click selects; else it opens

    @property
    def selection(self) -> str:
        """Where the session keeps the selected ids."""
        return f"{self.page}_selected_{self.run.id}"


def _why_empty(shelf: Shelf) -> str:
    """What to say where no picture is shown, and the way to some where there is one."""
    if not shelf.selectable:
        return "There is no such picture."
    if shelf.findings.table["correct"].all():
        return "There are no mistakes: every picture is predicted right. Correct and All, above, show them."
    return "No picture matches. Widen a filter to see some."


def gallery(shelf: Shelf) -> None:
    """One page of tiles with its page numbers, and the large view when one is open."""
    shown = on_page(shelf)
    if shown.empty:
        st.info(_why_empty(shelf), icon=":material/filter_alt_off:")
        return
    event = image_grid(
        shelf.split.images[shown["index"].to_numpy()],
        [tile_lines(row, shelf.sort) for _, row in shown.iterrows()],
        shown["id"].tolist(),
        key=f"{shelf.page}_grid",
        selected=selected(shelf) if shelf.selectable else (),
        on_change=(lambda event: _acted(shelf, shown, event)) if shelf.selectable else None,
    )
    if event.opened:
        _open(shelf.page, event.opened)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        if len(shelf.rows) > min(SIZES):
            st.pagination(_pages(shelf), key=f"{shelf.page}_page")
            st.segmented_control("Pictures on a page", SIZES, required=True, key=f"{shelf.page}_size",
                                 format_func="{} a page".format, label_visibility="collapsed")  # fmt: skip
    if st.session_state[f"{shelf.page}_image"]:
        open_large(shelf)


def on_page(shelf: Shelf) -> pd.DataFrame:
    """The rows of the page of tiles that is open; the last page where the filters left fewer."""
    key, size = f"{shelf.page}_page", st.session_state[f"{shelf.page}_size"]
    if st.session_state[key] > _pages(shelf):
        st.session_state[key] = _pages(shelf)
    first = (st.session_state[key] - 1) * size
    return shelf.rows.iloc[first : first + size]


def selected(shelf: Shelf) -> set[str]:
    """Ids of all selected pictures, shown or not."""
    chosen: set[str] = st.session_state.setdefault(shelf.selection, set())
    return chosen


def select(shelf: Shelf, ids: list[str]) -> None:
    """Add pictures to the selection; for a callback."""
    st.session_state[shelf.selection] = selected(shelf) | set(ids)


def clear(shelf: Shelf) -> None:
    """Forget the selection; for a callback."""
    st.session_state[shelf.selection] = set()


def open_large(shelf: Shelf) -> None:
    """The large view, in a drawer on the right; closing it takes the picture out of the address."""
    drawer = st.dialog("Picture", width="medium", position="right", on_dismiss=lambda: _open(shelf.page, ""))
    drawer(_large)(shelf)


def _large(shelf: Shelf) -> None:
    wanted = st.session_state[f"{shelf.page}_image"]
    table = shelf.findings.table
    found = table[table["id"] == wanted]
    if found.empty:
        st.warning("There is no such picture in this run's test set.")
        return
    row: dict[str, Any] = found.iloc[0].to_dict()
    _turn_buttons(shelf, wanted)
    names = shelf.findings.predictions.class_names
    st.markdown(f"**true {plain(row['true'])} → predicted {plain(row['predicted'])}**")
    with st.grid(2, min_column_width=300):
        with st.container():
            st.image(enlarged(shelf.split.images[row["index"]], LARGE), alt=tile_caption(row, shelf.sort))
        with st.container():
            _show_scores(row)
    st.plotly_chart(
        probability_bars(
            shelf.findings.predictions.probs[row["index"]], names, int(row["true_index"]), int(row["predicted_index"])
        ),
        key=f"{shelf.page}_large_bars",
        config={"displayModeBar": False},
        alt=f"Probability of each class; {tile_caption(row, 'confidence')}.",
    )
    st.caption("Picture id")
    st.code(wanted, language=None, wrap_lines=True)


def _turn_buttons(shelf: Shelf, wanted: str) -> None:
    """Previous and next in the order of the grid, also by the arrow keys; and whether the picture is selected."""
    ids = shelf.rows["id"].tolist()
    place = ids.index(wanted) if wanted in ids else None
    before = ids[place - 1] if place else None
    after = ids[place + 1] if place is not None and place + 1 < len(ids) else None
    with st.container(horizontal=True, vertical_alignment="center"):
        for label, icon, shortcut, target in (
            ("Previous", ":material/arrow_back:", "Left", before),
            ("Next", ":material/arrow_forward:", "Right", after),
        ):
            st.button(label, icon=icon, shortcut=shortcut, key=f"{shelf.page}_{label}", disabled=target is None,
                      on_click=_open, args=(shelf.page, target))  # fmt: skip
        if shelf.selectable:
            st.checkbox("Selected", value=wanted in selected(shelf), key=f"{shelf.page}_pick_{wanted}",
                        on_change=_toggle, args=(shelf, wanted))  # fmt: skip
        st.caption(f"{place + 1:,} of {len(ids):,}" if place is not None else "outside the filters")


def _show_scores(row: dict[str, Any]) -> None:
    """The scores of one picture, each with its formula behind the "?"."""
    for name in ("confidence", "p_true", "loss", "margin", "entropy"):
        title = {"p_true": "p(true class)"}.get(name, name.capitalize())
        told = SORTS[name].help if name in SORTS else "The probability that the network gave the true class."
        st.metric(title, f"{row[name]:.3f}", help=told)


def _pages(shelf: Shelf) -> int:
    size: int = st.session_state[f"{shelf.page}_size"]
    return max(1, -(-len(shelf.rows) // size))


def _acted(shelf: Shelf, shown: pd.DataFrame, event: GridEvent) -> None:
    """The grid's own selection replaces what was selected of the tiles it shows; the rest stays."""
    others = selected(shelf).difference(shown["id"])
    st.session_state[shelf.selection] = others | event.selected


def _toggle(shelf: Shelf, wanted: str) -> None:
    st.session_state[shelf.selection] = selected(shelf) ^ {wanted}


def _open(page: str, image: str) -> None:
    """Show a picture large, or none; the address follows."""
    st.session_state[f"{page}_image"] = image
    if image:
        st.query_params["image"] = image
    else:
        st.query_params.pop("image", None)
