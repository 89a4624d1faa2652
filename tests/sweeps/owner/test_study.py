"""The study: a rebuilt one is the one that has grown; what Optuna itself says is the oracle."""

import math
from typing import Any

import hypothesis
import optuna
import pytest
from hypothesis import strategies as st
from optuna.trial import TrialState

from cifar_core.sweeps.owner.importance import compute_importance
from cifar_core.sweeps.owner.outcome import Outcome
from cifar_core.sweeps.owner.study import Study
from cifar_core.sweeps.plan import SweepPlan, trial_config
from cifar_core.sweeps.space import contains, in_effect
from tests.sweeps.owner.fake_pool import peak
from tests.sweeps.owner.plans import plan_of

Trials = list[tuple[int, dict[str, Any], Outcome | None]]


def outcome_of(settings: dict[str, Any], number: int) -> Outcome:
    """What becomes of a candidate: some are pruned, some fail."""
    values = tuple(peak({**settings, "epochs": 4}, epoch) for epoch in range(1, 5))
    if number % 5 == 4:
        return Outcome("failed", None, values[:1], diverged=number % 2 == 0)
    return Outcome("pruned", None, values[:2]) if number % 3 == 2 else Outcome("finished", values[-1], values)


def grow(study: Study, trials: int, *, running: int = 0) -> Trials:
    """Try so many candidates one after the other, and ask for some more, which run."""
    found: Trials = []
    for _ in range(trials + running):
        asked = study.ask()
        assert asked is not None
        number, settings = asked.number, dict(asked.settings)
        outcome = outcome_of(settings, number) if number <= trials else None
        if outcome:
            for epoch in range(len(outcome.values)):
                study.should_prune(number, outcome.values[: epoch + 1])
            study.tell(number, outcome)
        found.append((number, settings, outcome))
    return found


def number_of(study: Study) -> int:
    """The number of the next candidate."""
    asked = study.ask()
    assert asked is not None
    return asked.number


def rebuild(plan: SweepPlan, trials: Trials) -> Study:
    """As an owner does that finds these trials on the disk."""
    study = Study(plan)
    for number, settings, outcome in trials:
        study.add(number, settings)
        if outcome:
            study.tell(number, outcome)
    return study


def state_of(study: Study) -> list[tuple[Any, ...]]:
    """All that a sampler and a pruner read, but for what TPE notes while it makes one proposal."""
    return [
        (
            each.number,
            each.state,
            each.params,
            each.value,
            each.intermediate_values,
            {name: value for name, value in each.system_attrs.items() if not name.startswith("tpe:relative_params")},
        )
        for each in study.frozen().get_trials()
    ]


@pytest.mark.parametrize("sampler", ["tpe", "random"])
@pytest.mark.parametrize("pruner", ["none", "median", "hyperband"])
def test_a_rebuilt_study_is_the_one_that_has_grown(sampler: str, pruner: str) -> None:
    start = {"learning_rate": 0.001, "optimizer": "adam", "channels": (3, 4), "shift": 2}
    plan = plan_of(runs=100, sampler=sampler, pruner=pruner, start=[start])
    grown = Study(plan)
    trials = grow(grown, 18, running=2)
    rebuilt = rebuild(plan, trials)
    assert state_of(rebuilt) == state_of(grown)
    assert [rebuilt.ask() for _ in range(3)] == [grown.ask() for _ in range(3)]


def test_another_seed_proposes_something_else() -> None:
    first, second = (grow(Study(plan_of(runs=9, settings={"seed": seed})), 9) for seed in (0, 1))
    assert [settings for _, settings, _ in first] != [settings for _, settings, _ in second]


def test_no_proposal_repeats_the_draws_of_the_one_before() -> None:
    rates = [settings["learning_rate"] for _, settings, _ in grow(Study(plan_of(runs=30, sampler="random")), 30)]
    assert len(set(rates)) == 30


@hypothesis.settings(max_examples=25)
@hypothesis.given(seed=st.integers(0, 2**31 - 1), runs=st.integers(1, 25), sampler=st.sampled_from(["tpe", "random"]))
def test_what_is_proposed_lies_in_the_space_and_makes_a_run(seed: int, runs: int, sampler: str) -> None:
    plan = plan_of(runs=runs, sampler=sampler, settings={"seed": seed})
    study = Study(plan)
    for _, settings, _ in grow(study, runs):
        assert list(settings) == in_effect(plan.space, settings, plan.settings)
        assert ("momentum" in settings) == (settings["optimizer"] == "sgd")
        assert contains(plan.space, {**plan.settings, **settings})
        assert settings["learning_rate"] == float(f"{settings['learning_rate']:.4g}")  # few digits
        assert trial_config(plan, settings, 1).flat() | {"seed": 0} == make_flat(plan, settings)
    assert study.ask() is None


def make_flat(plan: SweepPlan, settings: dict[str, Any]) -> dict[str, Any]:
    """The settings of a run, by a naive reading of what a candidate is."""
    chosen = {name: list(value) if isinstance(value, tuple) else value for name, value in settings.items()}
    return {**plan.settings, **chosen, "seed": 0}


