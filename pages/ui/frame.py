"""What every page shares: its head, the workspace, the run in focus, the facts line, and plain words for errors.

Reads the workspace named by `CIFAR_WORKSPACE` (else `./workspace`), the run's name in the URL (`?run=`), and remembers
the run in focus for the session, so that the sidebar's links keep it.
"""

import functools
import gc
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

from cifar_core.errors import CifarCoreError, StorageError
from cifar_core.runs import Run, Status, empty_old_trash, find_deleted, list_runs
from cifar_core.workspace import Workspace, open_workspace
from pages.ui.markdown import clean, plain, sentence
from pages.ui.server.access import ask_nobody, offer_logout, require_login
from pages.ui.server.kept_media import keep_what_was_shown
from pages.ui.server.upload_quota import bound_uploads, give_upload_room
from pages.ui.wording import epoch_word, percent, state_words

APP = "CIFAR-10 workbench"
FOCUS = "frame_focus"  # session: id of the run in focus, kept when a page link drops the URL's parameters
RUN_BOX = "frame_run"  # the sidebar's select box


def setup_page(title: str, lead: str = "") -> Workspace:
    """Draw the head of a page and open the workspace; the first call of every page.

    Args:
        title: the page's name.
        lead: one sentence: what a person can do here.
    """
    _leave_old_discovery()
    st.set_page_config(page_title=f"{title} · {APP}", layout="wide")
    ask_nobody()
    bound_uploads()
    keep_what_was_shown()
    require_login()
    st.title(title, anchor=False)
    if lead:
        st.markdown(lead)
    offer_logout()
    try:
        workspace = open_workspace()  # at every rerun: its folders may have been deleted meanwhile
    except StorageError as error:
        st.error(sentence(error), title="The workspace cannot be used", icon=":material/folder_off:")
        st.stop()
    _tell_unwritable(workspace)
    give_upload_room(workspace, title)
    _spare_the_collector(title)
    empty_old_trash(workspace)
    return workspace


def _tell_unwritable(workspace: Workspace) -> None:
    """Say of a workspace that is there to be looked at that it is, rather than at the first click that would write."""
    closed = workspace.unwritable()
    if closed is not None:
        st.info(f"There is no permission to write in {plain(str(closed))}: you can look at what is there, and what would be kept there is refused.",
                icon=":material/lock:")  # fmt: skip


@contextmanager
def guard() -> Iterator[None]:
    """Show a `CifarCoreError` raised inside as its one sentence, and go on after the block."""
    try:
        yield
    except CifarCoreError as error:
        st.error(sentence(error), icon=":material/error:")


@contextmanager
def guard_click() -> Iterator[None]:
    """As `guard`, for what a person asks of a view that is redrawn every second: the sentence stays above it for a while."""
    try:
        yield
    except CifarCoreError as error:
        st.toast(sentence(error), icon=":material/error:", duration="long")


def run_in_focus(workspace: Workspace, listed: list[Run] | None = None, *, required: bool = True) -> Run | None:
    """The run that the page speaks of: chosen in the sidebar, carried by the URL, remembered for the session.

    Without any run the page says so with the one step that changes it; when `required` it then ends.

    Args:
        workspace: where.
        listed: the workspace's runs, where the caller has them at hand.
        required: whether the page has nothing to say without a run.
    """
    runs = {run.id: run for run in (list_runs(workspace) if listed is None else listed)}
    asked = st.query_params.get("run")
    if asked is not None and asked not in runs:
        st.warning(
            _why_absent(workspace, asked) + (" Another one is shown." if runs else ""), icon=":material/search_off:"
        )
        asked = None
        del st.query_params["run"]
    if not runs:
        if required:
            st.info(
                "There is no run yet. Train a network first; what it learns and gets wrong will be here.",
                icon=":material/model_training:",
            )
            st.page_link("pages/train.py", label="Train your first model", icon=":material/play_arrow:")
            st.stop()
        return None
    # Each time: a box of this key that another page drew is another widget, so what it said would be lost on the way here.
    st.session_state[RUN_BOX] = asked or _default_run(runs)
    chosen: str = st.sidebar.selectbox(
        "Run in focus",
        list(runs),
        key=RUN_BOX,
        format_func=run_labels(runs.values()).__getitem__,
        on_change=_focus,
        help="Home, Runs and the pages under Understand speak of this run. Its id is in the page's address.",
    )
    st.sidebar.caption(plain(run_facts(runs[chosen])))
    st.session_state[FOCUS] = chosen
    if st.query_params.get("run") != chosen:
        st.query_params["run"] = chosen
    return runs[chosen]


