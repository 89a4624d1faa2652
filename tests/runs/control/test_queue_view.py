"""The places in the queue and the expected waits, which follow from the list of runs alone."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifar_core.config import make_config
from cifar_core.runs import QueuePlace, Run, Status, TrainingProgress, queue_places

BASE = Run("x", "x", "", Status.QUEUED, make_config(), "")


def waiting(ticket: int, seconds: float | None = 100.0, **more: object) -> Run:
    named = replace(BASE, id=f"w{ticket}", name=f"name of w{ticket}")
    return replace(named, ticket=ticket, expected_seconds=seconds, **more)  # type: ignore[arg-type]


def training(left: float | None) -> Run:
    """A run that has just begun, of which only the estimate is known: from half of it to twice as long."""
    named = replace(BASE, id=f"t{left}", name=f"name of t{left}", status=Status.RUNNING)
    return replace(named, expected_seconds=left, progress=TrainingProgress("training"))


def test_one_slot_is_a_sum() -> None:
    runs = [waiting(7, 50), waiting(3, 100), training(30), replace(BASE, status=Status.FINISHED)]
    assert queue_places(runs, 1) == {
        "w3": QueuePlace(1, 2, 30, 15, 60, ("name of t30",)),
        "w7": QueuePlace(2, 2, 130, 65, 260, ("name of t30", "name of w3")),
    }
    assert list(queue_places(runs, 1)) == ["w3", "w7"]


def test_more_slots_empty_sooner() -> None:
    runs = [training(30), training(10), waiting(1, 100), waiting(2, 100), waiting(3, 5)]
    assert [place.seconds for place in queue_places(runs, 2).values()] == [10, 30, 110]
    assert [place.seconds for place in queue_places(runs, 3).values()] == [0, 10, 30]
    assert [place.seconds for place in queue_places(runs, 1).values()] == [30, 130, 230], (
        "the one that ends first frees no slot"
    )


def test_a_wait_behind_a_run_without_an_estimate_is_unknown() -> None:
    runs = [training(10), waiting(1, None), waiting(2, 5)]
    assert [place.seconds for place in queue_places(runs, 1).values()] == [10, None]
    assert [place.seconds for place in queue_places([training(None), waiting(1)], 1).values()] == [None]


def test_a_resumed_run_and_a_time_limit_take_less() -> None:
    half_done = waiting(1, 100, progress=TrainingProgress("starting", elapsed=60.0))
    limited = waiting(2, 1000, config=make_config({"max_seconds": 20}))
    assert [p.seconds for p in queue_places([half_done, limited, waiting(3)], 1).values()] == [0, 40, 60]


@pytest.mark.parametrize(
    ("position", "ordinal"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (21, "21st"), (113, "113th")],
)
def test_places_are_ordinal_numbers(position: int, ordinal: str) -> None:
    assert str(QueuePlace(position, 200, None)) == f"{ordinal} of 200"


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (QueuePlace(1, 1, 60, 54, 69, ("a",)), "behind *a*; starts in 50 to 70 s"),
        (QueuePlace(2, 2, None, None, None, ("a", "b", "c")), "behind *a* and 2 more"),
        (QueuePlace(1, 1, 0, 0, 0, ("a",)), ""),  # a slot is free
        (QueuePlace(1, 1, 0, 0, 0), ""),
    ],
)
def test_it_is_said_who_is_ahead_and_how_long(place: QueuePlace, words: str) -> None:
    assert place.behind(lambda name: f"*{name}*") == words


@given(
    times=st.lists(st.none() | st.floats(0, 1e6), max_size=6),
    lefts=st.lists(st.none() | st.floats(0, 1e6), max_size=4),
    slots=st.integers(1, 5),
)
def test_no_run_waits_less_than_the_run_before_it(
    times: list[float | None], lefts: list[float | None], slots: int
) -> None:
    runs = [waiting(number, seconds) for number, seconds in enumerate(times)] + [training(left) for left in lefts]
    places = list(queue_places(runs, slots).values())
    assert [place.position for place in places] == list(range(1, len(times) + 1))
    known = [place.seconds for place in places if place.seconds is not None]
    assert known == sorted(known) and all(seconds >= 0 for seconds in known)
    for place in places:
        if place.wait is not None:
            assert place.wait.low <= place.wait.middle <= place.wait.high
    unknown = [place.seconds is None for place in places]
    assert unknown == sorted(unknown) == [place.wait is None for place in places]
