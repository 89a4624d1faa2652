"""Before a run and beside it: how long it would take, and how it learns. The truth is on disk; a view that looks never drives.

Reads the run in focus; what a person asks of it is done by `steer`.
"""

import sys
from collections.abc import Callable
from typing import Literal

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from cifar_core.config import RunConfig
from cifar_core.evaluate import explain_curve
from cifar_core.export import table_csv
from cifar_core.figures import curves
from cifar_core.runs import (
    QueuePlace,
    Run,
    Status,
    ensure_speed,
    estimate_run,
    queue_places,
    read_metrics,
    slots,
    worker_log_tail,
)
from cifar_core.text import clock
from cifar_core.workspace import Workspace
from pages.ui.active import IDLE_TICK, as_drawn, keep_up, show_progress, tick, training_now
from pages.ui.frame import guard
from pages.ui.redraw import draw_anew
from pages.ui.steer import offer_again, offer_moves
from pages.ui.text import plain, sentence
from pages.ui.words import (
    PERCENT,
    duration,
    epoch_word,
    in_percent,
    overrun_line,
    percent,
    result_line,
    state_words,
    turn_line,
)

Kind = Literal["accuracy", "loss"]
KINDS: tuple[Kind, ...] = ("accuracy", "loss")
_CHARTS = 32  # kept: some hundred kB in all
_RESULTS_SECONDS = 5.0  # at most, between two looks at the results of a run that trains
FEW = 3  # notices shown at once
ENDS = {
    Status.FAILED: "The run failed",
    Status.STOPPED: "The run stopped",
    Status.INTERRUPTED: "The run was interrupted",
}


def status_badge(run: Run) -> None:
    """The run's state as a word, a colour and an icon."""
    word, colour, icon = state_words(run)
    st.badge(word, color=colour, icon=icon)


def outlook(workspace: Workspace, config: RunConfig | None, runs: list[Run]) -> None:
    """Before a start: the run that is training now and the place in the queue, else how long these settings will take.

    Args:
        workspace: where.
        config: the settings; None where they break a rule.
        runs: the workspace's runs as the page was drawn.
    """
    running = training_now(runs)
    state = "busy" if running else _measured(workspace, runs)
    looking = running is not None or state == "measuring"
    listing = as_drawn(workspace, runs)

    def look() -> None:
        listed = listing()
        now = training_now(listed)
        if (now and now.id) != (running and running.id):
            draw_anew()
        if now is not None:
            word = "is training" if now.status is Status.RUNNING else "waits for its turn"
            st.markdown(f"**{plain(now.name)}** {word}.")
            if now.status is Status.RUNNING:
                show_progress(now)
            place = _next_place(workspace, config, listed)
            if place is not None and place.seconds != 0:
                st.caption(f":material/hourglass_top: A run started now is {turn_line(place)}.")
        if state == "measuring" and _measured(workspace, listed) != "measuring":
            draw_anew()
        if config is not None:
            st.caption(f":material/timer: {_quote(workspace, config, listed, state)}")

    st.fragment(look, run_every=tick() if looking else IDLE_TICK)()


def _next_place(workspace: Workspace, config: RunConfig | None, runs: list[Run]) -> QueuePlace | None:
    """Where a run with these settings would stand in the queue if it were started now."""
    if config is None:
        return None
    following = Run("next", "", "", Status.QUEUED, config, "", ticket=sys.maxsize)
    return queue_places([*runs, following], slots(workspace))[following.id]


def _measured(workspace: Workspace, runs: list[Run]) -> str:
    """Whether this machine has been measured; begins where it has not, or where a run says that it is no longer so."""
    if workspace.unwritable(workspace.root) is not None:  # where the measurement is kept
        return "unwritable"
    with guard():
        return ensure_speed(workspace, runs)
    return "failed"


def _quote(workspace: Workspace, config: RunConfig, runs: list[Run], state: str) -> str:
    """How long a run will take, and what that rests on."""
    estimate = estimate_run(workspace, config, runs)
    if estimate is not None:
        return f"{duration(estimate.start_up + estimate.seconds)}, {plain(estimate.source)}"
    if state == "measuring":
        return "measuring this machine…"
    if state == "busy":
        return "the time is not known yet: this machine is measured when nothing trains"
    if state == "unwritable":
        return "no estimate: what measuring this machine gives could not be written"
    if state == "failed":
        return "no estimate: measuring this machine did not work (machine.log in the workspace says why)"
    return "the time is known once the pictures are here"


def watch(workspace: Workspace, drawn: Run, runs: list[Run]) -> None:
    """The live view of one run: how far it is, looked at every second or few while it lives; below, how well it does.

    Args:
        workspace: where.
        drawn: the run, as the page is drawn.
        runs: all runs, as the page is drawn.
    """

    def viewed(show: Callable[[Run, list[Run]], None], pace: float) -> None:
        listing = as_drawn(workspace, runs)

        def look() -> None:
            listed = listing()
            run = next((run for run in listed if run.id == drawn.id), None)
            if run is None or run.active != drawn.active:  # it ended, began again, or was deleted: the page says so
                draw_anew()
            if run.problem or (run.last is None) != (
                drawn.last is None
            ):  # from now on it is known how long an epoch takes
                draw_anew()
            show(run, listed)

        st.fragment(look, run_every=pace if drawn.active else None)()

    if drawn.problem:
        st.error(sentence(drawn.problem), icon=":material/broken_image:")
    else:
        viewed(lambda run, listed: _head(workspace, run, listed), tick())
        viewed(lambda run, listed: _results(workspace, run), _results_pace(drawn))
    if not drawn.active:
        keep_up(workspace, [drawn], drawn.id)


