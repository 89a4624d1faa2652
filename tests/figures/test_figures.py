"""Figures: what they show, that text in them is escaped, and that they fit both themes."""

import re
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifar_core import figures
from cifar_core.errors import ConfigError, DataError
from cifar_core.evaluate import ConfusionMatrix, Normalisation
from cifar_core.figures import RunCurve
from cifar_core.figures.style import whole_number_step

NAMES = ("cat", "<b>dog</b>", "a & b")
COUNTED = np.array([[90, 7, 3], [5, 80, 15], [0, 15, 85]])
MATRIX = ConfusionMatrix(COUNTED, NAMES)
METRICS = pd.DataFrame(
    {
        "epoch": [1, 2, 3],
        "train_loss": [2.0, 1.5, 1.2],
        "train_accuracy": [0.3, 0.5, 0.6],
        "validation_loss": [2.1, 1.6, 1.4],
        "validation_accuracy": [0.28, 0.45, 0.5],
        "test_loss": [2.2, 1.7, 1.4],
        "test_accuracy": [0.27, 0.44, 0.5],
    }
)


THREE = figures.CurveScale(3)
WITHIN = pd.DataFrame({"epoch": [0.25, 0.5, 1.5], "accuracy": [0.1, 0.2, 0.4], "pictures": 200, "part": "validation"})
COUNTS = pd.DataFrame({"class": NAMES, "train": [10, 20, 30], "test": [1, 2, 3]})
EVERY_FIGURE: dict[str, Callable[[], go.Figure]] = {
    "accuracy": lambda: figures.curves(METRICS, "accuracy", THREE, ("best", 2), WITHIN),
    "loss": lambda: figures.curves(METRICS, "loss", THREE, ("best", 3)),
    "no epoch": lambda: figures.curves(METRICS.head(0), "loss", THREE),
    "overlay": lambda: figures.overlay_curves(
        [RunCurve("a", 0, "<img src=x>", METRICS), RunCurve("b", 1, "b", METRICS)], "test_accuracy"
    ),
    "overlay of none": lambda: figures.overlay_curves([], "test_loss"),
    "matrix": lambda: heatmap(MATRIX),
    "large matrix": lambda: heatmap(named(np.ones((50, 50), dtype=int), "<{}>")),
    "counts": lambda: figures.class_count_bars(COUNTS),
}


def named(counts: np.ndarray, name: str) -> ConfusionMatrix:
    """A matrix whose classes have a name with their number in it."""
    return ConfusionMatrix(counts, tuple(map(name.format, range(len(counts)))))


def heatmap(matrix: ConfusionMatrix, by: Normalisation = "count", hide: bool = False) -> go.Figure:
    """The figure of a matrix."""
    return figures.confusion_heatmap(figures.confusion_cells(matrix, by, hide))


@pytest.mark.parametrize("name", EVERY_FIGURE)
def test_every_figure_fits_both_themes_and_is_safe(name: str) -> None:
    figure = EVERY_FIGURE[name]()
    assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == "rgba(0,0,0,0)"
    assert figure.layout.font.color is None
    assert figure.layout.uirevision
    for text in texts(figure.to_plotly_json()):
        assert "<" not in re.sub(r"</?(b|br|extra)>", "", text), text
        assert "<b>dog" not in text
    assert figure.to_json()


def texts(node: Any) -> list[str]:
    """Every text of a figure except its template."""
    if isinstance(node, str):
        return [node]
    if isinstance(node, dict):
        return [text for key, value in node.items() if key != "template" for text in texts(value)]
    if isinstance(node, list | tuple):
        return [text for value in node for text in texts(value)]
    if isinstance(node, np.ndarray) and node.dtype.kind in "OU":
        return [text for value in node.tolist() for text in texts(value)]
    return []


@pytest.mark.parametrize("kind", ["accuracy", "loss"])
def test_curves_show_each_part_and_the_best_epoch(kind: Literal["accuracy", "loss"]) -> None:
    figure = figures.curves(METRICS, kind, THREE, ("best", 2))
    assert [trace.name for trace in figure.data] == ["training", "validation", "test"]
    for part, trace in zip(("train", "validation", "test"), figure.data, strict=True):
        unit = 100 if kind == "accuracy" else 1  # accuracies are drawn in per cent
        assert list(trace.y) == pytest.approx((unit * METRICS[f"{part}_{kind}"]).tolist())
        assert "markers" in trace.mode
    assert [shape.x0 for shape in figure.layout.shapes] == [2]
    assert figure.layout.annotations[0].text == "best: epoch 2"
    labels = [figures.curves(METRICS, kind, THREE, ("last", epoch)).layout.annotations[0] for epoch in (1, 2, 3)]
    assert [label.xanchor for label in labels] == ["center", "center", "right"], "inside the chart"
    assert labels[2].text == "last: epoch 3"
    early = figures.curves(METRICS, kind, figures.CurveScale(100), ("best", 1))
    assert early.layout.annotations[0].xanchor == "left"