def require_result(run: Run) -> None:
    """End the page where the run cannot be read, or has not finished an epoch: there is nothing to understand yet."""
    if run.problem:
        st.error(sentence(run.problem), title="This run cannot be read", icon=":material/broken_image:")
        st.page_link("pages/runs.py", label="Choose another run, or delete this one", icon=":material/list_alt:")
        st.stop()
    if run.best is None:
        st.info(f"This run has no finished epoch yet ({state_words(run)[0]}). Its first one brings the numbers and pictures.",
                icon=":material/hourglass_empty:")  # fmt: skip
        st.page_link("pages/train.py", label="Watch it train" if run.active else "Open it on the Train page",
                     icon=":material/model_training:", query_params={"run": run.id, "view": "Watch"})  # fmt: skip
        st.stop()


def facts_line(run: Run, split: str = "test", n: int | None = None, epoch: int | None = None) -> None:
    """One line that names what the numbers below are of: run, network, dataset, split, n and epoch."""
    facts = [f"run {run.name}", f"{run.config.model.model} on {run.config.data.dataset}"]
    facts.append(split if n is None else f"{split}, n = {n:,}")
    if epoch is not None:
        best = run.best is not None and run.best.epoch == epoch
        chosen_by = "the best by validation" if epoch_word(run) == "best" else "the last"
        facts.append(f"epoch {epoch} of {run.config.optimizer.epochs}" + (f", {chosen_by}" if best else ""))
    st.caption(" · ".join(plain(fact) for fact in facts))


def run_labels(runs: Collection[Run]) -> dict[str, str]:
    """Each run in one line for a select box, no two the same, by id: its name, and what it reached once it has ended."""
    names = {run.id: clean(run.name) for run in runs}
    shared = Counter(names.values())
    return {
        run.id: names[run.id]
        + (f" ({run.id})" if shared[names[run.id]] > 1 else "")
        + (f" · {percent(run.best.test_accuracy)}" if run.best and not run.active else "")
        for run in runs
    }


def run_facts(run: Run) -> str:
    """The line under the select box: dataset, test accuracy, status. It is not drawn anew with every epoch of a run that is
    under way, so of such a one it says nothing that changes."""
    if run.problem:
        return state_words(run)[0]
    if run.active:
        return f"{run.config.data.dataset} · under way"
    result = f"{percent(run.best.test_accuracy)} right on test" if run.best else "no result yet"
    return f"{run.config.data.dataset} · {result} · {state_words(run)[0]}"


def lose_focus(run_id: str) -> None:
    """Forget a run that was just deleted, so that the page does not ask for it."""
    if st.query_params.get("run") == run_id:
        del st.query_params["run"]
    if st.session_state.get(FOCUS) == run_id:
        del st.session_state[FOCUS]


def _why_absent(workspace: Workspace, run_id: str) -> str:
    """What to say of a run that the address or this page knows, but the workspace does not."""
    if find_deleted(workspace, run_id):
        return f"Run {plain(run_id)} no longer exists: it was deleted. The trash on the Runs page can bring it back."
    if run_id == st.session_state.get(FOCUS):
        return f"Run {plain(run_id)} no longer exists."
    return f"There is no run {plain(run_id)} here."


@functools.cache
def _spare_the_collector(page: str) -> None:
    """Leave what is loaded by the first visit of `page` out of Python's garbage collection.

    To go through Streamlit's and our modules, which are never garbage, takes most of a collection's time.
    """
    gc.collect()
    gc.freeze()


def _leave_old_discovery() -> None:
    """Run again through the entry script's page table where Streamlit's own discovery of `pages/` came first.

    That happens once per server, when its very first request is a link to a page other than Home.
    """
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()


def _default_run(runs: dict[str, Run]) -> str:
    """The session's run, else the newest with a result, else the newest."""
    remembered = st.session_state.get(FOCUS)
    if remembered in runs:
        return str(remembered)
    with_result = [run.id for run in runs.values() if run.best and run.status != Status.FAILED]
    return with_result[0] if with_result else next(iter(runs))


def _focus() -> None:
    """A person chose another run: the URL and the session follow before the page is drawn."""
    st.session_state[FOCUS] = st.query_params["run"] = st.session_state[RUN_BOX]
