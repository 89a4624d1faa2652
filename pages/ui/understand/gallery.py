"""Pictures of a run with what was predicted: paged tiles that can be selected, and the large view of one.

Keeps in the session, per page and run, which pictures are selected; which page of tiles and which picture are open is
part of the address (`PARTS`).
"""

from collections.abc import Set
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from cifar_core.analyse import SORTS, SampleFilter, select_samples, tile_caption, tile_lines
from cifar_core.data import Split
from cifar_core.figures import probability_bars
from cifar_core.runs import Run
from cifar_core.workspace import Workspace
from pages.ui.caches import Findings, find, test_split
from pages.ui.components.image_grid import GridEvent, image_grid
from pages.ui.components.images import enlarged
from pages.ui.frame import guard, guard_click
from pages.ui.markdown import plain
from pages.ui.url_state import Part, choice, number, text

SIZES = (48, 96, 192)  # pictures on a page of tiles
PARTS: dict[str, Part] = {"page": number(1, 1_000_000, 1), "size": choice(SIZES, SIZES[0]), "image": text()}
LARGE = 11  # times the picture's own size, in the large view


@dataclass(frozen=True)
class View:
    """What a gallery is asked to show; all that callbacks, dialogs and downloads may keep of it.

    Streamlit keeps what these hold for as long as it remembers a session, minutes after it has ended: a `Shelf` among it would
    keep the predictions of a run, which may be hundreds of megabytes.
    """

    page: str  # prefix of the widget keys
    workspace: Workspace
    run: Run
    epoch: int
    sample_filter: SampleFilter
    sort: str
    selectable: bool = True  # a click selects; else it opens

    @property
    def selection(self) -> str:
        """Where the session keeps the selected ids."""
        return f"{self.page}_selected_{self.run.id}"

    def shelf(self) -> "Shelf":
        """What is asked for.

        Raises:
            DataError: the run's dataset is absent or broken.
            RunError: the run is gone, its predictions cannot be read, or its dataset is another one now.
        """
        findings = find(self.workspace, self.run, self.epoch)
        rows = select_samples(findings.table, self.sample_filter, self.sort)
        return Shelf(self, findings, rows, test_split(self.workspace, self.run))


@dataclass(frozen=True)
class Shelf:
    """What a gallery shows: `rows` of the run's sample table in the order they are shown."""

    view: View
    findings: Findings
    rows: pd.DataFrame
    split: Split


def _why_empty(shelf: Shelf) -> str:
    """What to say where no picture is shown, and the way to some where there is one."""
    if not shelf.view.selectable:
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
    view = shelf.view
    event = image_grid(
        shelf.split.images[shown["index"].to_numpy()],
        [tile_lines(row, view.sort) for _, row in shown.iterrows()],
        shown["id"].tolist(),
        key=f"{view.page}_grid",
        selected=selected(view) if view.selectable else (),
        on_change=partial(_acted, view, frozenset(shown["id"])) if view.selectable else None,
    )
    if event.opened:
        _open(view.page, event.opened)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        if len(shelf.rows) > min(SIZES):
            st.pagination(_pages(shelf), key=f"{view.page}_page")
            st.segmented_control("Pictures on a page", SIZES, required=True, key=f"{view.page}_size",
                                 format_func="{} a page".format, label_visibility="collapsed")  # fmt: skip
    if st.session_state[f"{view.page}_image"]:
        open_large(view)


def on_page(shelf: Shelf) -> pd.DataFrame:
    """The rows of the page of tiles that is open; the last page where the filters left fewer."""
    key, size = f"{shelf.view.page}_page", st.session_state[f"{shelf.view.page}_size"]
    if st.session_state[key] > _pages(shelf):
        st.session_state[key] = _pages(shelf)
    first = (st.session_state[key] - 1) * size
    return shelf.rows.iloc[first : first + size]


def selected(view: View) -> set[str]:
    """Ids of all selected pictures, shown or not."""
    chosen: set[str] = st.session_state.setdefault(view.selection, set())
    return chosen