def test_curves_without_a_validation_part() -> None:
    figure = figures.curves(METRICS.assign(validation_loss=None, validation_accuracy=None), "loss", THREE)
    assert [trace.name for trace in figure.data] == ["training", "test"]
    assert not figure.layout.shapes
    with pytest.raises(ConfigError, match="accuracy or loss"):
        figures.curves(METRICS, "speed", THREE)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["accuracy", "loss"])
def test_the_axes_of_a_run_stand_still_while_it_trains(kind: Literal["accuracy", "loss"]) -> None:
    scale = figures.CurveScale(10)
    seen = {
        (tuple(axes.xaxis.range), tuple(axes.yaxis.range), axes.uirevision)
        for axes in (figures.curves(METRICS[:count], kind, scale, within=WITHIN).layout for count in range(4))
    }
    ((x, y, _),) = seen
    assert x[0] < 0 < 10 < x[1] < 10.5
    assert (y[0] < 0 and 100 < y[1] < 105) if kind == "accuracy" else (y[0] < 0 and 2.4 < y[1] < 3)
    zoomed = figures.curves(METRICS, kind, figures.CurveScale(10, zoomed=True)).layout
    assert zoomed.yaxis.range is None and zoomed.uirevision not in {revision for *_, revision in seen}
    assert tuple(zoomed.xaxis.range) == x


def test_a_loss_that_grows_without_end_leaves_the_chart() -> None:
    """The axis doubles once, so that a loss above that of guessing is seen, and no more."""
    tops = []
    for last in (2.0, 4.0, 1e30, np.inf, np.nan):
        figure = figures.curves(METRICS.assign(test_loss=[2.2, 1.7, last]), "loss", THREE)
        tops.append(figure.layout.yaxis.range[1])
        assert np.isfinite([value for trace in figure.data for value in trace.y if value is not None]).sum() >= 8
    assert tops == [tops[0], *[2 * tops[0]] * 2, tops[0], tops[0]]
    assert figures.curves(METRICS, "loss", figures.CurveScale(3, 100)).layout.yaxis.range[1] == 2 * tops[0]


def test_the_accuracy_within_epochs_is_drawn_between_their_ends() -> None:
    *_, light = figures.curves(METRICS, "accuracy", THREE, within=WITHIN).data
    assert light.x.tolist() == [0.25, 0.5, 1, 1.5, 2, 3]
    assert light.y.tolist() == pytest.approx([10, 20, 28, 40, 45, 50])
    assert list(light.marker.size) == [4, 4, 0, 4, 0, 0], "the ends of the epochs have points of their own"
    assert "200 validation pictures" in light.hovertemplate and light.opacity < 1
    only = figures.curves(METRICS[:0], "accuracy", figures.CurveScale(1), within=WITHIN[:2])
    assert [trace.x.tolist() for trace in only.data] == [[0.25, 0.5]], "before the first epoch has ended"
    assert "within epochs" not in {trace.name for trace in figures.curves(METRICS, "loss", THREE, within=WITHIN).data}


