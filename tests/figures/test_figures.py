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
from cifar_core.evaluate import ConfusionMatrix
from cifar_core.figures.heatmap import _text_colour
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


COUNTS = pd.DataFrame({"class": NAMES, "train": [10, 20, 30], "test": [1, 2, 3]})
EVERY_FIGURE: dict[str, Callable[[], go.Figure]] = {
    "accuracy": lambda: figures.curves(METRICS, "accuracy", 2),
    "loss": lambda: figures.curves(METRICS, "loss", 3),
    "no epoch": lambda: figures.curves(METRICS.head(0), "loss"),
    "overlay": lambda: figures.overlay_curves([("<img src=x>", METRICS), ("b", METRICS)], "test_accuracy"),
    "overlay of none": lambda: figures.overlay_curves([], "test_loss"),
    "matrix": lambda: figures.confusion_heatmap(MATRIX),
    "matrix, selected": lambda: figures.confusion_heatmap(MATRIX, "predicted", True, (0, 1)),
    "large matrix": lambda: figures.confusion_heatmap(named(np.ones((50, 50), dtype=int), "<{}>")),
    "counts": lambda: figures.class_count_bars(COUNTS),
    "bars": lambda: figures.probability_bars([0.1, 0.7, 0.2], NAMES, 0, 1),
}


def named(counts: np.ndarray, name: str) -> ConfusionMatrix:
    """A matrix whose classes have a name with their number in it."""
    return ConfusionMatrix(counts, tuple(map(name.format, range(len(counts)))))


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
    figure = figures.curves(METRICS, kind, 2)
    assert [trace.name for trace in figure.data] == ["train", "validation", "test"]
    for trace in figure.data:
        unit = 100 if kind == "accuracy" else 1  # accuracies are drawn in per cent
        assert list(trace.y) == pytest.approx((unit * METRICS[f"{trace.name}_{kind}"]).tolist())
        assert "markers" in trace.mode
    assert [shape.x0 for shape in figure.layout.shapes] == [2]
    assert figure.layout.annotations[0].text == "best: epoch 2"
    labels = [figures.curves(METRICS, kind, epoch).layout.annotations[0] for epoch in (1, 2, 3)]
    assert [label.xanchor for label in labels] == ["left", "center", "right"], "inside the chart at both ends"
    assert figures.curves(METRICS, kind, 3, "last").layout.annotations[0].text == "last: epoch 3"


def test_curves_without_a_validation_part() -> None:
    figure = figures.curves(METRICS.assign(validation_loss=None, validation_accuracy=None), "loss")
    assert [trace.name for trace in figure.data] == ["train", "test"]
    assert not figure.layout.shapes
    with pytest.raises(ConfigError, match="accuracy or loss"):
        figures.curves(METRICS, "speed")  # type: ignore[arg-type]


def test_overlay_tells_many_runs_apart() -> None:
    runs = [(f"run {number}", METRICS) for number in range(12)]
    figure = figures.overlay_curves([*runs, ("without", METRICS.drop(columns="test_loss"))], "test_loss")
    assert [trace.name for trace in figure.data] == [name for name, _ in runs]
    assert len({(trace.line.color, trace.line.dash) for trace in figure.data}) == 12


def test_without_points_the_axes_show_the_possible_range() -> None:
    assert [list(figures.curves(METRICS[:0], kind).layout.yaxis.range) for kind in ("accuracy", "loss")] == [
        [0, 100],
        [0, 2.5],
    ]
    assert figures.curves(METRICS, "accuracy").layout.yaxis.range is None


def test_no_axis_shows_an_accuracy_over_100_percent() -> None:
    """Around the single point of a first epoch Plotly would show a range of 2."""
    for figure in (
        figures.curves(METRICS[:1], "accuracy"),
        figures.overlay_curves([("a", METRICS[:1])], "test_accuracy"),
    ):
        bounds = figure.layout.yaxis.autorangeoptions
        assert -5 < bounds.clipmin < 0 and 100 < bounds.clipmax < 105


@pytest.mark.parametrize("by", ["count", "true", "predicted"])
@pytest.mark.parametrize("hide", [False, True])
def test_matrix_cells(by: str, hide: bool) -> None:
    figure = figures.confusion_heatmap(MATRIX, by, hide)  # type: ignore[arg-type]
    heat, white, black, cells = figure.data
    shares = {
        "count": COUNTED.astype(float),
        "true": 100 * COUNTED / COUNTED.sum(axis=1, keepdims=True),
        "predicted": 100 * COUNTED / COUNTED.sum(axis=0, keepdims=True),
    }[by]
    off = ~np.eye(3, dtype=bool)
    assert heat.z[off] == pytest.approx(shares[off])
    assert np.isnan(heat.z.diagonal()).all() == hide
    assert heat.zmax == pytest.approx(shares[off].max() if hide else shares.max())
    assert len(white.text) + len(black.text) == (6 if hide else 9)
    for trace in (white, black):  # a click must not dim the other cells
        assert trace.textfont.color == trace.selected.textfont.color == trace.unselected.textfont.color
    assert cells.text[1].startswith(
        "true cat, predicted &lt;b&gt;dog&lt;/b&gt;<br><b>7</b> pictures<br>7.0 % of true cat"
    )
    assert "6.9 % of predicted" in cells.text[1]


