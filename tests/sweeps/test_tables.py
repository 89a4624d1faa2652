"""The tables of a sweep and its sentences, against naive computations."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cifar_core.evaluate import wilson_interval
from cifar_core.evaluate.unpaired import difference_of_shares
from cifar_core.runs import delete_run
from cifar_core.sweeps.plan import SweepOptions, SweepPlan
from cifar_core.sweeps.space import Dimension
from cifar_core.sweeps.sweep import Sweep, Trial, TrialRun, best_of, read_sweep
from cifar_core.sweeps.tables import (
    effect_rows,
    effect_sentence,
    effect_table,
    gain_of,
    gain_sentence,
    luck_sentence,
    pareto_front,
    trials_table,
)
from cifar_core.workspace import Workspace
from tests.sweeps.crafted_sweeps import CHANNELS, PICTURES, RATE, SETTINGS, SWEEP, add_trial, make_sweep


def sweep_of(*trials: Trial, space: tuple[Dimension, ...] = (RATE,), start: float | None = None) -> Sweep:
    points = () if start is None else ({"learning_rate": start},)
    return Sweep(SweepPlan(SWEEP, "", SETTINGS, space, SweepOptions(), start_points=points), "finished", trials, None)


def candidate(
    number: int, rate: object, *values: float, seconds: float = 1.0, pictures: int = 100, name: str = "learning_rate"
) -> Trial:
    runs = tuple(
        TrialRun(f"run-{number}-{seed}", seed, "finished", value, (value,), seconds, pictures=pictures)
        for seed, value in enumerate(values)
    )
    return Trial(number, {name: rate}, runs, "finished", sum(values) / len(values))


def test_the_table_has_a_row_for_each_run_that_was_made(workspace: Workspace) -> None:
    folder = make_sweep(workspace, RATE, CHANNELS, seeds=2, runs=8)
    ids = add_trial(folder, 1, {"learning_rate": 0.01, "channels": (3, 4)}, [0.1, 0.5], [0.3, 0.2], seconds=2)
    ids += add_trial(folder, 2, {"learning_rate": 0.1}, [], status="stopped", seeds=(0, 1), replaces=1)
    delete_run(workspace, ids[1])
    table = trials_table(read_sweep(workspace, SWEEP))
    assert table["run"].tolist() == ids
    assert table["trial"].tolist() == [1, 1, 2] and table["replaces"].tolist() == [0, 0, 1]
    assert table["status"].tolist() == ["finished", "finished", "stopped"]
    assert table["value"].tolist()[:2] == [0.5, 0.3] and math.isnan(table["value"][2])
    assert table["trial_value"].tolist()[:2] == [0.4, 0.4] and math.isnan(table["trial_value"][2])
    assert table["channels"].tolist() == [(3, 4), (3, 4), None]
    assert table["epochs"].tolist() == [2, 2, 0] and table["deleted"].tolist() == [False, True, False]
    empty = trials_table(read_sweep(workspace, make_sweep(workspace, sweep_id="empty-owl-1").id))
    assert list(empty.columns)[:2] == ["trial", "run"] and "learning_rate" in empty and empty.empty


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 5)), max_size=12))
def test_the_front_holds_what_nothing_else_beats(found: list[tuple[int, int]]) -> None:
    trials = [candidate(at, 0.1, value / 10, seconds=float(time)) for at, (value, time) in enumerate(found, 1)]
    front = pareto_front(sweep_of(*trials))
    points = {(trial.value, trial.seconds) for trial in trials}
    best = {
        (value, time)
        for value, time in points
        if not any(v >= value and t <= time and (v, t) != (value, time) for v, t in points)
    }
    assert [(trial.value, trial.seconds) for trial in front] == sorted(best, key=lambda point: point[1])


def test_a_candidate_that_has_not_finished_is_on_no_front() -> None:
    pruned = Trial(2, {"learning_rate": 1.0}, (TrialRun("r", 0, "pruned", 0.9, (0.9,), 0.1),), "pruned", None)
    assert [trial.number for trial in pareto_front(sweep_of(candidate(1, 0.1, 0.5), pruned))] == [1]


def test_the_effect_has_a_row_for_each_value_and_counts_a_seed_once() -> None:
    sweep = sweep_of(candidate(1, 0.1, 0.5, 0.7), candidate(2, 0.01, 0.3), candidate(3, 0.1, 0.9))
    table = effect_table(sweep)
    assert table is not None and table["value"].tolist() == [0.01, 0.1]
    assert table["values"].tolist() == [(0.3,), (0.5, 0.7)] and table["seeds"].tolist() == [1, 2]
    assert (table["low"][0], table["high"][0]) == wilson_interval(30, 100)
    low, high = stats.t.interval(0.95, 1, loc=0.6, scale=stats.sem([0.5, 0.7]))
    assert (table["low"][1], table["high"][1]) == pytest.approx((max(low, 0), min(high, 1)))
    both = sweep_of(space=(RATE, CHANNELS))
    assert effect_table(both) is None and effect_sentence(both) == "" and effect_sentence(sweep_of()) == ""


def test_choices_and_lists_keep_their_order() -> None:
    optimizers = (Dimension("optimizer", values=("sgd", "adam")),)
    trials = [candidate(at, value, 0.5, name="optimizer") for at, value in enumerate(["sgd", "adam"], 1)]
    assert [row.value for row in effect_rows(sweep_of(*trials, space=optimizers))] == ["adam", "sgd"]
    trials = [candidate(at, value, 0.5, name="channels") for at, value in enumerate([(8, 16), (8, 4), (3,)], 1)]
    assert [row.value for row in effect_rows(sweep_of(*trials, space=(CHANNELS,)))] == [(3,), (8, 4), (8, 16)]


def test_the_sentence_of_an_effect_claims_what_the_seeds_show() -> None:
    clear = effect_sentence(sweep_of(candidate(1, 0.1, 0.80, 0.81), candidate(2, 0.01, 0.50, 0.51)))
    assert clear == (
        "Learning rate 0.1 is the best of 2 values: validation accuracy 80.5\u00a0% (mean of 2 seeds, 95\u00a0% "
        "interval 74.1\u00a0% to 86.9\u00a0%). Between its worst and its best value lie 30.0 points; each other value "
        "is worse by more than chance explains."
    )
    vague = effect_sentence(sweep_of(candidate(1, 0.1, 0.5, 0.9), candidate(2, 0.01, 0.4, 0.8)))
    assert "10.0 points, which chance may explain: no effect is shown." in vague
    three = [candidate(1, 0.1, 0.80, 0.81), candidate(2, 0.01, 0.79, 0.81), candidate(3, 1.0, 0.10, 0.11)]
    assert "more than chance explains; not told apart from the best: 0.01." in effect_sentence(sweep_of(*three))


def test_one_seed_each_is_judged_by_its_pictures_and_says_so() -> None:
    words = effect_sentence(sweep_of(candidate(1, 0.1, 0.8), candidate(2, 0.01, 0.3)))
    assert "of 100 pictures, one seed" in words and "each other value is worse" in words
    assert words.endswith("One seed each: another seed moves each point by more than these intervals say.")
    unknown = [candidate(1, 0.1, 0.8, pictures=0), candidate(2, 0.01, 0.3)]
    assert "no effect is shown" in effect_sentence(sweep_of(*unknown))


def test_many_values_need_a_larger_difference() -> None:
    """A gap that two values show is no evidence where the best of twenty was chosen."""
    two = sweep_of(candidate(1, 1.0, 0.64), candidate(2, 0.5, 0.50))
    assert "each other value is worse" in effect_sentence(two)
    many = sweep_of(candidate(1, 1.0, 0.64), *(candidate(at, 0.5 / at, 0.50) for at in range(2, 21)))
    assert "no effect is shown" in effect_sentence(many)


def test_the_gain_over_the_start_has_the_interval_of_a_difference() -> None:
    sweep = sweep_of(candidate(1, 0.01, 0.3), candidate(2, 0.1, 0.6), candidate(3, 0.2, 0.5), start=0.01)
    assert gain_of(sweep) == difference_of_shares(30, PICTURES, 60, PICTURES, level=1 - 0.05 / 2)
    assert gain_sentence(sweep).startswith(
        "30.0 points above the settings that it began with (95\u00a0% interval 14.3 to 43.7, which allows for the "
        "choice among 3). The best of 3 was chosen for its value"
    )
    assert gain_sentence(sweep).endswith("the interval is of the pictures, and another seed may move it further.")
    two = sweep_of(candidate(1, 0.01, 0.3), candidate(2, 0.1, 0.6), start=0.01)
    assert gain_of(two) == difference_of_shares(30, PICTURES, 60, PICTURES)
    assert "(95\u00a0% interval 16.3 to 42.2)." in gain_sentence(two)
    seeds = sweep_of(candidate(1, 0.01, 0.3, 0.4), candidate(2, 0.1, 0.6, 0.7), start=0.01)
    interval = stats.ttest_ind([0.6, 0.7], [0.3, 0.4]).confidence_interval(0.95)
    gain = gain_of(seeds)
    assert gain is not None and tuple(gain) == pytest.approx((0.3, interval.low, interval.high))
    assert "it holds 0: no gain is shown" in gain_sentence(seeds)


def test_chance_alone_shows_an_effect_or_a_gain_in_few_sweeps() -> None:
    """Sweeps whose candidates are all alike, of which at most 5 % may claim something."""
    random = np.random.default_rng(0)
    effects = gains = 0
    for _ in range(200):
        seeds = [candidate(at, at / 10, *random.normal(0.6, 0.02, 3)) for at in range(1, 11)]
        effects += "no effect is shown" not in effect_sentence(sweep_of(*seeds))
        single = [candidate(at, at / 10, random.binomial(500, 0.6) / 500, pictures=500) for at in range(1, 31)]
        gain = gain_of(sweep_of(*single, start=0.1))
        gains += gain is not None and gain.low > 0
    assert effects <= 14 and gains <= 14, "without the allowance some 24 and 50"


def test_the_luck_of_the_chosen_is_what_other_seeds_do_not_reach() -> None:
    best = best_of(sweep_of(candidate(1, 0.1, 0.9), candidate(2, 0.01, 0.5)))
    assert best is not None and luck_sentence(best, []) == ""
    assert luck_sentence(best, [0.88]) == (
        "With 1 other seed the same settings reach 88.0\u00a0% on validation. The value that was chosen lies 2.0 "
        "points higher. Other seeds chose nothing: theirs is the fairer number."
    )
    reach = 100 * stats.t.ppf(0.975, 1) * np.std([0.86, 0.88], ddof=1) * np.sqrt(1 + 1 / 2)
    bounds = f"(95\u00a0% interval {3 - reach:.1f} to {3 + reach:.1f})".replace("-", "−")
    assert f"87.0\u00a0% on validation on average. The value that was chosen lies 3.0 points higher {bounds}" in (
        luck_sentence(best, [0.86, 0.88])
    )
    assert "lies 5.0 points lower." in luck_sentence(best, [0.95])


def test_without_a_gain_none_is_claimed() -> None:
    best_first = sweep_of(candidate(1, 0.01, 0.6), candidate(2, 0.1, 0.6), start=0.01)
    assert gain_of(best_first) is None
    assert gain_sentence(best_first) == "None of 2 candidates is better than the settings that it began with."
    assert gain_sentence(sweep_of(candidate(1, 0.01, 0.6), start=0.01)) == "", "nothing else has finished"
    curse = "The best of 2 was chosen for its value"
    assert gain_sentence(sweep_of(candidate(1, 0.02, 0.6), candidate(2, 0.1, 0.7))).startswith(curse), (
        "from no settings"
    )
    unknown = sweep_of(candidate(1, 0.01, 0.3, pictures=0), candidate(2, 0.1, 0.7), start=0.01)
    assert gain_sentence(unknown).startswith(curse)