def test_a_continued_run_has_the_epochs_before_it_to_its_left() -> None:
    """They keep their own numbers, and lines mark where each run was continued."""
    first, second = METRICS.assign(run="first"), METRICS[:2].assign(run="second")
    earlier = pd.concat([first, second], ignore_index=True).assign(place=range(-4, 1))
    figure = figures.curves(METRICS, "accuracy", THREE, ("best", 2), WITHIN, earlier)
    assert {trace.name for trace in figure.data} == {"training", "validation", "test", "within epochs"}
    test = next(trace for trace in figure.data if trace.name == "test")
    assert test.x.tolist() == [-4, -3, -2, -1, 0, 1, 2, 3] and test.customdata.tolist() == [1, 2, 3, 1, 2, 1, 2, 3]
    assert test.y.tolist() == pytest.approx([27, 44, 50, 27, 44, 27, 44, 50])
    assert "epoch %{customdata" in test.hovertemplate
    assert [line.x0 for line in figure.layout.shapes] == [-2, 0, 2], "each end of an earlier run, and the best epoch"
    assert [note.text for note in figure.layout.annotations] == ["continued", "continued", "best: epoch 2"]
    ticks = dict(zip(figure.layout.xaxis.tickvals, figure.layout.xaxis.ticktext, strict=True))
    assert ticks == {-4: "1", -3: "2", -2: "3", -1: "1", 0: "2", 1: "1", 2: "2", 3: "3"}
    low, high = figure.layout.xaxis.range
    assert low < -4 and high > 3
    worse = earlier.assign(test_loss=4.0)
    assert figures.curves(METRICS, "loss", THREE, earlier=worse).layout.yaxis.range[1] > 4
    alone = figures.curves(METRICS, "loss", THREE, earlier=earlier[:0])
    assert alone == figures.curves(METRICS, "loss", THREE)


def test_overlay_tells_many_runs_apart() -> None:
    runs = [RunCurve(f"id-{number}", number % 4, f"run {number}", METRICS) for number in range(12)]
    without = RunCurve("without", 0, "without", METRICS.drop(columns="test_loss"))
    figure = figures.overlay_curves([*runs, without], "test_loss")
    assert [trace.name for trace in figure.data] == [run.name for run in runs]
    assert len({(trace.line.color, trace.line.dash) for trace in figure.data}) == 12


def test_a_continued_run_stands_behind_the_epochs_of_the_run_before() -> None:
    earlier = METRICS.assign(run="a", place=range(1 - len(METRICS), 1))
    count = len(METRICS)
    curves = [RunCurve("a", 0, "a", METRICS), RunCurve("b", 1, "b", METRICS, count, earlier)]
    before, first, second = figures.overlay_curves(curves, "test_accuracy").data
    assert list(first.x) == list(range(1, count + 1)) and list(second.x) == list(range(count + 1, 2 * count + 1))
    assert list(before.x) == list(range(1, count + 2)) and not before.showlegend
    assert before.y[-1] == second.y[0] and list(before.y[:-1]) == list(first.y), "it leads from one to the other"
    (alone,) = figures.overlay_curves([RunCurve("b", 1, "b", METRICS, 5, earlier[:0])], "test_accuracy").data
    assert alone.x[0] == 6, "of a run before that is gone no curve is left"


def test_no_axis_shows_an_accuracy_over_100_percent() -> None:
    """Around the single point of a first epoch Plotly would show a range of 2."""
    for figure in (
        figures.curves(METRICS[:1], "accuracy", figures.CurveScale(3, zoomed=True)),
        figures.overlay_curves([RunCurve("a", 0, "a", METRICS[:1])], "test_accuracy"),
    ):
        bounds = figure.layout.yaxis.autorangeoptions
        assert -5 < bounds.clipmin < 0 and 100 < bounds.clipmax < 105


def test_matrix_has_the_colours_of_the_page_with_zero_white() -> None:
    cells = figures.confusion_cells(MATRIX, "true")
    right, wrong, *texts = figures.confusion_heatmap(cells).data
    shades = [shade.background for shade in figures.cell_shades("light")]
    for trace, first in ((wrong, 1), (right, 101)):
        assert [colour for _, colour in trace.colorscale] == ["#ffffff", *shades[first : first + 100]]
        assert (trace.zmin, trace.zmax) == (0, cells.top)
    off = ~np.eye(3, dtype=bool)
    assert wrong.z[off] == pytest.approx(cells.values[off]) and np.isnan(wrong.z.diagonal()).all()
    assert right.z.diagonal() == pytest.approx(cells.values.diagonal()) and np.isnan(right.z[off]).all()
    assert wrong.text[0][1] == "true cat, predicted &lt;b&gt;dog&lt;/b&gt;<br>7 of 100<br>row 7.0 %, column 6.9 %"
    assert sorted(text for trace in texts for text in trace.text) == sorted(text for row in cells.texts for text in row)
    hidden = heatmap(MATRIX, "count", True).data
    assert np.isnan(hidden[0].z).all() and sum(len(trace.text) for trace in hidden[2:]) == 6


def test_matrix_axes() -> None:
    figure = heatmap(MATRIX)
    assert list(figure.layout.yaxis.range) == [2.5, -0.5]  # the first true class on top
    assert figure.layout.yaxis.scaleanchor == "x"
    assert list(figure.layout.xaxis.ticktext) == ["cat", "&lt;b&gt;dog&lt;/b&gt;", "a &amp; b"]


