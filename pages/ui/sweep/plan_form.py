"""How a sweep searches: how many runs, seeds, hours, who proposes and who stops early; and Start.

The session and the URL hold what is chosen; the keys are those of `sweep_parameters`.
"""

import secrets
from collections.abc import Sequence
from typing import Any, Literal

import streamlit as st

from cifar_core.runs import Run
from cifar_core.runs.run import MAX_RUN_NAME
from cifar_core.sweeps.plan import MOST_HOURS, MOST_RUNS, MOST_SEEDS, MOST_START_POINTS, SweepOptions
from pages.ui.run_focus import run_labels
from pages.ui.sweep.space_form import use_ranges
from pages.ui.url_state import UrlParameter, any_of, free_text, number, one_of, whole_number

SEARCH = "sweep"  # prefix of the keys of a search
SAMPLERS = {
    "tpe": ("TPE", "learns from the runs so far where good settings lie (tree-structured Parzen estimator)"),
    "random": ("Random", "draws every candidate by chance"),
    "grid": ("Grid", "tries every combination of listed values"),
}
PRUNERS = {
    "none": ("None", "every run is trained to its end"),
    "median": ("Median", "stops a run that is below the median of the others at the same epoch"),
    "hyperband": ("Hyperband", "gives many runs few epochs, and only the best of them all epochs"),
}
_CLICKED_KEY = "sweep_clicked"  # session: the nonce of a click on Start, until the settings beside it are read
_NONCE_KEY = "sweep_nonce"  # session: one nonce a start, so that a double click makes one sweep


def sweep_parameters(runs: Sequence[str]) -> dict[str, UrlParameter]:
    """What the URL holds of a search beside its space and its settings.

    Args:
        runs: ids of the runs whose settings can be tried first.
    """
    standard = SweepOptions()
    return {
        "runs": whole_number(0, MOST_RUNS, standard.runs),
        "seeds": whole_number(1, MOST_SEEDS, standard.seeds),
        "hours": number(0.0, MOST_HOURS, standard.hours),
        "sampler": one_of(list(SAMPLERS), standard.sampler),
        "pruner": one_of(list(PRUNERS), standard.pruner),
        "start_from": any_of(runs),
        "name": free_text(MAX_RUN_NAME),
    }


def is_grid() -> bool:
    return bool(_chosen("sampler") == "grid")


def chosen_options() -> SweepOptions:
    """Return what the widgets say."""
    return SweepOptions(
        runs=_chosen("runs"),
        seeds=_chosen("seeds"),
        hours=_chosen("hours"),
        sampler=_chosen("sampler"),
        pruner=_chosen("pruner"),
        start_from=() if is_grid() else tuple(_chosen("start_from")),
        name=_chosen("name").strip(),
    )


def show_amounts() -> None:
    """Show how many runs there are to be, and with how many seeds each candidate is tried."""
    st.number_input(
        "Runs",
        min_value=0,
        max_value=MOST_RUNS,
        key=f"{SEARCH}_runs",
        width=120,
        help="How many runs in all: candidates times seeds. A grid has no more than its combinations, and 0 tries all.",
    )
    st.number_input(
        "Seeds each",
        min_value=1,
        max_value=MOST_SEEDS,
        key=f"{SEARCH}_seeds",
        width=120,
        help="How many runs each candidate gets, which differ in the seed alone. Their mean counts, so that luck "
        "decides less.",
    )


def show_search(runs: Sequence[Run]) -> None:
    """Show who proposes the candidates, who stops hopeless runs, the time after which the sweep ends, and its name.

    Args:
        runs: those whose settings can be tried first.
    """
    _choice("sampler", "Candidates", SAMPLERS)
    _choice("pruner", "Stop hopeless runs early", PRUNERS)
    st.number_input(
        "End after (hours)",
        min_value=0.0,
        max_value=MOST_HOURS,
        step=0.5,
        format="%g",
        key=f"{SEARCH}_hours",
        width=170,
        help="The sweep then ends and keeps what there is. 0 sets no limit.",
    )
    _show_name()
    if runs and not is_grid():
        st.multiselect(
            "Try first the settings of (optional)",
            [run.id for run in runs],
            key=f"{SEARCH}_start_from",
            format_func=run_labels(runs).__getitem__,
            max_selections=MOST_START_POINTS,
            placeholder="Earlier runs on this dataset",
            help="What these runs have of the varied settings is tried first, where it lies in the ranges.",
        )


def _show_name() -> None:
    st.text_input(
        "Name (optional)",
        key=f"{SEARCH}_name",
        max_chars=MAX_RUN_NAME,
        width=180,
        placeholder="two words by chance",
        help="What to call the sweep in lists.",
    )


def show_start(*, blocked: bool) -> None:
    """Show the primary button. The start itself waits until the widgets are read."""
    st.button(
        "Start",
        type="primary",
        icon=":material/play_arrow:",
        key="sweep_start",
        disabled=blocked,
        on_click=_note_click,
        args=(st.session_state.setdefault(_NONCE_KEY, secrets.token_hex(8)),),
    )


def take_click() -> str | None:
    """Return the nonce of a click on Start in this session, once; None without one."""
    nonce = st.session_state.pop(_CLICKED_KEY, None)
    return nonce if nonce is None else str(nonce)


def forget_nonce() -> None:
    """Let the next click start another sweep."""
    st.session_state.pop(_NONCE_KEY, None)


def _note_click(nonce: str) -> None:
    st.session_state[_CLICKED_KEY] = nonce


def _chosen(name: str) -> Any:
    return st.session_state[f"{SEARCH}_{name}"]


def _choice(name: Literal["sampler", "pruner"], label: str, words: dict[str, tuple[str, str]]) -> None:
    st.segmented_control(
        label,
        list(words),
        key=f"{SEARCH}_{name}",
        required=True,
        format_func=lambda choice: words[choice][0],
        help="  \n".join(f"**{title}** {meaning}." for title, meaning in words.values()),
        on_change=_follow_sampler if name == "sampler" else None,
    )


def _follow_sampler() -> None:
    if not is_grid():
        use_ranges()
