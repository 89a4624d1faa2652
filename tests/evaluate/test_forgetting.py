"""Forgetting events against an oracle, and the sentence on how a picture was learned."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifar_core.evaluate import explain_forgetting, forgetting_events

COURSES = st.lists(st.booleans(), min_size=1, max_size=30)


def explained(course: str) -> str:
    """The sentence on a picture that is right (1) or wrong (0) at each epoch."""
    return explain_forgetting(np.array([mark == "1" for mark in course]), range(1, len(course) + 1))


@given(COURSES)
def test_events_are_those_that_one_counts_by_eye(course: list[bool]) -> None:
    right = np.array(course)[:, None]
    (events,) = forgetting_events(right)
    assert events == "".join("1" if mark else "0" for mark in course).count("10")
    stretches = len(re.findall("1+", "".join(str(int(mark)) for mark in course)))
    assert events == stretches - int(course[-1]), "each stretch of right epochs ends by forgetting, but the last"


@given(st.lists(st.lists(st.booleans(), min_size=8, max_size=8), min_size=1, max_size=9))
def test_each_picture_is_counted_by_itself(courses: list[list[bool]]) -> None:
    together = forgetting_events(np.array(courses).T)
    assert together.tolist() == [int(forgetting_events(np.array(course)[:, None])[0]) for course in courses]


@given(COURSES)
def test_the_sentence_agrees_with_the_numbers(course: list[bool]) -> None:
    sentence = explained("".join(str(int(mark)) for mark in course))
    assert sentence.endswith(".") and "\n" not in sentence
    assert sentence.startswith("Never") == (not any(course))
    assert ("forgotten " in sentence.replace("never forgotten", "")) == (
        forgetting_events(np.array(course)[:, None])[0] > 0
    )
    if match := re.search(r"First right at epoch (\d+)", sentence):
        assert course.index(True) == int(match[1]) - 1


@pytest.mark.parametrize(
    ("course", "sentence"),
    [
        ("00010101", "First right at epoch 4, forgotten twice, right at the last epoch."),
        ("0010", "First right at epoch 3, forgotten once, wrong at the last epoch."),
        ("10101010", "First right at epoch 1, forgotten 4 times, wrong at the last epoch."),
        ("0111", "First right at epoch 2, never forgotten."),
        ("0001", "First right at epoch 4, the last."),
        ("1111", "Right from the first epoch on."),
        ("0000", "Never right in 4 epochs."),
    ],
)
def test_explain_forgetting(course: str, sentence: str) -> None:
    assert explained(course) == sentence


def test_epochs_that_cannot_be_read_are_not_counted_as_the_first() -> None:
    assert explain_forgetting(np.array([True, True]), [3, 4]) == "Right from epoch 3 on."
    assert explain_forgetting(np.array([False, True, False]), [1, 5, 9]).startswith(
        "First right at epoch 5, forgotten once"
    )