def _results_pace(run: Run) -> float:
    """Seconds between looks at the results. New ones come with an epoch: to send the charts, and to draw them, twice as often is
    enough, and on a small machine what the browser takes the training loses."""
    epoch = run.seconds / run.last.epoch if run.last else 0.0
    return max(tick(), min(_RESULTS_SECONDS, epoch / 2))


def _results(workspace: Workspace, run: Run) -> None:
    with guard():
        metrics = read_metrics(workspace, run.id)
        if run.status is Status.RUNNING or not metrics.empty:
            _curves(run, metrics)
        if not metrics.empty:
            _numbers(run, metrics)
        _last_words(workspace, run)


def _head(workspace: Workspace, run: Run, runs: list[Run]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        status_badge(run)
        facts = [f"**{plain(run.name)}**", f"{plain(run.config.model.model)} on {plain(run.config.data.dataset)}"]
        facts += [plain(f"{run.device} in {run.precision}")] if run.device else []
        st.markdown(" · ".join([*facts, f"{clock(run.seconds)} trained"]), width="stretch")
        offer_moves(workspace, run, "train")
        made = offer_again(workspace, run, runs, "train")
        if made:
            st.query_params["run"] = made
            st.rerun()
    place = queue_places(runs, slots(workspace)).get(run.id)
    if place is not None and place.seconds != 0:
        st.info(f"{turn_line(place)}. It begins by itself when its turn comes.", icon=":material/hourglass_top:")
    elif run.active:
        show_progress(run)
    elif overrun_line(run):
        st.caption(overrun_line(run))
    _notices(run)


def _notices(run: Run) -> None:
    """What a person should know of how it went: an older checkpoint, not bit-exact, lines that cannot be read."""
    for warning in run.warnings[:FEW]:
        st.warning(sentence(warning), icon=":material/info:")
    if len(run.warnings) > FEW:
        with st.expander(f"{len(run.warnings) - FEW} more notices", icon=":material/info:"):
            st.code("\n".join(run.warnings[FEW:]), language=None, height=200)
    if run.imported:
        st.caption(
            ":material/move_to_inbox: Brought from another workspace without its checkpoint: it can be looked at, not resumed."
        )


def _curves(run: Run, metrics: pd.DataFrame) -> None:
    """Both charts, empty ones too before the first epoch: the browser has loaded what draws them when points come."""
    st.markdown(result_line(run))
    best = run.best.epoch if run.best else None
    with st.grid(2, min_column_width=340):
        for kind in KINDS:
            st.plotly_chart(_chart(metrics, kind, best, epoch_word(run)), key=f"train_{kind}", config={"displaylogo": False},
                            alt=f"{kind} per epoch: train, validation, test")  # fmt: skip
    words = explain_curve(metrics, classes=len(run.dataset.class_names)) if run.dataset and run.best else ""
    st.markdown(
        f":material/lightbulb: {sentence(words)}" if words else "The first points appear when the first epoch ends."
    )


@st.cache_resource(max_entries=_CHARTS, show_spinner=False)
def _chart(metrics: pd.DataFrame, kind: Kind, best: int | None, word: str) -> go.Figure:
    """A chart, made once for all looks of all who watch; nobody changes it."""
    return curves(metrics, kind, best, word)


def _numbers(run: Run, metrics: pd.DataFrame) -> None:
    """The table twin of the charts."""
    with st.expander("The numbers of each epoch", icon=":material/table:"):
        accuracies = [name for name in metrics.columns if name.endswith("accuracy")]
        st.dataframe(
            in_percent(metrics, accuracies),
            hide_index=True,
            alt="Loss and accuracy per epoch and split",
            column_config={
                name: st.column_config.NumberColumn(format=PERCENT if name in accuracies else "%.4g")
                for name in metrics.columns
                if name != "epoch"
            },
        )
        st.download_button(
            "Download CSV",
            table_csv(metrics),
            f"{run.id}-epochs.csv",
            "text/csv",
            key="train_metrics_csv",
            icon=":material/download:",
        )


def _last_words(workspace: Workspace, run: Run) -> None:
    """Why a run ended without being asked to, in one sentence, with the worker's log for those who want it."""
    if run.error:
        kept = f" Kept: {percent(run.best.test_accuracy)} (test) at epoch {run.best.epoch}." if run.best else ""
        tell = st.error if run.status is Status.FAILED else st.warning
        tell(sentence(run.error) + kept, title=ENDS.get(run.status, "What happened"))
    if run.status in (Status.FAILED, Status.INTERRUPTED):
        with st.expander("What the worker wrote", icon=":material/terminal:"):
            st.code(worker_log_tail(workspace, run.id) or "nothing", language=None)
