"""The live view of one run: its progress, its curves, and how it ended.

Reads the run from the disk; its buttons are those of `run_buttons`.
"""

from collections.abc import Callable

import pandas as pd
import streamlit as st

from cifar_core.runs import (
    Run,
    Status,
    queue_places,
    read_earlier_epochs,
    read_metrics,
    read_within_epochs,
    slots,
    worker_log_tail,
)
from cifar_core.runs.run import GOES_ON
from cifar_core.text import clock, counted
from cifar_core.workspace import Workspace
from pages.ui.error_messages import show_errors
from pages.ui.markdown import escaped, escaped_sentence
from pages.ui.rerun import rerun_page
from pages.ui.run_focus import focus_on, show_caveats
from pages.ui.runs.seeds import show_seeds_line
from pages.ui.train.active_runs import (
    refresh_interval,
    rerun_when_runs_change,
    run_lister,
    show_run_progress,
)
from pages.ui.train.end_of_run import show_things_to_look_at
from pages.ui.train.epoch_curves import Curves, read_zoom, show_accuracy, show_epoch_table, show_loss
from pages.ui.train.learning_pictures import show_learning_pictures
from pages.ui.train.result_so_far import show_events, show_result_so_far
from pages.ui.train.run_buttons import show_end_buttons, show_go_on_buttons
from pages.ui.wording import estimate_error_line, origin_words, queue_line, source_words, status_display

_MAX_RESULTS_INTERVAL = 5.0  # at most, between two reads of the results of a run that trains
MAX_NOTICES = 3  # notices shown at once
END_TITLES = {
    Status.FAILED: "The run failed",
    Status.STOPPED: "The run stopped",
    Status.INTERRUPTED: "The run was interrupted",
}


def show_live_run(workspace: Workspace, drawn: Run, runs: list[Run]) -> None:
    """Show one run: its progress, read every few seconds while it is active, and below its results.

    Args:
        workspace: where.
        drawn: the run, as the page is drawn.
        runs: all runs, as the page is drawn.
    """

    def live(show: Callable[[Run, list[Run]], None], pace: float) -> None:
        listing = run_lister(workspace, runs)

        def refresh() -> None:
            listed = listing()
            run = next((run for run in listed if run.id == drawn.id), None)
            if run is None or run.status is not drawn.status:  # deleted, begun or ended, as the box of runs says
                rerun_page()
            first_epoch_ended = (run.last is None) != (drawn.last is None)  # it tells how long an epoch takes
            if run.problem or first_epoch_ended:
                rerun_page()
            show(run, listed)

        st.fragment(refresh, run_every=pace if drawn.active else None)()

    read_zoom()
    if drawn.problem:
        st.error(escaped_sentence(drawn.problem), icon=":material/broken_image:")
    elif not drawn.has_network:
        _show_imported(workspace, drawn)
    else:
        live(lambda run, listed: _show_head(workspace, run, listed), refresh_interval())
        live(lambda run, listed: _show_results(workspace, run, listed), _results_interval(drawn))
    if not drawn.active:
        rerun_when_runs_change(workspace, [drawn], drawn.id)


def _show_imported(workspace: Workspace, run: Run) -> None:
    """Show what imported predictions have reached, and three of their facts; there is no training to watch."""
    _show_name(run, escaped(source_words(run)))
    with show_errors():
        show_result_so_far(run, pd.DataFrame(), pd.DataFrame())
        show_caveats(run)
        show_things_to_look_at(workspace, run)


def _results_interval(run: Run) -> float:
    """Return the seconds between reads of the results.

    New results come with an epoch, so twice as often is enough. On a small machine, drawing charts takes time from
    the training.
    """
    epoch = run.seconds / run.last.epoch if run.last else 0.0
    return max(refresh_interval(), min(_MAX_RESULTS_INTERVAL, epoch / 2))


def _show_results(workspace: Workspace, run: Run, runs: list[Run]) -> None:
    """Show what the run has reached. While it is active the same elements are drawn at each refresh, in one order."""
    with show_errors():
        metrics, within = read_metrics(workspace, run.id), read_within_epochs(workspace, run.id)
        earlier = read_earlier_epochs(workspace, run, {item.id: item for item in runs})
        _show_end_reason(run)
        if run.active or len(metrics) or len(within):
            show_result_so_far(run, metrics, within)
            show_caveats(run)
            _show_curves_and_pictures(workspace, run, Curves(metrics, within, earlier))
        if len(metrics):
            show_epoch_table(run, metrics)
        _show_worker_log(workspace, run)
    if _goes_on_below(run):
        show_seeds_line(run, runs)
        _show_go_on_buttons(workspace, run, runs)


