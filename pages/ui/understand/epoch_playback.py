"""Playing the epochs of a page one after the other, by its session key `PREFIX_epoch`, until the person does something.

The button starts it; then a fragment goes to the next epoch now and then and reruns the page. A rerun of the page that
came of anything else, such as another epoch or an opened picture, pauses it.
"""

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

STEP_SECONDS = 0.8  # from the end of drawing one epoch to the next; with the drawing, about one epoch a second


def show_epoch_player(key_prefix: str, epochs: Sequence[int], *, on_play: Callable[[], None] | None = None) -> None:
    """Show the button that plays the epochs from the shown one on (at the last: from the first) and pauses there.

    Call it once in a run of the page, anywhere behind what sets `KEY_PREFIX_epoch` from the URL.

    Args:
        key_prefix: of the session keys of the page; the epoch is in `KEY_PREFIX_epoch`.
        epochs: that are played, ascending; a single one is not.
        on_play: is called when it is started, in the button's callback.
    """
    if len(epochs) < 2:
        return
    state, shown = st.session_state, st.session_state[f"{key_prefix}_epoch"]
    reached = state.pop(_key(key_prefix, "reached"), None)  # the epoch that the player itself went to
    playing = state.get(_key(key_prefix, "on"), False) and reached == shown and shown != epochs[-1]
    state[_key(key_prefix, "on")] = playing
    st.button(
        "Pause" if playing else "Play",
        icon=":material/pause:" if playing else ":material/play_arrow:",
        key=_key(key_prefix, "button"),
        type="tertiary",
        # The same in both states: an element that gets or loses its help is a new one, without the keyboard's focus.
        help="Shows one epoch after the other, and pauses as soon as you do anything else.",
        on_click=partial(_press, key_prefix, tuple(epochs), playing, on_play),
    )
    clock = st.empty()  # always there: what follows keeps its place when the playing ends
    if playing:
        state[_key(key_prefix, "drawn")] = True
        with clock:
            st.fragment(partial(_tick, key_prefix, tuple(epochs)), run_every=STEP_SECONDS)()


def _key(key_prefix: str, name: str) -> str:
    return f"{key_prefix}_play_{name}"


def _press(key_prefix: str, epochs: tuple[int, ...], playing: bool, on_play: Callable[[], None] | None) -> None:
    state, epoch_key = st.session_state, f"{key_prefix}_epoch"
    state[_key(key_prefix, "on")] = not playing
    if playing:
        return
    if state[epoch_key] == epochs[-1]:
        state[epoch_key] = epochs[0]
    state[_key(key_prefix, "reached")] = state[epoch_key]
    if on_play is not None:
        on_play()


def _tick(key_prefix: str, epochs: tuple[int, ...]) -> None:
    """Go to the next epoch, unless the page itself is being drawn right now."""
    if st.session_state.pop(_key(key_prefix, "drawn"), False):
        return
    st.empty()  # as `rerun_page`: a click that came meanwhile has priority, and finds the epoch that it was made on
    go_to_next(key_prefix, epochs)
    st.rerun()


def go_to_next(key_prefix: str, epochs: Sequence[int]) -> None:
    """Let the page be drawn next with the epoch behind the shown one, and go on playing from there."""
    shown = st.session_state[f"{key_prefix}_epoch"]
    following = next((epoch for epoch in epochs if epoch > shown), epochs[-1])
    st.session_state[f"{key_prefix}_epoch"] = st.session_state[_key(key_prefix, "reached")] = following
