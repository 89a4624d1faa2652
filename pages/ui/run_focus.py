"""The run that a page speaks of: chosen on the page, carried by the URL (`?run=`), remembered for the session."""

from collections import Counter
from collections.abc import Collection

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cifar_core.runs import (
    Run,
    Status,
    accuracy_caveats,
    accuracy_doubts,
    find_deleted,
    list_runs,
    own_first,
    own_runs,
    seen_phrase,
    trial_words,
)
from cifar_core.workspace import Workspace
from pages.ui.error_messages import show_warnings
from pages.ui.markdown import escaped, escaped_sentence, single_line
from pages.ui.runs.import_link import show_import_link
from pages.ui.train.first_run import FIRST_RUN, open_started_run, show_first_run_button
from pages.ui.url_state import current_page, free_text, url_to_widgets, widgets_to_url
from pages.ui.wording import epoch_word, percent, source_words, status_display

FOCUS_KEY = "frame_focus"  # session: id of the run that was in focus last
SELECT_BOX_KEY = "frame_run"  # the select box; also where none is drawn, the session's word for the run in focus
_ASKED_KEY = "frame_asked"  # session: the run that `focus_on` asked for
_ABSENT_KEY = "frame_absent"  # session: where the last run that is not here was asked for, and what was said
_PREFIX = "frame"  # of the keys, as a page has one
_URL_PARAMETERS = {"run": free_text()}  # of every page with a run; never left out


# The ways to what a run has reached: the page, the words on its link, its icon.
RESULT_PAGES = {
    "confusion": ("What it confuses", ":material/grid_on:"),
    "misclassified": ("Its mistakes", ":material/rule:"),
    "trust": ("Whether it can be trusted", ":material/balance:"),
    "learning": ("How it learned", ":material/school:"),
}


def run_in_focus(
    workspace: Workspace,
    listed: list[Run] | None = None,
    *,
    picker: DeltaGenerator | None = None,
    required: bool = True,
    results: bool = True,
) -> Run | None:
    """Return the run in focus; None where there is no run.

    Without any run, a page for which one is `required` says so, links to the Train page, and ends.

    Args:
        workspace: where.
        listed: the workspace's runs, where the caller has read them already.
        picker: where a select box for it is drawn; None on pages that need none.
        required: whether the page has nothing to say without a run.
        results: whether the box says what each run reached; not where the page shows that large.
    """
    open_started_run()
    runs = {run.id: run for run in own_first(list_runs(workspace) if listed is None else listed)}
    chosen = _chosen_run(workspace, runs)
    if not runs:
        if required:
            st.info(
                "There is no run yet. Train a network first; what it learns and gets wrong will be here.",
                icon=":material/model_training:",
            )
            show_first_run_button(workspace, f"{current_page()}_first")
            show_import_link(FIRST_RUN.data.dataset)
            st.stop()
        return None
    if picker is not None:
        picker.selectbox(
            "Run",
            list(runs),
            key=SELECT_BOX_KEY,
            format_func=run_labels(runs.values(), results=results).__getitem__,
            label_visibility="collapsed",
            width=280,
        )
    st.session_state[FOCUS_KEY] = chosen
    return runs[chosen]


def require_result(run: Run) -> None:
    """End the page with a sentence where the run cannot be read or has not finished an epoch."""
    if run.problem:
        st.error(escaped_sentence(run.problem), title="This run cannot be read", icon=":material/broken_image:")
        st.page_link("pages/runs.py", label="Choose another run, or delete this one", icon=":material/list_alt:")
        st.stop()
    if run.best is None:
        st.info(
            f"This run has no finished epoch yet ({status_display(run)[0]}). "
            "The numbers and pictures come with the first one.",
            icon=":material/hourglass_empty:",
        )
        st.page_link(
            "pages/train.py",
            label="Watch it train" if run.active else "Open it on the Train page",
            icon=":material/model_training:",
            query_params={"run": run.id, "view": "Watch"},
        )
        st.stop()


def facts_line(run: Run, split: str = "test", n: int | None = None, epoch: int | None = None) -> None:
    """Show one line that names what the numbers below belong to: network, dataset, split, n, and the epoch if any."""
    facts = [source_words(run)]
    facts.append(split if n is None else f"{split}, n = {n:,}")
    if epoch is not None and run.has_network:
        best = run.best is not None and run.best.epoch == epoch
        chosen_by = "the best by validation" if epoch_word(run) == "best" else "the last"
        facts.append(f"epoch {epoch} of {run.config.optimizer.epochs}" + (f", {chosen_by}" if best else ""))
    st.caption(" · ".join(escaped(fact) for fact in facts))