def test_the_start_points_come_first_and_as_they_are() -> None:
    starts = [
        {"learning_rate": 0.00123456789, "optimizer": "adam", "channels": (3, 4), "shift": 0},
        {"learning_rate": 0.1, "optimizer": "sgd", "momentum": 0.93, "channels": (4, 6), "shift": 4},
    ]
    found = grow(Study(plan_of(runs=4, start=starts)), 4)
    assert [settings for _, settings, _ in found[:2]] == starts
    assert found[2][1] not in starts


def test_a_grid_tries_each_combination_once_and_ends() -> None:
    space = ("optimizer=adam|sgd", "momentum=0.5|0.9", "channels=3,4|4,6")
    study = Study(plan_of(*space, runs=6, sampler="grid"))
    found = [settings for _, settings, _ in grow(study, 6)]
    assert study.ask() is None
    assert sorted(map(str, found)) == sorted(
        str({"channels": channels, "optimizer": optimizer, **momentum})
        for channels in [(3, 4), (4, 6)]
        for optimizer, momentum in [("adam", {}), ("sgd", {"momentum": 0.5}), ("sgd", {"momentum": 0.9})]
    )


def test_a_damaged_file_keeps_the_numbers_of_the_others() -> None:
    plan = plan_of(runs=9)
    trials = grow(Study(plan), 5)
    rebuilt = rebuild(plan, [trial for trial in trials if trial[0] != 3])
    states = [each.state for each in rebuilt.frozen().get_trials()]
    assert states[2] is TrialState.FAIL
    assert number_of(rebuilt) == 6


def test_a_diverged_run_counts_as_bad_and_other_failures_do_not_count() -> None:
    study = Study(plan_of(runs=9))
    for diverged in (True, False):
        number = number_of(study)
        study.tell(number, Outcome("failed", None, (0.1,), diverged))
    number = number_of(study)
    study.tell(number, Outcome("stopped", None, (0.5, 0.6)))
    assert [each.state for each in study.frozen().get_trials()] == [
        TrialState.PRUNED,
        TrialState.FAIL,
        TrialState.FAIL,
    ]


def curves(count: int) -> list[tuple[float, ...]]:
    """Learning curves of nine epochs, of which some are hopeless."""
    return [tuple(0.1 + ((7 * number) % 11) * 0.05 + 0.02 * epoch for epoch in range(9)) for number in range(count)]


@pytest.mark.parametrize(
    ("name", "pruner"),
    [
        ("median", optuna.pruners.MedianPruner()),
        ("hyperband", optuna.pruners.HyperbandPruner(min_resource=1, max_resource=9)),
    ],
)
def test_it_prunes_as_optuna_does(name: str, pruner: optuna.pruners.BasePruner) -> None:
    """The oracle is a study of Optuna that is told epoch by epoch."""
    plan = plan_of(runs=40, pruner=name, settings={"epochs": 9})
    ours, theirs = Study(plan), optuna.create_study(study_name=plan.id, direction="maximize", pruner=pruner)
    ends = []
    for values in curves(40):
        number = number_of(ours)
        trial, pruned = theirs.ask(), 0
        for epoch, value in enumerate(values, start=1):
            trial.report(value, epoch)
            verdict = trial.should_prune()
            assert ours.should_prune(number, values[:epoch]) == verdict
            if verdict:
                pruned = epoch
                break
        state = TrialState.PRUNED if pruned else TrialState.COMPLETE
        theirs.tell(trial, None if pruned else values[-1], state=state)
        seen = values[:pruned] if pruned else values
        ours.tell(number, Outcome("pruned" if pruned else "finished", None if pruned else values[-1], seen))
        ends.append(len(seen))
    assert sum(ends) < 0.67 * 9 * 40


def test_epochs_that_arrive_together_are_judged_one_by_one() -> None:
    """Hyperband decides at epochs 1, 3 and 9; a look may find several epochs at once."""
    plan = plan_of(runs=40, pruner="hyperband", settings={"epochs": 9})
    singly, together = Study(plan), Study(plan)
    for values in curves(30):
        number = number_of(singly)
        together.ask()
        verdicts = [singly.should_prune(number, values[:epoch]) for epoch in range(1, 10)]
        assert together.should_prune(number, values) == any(verdicts)
        for study in (singly, together):
            study.tell(number, Outcome("pruned", None, values))
    assert state_of(singly) == state_of(together)


def test_the_importance_is_that_of_the_setting_that_decides() -> None:
    study = Study(plan_of(runs=60, sampler="random"))
    for _ in range(60):
        asked = study.ask()
        assert asked is not None
        study.tell(asked.number, Outcome("finished", peak({**asked.settings, "epochs": 1}, 1), ()))
    found = compute_importance(study.frozen())
    assert found is not None
    assert found.trials == 60
    assert max(found.shares, key=lambda name: found.shares[name]) == "learning_rate"
    assert math.isclose(sum(found.shares.values()), 1.0, abs_tol=1e-9)
    assert "momentum" in found.shares  # though only some trials have it


def test_without_enough_finished_trials_nothing_is_important() -> None:
    study = Study(plan_of(runs=60))
    for value in (0.5, 0.5, 0.5, 0.5, 0.5):
        assert compute_importance(study.frozen()) is None
        number = number_of(study)
        study.tell(number, Outcome("finished", value, ()))
    assert compute_importance(study.frozen()) is None
