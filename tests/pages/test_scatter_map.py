"""What the scatter map sends and makes of reports from the browser, which may be late, or anything."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifar_core.figures import NEUTRAL, class_colour
from pages.ui.components.scatter_map import (
    RAMPS,
    ScatterEvent,
    _parse_report,
    bits,
    category_colours,
    indices_of,
    score_colours,
)
from pages.ui.components.sent_arrays import SentArray, number_array, text_array


def values(array: SentArray) -> np.ndarray:
    """The numbers of an array, as the browser reads them."""
    head, _, content = array.content.partition(b"\n")
    return np.frombuffer(content, {b"uint8": np.uint8, b"float32": "<f4"}[head.split()[1]])


@given(st.integers(0, 70), st.data())
def test_which_points_are_meant_survives_the_way_there_and_back(count: int, data: st.DataObject) -> None:
    chosen = np.array(sorted(data.draw(st.sets(st.integers(0, max(0, count - 1)), max_size=count))), np.int64)
    found = indices_of(bits(chosen, count), count)
    assert found is not None
    assert found.tolist() == chosen.tolist()


def test_fifty_thousand_points_take_eight_kilobytes() -> None:
    assert len(bits(np.arange(0, 50_000, 2), 50_000)) == 8336


@pytest.mark.parametrize("text", [None, 3, "", "AA", "????", "AAAA" * 10**6, "Ä===", ["AA=="]])
def test_bits_that_make_no_sense_are_none(text: Any) -> None:
    assert indices_of(text, 17) is None


@pytest.mark.parametrize(
    "report",
    [
        None,
        [],
        {},
        {"turn": True, "names": "n", "opened": 1},
        {"turn": 1, "names": "of other points", "opened": 1},
        {"turn": 1, "names": "n", "opened": 9},
        {"turn": 1, "names": "n", "opened": -1},
        {"turn": 1, "names": "n", "opened": True},
        {"turn": 1, "names": "n", "opened": None, "selected": "?"},
    ],
)
def test_a_report_that_makes_no_sense_is_none(report: Any) -> None:
    assert _parse_report(report, "n", 9) is None


def test_a_report_selects_or_opens() -> None:
    assert _parse_report({"turn": 1, "names": "n", "opened": 8}, "n", 9) == ScatterEvent(opened=8)
    found = _parse_report({"turn": 1, "names": "n", "opened": None, "selected": bits(np.array([0, 8]), 9)}, "n", 9)
    assert found is not None and found.selected is not None
    assert found.selected.tolist() == [0, 8]


def test_equal_arrays_have_one_digest_and_others_another() -> None:
    assert number_array(np.arange(3)).digest == number_array(np.arange(3.0)).digest
    assert number_array(np.zeros(4, np.uint8)).digest != number_array(np.zeros(1)).digest
    assert text_array(["a\nb", "c"]).content.endswith(b"text\na b\nc")


def test_up_to_ten_categories_have_the_colours_of_their_classes() -> None:
    found = category_colours("Class", np.array([2, 0, 1]), ("a", "b", "c"))
    assert found.palette == tuple(class_colour(index) for index in range(3))
    assert values(found.codes).tolist() == [2, 0, 1]


def test_of_more_categories_the_most_frequent_have_colours_and_the_others_are_grey() -> None:
    codes = np.repeat(np.arange(12), np.arange(1, 13))
    found = category_colours("Class", codes, [f"c{index}" for index in range(12)])
    assert found.names == ("c11", "c10", "c9", "c8", "c7", "c6", "c5", "c4", "c3", "3 others")
    assert found.palette[-1] == NEUTRAL and NEUTRAL not in found.palette[:-1]
    assert values(found.codes)[[-1, 0, 1]].tolist() == [0, 9, 9]


def test_scores_go_from_one_end_of_the_ramp_to_the_other_and_no_score_is_grey() -> None:
    found = score_colours("Score", np.array([0.0, 0.5, 1.0, 7.0, np.nan]), (0, 1), ("0", "1"), "wrong to right")
    colours = [found.palette[code] for code in values(found.codes)]
    ramp = RAMPS["wrong to right"]
    assert [colours[0], colours[2], colours[3], colours[4]] == [ramp[0], ramp[-1], ramp[-1], NEUTRAL]
