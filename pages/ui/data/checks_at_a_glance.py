"""The checks of a dataset at a glance: its classes, its odd pictures, and what gives the class away.

What a person should know stands first. Which odd pictures are open is in the URL.
"""

import math

import numpy as np
import pandas as pd
import streamlit as st

from cifar_core.data import Dataset, DatasetCheck, Finding, Imbalance, Shortcut, Summary, summarise
from cifar_core.text import counted
from pages.ui.components.image_grid import image_grid
from pages.ui.data.picture_browser import TILES_ON_PAGE, open_picture
from pages.ui.markdown import escaped_sentence, single_line
from pages.ui.url_state import one_of, url_to_widgets, whole_number, widgets_to_url
from pages.ui.wording import PERCENT_FORMAT

_KNOW, _FINE = ":material/error_outline:", ":material/check:"


def show_checks(dataset: Dataset, check: DatasetCheck) -> None:
    """Show what the checks of labels and properties found, then what they looked for in vain."""
    summary = summarise(dataset, check)
    sections = (
        (summary.imbalance.found, lambda: _show_classes(summary.imbalance)),
        (bool(summary.odd), lambda: _show_odd_pictures(dataset, summary)),
        (any(shortcut.possible for shortcut in summary.shortcuts), lambda: _show_shortcuts(summary)),
    )
    for _, show in sorted(sections, key=lambda section: not section[0]):
        show()


def _show_classes(found: Imbalance) -> None:
    st.subheader("Classes", anchor=False)
    for part in found.parts:
        _say(part.sentence, odd=part.imbalanced)
    if found.shift:
        _say(found.shift.sentence, odd=True)


def _show_odd_pictures(dataset: Dataset, summary: Summary) -> None:
    st.subheader(
        "Odd pictures",
        anchor=False,
        help="Odd is what lies far outside the dataset's own middle half: more than three times its width away. "
        "They need not be wrong: open them and look.",
    )
    parameters = {"finding": one_of([finding.id for finding in summary.odd], None), "tiles": whole_number(1, 10**6, 1)}
    url_to_widgets("data", parameters, subject=dataset.name)
    with st.container(gap="xxsmall"):
        for finding in summary.odd:
            _show_finding(dataset, finding)
    widgets_to_url("data", parameters)
    if summary.not_found:
        _say(summary.not_found)


def _show_finding(dataset: Dataset, finding: Finding) -> None:
    opened = st.session_state["data_finding"] == finding.id
    st.button(
        f"{finding.title}: {counted(finding.count, 'picture')}",
        key=f"data_finding_{finding.id}",
        type="tertiary",
        icon=":material/expand_more:" if opened else ":material/chevron_right:",
        on_click=_open_finding,
        args=(None if opened else finding.id,),
    )
    if opened:
        st.caption(escaped_sentence(finding.sentence))
        _show_tiles(dataset, finding)


def _open_finding(finding: str | None) -> None:
    st.session_state["data_finding"], st.session_state["data_tiles"] = finding, 1


def _show_tiles(dataset: Dataset, finding: Finding) -> None:
    """Show the pictures in pages, the oddest of train first, then those of test; a click opens one in the browser."""
    pages = math.ceil(finding.count / TILES_ON_PAGE)
    page = st.session_state["data_tiles"] = min(st.session_state["data_tiles"], pages)
    rows = {"train": finding.train.tolist(), "test": finding.test.tolist()}
    places = [(part, row) for part in rows for row in rows[part]][(page - 1) * TILES_ON_PAGE :][:TILES_ON_PAGE]
    splits = {"train": dataset.train, "test": dataset.test}
    keys = [f"{part}: {splits[part].ids[row]}" for part, row in places]  # an id is unique within its part only
    event = image_grid(
        np.stack([splits[part].images[row] for part, row in places]),
        [f"{dataset.class_names[splits[part].labels[row]]}\n{part}" for part, row in places],
        keys,
        key=f"data_tiles_{finding.id}",
        tile=64,
    )
    if pages > 1:
        with st.container(horizontal_alignment="center"):
            st.pagination(pages, key="data_tiles")
    if event.opened:
        part, row = places[keys.index(event.opened)]
        open_picture(dataset, splits[part], row)


def _show_shortcuts(summary: Summary) -> None:
    if not summary.shortcuts:
        return
    st.subheader(
        "Shortcuts",
        anchor=False,
        help="How well one property alone predicts the class, by a rule made from the training part and measured on "
        "the test part, as a mean over the classes. A network learns such shortcuts first, and then fails on pictures "
        "without them. Named is what is beyond chance and reaches twice chance, or half the way from chance to 100 %.",
    )
    for shortcut in summary.shortcuts:
        if shortcut.possible:
            _say(f"Possible shortcut: {shortcut.sentence}", odd=True)
    if summary.no_shortcut:
        _say(summary.no_shortcut)
    st.dataframe(
        pd.DataFrame([_row(shortcut) for shortcut in summary.shortcuts]),
        hide_index=True,
        height="content",
        width="content",
        alt="How well each property alone predicts the class",
        column_config={
            "class told": st.column_config.NumberColumn(format=PERCENT_FORMAT, help="Mean over all classes."),
            "chance": st.column_config.NumberColumn(format=PERCENT_FORMAT),
            "from the others": st.column_config.NumberColumn(
                format=PERCENT_FORMAT, help="Of that class and of all others alike; chance is 50 %."
            ),
        },
    )


def _row(shortcut: Shortcut) -> dict[str, object]:
    told = shortcut.all_classes
    return {
        "property": shortcut.title,
        "class told": 100 * told.accuracy,
        "95 % interval": f"{100 * told.low:.1f} to {100 * told.high:.1f} %",
        "chance": 100 * told.chance,
        "tells best": single_line(shortcut.class_name),
        "from the others": 100 * shortcut.one_class.accuracy,
    }


def _say(sentence: str, *, odd: bool = False) -> None:
    icon = _KNOW if odd else _FINE
    st.markdown(f"{icon} {escaped_sentence(sentence)}")
