"""Which runs a person made, and which are trials."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from cifar_core.config import RunConfig
from cifar_core.runs import Run, Status, own_first, own_runs, trial_words

RUN = Run("a", "a", "", Status.FINISHED, RunConfig(), "")


@given(st.lists(st.tuples(st.sampled_from(["", "calm-fox", "old-owl"]), st.booleans())))
def test_own_runs_come_first_and_nothing_is_lost_or_moved_otherwise(made: list[tuple[str, bool]]) -> None:
    runs = [replace(RUN, id=str(number), sweep=sweep, from_zip=zipped) for number, (sweep, zipped) in enumerate(made)]
    trials = [run for run in runs if run.sweep and not run.from_zip]
    assert own_runs(runs) == [run for run in runs if run not in trials]
    assert own_first(runs) == [*own_runs(runs), *trials]


def test_a_trial_that_came_as_a_zip_was_brought_by_a_person() -> None:
    trial = replace(RUN, sweep="calm-fox", trial=12)
    assert trial.is_trial and not replace(trial, from_zip=True).is_trial and not RUN.is_trial
    assert trial_words(trial) == "trial 12 of sweep calm-fox" and trial_words(RUN) == ""
