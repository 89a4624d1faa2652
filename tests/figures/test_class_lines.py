"""The accuracy of each class over the epochs: lines that can be told apart, the worst ones of many, words, a table."""

import numpy as np
import pandas as pd
import pytest

from cifar_core.figures import class_colour, class_lines, class_lines_table, class_lines_words
from cifar_core.figures.class_lines import MOST_LINES, WORST


def accuracies(values: np.ndarray, n: int = 200) -> pd.DataFrame:
    """Values [E, K] as `class_accuracy_over_epochs` gives them, with names that Plotly would take for tags."""
    epochs, classes = values.shape
    names = [f"<b>{number}" for number in range(classes)]
    return pd.DataFrame(
        {
            "epoch": np.repeat(np.arange(1, epochs + 1), classes),
            "class": pd.Categorical(np.tile(names, epochs), names),
            "accuracy": values.reshape(-1),
            "n": n,
        }
    )


def test_ten_classes_have_a_line_each_that_no_other_looks_like() -> None:
    values = np.random.default_rng(0).random((5, 10))
    figure = class_lines(accuracies(values))
    assert len(figure.data) == 10
    assert [trace.line.color for trace in figure.data] == [class_colour(number) for number in range(10)]
    assert len({(trace.line.color, trace.marker.symbol) for trace in figure.data}) == 10
    for number, trace in enumerate(figure.data):
        assert np.allclose(trace.y, 100 * values[:, number]) and list(trace.x) == [1, 2, 3, 4, 5]
        assert trace.name == f"&lt;b&gt;{number}"


def test_of_a_hundred_classes_the_worst_few_stand_out() -> None:
    values = np.random.default_rng(1).random((4, 100))
    values[:, 7] = np.nan  # a class without a test picture
    others, *shown = class_lines(accuracies(values)).data
    worst = sorted(np.argsort(values[-1])[:WORST].tolist())
    assert [trace.name for trace in shown] == [f"&lt;b&gt;{number}" for number in worst]
    assert others.name == f"the other {100 - WORST} classes" and len(others.y) == (100 - WORST) * 5
    assert np.isnan(others.y[4::5]).all(), "each line ends before the next one begins"
    drawn = {tuple(others.y[start : start + 4]) for start in range(0, len(others.y), 5)}
    assert drawn >= {tuple(100 * values[:, number]) for number in set(range(100)) - {*worst, 7}}
    assert len(class_lines(accuracies(values[:, : MOST_LINES + 1])).data) == WORST + 1


@pytest.mark.parametrize("worst", [range(3, 50, 10), range(45, 50), range(53, 100, 10)])
def test_classes_of_one_colour_are_told_apart(worst: range) -> None:
    values = np.full((2, 100), 0.9)
    values[:, list(worst)] = 0.1
    _, *shown = class_lines(accuracies(values)).data
    assert [trace.line.color for trace in shown] == [class_colour(number) for number in worst]
    assert len({(trace.line.color, trace.line.dash, trace.marker.symbol) for trace in shown}) == WORST


def test_the_table_and_the_words_have_the_numbers_of_the_chart() -> None:
    values = np.array([[0.5, 0.2, np.nan], [0.9, 0.4, np.nan]])
    made = accuracies(values)
    made.loc[made["class"] == "<b>2", "n"] = 0
    table = class_lines_table(made)
    assert table["class"].tolist() == ["<b>1", "<b>0", "<b>2"] and table["n"].tolist() == [200, 200, 0]
    assert table[["1", "2"]].to_numpy().tolist()[:2] == [[0.2, 0.4], [0.5, 0.9]]
    assert class_lines_words(made) == (
        "Accuracy of 2 classes over 2 epochs. At the end the lowest is <b>1 with 40.0\u00a0% of 200, the highest <b>0 "
        "with 90.0\u00a0% of 200."
    )


@pytest.mark.parametrize("classes", [0, 3])
def test_no_epoch_is_an_empty_chart(classes: int) -> None:
    made = accuracies(np.zeros((0, classes)))
    assert len(class_lines(made).data) == 0 and class_lines_table(made).empty and class_lines_words(made) == "No epoch."
