"""Ticks along an axis: two of them never read the same, as Plotly itself draws them."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import plotly
import plotly.graph_objects as go
import pytest
from playwright.sync_api import Browser, Page

from cifar_core import figures

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LABELS = """async ({ figure, width }) => {
  const place = document.createElement("div")
  document.body.append(place)
  await Plotly.newPlot(place, figure.data, { ...figure.layout, width })
  const read = axis => [...place.querySelectorAll(`.${axis}tick text`)].map(text => text.textContent)
  const labels = [read("x"), read("y")]
  Plotly.purge(place)
  place.remove()
  return labels
}"""


def metrics(accuracies: list[float]) -> pd.DataFrame:
    """A run with these accuracies on each part, and losses that differ as little as they do."""
    columns = {f"{part}_accuracy": accuracies for part in ("train", "validation", "test")}
    losses = {f"{part}_loss": [30 * value for value in accuracies] for part in ("train", "validation", "test")}
    return pd.DataFrame({"epoch": range(1, len(accuracies) + 1), **columns, **losses})


@pytest.fixture(scope="module")
def drawing(browser: Browser) -> Iterator[Page]:
    """A page with Plotly's own code, which decides what an axis says."""
    context = browser.new_context()
    page = context.new_page()
    page.add_script_tag(path=Path(plotly.__file__).parent / "package_data" / "plotly.min.js")
    yield page
    context.close()


def tick_labels(page: Page, figure: go.Figure, width: int) -> list[list[str]]:
    """What stands along both axes."""
    labels: list[list[str]] = page.evaluate(LABELS, {"figure": json.loads(figure.to_json()), "width": width})
    return labels


def test_no_tick_reads_as_its_neighbour(drawing: Page) -> None:
    """Many ranges, from a thousandth of a per cent to all, over 1 to 300 epochs, on wide and narrow screens."""
    draw = np.random.default_rng(7)
    for number in range(15):
        epochs = int(draw.choice([1, 2, 3, 9, 12, 13, 14, 30, 100, 300]))
        width, spread = int(draw.choice([300, 700, 1600])), 10.0 ** draw.uniform(-5, 0)
        low = draw.uniform(0, 1 - spread)
        run = metrics((low + spread * draw.random(epochs)).tolist())
        for figure in (
            figures.curves(run, "accuracy", figures.CurveScale(epochs, zoomed=bool(number % 2))),
            figures.curves(run, "loss", figures.CurveScale(epochs, zoomed=bool(number % 2))),
            figures.overlay_curves([figures.RunCurve("a", 0, "a", run)], "test_accuracy"),
        ):
            for labels in tick_labels(drawing, figure, width):
                assert len(labels) == len(set(labels)), (number, labels)
        counts = pd.DataFrame({"class": ["a", "b"], "test": draw.integers(0, 10 ** draw.integers(0, 6), 2)})
        _, labels = tick_labels(drawing, figures.class_count_bars(counts), width)
        assert len(labels) == len(set(labels)) and "." not in "".join(labels), labels


def test_accuracies_that_hardly_differ_have_decimals_and_a_unit(drawing: Page) -> None:
    figure = figures.curves(metrics([0.0612, 0.0655, 0.0701]), "accuracy", figures.CurveScale(3, zoomed=True))
    epochs, labels = tick_labels(drawing, figure, 700)
    assert epochs == ["0", "1", "2", "3"]
    assert "6.4\u00a0%" in labels and len(labels) > 3
