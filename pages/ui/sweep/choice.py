"""What the Sweep page shows: the form of a search, that of the effect of one setting, or one sweep; in the URL."""

from collections import Counter
from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cifar_core.sweeps.sweep import Sweep
from pages.ui.markdown import escaped, single_line
from pages.ui.url_state import UrlParameter, free_text, give, one_of, url_to_widgets

PAGE_KEY = "sweep_page"
SEARCH_VIEW, EFFECT_VIEW, WATCH_VIEW = "Search", "One setting", "Watch"
VIEW_WORDS = {
    SEARCH_VIEW: "Search for the best settings",
    EFFECT_VIEW: "The effect of one setting",
    WATCH_VIEW: "Watch a sweep",
}
_VIEW, _SWEEP = f"{PAGE_KEY}_view", f"{PAGE_KEY}_sweep"
_ASKED_KEY = "sweep_page_asked"  # session: the sweep to watch when the page is drawn next


def watch_sweep(sweep_id: str) -> None:
    """Let the page show this sweep when it is drawn next, or any where it is empty; also for a callback."""
    st.session_state[_ASKED_KEY] = sweep_id


def page_parameters() -> dict[str, UrlParameter]:
    """What the URL holds of the page's view; there is no default, so that a link keeps what it showed."""
    return {"sweep": free_text(), "view": one_of(list(VIEW_WORDS), None)}


def choose_view(sweeps: Sequence[Sweep], picker: DeltaGenerator) -> tuple[str, Sweep | None]:
    """Show the choice of a view and, beside the title, of a sweep; return the view, and the sweep where it is watched.

    By default the newest running sweep is watched, and else the form is shown.
    """
    url_to_widgets(PAGE_KEY, page_parameters())
    if _ASKED_KEY in st.session_state:
        st.session_state[_SWEEP] = st.session_state.pop(_ASKED_KEY)
        give(_VIEW, WATCH_VIEW)
    asked, by_id = st.session_state[_SWEEP], {sweep.id: sweep for sweep in sweeps}
    running = next((sweep.id for sweep in sweeps if sweep.active), "")
    if st.session_state[_VIEW] is None:
        give(_VIEW, _first_view(asked, running))
    if asked and asked not in by_id:
        another = " Another one is shown." if by_id and st.session_state[_VIEW] == WATCH_VIEW else ""
        st.warning(f"There is no sweep {escaped(asked)} here.{another}", icon=":material/search_off:")
    if not by_id and st.session_state[_VIEW] == WATCH_VIEW:
        give(_VIEW, SEARCH_VIEW)
    st.segmented_control(
        "View",
        [view for view in VIEW_WORDS if by_id or view != WATCH_VIEW],
        key=_VIEW,
        required=True,
        format_func=VIEW_WORDS.__getitem__,
        label_visibility="collapsed",
        wrap=True,
    )
    if st.session_state[_VIEW] != WATCH_VIEW:
        st.session_state[_SWEEP] = ""
        return st.session_state[_VIEW], None
    st.session_state[_SWEEP] = asked if asked in by_id else running or next(iter(by_id))
    picker.selectbox(
        "Sweep",
        list(by_id),
        key=_SWEEP,
        format_func=sweep_labels(sweeps).__getitem__,
        label_visibility="collapsed",
        width=280,
    )
    return WATCH_VIEW, by_id[st.session_state[_SWEEP]]


def sweep_labels(sweeps: Sequence[Sweep]) -> dict[str, str]:
    """Return a unique line for each sweep by id: its name, with the id where another has the same, and its status."""
    names = {sweep.id: single_line(sweep_name(sweep)) for sweep in sweeps}
    shared = Counter(names.values())
    return {
        sweep.id: names[sweep.id] + (f" ({sweep.id})" if shared[names[sweep.id]] > 1 else "") + f" · {sweep.status}"
        for sweep in sweeps
    }


def sweep_name(sweep: Sweep) -> str:
    """Return the name that the person gave, else its id."""
    return sweep.plan.options.name or sweep.id


def _first_view(asked: str, running: str) -> str:
    if asked:
        return WATCH_VIEW
    if "effect" in st.query_params:
        return EFFECT_VIEW
    return WATCH_VIEW if running and not any(name in st.query_params for name in ("set", "runs")) else SEARCH_VIEW