def test_matrix_has_a_clickable_square_on_every_cell() -> None:
    cells = figures.confusion_heatmap(MATRIX, hide_diagonal=True).data[-1]
    assert (cells.mode, cells.opacity, cells.marker.symbol, cells.showlegend) == ("markers", 0, "square", False)
    assert [list(cell) for cell in cells.customdata] == [[row, column] for row in range(3) for column in range(3)]
    assert [list(cell) for cell in zip(cells.y, cells.x, strict=True)] == [list(cell) for cell in cells.customdata]
    assert cells.selected.marker.opacity == cells.unselected.marker.opacity == 0


def test_matrix_axes_and_selection() -> None:
    figure = figures.confusion_heatmap(MATRIX, selected=(2, 0))
    assert list(figure.layout.yaxis.range) == [2.5, -0.5]  # the first true class on top
    assert figure.layout.yaxis.scaleanchor == "x"
    assert list(figure.layout.xaxis.ticktext) == ["cat", "&lt;b&gt;dog&lt;/b&gt;", "a &amp; b"]
    (shape,) = figure.layout.shapes
    assert (shape.x0, shape.x1, shape.y0, shape.y1, shape.line.color) == (-0.5, 0.5, 1.5, 2.5, figures.WRONG)


@pytest.mark.parametrize("classes", [2, 10, 30, 31, 100])
def test_matrix_of_any_size(classes: int) -> None:
    figure = figures.confusion_heatmap(named(np.eye(classes, dtype=int), "class {}"), "count", True)
    assert len(figure.data) == (4 if classes <= 30 else 2)
    assert figure.data[0].showscale == (classes > 30)
    assert len(figure.layout.xaxis.ticktext) <= 34
    assert len(figure.data[-1].customdata) == classes**2


def test_a_matrix_of_a_thousand_classes_fits_into_a_message_to_the_browser() -> None:
    """Markers on its million cells took 227 MB, but Streamlit sends at most 200: only cells with pictures have one."""
    rng = np.random.default_rng(0)
    matrix = np.zeros((1000, 1000), int)
    np.add.at(matrix, (rng.integers(0, 1000, 10_000), rng.integers(0, 1000, 10_000)), 1)
    figure = figures.confusion_heatmap(named(matrix, "class number {:04}"))
    assert [list(cell) for cell in figure.data[-1].customdata] == np.argwhere(matrix).tolist()
    assert len(figure.to_json()) < 20e6


def test_text_in_cells_has_the_contrast_of_wcag() -> None:
    for share in np.linspace(0, 1, 101):
        position = share * (len(figures.CIVIDIS) - 1)
        low = min(int(position), len(figures.CIVIDIS) - 2)
        first, second = (np.array([int(figures.CIVIDIS[n][i : i + 2], 16) for i in (1, 3, 5)]) for n in (low, low + 1))
        value = (first + (position - low) * (second - first)) / 255
        linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
        luminance = linear @ [0.2126, 0.7152, 0.0722]
        text = {"white": 1.0, "black": 0.0}[_text_colour(float(share))]
        assert (max(text, luminance) + 0.05) / (min(text, luminance) + 0.05) >= 4.5


def test_probability_bars_mark_with_colour_and_words() -> None:
    figure = figures.probability_bars([0.1, 0.7, 0.2], NAMES, true=0, predicted=1)
    (bars,) = figure.data
    assert list(bars.marker.color) == [figures.CORRECT, figures.WRONG, figures.NEUTRAL]
    assert list(bars.text) == ["10 %", "70 %", "20 %"]
    assert list(figure.layout.yaxis.ticktext) == [
        "<b>cat</b> (true)",
        "<b>&lt;b&gt;dog&lt;/b&gt;</b> (predicted)",
        "a &amp; b",
    ]


def test_probability_bars_of_a_correct_and_an_unlabelled_picture() -> None:
    right = figures.probability_bars([0.9, 0.1], "ab", true=0)
    assert right.layout.yaxis.ticktext[0] == "<b>a</b> (true, predicted)"
    assert right.data[0].marker.color[0] == figures.CORRECT
    unknown = figures.probability_bars([0.9, 0.1], "ab")
    assert unknown.layout.yaxis.ticktext[0] == "<b>a</b> (predicted)"
    assert unknown.data[0].marker.color[0] == figures.UNJUDGED


