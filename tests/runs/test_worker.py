"""Why a computing process died, in one sentence each."""

import pytest

from cifar_core.lifecycle.supervise import STILL_COMPUTING, describe_exit
from cifar_core.runs.recorder import seconds_left
from cifar_core.train.trainer import Position


@pytest.mark.parametrize(
    ("code", "words", "said"),
    [
        (-9, "", "memory ran out"),
        (137, "Killed", "memory ran out"),
        (-11, "", "crashed inside a native library (signal 11)"),
        (4, "", "exit code 4 and no word"),
        (STILL_COMPUTING, "", "earlier process of this run is still computing"),
        (-15, "", "told to end from outside before it had begun"),
        (1, "ValueError: bad thing", "The training failed: ValueError: bad thing"),
    ],
)
def test_four_deaths_four_sentences(code: int, words: str, said: str) -> None:
    assert said in describe_exit(code, words)


def test_time_left() -> None:
    assert seconds_left(Position(1, 4, 0, 10, 0.0, 0.0)) is None
    assert seconds_left(Position(2, 4, 5, 10, 100.0, 15.0)) == pytest.approx(25.0)
