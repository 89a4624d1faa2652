"""Which run a run is compared with, and what is answered where that one cannot be read."""

from dataclasses import replace

import pytest

from cifar_core.config import RunConfig
from cifar_core.errors import RunError
from cifar_core.evaluate import CheckedPredictions
from cifar_core.runs import DatasetFacts, EpochLine, Run, Status
from cifar_core.samples import SampleFilter, sample_table
from cifar_core.saved_views import Outcome, answers_of_run, outcome_of, previous_run, save_view
from cifar_core.workspace import Workspace

FACTS = DatasetFacts("d", ("cat", "dog"), (0.5,) * 3, (0.2,) * 3, "ab" * 32, 10, 0, 4, test_hash="cd" * 32)
LINE = EpochLine(1, 1.0, 0.5, 1.0, 0.5, 1.0, 0.5, 0.1, 1.0, 100.0)


def run(name: str, minute: int, **change: object) -> Run:
    made = Run(name, name, "", Status.FINISHED, RunConfig(), f"2026-01-01T00:{minute:02}:00+00:00")
    return replace(made, **{"dataset": FACTS, "best": LINE, "last": LINE, **change})  # type: ignore[arg-type]


def test_it_is_the_newest_before_it_that_finished_on_the_same_test_pictures(workspace: Workspace) -> None:
    now, first, second = run("now", 10), run("first", 1), run("second", 2)
    unlike = [
        run("later", 11),
        run("stopped", 9, status=Status.STOPPED),
        run("others", 8, dataset=replace(FACTS, test_hash="ef" * 32)),
        run("names", 7, dataset=replace(FACTS, class_names=("dog", "cat"))),
        run("unreadable", 6, problem="no"),
        run("unmeasured", 5, best=None),
        run("trial", 9, sweep="calm-fox"),
    ]
    assert previous_run(workspace, now, [*unlike, second, now, first]) is second
    assert previous_run(workspace, now, [*unlike, now]) is None
    elsewhere = run("elsewhere", 3, dataset=replace(FACTS, fingerprint="12" * 32, train=7))
    assert previous_run(workspace, now, [elsewhere, first]) is elsewhere, "whatever it was trained on"


def test_a_run_before_it_that_cannot_be_read_counts_as_none(workspace: Workspace) -> None:
    view = save_view(workspace, FACTS.fingerprint, "", "Cats", SampleFilter(true=("cat",)))
    now, before = run("now", 2), run("before", 1)
    table = sample_table(CheckedPredictions([0, 0], [[0.9, 0.1]] * 2, ("cat", "dog")), ["a", "b"])

    def load(_workspace: Workspace, asked: Run, views: object, tags: object) -> dict[str, Outcome]:
        if asked is broken:
            raise RunError("damaged")
        return {view.id: outcome_of(table, view.sample_filter, {})}

    broken: Run | None = None
    found = answers_of_run(workspace, now, [now, before], [view], {}, load)
    assert found.previous is before and found.answers[0].change is not None
    broken = before
    found = answers_of_run(workspace, now, [now, before], [view], {}, load)
    assert found.previous is None and (found.answers[0].count, found.answers[0].change) == (2, None)
    broken = now
    with pytest.raises(RunError, match="damaged"):
        answers_of_run(workspace, now, [], [view], {}, load)
    assert answers_of_run(workspace, run("new", 3, best=None), [], [view], {}, load).answers == ()
