"""What a run answers to a view, against counts made by hand, and whether the runs' pictures stay the same."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cifar_core.evaluate import CheckedPredictions, Interval
from cifar_core.samples import SampleFilter, sample_table
from cifar_core.saved_views import (
    View,
    ViewAnswer,
    answer_view,
    answer_words,
    change_words,
    judged_words,
    outcome_of,
    worse_phrase,
)

NAMES = ("cat", "dog", "frog")


def table_of(labels: list[int], predicted: list[int], confidence: float | list[float] = 0.8) -> pd.DataFrame:
    sure = np.broadcast_to(confidence, len(labels))
    probs = np.repeat((1 - sure)[:, None] / 2, 3, axis=1)
    probs[np.arange(len(labels)), predicted] = sure
    return sample_table(
        CheckedPredictions(labels, probs, NAMES), [f"test/{number:03}" for number in range(len(labels))]
    )


def view(sample_filter: SampleFilter) -> View:
    return View("k", "v", sample_filter, "", "")


def answer(sample_filter: SampleFilter, now: pd.DataFrame, before: pd.DataFrame | None = None) -> ViewAnswer:
    outcomes = [None if each is None else outcome_of(each, sample_filter, {}) for each in (now, before)]
    assert outcomes[0] is not None
    return answer_view(view(sample_filter), outcomes[0], outcomes[1])


def test_without_a_part_of_the_prediction_it_is_the_accuracy_of_fixed_pictures() -> None:
    now = table_of([0, 0, 0, 0, 1, 2], [0, 0, 0, 1, 1, 1])
    for outcome in ("mistakes", "correct", "all"):
        found = answer(SampleFilter(true=("cat",), outcome=outcome), now)
        assert (found.measure, found.n, found.count) == ("accuracy", 4, 3)
        assert answer_words(found) == "75.0\u00a0% of 4 right (30.1 to 95.4\u00a0%)"
    one = answer(SampleFilter(text="/005"), now)
    assert (one.n, one.count) == (1, 0) and not one.worse
    assert answer(SampleFilter(true=("cat",), per_pair=1), now).n == 4, "a limit per pair is not judged"
    odd = SampleFilter(true=("cat", "frog"), tags=("odd", "dark"))
    tagged = outcome_of(now, odd, {"test/000": ("odd",), "test/003": ("dark", "x"), "test/004": ("odd",)})
    assert tagged.good.tolist() == [True, False]


def test_with_a_part_of_the_prediction_matches_are_counted_among_the_same_pictures() -> None:
    now = table_of([0, 0, 0, 0, 1, 2], [1, 1, 0, 2, 1, 1], [0.9, 0.5, 0.9, 0.9, 0.9, 0.9])
    as_dog = SampleFilter(true=("cat",), predicted=("dog",))
    found = answer(as_dog, now)
    assert (found.measure, found.n, found.count) == ("mistakes", 4, 2)
    assert answer_words(found).startswith("2 such mistakes, 50.0\u00a0% of 4 (")
    sure = replace(as_dog, true=(), ranges={"confidence": (0.8, math.inf)})
    assert (answer(sure, now).n, answer(sure, now).count) == (6, 2)
    assert answer(replace(sure, outcome="all"), now).count == 2, "what is right is no mistake, wherever it is shown"
    right = answer(replace(sure, outcome="correct"), now)
    assert (right.measure, right.n, right.count) == ("correct", 6, 1)
    assert answer_words(right).startswith("1 such prediction, 16.7")


def test_worse_needs_an_interval_below_zero_whichever_way_is_better() -> None:
    labels = [0] * 40
    good, bad = table_of(labels, [0] * 36 + [1] * 4), table_of(labels, [0] * 20 + [1] * 20)
    for sample_filter in (
        SampleFilter(true=("cat",)),
        SampleFilter(predicted=("dog",)),
        SampleFilter(ranges={"confidence": (0.5, math.inf)}, outcome="correct"),
    ):
        worse, better = answer(sample_filter, bad, good), answer(sample_filter, good, bad)
        assert worse.worse and not better.worse
        assert change_words(worse, "old").startswith("worse than old by 40.0 points (")
        assert change_words(better, "old").startswith("better than old by 40.0 points (")
    near = table_of(labels, [0] * 35 + [1] * 5)
    little = answer(SampleFilter(true=("cat",)), near, good)
    assert not little.worse
    assert change_words(little, "an-old").startswith("no clear difference from an-old (−")
    as_dog = answer(SampleFilter(predicted=("dog",)), near, good)
    assert change_words(little, "").endswith("(−12.4 to +6.5 points)"), "of the share that is shown"
    assert change_words(as_dog, "").endswith("(−6.5 to +12.4 points)"), "of the mistakes"
    assert change_words(answer(SampleFilter(true=("cat",)), good, good), "old") == "the same as old"
    assert change_words(answer(SampleFilter(true=("cat",)), good), "old") == ""
    worse = answer(SampleFilter(true=("cat",)), bad, good)
    assert [worse_phrase([worse] * times) for times in range(3)] == ["", "worse on 1 view", "worse on 2 views"]


def test_a_view_without_pictures_has_no_share_and_is_not_worse() -> None:
    empty = answer(SampleFilter(true=("frog",)), table_of([0], [1]), table_of([0], [0]))
    assert (empty.n, empty.share, empty.worse, change_words(empty, "old")) == (0, None, False, "")
    assert answer_words(empty) == "no test picture is in it"


@settings(max_examples=40)
@given(st.lists(st.tuples(*[st.integers(0, 2)] * 3), min_size=1, max_size=30), st.data())
def test_any_two_runs_are_asked_about_the_same_pictures(rows: list[tuple[int, int, int]], data: st.DataObject) -> None:
    labels, first, second = (list(column) for column in zip(*rows, strict=True))
    sample_filter = SampleFilter(
        true=tuple(data.draw(st.sets(st.sampled_from(NAMES)))),
        predicted=tuple(data.draw(st.sets(st.sampled_from(NAMES)))),
        text=data.draw(st.sampled_from(["", "00", "1"])),
        outcome=data.draw(st.sampled_from(["mistakes", "correct", "all"])),
    )
    found = answer(sample_filter, table_of(labels, first), table_of(labels, second))
    wanted = [
        number
        for number, label in enumerate(labels)
        if (not sample_filter.true or NAMES[label] in sample_filter.true) and sample_filter.text in f"test/{number:03}"
    ]
    assert found.n == len(wanted) and judged_words(sample_filter)
    if found.n:
        assert isinstance(found.share, Interval) and found.change is not None
        assert found.share.value == pytest.approx(found.count / found.n)
        now = found.change.accuracy_b.value
        assert now == pytest.approx(found.share.value if found.measure != "mistakes" else 1 - found.share.value)
