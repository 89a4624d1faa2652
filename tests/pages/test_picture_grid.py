"""What the picture grid makes of reports from the browser, which may be late, or anything."""

from typing import Any

import pytest

from pages.ui.components.image_grid import GridEvent, _parse_report


def test_a_report_counts_for_the_pictures_that_are_shown_now() -> None:
    late = {"added": ["gone", "here"], "removed": ["left"], "opened": "gone", "turn": 3}
    assert _parse_report(late, ["here", "there"], 0) == GridEvent(added=frozenset({"here"}))
    assert _parse_report({"removed": ["here"], "opened": "there", "turn": 4}, ["here", "there"], 0) == GridEvent(
        removed=frozenset({"here"}), opened="there"
    )


@pytest.mark.parametrize("report", [None, "x", [], {}, {"turn": "1"}, {"turn": True, "added": ["here"]}])
def test_a_report_that_makes_no_sense_is_none(report: Any) -> None:
    assert _parse_report(report, ["here"], 0) is None


@pytest.mark.parametrize("names", ["here", 1, [1, {}, None, ["here"]]])
def test_names_that_make_no_sense_are_left_out(names: Any) -> None:
    report = {"added": names, "removed": names, "opened": names, "turn": 1}
    opened = "here" if names == "here" else None
    assert _parse_report(report, ["here"], 0) == GridEvent(opened=opened)


def test_keys_count_once_in_their_order_however_often_they_are_sent() -> None:
    presses: list[Any] = [[3, "b", 9], [2, "a", 1], [1, "a", 2], [4, "gone", 1]]
    nonsense: list[Any] = [None, [], [5, "a"], [5, "a", 0], [5, 1, 1], ["5", "a", 1], [5, "a", 1.0]]
    report = {"pressed": presses + nonsense, "turn": 1}
    assert _parse_report(report, ["a", "b"], 1) == GridEvent(pressed=(("a", 1), ("b", 9)))
    assert _parse_report(report, ["a", "b"], 4) == _parse_report(report | {"pressed": 7}, ["a", "b"], 0) == GridEvent()
