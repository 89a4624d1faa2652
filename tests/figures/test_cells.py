"""The cells of a confusion matrix: texts, words and colours, which can be told apart and read in both themes."""

import tomllib

import numpy as np
import pytest

from cifar_core.errors import ConfigError, DataError
from cifar_core.evaluate import ConfusionMatrix
from cifar_core.figures import MAX_CELL_CLASSES, cell_shades, confusion_cells, difference_cells, largest_value
from cifar_core.figures.cells import PAGES, STEPS, Theme
from tests.conftest import ROOT

COUNTED = np.array([[90, 7, 3], [5, 80, 15], [0, 15, 85]])
MATRIX = ConfusionMatrix(COUNTED, ("cat", "dog", "deer"))


def named(counts: np.ndarray) -> ConfusionMatrix:
    return ConfusionMatrix(counts, tuple(f"c{number}" for number in range(len(counts))))


@pytest.mark.parametrize("by", ["count", "true", "predicted"])
@pytest.mark.parametrize("hide", [False, True])
def test_values_and_their_largest(by: str, hide: bool) -> None:
    cells = confusion_cells(MATRIX, by, hide)  # type: ignore[arg-type]
    shares = {
        "count": COUNTED.astype(float),
        "true": 100 * COUNTED / COUNTED.sum(axis=1, keepdims=True),
        "predicted": 100 * COUNTED / COUNTED.sum(axis=0, keepdims=True),
    }[by]
    off = ~np.eye(3, dtype=bool)
    assert cells.values[off] == pytest.approx(shares[off])
    assert np.isnan(cells.values.diagonal()).all() == hide
    largest = shares[off].max() if hide else shares.max()
    assert cells.top == pytest.approx(largest) == largest_value(MATRIX, by, hide)  # type: ignore[arg-type]
    assert [title for title, _, _ in cells.scales] == (["mistakes"] if hide else ["mistakes", "right"])
    assert cells.details[0][1] == "7 of 100\nrow 7.0 %, column 6.9 %", "the same, whatever the cells show"


def test_shares_have_one_decimal_everywhere() -> None:
    matrix = ConfusionMatrix(np.array([[10, 0], [1, 7]]), ("a", "b"))
    assert confusion_cells(matrix, "true").texts == [["100.0", "0.0"], ["12.5", "87.5"]]
    assert confusion_cells(matrix, "count").texts == [["10", "0"], ["1", "7"]]
    assert confusion_cells(matrix, "true").top_text == "100.0 % of the true class"
    assert confusion_cells(matrix, "count", True).top_text == "1 picture"
    rare = ConfusionMatrix(np.array([[9999, 1], [0, 1]]), ("a", "b"))
    assert confusion_cells(rare, "true").texts[0] == [">99.9", "<0.1"], "only an exact 0 or 1 reads so"
    large = confusion_cells(named(np.eye(13, dtype=int)))
    assert large.texts[0] == ["1", *[""] * 12], "a large matrix is mostly zeros"


def test_zero_is_the_page_and_more_is_stronger() -> None:
    cells = confusion_cells(MATRIX, "count", True)
    assert cells.shades.tolist() == [[0, 47, 20], [34, 0, STEPS], [0, STEPS, 0]]
    held = confusion_cells(MATRIX, "count", True, top=30)
    assert held.shades.tolist() == [[0, 24, 10], [17, 0, 50], [0, 50, 0]], "the scale of another epoch"
    assert confusion_cells(MATRIX, "count", True, top=5).shades.max() == STEPS
    assert confusion_cells(MATRIX).shades.diagonal().tolist() == [2 * STEPS, STEPS + 89, STEPS + 95]
    right = confusion_cells(ConfusionMatrix(np.diag([3, 4]), ("a", "b")), "count", True)
    assert (right.top, right.top_text, right.shades.any()) == (0, "", False)
    rng = np.random.default_rng(0)
    faint = confusion_cells(named(rng.integers(0, 2, (5, 5)) + np.diag([10**6] * 5)), "count")
    assert ((faint.shades == 0) == (faint.values == 0)).all(), "a single picture is not the page"


