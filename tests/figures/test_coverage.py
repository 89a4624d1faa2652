"""Accuracy against coverage, and the coverage of each class: what is drawn, and what is said."""

import numpy as np
import pandas as pd

from cifar_core.evaluate import CheckedPredictions, conformal_sets, conformal_table, coverage_curve
from cifar_core.figures import class_coverage_chart, class_coverage_words, coverage_chart, coverage_words


def predictions(n: int = 200, classes: int = 3) -> CheckedPredictions:
    rng = np.random.default_rng(0)
    probs = rng.dirichlet(np.full(classes, 0.5), n)
    labels = np.array([rng.choice(classes, p=row) for row in probs])
    return CheckedPredictions(labels, probs, tuple(f"class {number}" for number in range(classes)))


def test_the_curve_has_a_point_for_each_threshold_that_answers() -> None:
    curve = coverage_curve(predictions())
    answering = curve[curve["n"] > 0]
    figure = coverage_chart(curve, curve.iloc[50], wanted=0.9)
    (line,) = (trace for trace in figure.data if trace.name == "each threshold")
    assert np.allclose(line.x, 100 * answering["coverage"]) and np.allclose(line.y, 100 * answering["accuracy"])
    (point,) = (trace for trace in figure.data if trace.name == "chosen")
    assert np.allclose([point.x[0], point.y[0]], 100 * curve.loc[50, ["coverage", "accuracy"]].to_numpy(float))
    assert figure.layout.shapes[0].y0 == 90
    words = coverage_words(curve, curve.iloc[50])
    assert "from" in words and f"{100 * curve['coverage'][50]:.1f}" in words


def test_a_threshold_that_answers_nothing_marks_no_point() -> None:
    curve = coverage_curve(CheckedPredictions(np.array([0]), np.array([[0.6, 0.4]]), ("cat", "dog")))
    figure = coverage_chart(curve, curve.iloc[100])
    assert all(trace.name != "chosen" for trace in figure.data)
    assert coverage_words(curve, curve.iloc[100]).endswith("none is answered.")


def test_classes_clearly_below_look_different() -> None:
    """By colour and by shape; a class without pictures is left out."""
    table = pd.DataFrame(
        {
            "class": ["cat", "dog", "owl"],
            "n": [100, 100, 0],
            "coverage": [0.92, 0.7, np.nan],
            "low": [0.85, 0.6, np.nan],
            "high": [0.96, 0.78, np.nan],
        }
    )
    reached, below = class_coverage_chart(table, 0.9).data
    assert (list(reached.x), list(below.x)) == ([0], [1])
    assert reached.marker.symbol != below.marker.symbol and reached.marker.color != below.marker.color
    words = class_coverage_words(table, 0.9).replace("\u00a0", " ")
    assert words == "Coverage of 2 classes: from 70.0 % (dog) to 92.0 % (cat); 1 clearly below 90.0 %."


def test_a_hundred_classes_with_any_names_can_be_drawn() -> None:
    found = predictions(400, 100)
    table = conformal_table(conformal_sets(found.probs, 0.9), found).iloc[:-1]
    table["class"] = [f"<b>{name}</b>" for name in table["class"]]
    figure = class_coverage_chart(table, 0.9)
    assert len(figure.layout.xaxis.tickvals) <= 34 and "<b>" not in str(figure.layout.xaxis.ticktext)