def select_page(view: View) -> None:
    """Add the pictures on the page of tiles that is open to the selection; for a callback."""
    with guard_click():
        st.session_state[view.selection] = selected(view) | set(on_page(view.shelf())["id"])


def select_all(view: View) -> None:
    """Add all pictures that match to the selection; for a callback."""
    with guard_click():
        st.session_state[view.selection] = selected(view) | set(view.shelf().rows["id"])


def clear(view: View) -> None:
    """Forget the selection; for a callback."""
    st.session_state[view.selection] = set()


def open_large(view: View) -> None:
    """The large view, in a drawer on the right; closing it takes the picture out of the address."""
    drawer = st.dialog("Picture", width="medium", position="right", on_dismiss=partial(_open, view.page, ""))
    drawer(_look_up)(view)


def _look_up(view: View) -> None:
    """What the drawer shows; it is redrawn by itself, and the run may be gone by then."""
    with guard():
        _large(view.shelf())


def _large(shelf: Shelf) -> None:
    view, wanted = shelf.view, st.session_state[f"{shelf.view.page}_image"]
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
            st.image(enlarged(shelf.split.images[row["index"]], LARGE), alt=tile_caption(row, view.sort))
        with st.container():
            _show_scores(row)
    st.plotly_chart(
        probability_bars(
            shelf.findings.predictions.probs[row["index"]], names, int(row["true_index"]), int(row["predicted_index"])
        ),
        key=f"{view.page}_large_bars",
        config={"displayModeBar": False},
        alt=f"Probability of each class; {tile_caption(row, 'confidence')}.",
    )
    st.caption("Picture id")
    st.code(wanted, language=None, wrap_lines=True)


def _turn_buttons(shelf: Shelf, wanted: str) -> None:
    """Previous and next in the order of the grid, also by the arrow keys; and whether the picture is selected."""
    view, ids = shelf.view, shelf.rows["id"].tolist()
    place = ids.index(wanted) if wanted in ids else None
    before = ids[place - 1] if place else None
    after = ids[place + 1] if place is not None and place + 1 < len(ids) else None
    with st.container(horizontal=True, vertical_alignment="center"):
        for label, icon, shortcut, target in (
            ("Previous", ":material/arrow_back:", "Left", before),
            ("Next", ":material/arrow_forward:", "Right", after),
        ):
            st.button(label, icon=icon, shortcut=shortcut, key=f"{view.page}_{label}", disabled=target is None,
                      on_click=_open, args=(view.page, target))  # fmt: skip
        if view.selectable:
            st.checkbox("Selected", value=wanted in selected(view), key=f"{view.page}_pick_{wanted}",
                        on_change=_toggle, args=(view, wanted))  # fmt: skip
        st.caption(f"{place + 1:,} of {len(ids):,}" if place is not None else "outside the filters")


def _show_scores(row: dict[str, Any]) -> None:
    """The scores of one picture, each with its formula behind the "?"."""
    for name in ("confidence", "p_true", "loss", "margin", "entropy"):
        title = {"p_true": "p(true class)"}.get(name, name.capitalize())
        told = SORTS[name].help if name in SORTS else "The probability that the network gave the true class."
        st.metric(title, f"{row[name]:.3f}", help=told)


def _pages(shelf: Shelf) -> int:
    size: int = st.session_state[f"{shelf.view.page}_size"]
    return max(1, -(-len(shelf.rows) // size))


def _acted(view: View, shown: Set[str], event: GridEvent) -> None:
    """The grid's own selection replaces what was selected of the tiles it shows; the rest stays."""
    st.session_state[view.selection] = (selected(view) - shown) | event.selected


def _toggle(view: View, wanted: str) -> None:
    st.session_state[view.selection] = selected(view) ^ {wanted}


def _open(page: str, image: str) -> None:
    """Show a picture large, or none; the address follows."""
    st.session_state[f"{page}_image"] = image
    if image:
        st.query_params["image"] = image
    else:
        st.query_params.pop("image", None)