def _goes_on_below(run: Run) -> bool:
    """Whether the buttons to go on stand below the results: so they stay where they are when a run finishes."""
    return run.active or run.status is Status.FINISHED


def _show_curves_and_pictures(workspace: Workspace, run: Run, tables: Curves) -> None:
    """Show the accuracy beside a dozen pictures, and below the loss beside what happened.

    In a narrow window they stand one below the other. What to look at after the end comes between, so that
    nothing above it moves when a run ends.
    """
    with st.grid(2, min_column_width=340):
        with st.container():
            show_accuracy(run, tables)
        with st.container(), show_errors():
            show_learning_pictures(workspace, run)
    if run.best is not None and not run.active:
        with show_errors():
            show_things_to_look_at(workspace, run)
    with st.grid(2, min_column_width=340):
        with st.container():
            show_loss(run, tables)
        with st.container():
            show_events(run, tables.metrics)


def _show_head(workspace: Workspace, run: Run, runs: list[Run]) -> None:
    """Show what a run is, how far it is and the buttons that end it, as high when it has finished as before."""
    with st.container(horizontal=True, vertical_alignment="center"):
        facts = [escaped(source_words(run))]
        if run.sweep or (run.origin in GOES_ON and run.parent):
            facts.append(origin_words(run))
        if run.is_elsewhere:
            facts.append(f"on {escaped(run.place.words)}")
        _show_name(run, *facts, f"{clock(run.seconds)} trained")
        show_end_buttons(workspace, run, "train")
    place = queue_places(runs, slots(workspace)).get(run.id)
    if run.is_elsewhere and run.waits:
        there = escaped(run.place.words)
        words = f":material/hourglass_top: Waits for {there}. It starts by itself when there is room there."
    elif place is not None and place.seconds != 0:
        fair = " Fair share: runs of people who have had fewer turns go first." if run.round else ""
        words = (
            f":material/hourglass_top: Waits {queue_line(place)}. It is the {place} in the queue, and starts by itself "
            f"when its turn comes.{fair}"
        )
    else:
        words = estimate_error_line(run)
    show_run_progress(run, words)
    if not _goes_on_below(run):
        _show_go_on_buttons(workspace, run, runs)
    _show_notices(run)


def _show_name(run: Run, *facts: str) -> None:
    """Show the status and name of a run with some facts, which are Markdown."""
    word, colour, icon = status_display(run)
    st.markdown(" · ".join([f":{colour}-badge[{icon} {word}] **{escaped(run.name)}**", *facts]), width="stretch")


def _show_go_on_buttons(workspace: Workspace, run: Run, runs: list[Run]) -> None:
    made = show_go_on_buttons(workspace, run, runs, "train")
    if made:
        focus_on(made)
        st.rerun()


def _show_notices(run: Run) -> None:
    """Show what a person should know of how the run went, such as an older checkpoint or a line that cannot be read."""
    for warning in run.warnings[:MAX_NOTICES]:
        st.warning(escaped_sentence(warning), icon=":material/info:")
    if len(run.warnings) > MAX_NOTICES:
        with st.expander(counted(len(run.warnings) - MAX_NOTICES, "more notice"), icon=":material/info:"):
            st.code("\n".join(run.warnings[MAX_NOTICES:]), language=None, height=200)
    if run.from_zip:
        st.caption(
            ":material/move_to_inbox: Imported from another workspace without its checkpoint: "
            "it can be looked at, but not resumed."
        )


def _show_end_reason(run: Run) -> None:
    """Show in one sentence why a run ended by itself."""
    if run.error:
        show_message = st.error if run.status is Status.FAILED else st.warning
        title = "The training diverged" if run.diverged else END_TITLES.get(run.status, "What happened")
        show_message(escaped_sentence(run.error), title=title)


def _show_worker_log(workspace: Workspace, run: Run) -> None:
    if run.status in (Status.FAILED, Status.INTERRUPTED):
        with st.expander("What the worker wrote", icon=":material/terminal:"):
            st.code(worker_log_tail(workspace, run.id) or "nothing", language=None)
