"""What a run answers to a saved view, and whether it is worse there than the run before. Pure functions.

Two runs can be compared on a view only where both are asked about the same pictures. So the pictures of a view are
those that its true classes, id text and tags fix; the rest of its filter depends on the predictions and says what is
counted among them (`Measure`). A limit per pair is for looking and is not judged.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cifar_core.evaluate import Interval, PairedComparison, compare_right, wilson_interval
from cifar_core.samples import SampleFilter, passing, with_tags
from cifar_core.saved_views.views import View
from cifar_core.text import counted, percent

Bools = NDArray[np.bool_]
# What is counted among the pictures of a view:
# accuracy: the right ones, where nothing but the outcome depends on the predictions; more is better.
# mistakes: the wrong ones that the whole filter keeps, say those predicted as dog; fewer is better.
# correct: the right ones that it keeps, where it keeps right ones alone, say those with a high confidence.
Measure = Literal["accuracy", "mistakes", "correct"]


@dataclass(frozen=True)
class Outcome:
    """How a run does on the pictures of a view."""

    measure: Measure
    good: Bools  # [n], for each picture of the view: right; no such mistake; such a correct prediction


@dataclass(frozen=True)
class ViewAnswer:
    """What a run answers to a view."""

    view: View
    measure: Measure
    n: int  # pictures of the view in the test part
    count: int  # of them those that the measure counts
    share: Interval | None  # count / n with its 95 % interval (Wilson); None without pictures
    change: PairedComparison | None = None  # A: the run before, B: this one; in `good`, so higher is better

    @property
    def worse(self) -> bool:
        """Whether the run does worse than the run before, by more than chance explains (95 % interval below 0)."""
        return self.change is not None and self.change.difference.high < 0


def measure_of(sample_filter: SampleFilter) -> Measure:
    """What is counted for a view with this filter."""
    if not sample_filter.predicted and not sample_filter.ranges:
        return "accuracy"
    return "correct" if sample_filter.outcome == "correct" else "mistakes"


def outcome_of(table: pd.DataFrame, sample_filter: SampleFilter, tags: Mapping[str, tuple[str, ...]]) -> Outcome:
    """How a run does on the pictures of a view.

    Args:
        table: of `sample_table`, all test pictures of the run.
        sample_filter: of the view.
        tags: the words of each picture that has any, by id.
    """
    if sample_filter.tags:  # the few tagged ones first: many runs are asked at once
        words = frozenset(sample_filter.tags)
        tagged = [name for name, given in tags.items() if not words.isdisjoint(given)]
        table = with_tags(table[table["id"].isin(tagged)], tags)
    fixed = SampleFilter(true=sample_filter.true, text=sample_filter.text, tags=sample_filter.tags, outcome="all")
    rows = table[passing(table, fixed)]
    right, measure = rows["correct"].to_numpy(), measure_of(sample_filter)
    if measure == "accuracy":
        return Outcome(measure, right)
    kept = passing(rows, sample_filter)
    return Outcome(measure, ~kept | right if measure == "mistakes" else kept & right)


def answer_view(view: View, now: Outcome, before: Outcome | None = None) -> ViewAnswer:
    """The answer of a run to a view.

    Args:
        view: what is asked.
        now: of this run.
        before: of the run before on the same test pictures; None where there is none.
    """
    n, good = len(now.good), int(now.good.sum())
    count = n - good if now.measure == "mistakes" else good
    share = Interval(count / n, *wilson_interval(count, n)) if n else None
    change = compare_right(before.good, now.good) if before is not None and n else None
    return ViewAnswer(view, now.measure, n, count, share, change)


def answer_words(answer: ViewAnswer) -> str:
    """The answer as text, such as `71.2 % of 120 right (62.6 to 78.5 %)`."""
    if answer.share is None:
        return "no test picture is in it"
    share, low, high = answer.share
    interval = f"{100 * low:.1f} to {percent(high)}"
    if answer.measure == "accuracy":
        return f"{percent(share)} of {answer.n:,} right ({interval})"
    noun = counted(answer.count, "such mistake" if answer.measure == "mistakes" else "such prediction")
    return f"{noun}, {percent(share)} of {answer.n:,} ({interval})"


def change_words(answer: ViewAnswer, previous: str) -> str:
    """How the answer differs from that of the run before, `previous`; empty where nothing was compared."""
    if answer.change is None:
        return ""
    value, low, high = (100 * number for number in answer.change.difference)
    if answer.worse:
        return f"worse than {previous} by {-value:.1f} points ({-high:.1f} to {-low:.1f})"
    if low > 0:
        return f"better than {previous} by {value:.1f} points ({low:.1f} to {high:.1f})"
    if answer.change.fixed == answer.change.broken == 0:
        return f"the same as {previous}"
    ends = (-high, -low) if answer.measure == "mistakes" else (low, high)  # of the share that is shown
    bounds = " to ".join(f"{end:+.1f}".replace("-", "−") for end in ends)
    return f"no clear difference from {previous} ({bounds} points)"


def judged_words(sample_filter: SampleFilter) -> str:
    """How a view with this filter will be judged, as a sentence."""
    return {
        "accuracy": "Each run will answer with its accuracy on these pictures.",
        "mistakes": "Each run will answer with its share of such mistakes: fewer is better.",
        "correct": "Each run will answer with its share of such correct predictions: more is better.",
    }[measure_of(sample_filter)]


def worse_phrase(answers: Iterable[ViewAnswer]) -> str:
    """`worse on 1 view`; empty where there is none."""
    worse = sum(answer.worse for answer in answers)
    return f"worse on {counted(worse, 'view')}" if worse else ""