@pytest.mark.parametrize("classes", [2, 30, 31, 1000])
def test_matrix_of_any_size(classes: int) -> None:
    figure = heatmap(named(np.eye(classes, dtype=int), "class {}"), "count", True)
    assert len(figure.data) == (5 if classes <= 30 else 2)
    assert figure.data[1].showscale == (classes > 30) and not figure.data[0].showscale
    assert len(figure.layout.xaxis.ticktext) <= 34
    assert figure.data[1].zmax > 0, "also without a mistake"
    assert len(figure.to_json()) < 3e6, "with many classes the most confused ones"


def test_probability_bars_mark_with_colour_and_words() -> None:
    bars = figures.probability_bars([0.1, 0.7, 0.2], NAMES, true=0, predicted=1)
    assert [bar.colour for bar in bars] == [figures.CORRECT, figures.WRONG, figures.NEUTRAL]
    assert [bar.text for bar in bars] == ["10.0\xa0%", "70.0\xa0%", "20.0\xa0%"]
    assert [(bar.name, bar.marks) for bar in bars] == list(zip(NAMES, ("true", "predicted", ""), strict=True))


def test_probability_bars_of_a_correct_and_an_unlabelled_picture() -> None:
    right, _ = figures.probability_bars([0.9, 0.1], "ab", true=0)
    assert (right.marks, right.colour) == ("true, predicted", figures.CORRECT)
    unknown, _ = figures.probability_bars([0.9, 0.1], "ab")
    assert (unknown.marks, unknown.colour) == ("predicted", figures.UNJUDGED)


def test_probability_bars_of_many_classes_keep_the_true_one() -> None:
    probs = np.full(100, 0.5 / 99)
    probs[7] = 0.5
    names = [f"class {number}" for number in range(100)]
    bars = figures.probability_bars(probs, names, true=99)
    assert len(bars) == 10
    assert (bars[0].name, bars[0].marks) == ("class 7", "predicted")
    assert (bars[-1].name, bars[-1].marks) == ("class 99", "true")


def test_invalid_input_is_refused() -> None:
    with pytest.raises(DataError, match="Class number 3 is not one of 0 to 2"):
        figures.probability_bars([0.1, 0.7, 0.2], NAMES, true=3)


def test_long_names_are_shortened_and_stay_distinct() -> None:
    figure = heatmap(named(np.eye(2, dtype=int), "x" * 60 + "{}"))
    assert [len(text) for text in figure.layout.xaxis.ticktext] == [24, 24]
    assert list(figure.layout.xaxis.tickvals) == [0, 1]


def test_html_page_needs_no_network() -> None:
    figure = heatmap(MATRIX)
    page = figures.figure_html(figure, "<script>run</script>")
    assert page.startswith("<!doctype html>")
    assert "<title>&lt;script&gt;run" in page
    assert not re.search(r'<script[^>]+src=|<link[^>]+href="http', page)
    assert figure.layout.paper_bgcolor == "rgba(0,0,0,0)"


@pytest.mark.fault(78)
def test_classes_named_by_numbers_stand_in_their_order() -> None:
    """On an axis of numbers Plotly would place the class 10 at ten."""
    names = [str(number) for number in range(13)]
    matrix = ConfusionMatrix(np.eye(13, dtype=int), tuple(names))
    counts = pd.DataFrame({"class": names, "train": range(13), "test": range(13)})
    figure = heatmap(matrix)
    for axis in (figure.layout.xaxis, figure.layout.yaxis, figures.class_count_bars(counts).layout.xaxis):
        assert (list(axis.tickvals), list(axis.ticktext)) == (list(range(13)), names)
    assert [bar.name for bar in figures.probability_bars(np.full(13, 1 / 13), names)] == names


@given(st.integers(1, 10**7), st.integers(2, 30))
def test_whole_numbers_are_few_and_a_step_apart(largest: int, ticks: int) -> None:
    step = whole_number_step(largest, ticks)
    labels = [f"{value:,.0f}" for value in np.arange(0, largest + 1, step)]
    assert len(labels) == len(set(labels)) <= ticks + 1
    assert str(step).rstrip("0") in ("1", "2", "5")
    assert step == 1 or len(labels) > ticks / 2.6, "no coarser than it must be"
