"""What a run has reached: one large number, one sentence on its curves, and below them the rest in small print."""

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from cifar_core.evaluate import curve_events, judge_curve
from cifar_core.runs import Run, Status, network_missing
from pages.ui.markdown import escaped, escaped_sentence
from pages.ui.wording import accuracy_interval, epoch_word, percent

_FIRST_WORDS = "The first measurement comes within the first epoch."


@dataclass(frozen=True)
class Headline:
    """The one number of a run that is watched."""

    label: str  # which accuracy it is, of which part and how many pictures
    value: str
    small_print: str  # how sure it is, of which epoch, and the last epoch where that is another one


def headline(run: Run, within: pd.DataFrame) -> Headline:
    """Return the number to show large: the test accuracy of the reported epoch, before there is one that within it.

    Args:
        run: the run.
        within: of `read_within_epochs`.
    """
    so_far = "" if run.status is Status.FINISHED else " so far"
    if run.best is None:
        if within.empty:
            return Headline(f"Accuracy{so_far}", "–", _FIRST_WORDS if run.active else "")
        newest = within.iloc[-1]
        label = f"Accuracy{so_far} · {newest['part']}, n = {newest['pictures']:,.0f}"
        return Headline(
            label, percent(float(newest["accuracy"])), "Measured within the first epoch, on a few pictures."
        )
    n = f", n = {run.dataset.test:,}" if run.dataset else ""
    best, last, value = run.best, run.last or run.best, percent(run.best.test_accuracy)
    parts = [accuracy_interval(run, best.test_accuracy), _epoch_words(run)]
    if last.epoch != best.epoch:
        same = percent(last.test_accuracy) == value
        parts.append(f"{'the same' if same else percent(last.test_accuracy)} at epoch {last.epoch}, the last{so_far}")
    return Headline(f"Accuracy{so_far} · test{n}", value, " · ".join(filter(None, parts)))


def _epoch_words(run: Run) -> str:
    """Return which epoch the number is of, and why that one; empty where there is none."""
    if run.best is None or not run.has_network:
        return ""
    epoch = f"epoch {run.best.epoch} of {run.config.optimizer.epochs}"
    if epoch_word(run) == "best":
        return f"{epoch}, the best by validation"
    looks = run.best.looks or 1
    earlier = "; earlier epochs: one view" if run.best.epoch > 1 else ""
    views = f", mean of {looks} views of each picture{earlier}" if looks > 1 else ""
    return f"{epoch}, the last{'' if run.status is Status.FINISHED else ' so far'} (no validation part){views}"


def show_result_so_far(run: Run, metrics: pd.DataFrame, within: pd.DataFrame) -> None:
    """Show the number with its sentence; the same elements in every state, so that nothing moves at a refresh."""
    number = headline(run, within)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.metric(number.label, number.value, width="content")
        with st.container(width="stretch", gap="xsmall"):
            st.markdown(_sentence(run, metrics))
            st.caption(number.small_print)


def _sentence(run: Run, metrics: pd.DataFrame) -> str:
    if not run.has_network:
        return escaped_sentence(network_missing(run))
    if run.waits:
        return f"It waits for {escaped(run.place.words)}." if run.is_elsewhere else "It waits for its turn."
    if metrics.empty:
        return "Its first epoch has not ended." if run.active else "It ended before its first epoch did."
    if run.diverged:  # which the notice above says; the curves before it may look well
        return "These are the numbers of the epochs before it diverged."
    return f":material/lightbulb: {escaped_sentence(judge_curve(metrics, classes=class_count(run)).sentence)}"


def show_events(run: Run, metrics: pd.DataFrame) -> None:
    """Show what happened to the curves, each with the epoch at which it began, except what the sentence says already.

    These stay with the run after its end.
    """
    if metrics.empty:
        return
    said = "" if run.diverged else judge_curve(metrics, classes=class_count(run)).sentence
    events = curve_events(metrics, classes=class_count(run))
    more = [event for event in events if event != said]
    st.markdown("**What happened on the way**")
    if more:
        st.markdown("\n".join(f"- {escaped_sentence(event)}" for event in more))
    elif events:
        st.caption("Nothing else than what stands above.")
    else:
        st.caption(
            f"Nothing to note{' so far' if run.active else ''}: no plateau, no overfitting, no jump of the loss."
        )


def class_count(run: Run) -> int:
    """Return the number of classes of a run; that of CIFAR-10 before the run has opened its data."""
    return len(run.dataset.class_names) if run.dataset else 10
