"""What the network answers to one of a person's own pictures: a card with the picture, the class and all classes."""

import numpy as np
import pandas as pd
import streamlit as st

from cifar_core.data import FIT_TITLES
from cifar_core.export import table_csv
from cifar_core.figures import probability_bars
from cifar_core.runs import Run
from cifar_core.text import counted
from pages.ui.components.class_bars import class_bars
from pages.ui.components.images import enlarged
from pages.ui.markdown import escaped
from pages.ui.predict.taken_pictures import OwnPicture, remove_pictures
from pages.ui.wording import PERCENT_FORMAT, in_percent, percent

SCALE = 4  # screen pixels of a picture's pixel
SIDE = 32 * SCALE  # screen pixels of both pictures, the longer side
NAMED_CLASSES = 12  # of more classes the first are named; the table has them all


def show_answer(picture: OwnPicture, probs: np.ndarray, class_names: tuple[str, ...], run: Run) -> None:
    """Show a picture, as given and as the network sees it, with what the network answers.

    Args:
        picture: one of the session's.
        probs: float32 [K].
        class_names: K names.
        run: whose network answers.
    """
    st.header(verdict(probs, class_names), anchor=False)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(escaped(picture.title), width="content")
        st.button(
            "Remove",
            key=f"own_remove_{picture.id}",
            icon=":material/close:",
            type="tertiary",
            on_click=remove_pictures,
            args=([picture.id],),
        )
    _show_pictures(picture, run)
    class_bars(probability_bars(probs, class_names), key=f"own_bars_{picture.id}")
    st.caption(only_classes(class_names))
    _show_table(picture, probs, class_names)


def verdict(probs: np.ndarray, class_names: tuple[str, ...]) -> str:
    """The predicted class with its probability, as Markdown."""
    best = int(np.argmax(probs))
    return f"{escaped(class_names[best])}, {percent(float(probs[best]))}"


def only_classes(class_names: tuple[str, ...]) -> str:
    """Say that the network knows no other answer than its classes, as Markdown."""
    named = ", ".join(escaped(name) for name in class_names[:NAMED_CLASSES])
    more = len(class_names) - NAMED_CLASSES
    rest = f" and {counted(more, 'other')}, which the table names" if more > 0 else ""
    return (
        f"It can only answer with its {len(class_names)} classes: {named}{rest}. "
        "A picture of something else gets one of them too."
    )


def _show_pictures(picture: OwnPicture, run: Run) -> None:
    reading, pixels, fit = picture.seen_by(run)
    width = max(1, round(SIDE * min(1, picture.width / picture.height)))
    how = "" if picture.width == picture.height else f": {FIT_TITLES[fit]}"
    with st.container(horizontal=True, gap="medium"):
        st.image(
            reading.preview,
            width=width,
            caption=f"as given, {picture.width:,} × {picture.height:,}",
            alt=f"{picture.title} as given",
        )
        st.image(
            enlarged(pixels, SCALE),
            width=SIDE,
            caption=f"the 32 × 32 the network sees{how}",
            output_format="PNG",
            alt=f"{picture.title} as the network sees it, 32 by 32 pixels, enlarged",
        )


def _show_table(picture: OwnPicture, probs: np.ndarray, class_names: tuple[str, ...]) -> None:
    order = np.argsort(-probs, kind="stable")
    with st.expander("The probabilities as a table", icon=":material/table:"):
        table = pd.DataFrame({"class": [class_names[index] for index in order], "probability": probs[order]})
        st.dataframe(
            in_percent(table, ["probability"]),
            hide_index=True,
            width=360,
            alt=f"Class probabilities of {picture.title}",
            column_config={"probability": st.column_config.NumberColumn(format=PERCENT_FORMAT)},
        )
        st.download_button(
            "Download CSV",
            table_csv(table),
            "probabilities.csv",
            "text/csv",
            key=f"own_csv_{picture.id}",
            icon=":material/download:",
        )
