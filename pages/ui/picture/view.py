"""One picture large, with the answer of the network, its scores, its class over the epochs, and other runs.

The drawer over a grid and the Picture page both show it.
"""

from dataclasses import replace
from typing import Any

import streamlit as st

from cifar_core.evaluate import SCORES
from cifar_core.figures import probability_bars
from cifar_core.samples import tile_caption
from pages.ui.caches import load_wrong_counts
from pages.ui.components.class_bars import class_bars
from pages.ui.components.images import enlarged
from pages.ui.components.original_picture import fitting_words, load_original, show_original
from pages.ui.markdown import escaped
from pages.ui.picture.other_runs import show_other_runs
from pages.ui.picture.over_epochs import show_over_epochs
from pages.ui.picture.shown_picture import ShownPicture
from pages.ui.picture.temperature import chosen_calibration, show_switch
from pages.ui.tags.tag_buttons import pictures_to_tag, show_tag_buttons
from pages.ui.understand.run_pictures import show_missing_pictures

ENLARGEMENT = 10  # times the picture's own size: 320 wide, which a phone shows whole
ORIGINAL_HEIGHT = 128  # screen pixels
WRONG_IN_HELP = (
    "How many of the runs that differ from this one in the seed alone, itself among them, get it wrong at the epoch "
    "that each of them reports."
)


def show_picture(picture: ShownPicture, epoch: int, epoch_key: str, calibrated_key: str) -> None:
    """Show a picture after one epoch.

    Args:
        picture: the picture.
        epoch: the epoch.
        epoch_key: another epoch that is chosen goes into the session under it.
        calibrated_key: of the switch that shows its probabilities with a temperature; beside another run there is none.
    """
    other = picture.other
    if other is None:
        calibration = chosen_calibration(picture.workspace, picture.run, epoch, calibrated_key)
        picture = replace(picture, temperature=calibration.temperature[0] if calibration else None)
    row = picture.scored(epoch)
    if other is not None:
        _show_verdict(other.scored(other.predictions.epoch), f"A, {_epoch_words(other, other.predictions.epoch)}: ")
    _show_verdict(row, f"B, {_epoch_words(picture, epoch)}: " if other is not None else "")
    if picture.pictures.missing:
        show_missing_pictures(picture.workspace, picture.run, picture.pictures.missing, f"{epoch_key}_missing")
    with st.grid(2, min_column_width=300):
        with st.container(horizontal=True):
            st.image(enlarged(picture.split.images[picture.row], ENLARGEMENT), alt=tile_caption(row, "confidence"))
            _show_original(picture)
        with st.container(gap="xsmall"):
            if other is not None:
                st.markdown("**A**")
                _show_bars(other, other.predictions.epoch, f"{epoch_key}_other_bars")
                st.markdown("**B**")
            _show_bars(picture, epoch, f"{epoch_key}_bars")
            if other is None:
                show_switch(picture.workspace, picture.run, epoch, calibrated_key)
    _show_scores(row, _wrong_words(picture), "B" if other is not None else "")
    show_tag_buttons(pictures_to_tag(picture.workspace, picture.run, [picture.id]), epoch_key)
    show_over_epochs(picture, epoch, epoch_key)
    show_other_runs(picture)
    st.caption(f"Number {picture.row:,} of the test pictures, counted from 0. Its id:")
    st.code(picture.id, language=None, wrap_lines=True)


def _show_bars(picture: ShownPicture, epoch: int, key: str) -> None:
    probs = picture.probs(epoch)
    class_bars(probability_bars(probs, picture.class_names, picture.label, int(probs.argmax())), key=key)


def _epoch_words(picture: ShownPicture, epoch: int) -> str:
    return f"{escaped(picture.run.name)}, epoch {epoch}"


def _show_verdict(row: dict[str, Any], whose: str) -> None:
    icon = ":material/check_circle:" if row["correct"] else ":material/cancel:"
    answer = f"true {escaped(row['true'])} → predicted {escaped(row['predicted'])}"
    st.markdown(f"{icon} {whose}**{answer} {SCORES['confidence'].text(row['confidence'])}**")


def _show_original(picture: ShownPicture) -> None:
    """Show what the picture was before it became 32 x 32, where the dataset keeps that."""
    run, split, row = picture.run, picture.split, picture.row
    original = load_original(picture.workspace, picture.pictures.dataset, split, row)
    if original is not None:
        fit = run.dataset.fit if run.dataset else "crop"
        with st.container():
            show_original(original, fit, ORIGINAL_HEIGHT, "The original")
            st.caption(fitting_words(original.size if split.sizes is None else split.sizes[row], fit))


def _wrong_words(picture: ShownPicture) -> str:
    """Return in how many of the repeats of the run the picture is wrong; empty where it has none."""
    counts = load_wrong_counts(picture.workspace, picture.run)
    if counts is None or len(counts) <= picture.row:
        return ""
    return f"{counts['wrong'].iloc[picture.row]} of {counts['of'].iloc[picture.row]} seeds"


def _show_scores(row: dict[str, Any], wrong_in: str, whose: str) -> None:
    """Show the scores on a few lines, each with its meaning and formula behind the "?"."""
    with st.container(horizontal=True, gap="small"):
        if whose:
            st.markdown(f"**{whose}**", width="content")
        for score in SCORES.values():
            st.markdown(
                f"{score.title} **{score.text(row[score.name])}**",
                help=score.explanation,
                width="content",
            )
        if wrong_in:
            st.markdown(f"Wrong in **{wrong_in}**", help=WRONG_IN_HELP, width="content")