def luminance(colour: str) -> float:
    """The relative luminance of `#rrggbb` by WCAG 2."""
    value = np.array([int(colour[start : start + 2], 16) for start in (1, 3, 5)]) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_and_shades_have_contrast_on_the_pages_of_both_themes(theme: Theme) -> None:
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text("utf-8"))
    page = settings["theme"][theme]["backgroundColor"]
    assert page.lower() == PAGES[theme].lower(), "the page that the shades are made for"
    shades = cell_shades(theme)
    assert len(shades) == 1 + 2 * STEPS and shades[0].background == ""
    assert all(contrast(shade.text, shade.background or page) >= 4.5 for shade in shades)
    for first in (1, 1 + STEPS):
        contrasts = [contrast(page, shade.background) for shade in shades[first : first + STEPS]]
        assert contrasts == sorted(contrasts) and contrasts[0] > 1.1 and contrasts[-1] > 3


@pytest.mark.fault(81)
@pytest.mark.parametrize(("split", "words"), [("test", "no test pictures"), ("validation", "no validation pictures")])
def test_the_row_of_a_class_without_pictures_is_blank_and_says_why(split: str, words: str) -> None:
    counts = np.array([[5, 0, 1], [0, 0, 0], [2, 0, 2]])
    cells = confusion_cells(named(counts), "true", split=split)
    assert [[text == "" for text in row] for row in cells.texts] == [[False] * 3, [True] * 3, [False] * 3]
    assert cells.details[1] == [
        f"0 of 0\n{words}, column 0.0 %",
        f"0 of 0\n{words}, never predicted",
        f"0 of 0\n{words}, column 0.0 %",
    ]
    columns = confusion_cells(named(counts), "predicted").values
    assert np.isnan(columns[:, 1]).all() and not np.isnan(columns[:, [0, 2]]).any(), "never predicted"
    assert confusion_cells(named(0 * counts), "true").top == 0, "no pictures at all"


def test_of_many_classes_those_with_the_most_mistakes_are_shown_with_the_numbers_of_all() -> None:
    counts = np.diag(np.full(120, 3))
    counts[np.arange(20, 120), 0] = 1  # the classes from 20 are each mistaken for class 0 once
    counts[119, 0] = 0
    cells = confusion_cells(named(counts), "true")
    assert len(cells.class_names) == MAX_CELL_CLASSES and cells.left_out == 20
    assert cells.class_names == ("c0", *(f"c{number}" for number in range(20, 119)))
    cells = confusion_cells(named(counts + np.diag([7] * 120)), "count")
    assert cells.details[1][0] == "1 of 11\nrow 9.1 %, column 0.9 %", "109 of all are predicted as class 0"
    assert cells.shades.shape == (100, 100)


def test_another_unit_is_refused() -> None:
    with pytest.raises(ConfigError, match="not by 'rows'"):
        confusion_cells(MATRIX, "rows")  # type: ignore[arg-type]


def test_a_difference_is_blue_where_b_is_better_and_the_page_where_nothing_changed() -> None:
    after = np.array([[95, 2, 3], [5, 70, 25], [0, 15, 85]])
    cells = difference_cells(MATRIX, ConfusionMatrix(after, MATRIX.class_names))
    assert cells.texts == [["+5", "−5", "0"], ["0", "−10", "+10"], ["0", "0", "0"]]
    better = cells.shades > STEPS
    assert better.tolist() == [[True, True, False], [False, False, False], [False] * 3]
    assert ((cells.shades == 0) == (cells.values == 0)).all() and cells.shades[1, 1] == cells.shades[1, 2] == STEPS
    assert cells.top_text == "10 pictures"
    assert cells.details[0][1] == "−5: 7 in A, 2 in B, of 100\nB better"
    assert cells.details[1][1] == "−10: 80 in A, 70 in B, of 100\nB worse"
    same = difference_cells(MATRIX, MATRIX)
    assert not same.shades.any() and same.scales == ()
    with pytest.raises(DataError, match="not of the same pictures"):
        difference_cells(MATRIX, ConfusionMatrix(after + 1, MATRIX.class_names))
