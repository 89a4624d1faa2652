"""Charts of a sweep: every dot is a trial where its table says, the front is stepped, bars are in their order."""

from typing import Any

import pandas as pd
import pytest

from cifar_core.figures.sweep import (
    effect_chart,
    effect_words,
    importance_chart,
    importance_words,
    setting_axis,
    slice_chart,
    slice_words,
    time_chart,
    time_words,
)
from cifar_core.sweeps.space import Dimension
from cifar_core.sweeps.sweep import Trial, TrialRun
from tests.figures.sweep.made_trials import trial


def timed(number: int, value: float | None, seconds: float, runs: int = 1) -> Trial:
    made = tuple(TrialRun("r", seed, "finished", value, (value or 0.2,), seconds) for seed in range(runs))
    return Trial(number, {"learning_rate": 0.01}, made, "pruned" if value is None else "finished", value)


def dots(figure: Any) -> dict[int, tuple[float, float]]:
    """Where each trial is drawn."""
    return {
        number: (x, y)
        for trace in figure.data
        if trace.customdata is not None
        for number, x, y in zip(trace.customdata, trace.x, trace.y, strict=True)
    }


def test_a_slice_has_a_dot_for_each_trial_with_a_result_and_a_star_for_the_best() -> None:
    trials = [
        trial(3, {"dropout": 0.1}, 0.7),
        trial(5, {"dropout": 0.5}, 0.8),
        trial(7, {"dropout": 0.2}, None, (0.3,)),
    ]
    trials.append(trial(9, {"dropout": 0.3}))
    axis = setting_axis(Dimension("dropout", 0.0, 0.5), trials)
    figure = slice_chart(axis, trials, best=5)
    assert dots(figure) == {3: (pytest.approx(0.2), 70.0), 5: (1.0, 80.0), 7: (pytest.approx(0.4), 30.0)}
    star = next(trace for trace in figure.data if trace.marker.symbol == "star")
    assert list(star.customdata) == [5]
    assert slice_words(axis, trials, 5).endswith("The best, trial 5, has 0.5.")


def test_time_is_that_of_a_run_and_the_front_is_in_steps() -> None:
    trials = [timed(1, 0.7, 60, runs=2), timed(2, 0.8, 240), timed(3, 0.6, 300), timed(4, None, 30)]
    figure = time_chart(trials, [trials[0], trials[1]], best=2)
    assert dots(figure) == {1: (1.0, 70.0), 2: (4.0, 80.0), 3: (5.0, 60.0), 4: (0.5, 20.0)}, "in minutes"
    front = figure.data[0]
    assert (list(front.x), list(front.y), front.line.shape) == ([1.0, 4.0], [70.0, 80.0], "hv")
    words = time_words(trials, [trials[0], trials[1]])
    assert "from 70.0\u00a0% in 1:00 (trial 1) to 80.0\u00a0% in 4:00 (trial 2)" in words
    assert time_words([], []).endswith("None has finished yet.") and time_chart([], []).data


def test_the_most_important_setting_is_on_top() -> None:
    shares = {"dropout": 0.1, "learning_rate": 0.6, "flip": 0.3}
    bars = importance_chart(shares).data[0]
    assert list(bars.y) == ["Dropout", "Flip left to right", "Learning rate"], "Plotly draws from below"
    assert list(bars.x) == pytest.approx([10, 30, 60])
    assert "Learning rate 60.0\u00a0%, Flip left to right 30.0\u00a0%, Dropout" in importance_words(shares)


def effect(values: list[Any], runs: int = 3) -> pd.DataFrame:
    row = {"mean": 0.8, "low": 0.75, "high": 0.9, "values": tuple([0.8] * runs)}
    return pd.DataFrame([{"value": value, **row} for value in values])


def test_an_effect_has_its_means_their_intervals_and_every_run() -> None:
    figure = effect_chart("learning_rate", effect([1e-3, 1e-2, 1e-1]), start=1e-2)
    runs, means = figure.data
    assert list(means.x) == pytest.approx([0, 0.5, 1]) and means.mode == "lines+markers"
    assert list(means.error_y.array) == pytest.approx([10] * 3) and list(means.error_y.arrayminus) == pytest.approx(
        [5] * 3
    )
    assert len(runs.x) == 9 and set(runs.y) == {80.0}
    assert figure.layout.annotations[0].text == "before: 0.01" and figure.layout.shapes[0].x0 == pytest.approx(0.5)
    assert "0.001: 80.0\u00a0% (75.0 to 90.0\u00a0%)" in effect_words("learning_rate", effect([1e-3]))


def test_choices_are_not_joined_by_a_line_and_a_single_run_is_its_mean() -> None:
    for name, values in (("optimizer", ["adam", "sgd"]), ("flip", [True, False])):
        runs, means = effect_chart(name, effect(values, runs=1)).data
        assert means.mode == "markers" and not len(runs.x) and not runs.showlegend
    whole = effect_chart("batch_size", effect([32, 64])).data[1]
    assert whole.mode == "lines+markers", "whole numbers of a table are no Python numbers"
