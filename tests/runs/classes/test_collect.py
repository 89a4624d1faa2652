"""The runs of a class side by side: which there are, and what each row says."""

import datetime
from dataclasses import replace
from typing import Any

import pytest

from cifar_core.config import make_config
from cifar_core.errors import RunError
from cifar_core.runs import Run, Status
from cifar_core.runs.classes.collect import (
    best_of_sweep,
    collect,
    lessons,
    newest_of_each,
    runs_of_lesson,
    runs_since,
)
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


def trial(number: int, seed: int, judged: float, tested: float = 0.5, **changes: Any) -> Run:
    """A finished trial of the sweep `s` of ada, with its accuracy on the validation and on the test part."""
    config = make_config({"seed": seed, "learning_rate": 0.01 * number})
    made = replace(run(f"t{number}-{seed}", "ada", "Rates", 5), config=config, sweep="s", trial=number)
    line = EpochLine(2, 1.0, 0.5, 1.0, judged, 1.0, tested, 0.01, 1.0, 100.0)
    return replace(made, best=line, last=line, **changes)


def test_the_run_that_stands_for_a_sweep_is_chosen_as_the_sweep_chooses() -> None:
    trials = [trial(1, 0, 0.9), trial(1, 1, 0.1), trial(2, 0, 0.6), trial(2, 1, 0.7), trial(3, 0, 0.4, tested=0.99)]
    assert best_of_sweep(trials).id == "t2-1", "the highest mean of its seeds, never the test accuracy"
    assert best_of_sweep([trial(2, 0, 0.5), trial(1, 0, 0.5)]).id == "t1-0", "of several alike the first"
    stopped = trial(1, 0, 0.9, status=Status.STOPPED)
    assert best_of_sweep([stopped, trial(2, 0, 0.2)]).id == "t2-0", "one that was stopped early is no result"
    assert best_of_sweep([replace(trial(2, 0, 0), best=None), replace(trial(1, 0, 0), best=None)]).id == "t1-0"


def test_sixty_trials_of_one_person_are_one_row() -> None:
    sweep = [trial(number, 0, 0.5 + number / 200, tested=0.7) for number in range(1, 61)]
    rows = collect([*sweep, with_result(RUNS[0], 0.8, 100), replace(RUNS[1], id="newer"), RUNS[2]])
    assert [(row["id"], row["sweep"], row["best_of"]) for row in rows] == [
        ("d", "", None),
        ("t60-0", "s", 60),
        ("newer", "", None),
        ("b", "", None),
    ]
    assert rows[1]["learning_rate"] == 0.6 and rows[1]["person"] == "ada"


def test_the_newest_of_each_is_a_whole_sweep_where_that_is_the_newest() -> None:
    sweep = [trial(2, 0, 0.9), trial(1, 0, 0.5)]
    kept = newest_of_each([run("d", "ben"), *sweep, run("c", "ada")])
    assert [each.id for each in kept] == ["d", "t2-0", "t1-0"]
    assert [each.id for each in newest_of_each([run("c", "ada"), *sweep])] == ["c"]
