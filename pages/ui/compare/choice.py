"""Which two runs or epochs are compared: chosen above everything else, and kept in the URL as `a=RUN@3` and `b=RUN`.

Without an epoch it is the reported one, also when another epoch becomes that.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cifar_core.errors import RunError
from cifar_core.runs import Run, RunEpoch, measured_alike, own_first, own_runs, parse_run_epoch
from cifar_core.workspace import Workspace
from pages.ui.markdown import escaped, escaped_sentence
from pages.ui.run_focus import focus_on, run_labels
from pages.ui.understand.joined_columns import RunAtEpoch
from pages.ui.url_state import UrlParameter, forget_widgets, free_text, url_to_widgets
from pages.ui.wording import epoch_word

PAGE_KEY = "compare"
_FOCUS_KEY = f"{PAGE_KEY}_focus"  # session: id of the run in focus when the page was drawn last
PAIR_URL_PARAMETERS: dict[str, UrlParameter] = {"a": free_text(), "b": free_text()}
_MOST_STEPS = 20  # epochs
_RUN_WIDTH, _EPOCH_WIDTH = 190, 130  # CSS pixels: both sides beside the title in a window of 1366


def address_of(at: RunAtEpoch) -> str:
    """Return what the URL says of a run and epoch."""
    reported = at.run.best is not None and at.run.best.epoch == at.epoch
    return str(RunEpoch(at.run.id, None if reported else at.epoch))


def chosen_pair(workspace: Workspace, runs: Sequence[Run], focus: Run) -> tuple[RunAtEpoch, RunAtEpoch] | None:
    """Return A and B; None where no run has a result yet.

    What the URL does not say, or says of a run that is not here, is chosen: B is the run in focus, and A the run made
    before it on the same test pictures, else its own first epoch.

    Args:
        workspace: where.
        runs: all of them, the newest first.
        focus: the run in focus.
    """
    if st.session_state.get(_FOCUS_KEY, focus.id) != focus.id and not {"a", "b"} & set(st.query_params):
        forget_widgets(PAGE_KEY)  # another run came into focus elsewhere: it is B now
    st.session_state[_FOCUS_KEY] = focus.id
    url_to_widgets(PAGE_KEY, PAIR_URL_PARAMETERS)
    usable = _usable(runs)
    if not usable:
        return None
    b = _asked_for("b", usable) or _at_best(usable.get(focus.id) or next(iter(usable.values())))
    a = _asked_for("a", usable) or _first_to_compare(workspace, b.run, list(usable.values()))
    for side, at in (("a", a), ("b", b)):
        _tell_unknown(side, at)
        st.session_state[f"{PAGE_KEY}_{side}"] = address_of(at)
    return a, b


def show_choice(head: DeltaGenerator, runs: Sequence[Run], a: RunAtEpoch, b: RunAtEpoch) -> None:
    """Show the run and the epoch of each side, and the button that exchanges them."""
    usable = _usable(runs)
    # What a run reached is that of its best epoch, and another one may be chosen.
    labels = {name: words.rpartition(" · ")[0] for name, words in run_labels(usable.values()).items()}
    with head:
        _show_side("a", a, labels)
        st.button(
            "Swap",
            key=f"{PAGE_KEY}_swap",
            icon=":material/swap_horiz:",
            type="tertiary",
            help="Exchange A and B.",
            on_click=_swap,
        )
        _show_side("b", b, labels)


def show_way_out(workspace: Workspace, runs: Sequence[Run], a: RunAtEpoch, b: RunAtEpoch) -> None:
    """Show a button for what B can be compared with instead of A: another run on its test pictures, or its epochs."""
    other = _first_to_compare(workspace, b.run, list(_usable(runs).values()))
    if address_of(other) == address_of(a) or address_of(other) == address_of(b):
        return
    name = f"epoch {other.epoch} of the same run" if other.run.id == b.run.id else escaped(other.run.name)
    st.button(
        f"Compare B with {name}",
        key=f"{PAGE_KEY}_way_out",
        icon=":material/compare_arrows:",
        on_click=_take,
        args=("a", address_of(other)),
    )


def _show_side(side: str, at: RunAtEpoch, labels: Mapping[str, str]) -> None:
    key = f"{PAGE_KEY}_{side}"
    st.session_state[f"{key}_run"], st.session_state[f"{key}_epoch"] = at.run.id, at.epoch
    with st.container(horizontal=True, gap="xsmall", width=_RUN_WIDTH + _EPOCH_WIDTH + 8):
        _show_boxes(side, at, labels)


def _show_boxes(side: str, at: RunAtEpoch, labels: Mapping[str, str]) -> None:
    letter, run, key = side.upper(), at.run, f"{PAGE_KEY}_{side}"
    st.selectbox(
        f"Run {letter}",
        list(labels),
        key=f"{key}_run",
        format_func=lambda run_id: f"{letter}: {labels[run_id]}",
        label_visibility="collapsed",
        width=_RUN_WIDTH,
        on_change=partial(_choose, side, "run"),
    )
    if not run.has_network:
        return
    epochs, word = list(range(1, (run.last.epoch if run.last else at.epoch) + 1)), epoch_word(run)
    best = run.best.epoch if run.best else 0
    # One click reaches an epoch on a slider, as long as its steps are wide enough to hit.
    choose_epoch: Any = st.select_slider if 1 < len(epochs) <= _MOST_STEPS else st.selectbox
    choose_epoch(
        f"Epoch of {letter}",
        epochs,
        key=f"{key}_epoch",
        format_func=lambda epoch: f"epoch {epoch} ({word})" if epoch == best else f"epoch {epoch}",
        label_visibility="collapsed",
        width=_EPOCH_WIDTH,
        on_change=partial(_choose, side, "epoch"),
    )


def _choose(side: str, what: str) -> None:
    """Take over another run at its reported epoch, or another epoch; for a callback."""
    state, key = st.session_state, f"{PAGE_KEY}_{side}"
    run, epoch = state[f"{key}_run"], state[f"{key}_epoch"]
    state[key] = run if what == "run" else f"{run}@{epoch}"
    state[f"{PAGE_KEY}_page"] = 1
    if what == "run" and side == "b":
        focus_on(run)


def _take(side: str, address: str) -> None:
    st.session_state[f"{PAGE_KEY}_{side}"], st.session_state[f"{PAGE_KEY}_page"] = address, 1


def _swap() -> None:
    state, (a, b) = st.session_state, (f"{PAGE_KEY}_{side}" for side in "ab")
    state[a], state[b] = state[b], state[a]
    state[f"{PAGE_KEY}_page"] = 1
    focus_on(state[b].partition("@")[0])


def _asked_for(side: str, usable: Mapping[str, Run]) -> RunAtEpoch | None:
    """Return the run and epoch that the URL or the widgets ask for; None, with the reason kept, where there is none."""
    text = st.session_state[f"{PAGE_KEY}_{side}"]
    if not text:
        return None
    letter = side.upper()
    try:
        asked = parse_run_epoch(text)
    except RunError as error:
        _keep_reason(side, f"{letter}: {escaped_sentence(error)}")
        return None
    run = usable.get(asked.run)
    if run is None or run.last is None:
        _keep_reason(side, f"{letter}: there is no run {escaped(asked.run)} with a result here.")
        return None
    if asked.epoch is not None and asked.epoch > run.last.epoch:
        _keep_reason(side, f"{letter}: {escaped(run.name)} has {run.last.epoch} epochs, and no epoch {asked.epoch}.")
        return _at_best(run)
    return _at_best(run) if asked.epoch is None else RunAtEpoch(run, asked.epoch)


def _usable(runs: Sequence[Run]) -> dict[str, Run]:
    """Return the runs with a result by id, those that are no trials of sweeps first."""
    return {run.id: run for run in own_first(runs) if run.best is not None and not run.problem}


def _at_best(run: Run) -> RunAtEpoch:
    return RunAtEpoch(run, run.best.epoch if run.best else 1)


def _first_to_compare(workspace: Workspace, b: Run, runs: Sequence[Run]) -> RunAtEpoch:
    """Return the run made before B on the same test pictures, else one made after it, else B's own first epoch.

    Trials of sweeps count only where there is no other run.
    """
    alike = measured_alike(workspace, b, runs)
    alike = own_runs(alike) or alike
    before = [run for run in alike if run.made_at <= b.made_at]
    return _at_best((before or alike)[0]) if alike else RunAtEpoch(b, 1)


def _keep_reason(side: str, words: str) -> None:
    st.session_state[f"{PAGE_KEY}_{side}_unknown"] = "", words


def _tell_unknown(side: str, at: RunAtEpoch) -> None:
    """Show why another one than was asked for is shown; it stays until a person chooses another."""
    key = f"{PAGE_KEY}_{side}_unknown"
    shown, words = st.session_state.get(key, ("", ""))
    if not words or shown not in ("", address_of(at)):
        st.session_state.pop(key, None)
        return
    st.session_state[key] = address_of(at), words
    st.warning(f"{words} Another one is shown.", icon=":material/search_off:")
