"""Starting a run and watching it. The truth is on disk: a view that looks every second and never drives anything.

Reads the run in focus; writes only what a person asks for (start, stop, pause, resume). Session: the starting nonce.
"""

import secrets
from typing import Literal

import pandas as pd
import streamlit as st

from cifar_core.analyse import read_curve
from cifar_core.config import RunConfig
from cifar_core.export import table_csv
from cifar_core.figures import curves
from cifar_core.runs import (
    Run,
    Status,
    active_run,
    calibrate,
    create_run,
    estimate_run,
    list_runs,
    pause_run,
    read_metrics,
    read_run,
    resume_run,
    start_run,
    stop_run,
    worker_log_tail,
)
from cifar_core.workspace import Workspace
from pages.ui.frame import guard
from pages.ui.text import plain, sentence
from pages.ui.visitors import person
from pages.ui.words import (
    STATUS,
    clock,
    done_share,
    duration,
    epoch_word,
    overrun_line,
    percent,
    progress_line,
    result_line,
)

KINDS: tuple[Literal["accuracy", "loss"], ...] = ("accuracy", "loss")
TICK = 1.0  # seconds between looks at the disk
NONCE = "train_nonce"  # one per start: a double click sends the same one twice and makes one run
ACTIONS = {"stop": stop_run, "pause": pause_run, "resume": resume_run}
ACTION_WORDS = {  # icon, what it does, what is answered
    "stop": (":material/stop:", "Ends within one batch and keeps everything so far.", "Stopping after this batch."),
    "pause": (":material/pause:", "Keeps everything and frees the machine.", "Pausing after this batch."),
    "resume": (":material/play_arrow:", "Goes on exactly where it was.", "Going on where it was."),
}


def start_nonce() -> str:
    """What marks the next start of this session; taken when the button is drawn."""
    return str(st.session_state.setdefault(NONCE, secrets.token_hex(8)))


def launch(workspace: Workspace, config: RunConfig, nonce: str) -> str:
    """Create a run and queue it; returns its id. The second click of a double click gives the same run.

    Raises:
        StorageError: the disk refused.
    """
    run_id = create_run(workspace, config, nonce=nonce, person=person())
    start_run(workspace, run_id)
    st.session_state[NONCE] = secrets.token_hex(8)
    return run_id


def status_badge(run: Run) -> None:
    """The run's state as a word, a colour and an icon."""
    word, colour, icon = STATUS[run.status]
    st.badge(word, color=colour, icon=icon)


def show_progress(run: Run) -> None:
    """The progress bar of a living run with its line of words."""
    if run.progress is None:
        st.progress(0.0, text="starting…")
    else:
        st.progress(done_share(run.progress), text=progress_line(run.progress))


def training_now(runs: list[Run]) -> Run | None:
    """The newest of these runs that trains, else the newest that waits."""
    return min((run for run in runs if run.active), key=lambda run: run.status is Status.QUEUED, default=None)


def outlook(workspace: Workspace, config: RunConfig | None, runs: list[Run]) -> None:
    """Before a start: the run that is training now, else the time that these settings will take on this machine.

    Args:
        workspace: where.
        config: the settings; None where they break a rule.
        runs: the workspace's runs as the page was drawn.
    """
    running = training_now(runs)
    state = "done" if running else _calibrated(workspace)
    looking = running is not None or state == "measuring"

    def look() -> None:
        listed = list_runs(workspace) if looking else runs
        now = training_now(listed)
        if (now and now.id) != (running and running.id):
            st.rerun()
        if now is not None:
            st.markdown(f"**{plain(now.name)}** is training; a run started now waits for its turn.")
            show_progress(now)
            return
        if state == "measuring" and _calibrated(workspace) != "measuring":
            st.rerun()
        if config is not None:
            st.caption(f":material/timer: {_quote(workspace, config, listed, state)}")

    st.fragment(look, run_every=TICK if looking else None)()


def _calibrated(workspace: Workspace) -> str:
    """Whether this machine has been measured; begins where it has not."""
    with guard():
        return calibrate(workspace)
    return "failed"