def test_probability_bars_of_many_classes_keep_the_true_one() -> None:
    probs = np.full(100, 0.5 / 99)
    probs[7] = 0.5
    names = [f"class {number}" for number in range(100)]
    ticks = figures.probability_bars(probs, names, true=99).layout.yaxis.ticktext
    assert len(ticks) == 10
    assert ticks[0] == "<b>class 7</b> (predicted)"
    assert ticks[-1] == "<b>class 99</b> (true)"


def test_invalid_input_is_refused() -> None:
    with pytest.raises(DataError, match="Class number 3 is not one of 0 to 2"):
        figures.probability_bars([0.1, 0.7, 0.2], NAMES, true=3)
    with pytest.raises(ConfigError, match="not by 'rows'"):
        figures.confusion_heatmap(MATRIX, "rows")  # type: ignore[arg-type]


def test_long_names_are_shortened_and_stay_distinct() -> None:
    figure = figures.confusion_heatmap(named(np.eye(2, dtype=int), "x" * 60 + "{}"))
    assert [len(text) for text in figure.layout.xaxis.ticktext] == [24, 24]
    assert list(figure.layout.xaxis.tickvals) == [0, 1]


def test_html_page_needs_no_network() -> None:
    figure = figures.confusion_heatmap(MATRIX)
    page = figures.figure_html(figure, "<script>run</script>")
    assert page.startswith("<!doctype html>")
    assert "<title>&lt;script&gt;run" in page
    assert not re.search(r'<script[^>]+src=|<link[^>]+href="http', page)
    assert figure.layout.paper_bgcolor == "rgba(0,0,0,0)"


@pytest.mark.fault(81)
@pytest.mark.parametrize(("split", "words"), [("test", "no test pictures"), ("validation", "no validation pictures")])
def test_the_row_of_a_class_without_pictures_is_blank_and_says_why(split: str, words: str) -> None:
    counts = np.array([[5, 0, 1], [0, 0, 0], [2, 0, 2]])
    figure = figures.confusion_heatmap(named(counts, "c{}"), "true", split=split)
    heat, white, black, cells = figure.data
    assert np.isnan(heat.z[1]).all() and not np.isnan(heat.z[[0, 2]]).any()
    assert len(white.text) + len(black.text) == 6
    assert cells.text[3] == f"true c1, predicted c0<br><b>0</b> pictures<br>{words} of c1<br>0 % of predicted c0"
    assert cells.text[4].endswith(f"{words} of c1<br>never predicted: c1")
    assert cells.text[1].endswith("<br>0 % of true c0<br>never predicted: c1")
    columns = figures.confusion_heatmap(named(counts, "c{}"), "predicted", split=split).data[0].z
    assert np.isnan(columns[:, 1]).all() and not np.isnan(columns[:, [0, 2]]).any(), "never predicted"
    assert figures.confusion_heatmap(named(0 * counts, "c{}"), "true").data[0].zmax > 0, "no pictures at all"


@pytest.mark.fault(78)
def test_classes_named_by_numbers_stand_in_their_order() -> None:
    """On an axis of numbers Plotly would place the class 10 at ten."""
    names = [str(number) for number in range(13)]
    matrix = ConfusionMatrix(np.eye(13, dtype=int), tuple(names))
    counts = pd.DataFrame({"class": names, "train": range(13), "test": range(13)})
    heatmap = figures.confusion_heatmap(matrix)
    for axis in (heatmap.layout.xaxis, heatmap.layout.yaxis, figures.class_count_bars(counts).layout.xaxis):
        assert (list(axis.tickvals), list(axis.ticktext)) == (list(range(13)), names)
    bars = figures.probability_bars(np.full(13, 1 / 13), names)
    assert [text.removeprefix("<b>").split("<")[0] for text in bars.layout.yaxis.ticktext] == names
    assert list(bars.data[0].y) == list(bars.layout.yaxis.tickvals) == list(range(13))


@given(st.integers(1, 10**7), st.integers(2, 30))
def test_whole_numbers_are_few_and_a_step_apart(largest: int, ticks: int) -> None:
    step = whole_number_step(largest, ticks)
    labels = [f"{value:,.0f}" for value in np.arange(0, largest + 1, step)]
    assert len(labels) == len(set(labels)) <= ticks + 1
    assert str(step).rstrip("0") in ("1", "2", "5")
    assert step == 1 or len(labels) > ticks / 2.6, "no coarser than it must be"
