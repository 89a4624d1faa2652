"""The pictures of the chosen list as tiles, right or wrong after each epoch; a click opens one, a tick marks it."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import streamlit as st

from cifar_core.analyse.learning import KNOWN
from cifar_core.runs import Run
from cifar_core.samples import SampleFilter
from cifar_core.workspace import Workspace
from pages.ui.components.image_grid import GridEvent, Mark, image_grid
from pages.ui.components.scroll_here import scroll_here
from pages.ui.learning.choice import (
    PAGE_KEY,
    PICTURES,
    go_to_first_page,
    lists_shown,
    set_ticked,
    ticked_ids,
)
from pages.ui.learning.chosen_pictures import ChosenPictures
from pages.ui.learning.epochs import answers_at, show_list_epochs
from pages.ui.learning.lists import LISTS
from pages.ui.learning.loaded import Learned
from pages.ui.learning.part_pictures import PartPictures
from pages.ui.learning.training_picture import TrainingList, show_training_picture
from pages.ui.picture.drawer import last_closed, open_picture, show_picture_detail
from pages.ui.understand.run_pictures import show_missing_pictures

PICTURES_HEIGHT = 480  # CSS pixels: the map beside them stays in view while one looks through them
FIRST_TILE = 330  # CSS pixels from the top of the column to the end of its first tile
UNSCROLLED = 9  # so few pictures have room without scrolling
_ON_A_PAGE = 48
_TILE = 64  # CSS pixels


@dataclass(frozen=True)
class ShownList:
    """The list that is shown."""

    workspace: Workspace
    run: Run
    learned: Learned
    pictures: PartPictures
    rows: np.ndarray  # int64, of the table, in the order of the tiles

    @property
    def split(self) -> str:
        """Which part."""
        return self.learned.facts.split


def show_lists(split: str, counts: dict[str, int], has_selection: bool) -> None:
    """Show the choice of a list, with the size of each whose size says something."""

    def words(name: str) -> str:
        title = LISTS[name].title.format(known=KNOWN[split])
        return f"{title} {counts[name]:,}" if name in counts else title

    scroll_here(PICTURES, FIRST_TILE)
    st.segmented_control(
        "List",
        lists_shown(has_selection),
        required=True,
        key=f"{PAGE_KEY}_list",
        format_func=words,
        label_visibility="collapsed",
        wrap=True,
        on_change=go_to_first_page,
    )


def show_list(shown: ShownList) -> None:
    """Show what the list is, and its pictures."""
    name, count = st.session_state[f"{PAGE_KEY}_list"], len(shown.rows)
    if not count:
        st.info(_empty_words(name), icon=":material/image_not_supported:")
        return
    if shown.pictures.missing:
        show_missing_pictures(shown.workspace, shown.run, shown.pictures.missing, f"{PAGE_KEY}_missing")
    with st.container(gap="xsmall"):
        st.markdown(f"**{count:,}** {LISTS[name].meaning.removeprefix(f'the {count} ')}")
        epoch = show_list_epochs(shown.workspace, shown.run, shown.learned, shown.rows)
    with st.container(height=PICTURES_HEIGHT if count > UNSCROLLED else "content", border=False):
        _show_tiles(shown, epoch)
    if st.session_state[f"{PAGE_KEY}_image"]:
        _show_open(shown)


def _empty_words(name: str) -> str:
    if name == "never":
        return "Every picture was right at least once."
    if name == "forgotten":
        return "No picture was forgotten: none was right at one epoch and wrong at the next."
    return "The chosen classes have no such picture."


def _show_tiles(shown: ShownList, epoch: int) -> None:
    """Show one page of the list as tiles, and its page numbers."""
    count, key = len(shown.rows), f"{PAGE_KEY}_page"
    pages = -(-count // _ON_A_PAGE)
    st.session_state[key] = min(st.session_state.get(key, 1), pages)
    first = (st.session_state[key] - 1) * _ON_A_PAGE
    rows = shown.rows[first : first + _ON_A_PAGE]
    captions, marks = tile_captions(shown, rows, epoch)
    names = [shown.learned.names[row] for row in rows]
    image_grid(
        shown.pictures.at(shown.learned.table["index"].to_numpy()[rows]),
        captions,
        names,
        key=f"{PAGE_KEY}_grid",
        labels=[f"{caption}\n{mark or 'not shown'}" for caption, mark in zip(captions, marks, strict=True)],
        marks=marks,
        selected=ticked_ids(shown.run, shown.split),
        on_change=partial(_on_grid, shown.run, shown.split),
        tile=_TILE,
        opened=st.session_state[f"{PAGE_KEY}_image"],
        closed=last_closed(PAGE_KEY),
    )
    if pages > 1:
        st.pagination(pages, key=key)


def tile_captions(shown: ShownList, rows: np.ndarray, epoch: int) -> tuple[list[str], list[Mark]]:
    """Return what stands under each picture, and whether it was right at an epoch.

    Args:
        shown: the list.
        rows: of the pictures on the page.
        epoch: the epoch.
    """
    table, classes = shown.learned.table, shown.learned.facts.class_names
    predicted = answers_at(shown.workspace, shown.run, shown.learned, epoch)[rows]
    true = table["true"].cat.codes.to_numpy()[rows]
    marks: list[Mark] = [
        "" if answer < 0 else "right" if answer == label else "wrong"
        for answer, label in zip(predicted.tolist(), true.tolist(), strict=True)
    ]
    numbers = [
        f"p {confidence:.2f} · right\u00a0{100 * correctness:.0f}\u00a0%"
        if correctness == correctness
        else "never shown"
        for confidence, correctness in zip(table["confidence"].iloc[rows], table["correctness"].iloc[rows], strict=True)
    ]
    lines = [
        f"{classes[label]}\n{numbers[at]}\n{_answer_words(classes, predicted[at], label)}"
        for at, label in enumerate(true.tolist())
    ]
    return lines, marks


def _answer_words(classes: tuple[str, ...], answer: int, label: int) -> str:
    if answer < 0:
        return "not shown"
    return "right" if answer == label else f"said {classes[answer]}"


def _on_grid(run: Run, split: str, event: GridEvent) -> None:
    set_ticked(run, split, (ticked_ids(run, split) - event.removed) | event.added)
    if event.opened:
        open_picture(PAGE_KEY, event.opened)


def _show_open(shown: ShownList) -> None:
    """Show the open picture: of the test part in the drawer of every page, of the training part with its epochs."""
    if shown.split == "test":
        show_picture_detail(test_query(shown))
    else:
        names = tuple(shown.learned.names[row] for row in shown.rows)
        show_training_picture(TrainingList(shown.workspace, shown.run, names))


def test_query(shown: ShownList) -> ChosenPictures:
    """Return the question of the drawer and of the bar below: the test pictures of the list, in its order."""
    return ChosenPictures(
        PAGE_KEY,
        shown.workspace,
        shown.run,
        shown.run.best.epoch if shown.run.best else 0,
        SampleFilter(outcome="all"),
        "loss",
        chosen=tuple(shown.rows.tolist()),
    )