def show_result_links(run_id: str, *pages: str) -> None:
    """Show the links to these of `RESULT_PAGES` for a run with a result, side by side where the container is a row."""
    for page in pages or RESULT_PAGES:
        label, icon = RESULT_PAGES[page]
        st.page_link(f"pages/{page}.py", label=label, icon=icon, query_params={"run": run_id})


def show_caveats(run: Run) -> None:
    """Show beside an accuracy of a run what a person should know before they believe it, on few lines."""
    doubts = accuracy_doubts(run)
    show_warnings(doubts, small=True)
    notes = [escaped_sentence(note) for note in accuracy_caveats(run) if note not in doubts]
    if notes:
        st.caption(f":material/info: {' '.join(notes)}")


def run_labels(runs: Collection[Run], *, results: bool = True) -> dict[str, str]:
    """Return a unique line for each run by id: its name, and its test accuracy once it has ended, else its status.

    Without `results` it is the status of each that has ended. A trial of a sweep says so, so that it is found by that.

    It is not redrawn at every epoch, so for a run in progress it says nothing that changes.
    """
    names = {run.id: single_line(run.name) for run in runs}
    shared = Counter(names.values())
    return {
        run.id: names[run.id]
        + (f" ({run.id})" if shared[names[run.id]] > 1 else "")
        + (f", {trial_words(run)}" if run.is_trial else "")
        + f" · {_result_words(run) if results else _status_word(run)}"
        for run in runs
    }


def _status_word(run: Run) -> str:
    return "in progress" if run.active else status_display(run)[0]


def _result_words(run: Run) -> str:
    if run.problem or run.best is None or run.active:
        return _status_word(run)
    seen = seen_phrase(run)
    return f"{percent(run.best.test_accuracy)} right" + (f", {seen}" if seen else "")


def focus_on(run_id: str) -> None:
    """Let the page speak of this run when it is drawn next; also for a callback."""
    st.session_state[_ASKED_KEY] = run_id


def clear_focus(run_id: str) -> None:
    """Forget a run that was just deleted, so that the page does not look for it."""
    if st.session_state.get(FOCUS_KEY) == run_id:
        st.session_state[FOCUS_KEY] = ""
        focus_on("")


def _absent_message(workspace: Workspace, run_id: str) -> str:
    """Return the sentence for a run that the URL names and the workspace does not have."""
    if find_deleted(workspace, run_id):
        return f"Run {escaped(run_id)} no longer exists: it was deleted. The trash on the Runs page can bring it back."
    if run_id == st.session_state.get(FOCUS_KEY):
        return f"Run {escaped(run_id)} no longer exists."
    return f"There is no run {escaped(run_id)} here."


def _chosen_run(workspace: Workspace, runs: dict[str, Run]) -> str:
    """Return the run that the program, the URL or the box asks for, else the default one; the URL and the box say it.

    Where there is no such run, a warning says so.
    """
    if _ASKED_KEY in st.session_state:
        st.session_state[SELECT_BOX_KEY] = st.session_state.pop(_ASKED_KEY)
    url_to_widgets(_PREFIX, _URL_PARAMETERS)
    chosen: str = st.session_state[SELECT_BOX_KEY]
    absent = _absent_message(workspace, chosen) if chosen and chosen not in runs else ""
    chosen = _default_run(runs) if absent or not chosen else chosen
    _show_absent(absent, chosen)
    # Set at each run: the box of this key on another page is another widget, and its value would be lost.
    st.session_state[SELECT_BOX_KEY] = chosen
    widgets_to_url(_PREFIX, _URL_PARAMETERS)
    return chosen


def _show_absent(message: str, chosen: str) -> None:
    """Show why another run than the one asked for is shown; it stays until a person goes elsewhere.

    A page may be drawn again at once, when a component has something to say.
    """
    here = (current_page(), chosen)
    if message:
        st.session_state[_ABSENT_KEY] = here, message
    told, words = st.session_state.get(_ABSENT_KEY, ((), ""))
    if told == here:
        another = " Another one is shown." if chosen else ""
        st.warning(words + another, icon=":material/search_off:")


def _default_run(runs: dict[str, Run]) -> str:
    """Return the session's run, else the newest with a result, else the newest; "" without any.

    Trials of sweeps count only where there is no other run.
    """
    remembered = st.session_state.get(FOCUS_KEY)
    if remembered in runs:
        return str(remembered)
    candidates = own_runs(runs.values()) or list(runs.values())
    with_result = [run.id for run in candidates if run.best and run.status != Status.FAILED]
    return with_result[0] if with_result else next((run.id for run in candidates), "")
