"""The runs of a class side by side: which there are, and what each row says."""

import datetime
from dataclasses import replace

import pytest

from cifar_core.config import make_config
from cifar_core.errors import RunError
from cifar_core.runs import Run, Status
from cifar_core.runs.classes.collect import collect, lessons, newest_of_each, runs_of_lesson, runs_since
from cifar_core.runs.run import DatasetFacts
from cifar_core.train import EpochLine

NOW = datetime.datetime(2026, 11, 30, 9, 0, tzinfo=datetime.UTC)


def run(name: str, person: str = "", lesson: str = "", minutes: int = 0, rate: float = 0.01) -> Run:
    """A finished run that was made so many minutes ago."""
    made = (NOW - datetime.timedelta(minutes=minutes)).isoformat()
    config = make_config({"learning_rate": rate})
    return Run(name, name, "", Status.FINISHED, config, made, person=person, lesson=lesson)


RUNS = [
    run("d", "ben", "Rates", 1),
    run("c", "ada", "Rates", 2, rate=0.1),
    run("b", "ada", "Batches", 61),
    run("a", "", "", 3000),
    replace(run("broken"), problem="cannot be read"),
]


def test_lessons_and_their_runs() -> None:
    assert lessons(RUNS) == ["Rates", "Batches"]
    assert [each.id for each in runs_of_lesson(RUNS, "Rates")] == ["d", "c"]
    with pytest.raises(RunError, match=r"no run of a lesson 'rates'\. There are: Rates, Batches"):
        runs_of_lesson(RUNS, "rates")
    with pytest.raises(RunError, match="No run was made for a lesson"):
        runs_of_lesson(RUNS[3:], "x")


def test_runs_of_a_time_and_the_newest_of_each() -> None:
    hour = runs_since(RUNS, NOW - datetime.timedelta(hours=1))
    assert [each.id for each in hour] == ["d", "c"]
    every = runs_since(RUNS, None)
    assert [each.id for each in every] == ["d", "c", "b", "a"]
    assert [each.id for each in newest_of_each([*every, run("e"), run("f", "ben")])] == ["d", "c", "a", "e"]


def with_result(of: Run, share: float, n: int, seen: int | None = 0) -> Run:
    line = EpochLine(2, 1.0, 0.5, 1.0, 0.5, 1.0, share, 0.01, 1.0, 100.0)
    names = tuple("ab")
    facts = DatasetFacts("tiny", names, (0.5,) * 3, (0.2,) * 3, "0" * 64, 10, 0, n, test_seen=seen)
    return replace(of, best=line, last=line, dataset=facts)


def test_a_row_has_its_accuracy_with_interval_and_what_differs() -> None:
    low, high = with_result(RUNS[0], 0.5, 100), with_result(RUNS[1], 0.6, 100, seen=3)
    rows = collect([RUNS[2], low, high])
    assert [row["id"] for row in rows] == ["c", "d", "b"], "the highest accuracy first, those without one last"
    assert rows[1]["low"] == pytest.approx(0.4038, abs=1e-4) and rows[1]["high"] == pytest.approx(0.5962, abs=1e-4)
    assert rows[0]["accuracy"] == 0.6 and rows[0]["low"] is None, "seen in training: no interval holds"
    assert rows[2]["accuracy"] is None and rows[2]["n"] is None
    assert [row["learning_rate"] for row in rows] == [0.1, 0.01, 0.01] and "batch_size" not in rows[0]
    assert collect([]) == []