def _quote(workspace: Workspace, config: RunConfig, runs: list[Run], state: str) -> str:
    """How long a run will take, and what that rests on."""
    estimate = estimate_run(workspace, config, runs)
    if estimate is not None:
        return f"{duration(estimate.start_up + estimate.seconds)}, {plain(estimate.source)}"
    if state == "measuring":
        return "measuring this machine…"
    if state == "failed":
        return "no estimate: measuring this machine did not work (machine.log in the workspace says why)"
    return "the time is known once the pictures are here"


def pulse(workspace: Workspace, run: Run) -> None:
    """The name and progress of a living run, redrawn every second; the page is drawn anew when it ends."""

    def look() -> None:
        with guard():
            now = read_run(workspace, run.id)
            if not now.active:
                st.rerun()
            st.markdown(f"**{plain(now.name)}** is learning from {plain(now.config.data.dataset)}")
            show_progress(now)
            st.markdown(result_line(now))

    st.fragment(look, run_every=TICK)()


def follow(workspace: Workspace) -> None:
    """Draw the page anew when the run that trains now has finished an epoch or ended; nothing is shown."""
    drawn = active_run(workspace)

    def look() -> None:
        now = active_run(workspace)
        if (now and (now.id, now.status, now.last)) != (drawn and (drawn.id, drawn.status, drawn.last)):
            st.rerun()

    if drawn is not None:
        st.fragment(look, run_every=TICK)()


def watch(workspace: Workspace, run_id: str) -> None:
    """The live view of one run; it looks at the disk every second while the run lives, and not at all after."""
    living = read_run(workspace, run_id).active

    def look() -> None:
        with guard():
            run = read_run(workspace, run_id)
            if run.active != living:
                st.rerun()
            _head(workspace, run)
            metrics = read_metrics(workspace, run_id)
            if run.active or not metrics.empty:
                _curves(run, metrics)
            if not metrics.empty:
                _numbers(run, metrics)
            _last_words(workspace, run)

    st.fragment(look, run_every=TICK if living else None)()


def _head(workspace: Workspace, run: Run) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        status_badge(run)
        facts = [f"**{plain(run.name)}**", f"{plain(run.config.model.model)} on {plain(run.config.data.dataset)}"]
        facts += [plain(run.device)] if run.device else []
        st.markdown(" · ".join([*facts, f"{clock(run.seconds)} trained"]), width="stretch")
        for verb in ("pause", "stop") if run.active else ("resume",) if run.resumable else ():
            _action(workspace, run, verb)
    if run.active:
        show_progress(run)
    elif overrun_line(run):
        st.caption(overrun_line(run))


def _action(workspace: Workspace, run: Run, verb: str) -> None:
    icon, text, answer = ACTION_WORDS[verb]
    if st.button(verb.capitalize(), key=f"train_{verb}", icon=icon, help=text):
        with guard():
            ACTIONS[verb](workspace, run.id)
            st.toast(answer, icon=icon)


def _curves(run: Run, metrics: pd.DataFrame) -> None:
    """Both charts, empty ones too before the first epoch: the browser has loaded what draws them when points come."""
    st.markdown(result_line(run))
    best = run.best.epoch if run.best else None
    with st.grid(2, min_column_width=340):
        for kind in KINDS:
            st.plotly_chart(curves(metrics, kind, best, epoch_word(run)), key=f"train_{kind}", config={"displaylogo": False},
                            alt=f"{kind} per epoch: train, validation, test")  # fmt: skip
    words = read_curve(metrics, classes=len(run.dataset.class_names)) if run.dataset and run.best else ""
    st.markdown(
        f":material/lightbulb: {sentence(words)}" if words else "The first points appear when the first epoch ends."
    )


def _numbers(run: Run, metrics: pd.DataFrame) -> None:
    """The table twin of the charts."""
    with st.expander("The numbers of each epoch", icon=":material/table:"):
        st.dataframe(
            metrics,
            hide_index=True,
            alt="Loss and accuracy per epoch and split",
            column_config={
                name: st.column_config.NumberColumn(format="percent" if name.endswith("accuracy") else "%.4g")
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
        st.error(sentence(run.error) + kept, title=f"The run {STATUS[run.status][0]}")
    if run.error or run.status in (Status.FAILED, Status.INTERRUPTED):
        with st.expander("What the worker wrote", icon=":material/terminal:"):
            st.code(worker_log_tail(workspace, run.id) or "nothing", language=None)
