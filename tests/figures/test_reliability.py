"""The reliability diagram: what is drawn, what answers a click, and what is said."""

import numpy as np

from cifar_core.evaluate import BINS, CheckedPredictions, reliability_table
from cifar_core.figures import bin_words, reliability_diagram, reliability_words


def some_predictions(n: int = 300) -> CheckedPredictions:
    """Of three classes; too sure in the upper bins."""
    rng = np.random.default_rng(0)
    probs = rng.dirichlet([0.6, 0.6, 0.6], n)
    labels = np.array([rng.choice(3, p=0.6 * row + 0.4 / 3) for row in probs])
    return CheckedPredictions(labels, probs, ("cat", "dog", "owl"))


def test_bars_intervals_and_counts_are_those_of_the_table() -> None:
    table = reliability_table(some_predictions())
    filled = table[table["n"] > 0]
    drawn = {trace.name: trace for trace in reliability_diagram(table, None).data if trace.showlegend is not False}
    accuracy = next(trace for trace in reliability_diagram(table).data if trace.type == "bar")
    assert np.allclose(accuracy.y, 100 * filled["accuracy"])
    assert np.allclose(accuracy.x, 50 * (filled["low"] + filled["high"]))
    sure = drawn["too sure"]
    gap = (filled["confidence"] - filled["accuracy"]).clip(lower=0)
    assert np.allclose(sure.y, 100 * gap) and sure.visible
    (interval,) = (trace for trace in reliability_diagram(table).data if trace.error_y.array is not None)
    assert np.allclose(interval.y + np.array(interval.error_y.array), 100 * filled["accuracy_high"])
    assert np.allclose(interval.y - np.array(interval.error_y.arrayminus), 100 * filled["accuracy_low"])
    right, wrong = (
        trace for trace in reliability_diagram(table).data if trace.yaxis == "y2" and trace.customdata is None
    )
    assert right.y.tolist() == filled["right"].tolist()
    assert (right.y + wrong.y).tolist() == filled["n"].tolist() and wrong.base.tolist() == right.y.tolist()


def test_only_bins_with_pictures_answer_a_click_in_both_panels() -> None:
    table = reliability_table(some_predictions(20))
    filled = np.flatnonzero(table["n"])
    assert 0 < len(filled) < BINS
    columns = [trace for trace in reliability_diagram(table).data if trace.customdata is not None]
    assert {trace.yaxis for trace in columns} == {"y", "y2"}
    for trace in columns:
        assert list(trace.customdata) == filled.tolist()
    others = [trace for trace in reliability_diagram(table).data if trace.customdata is None]
    assert all(trace.hoverinfo == "skip" for trace in others)


def test_the_chosen_bin_has_a_frame() -> None:
    table = reliability_table(some_predictions())
    assert not reliability_diagram(table).layout.shapes
    (frame,) = reliability_diagram(table, 14).layout.shapes
    assert (round(frame.x0, 6), frame.x1) == (round(1400 / 15, 6), 100)


def test_it_is_told_in_words() -> None:
    """Four pictures: two in one bin, of which one is right; two in the last one, both right."""
    probs = [[0.7, 0.3], [0.7, 0.3], [1.0, 0.0], [1.0, 0.0]]
    table = reliability_table(CheckedPredictions(np.array([0, 1, 0, 0]), np.array(probs), ("cat", "dog")))
    words = reliability_words(table).replace("\u00a0", " ")
    assert "2 bins of 15 hold pictures: in 1 it is right less often than it says, in 0 more often" in words
    assert "The widest gap is between 66.7 to 73.3 %: it says 70.0 % and is right in 50.0 % (n = 2)" in words
    assert bin_words(table.iloc[14]).replace("\u00a0", " ") == "93.3 to 100.0 %"


def test_a_single_picture_is_drawn() -> None:
    table = reliability_table(CheckedPredictions(np.array([0]), np.array([[0.5, 0.5]]), ("cat", "dog")))
    assert len(reliability_diagram(table, 7).to_json()) and "1 bin of 15" in reliability_words(table)
