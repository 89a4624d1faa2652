"""The factors that runs teach: no single run decides, and the range narrows as runs agree."""

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cifar_core.runs.estimate.correction import _STUDENT, DOUBTS, MOST_RUNS, learn

MODELS = st.sampled_from(["one", "two"])
RATIOS = st.lists(st.tuples(MODELS, st.floats(0.01, 100.0)), max_size=MOST_RUNS)


def test_the_quantiles_are_those_of_student() -> None:
    assert pytest.approx(stats.t.ppf(0.95, np.arange(2, MOST_RUNS + 3)), abs=6e-4) == _STUDENT


@given(ratios=RATIOS, measured=st.floats(1.0, 3.0), spread=st.floats(0.0, 0.5), seconds=st.floats(0.01, 1e5))
def test_a_range_holds_its_middle(
    ratios: list[tuple[str, float]], measured: float, spread: float, seconds: float
) -> None:
    found = learn(ratios, measured, spread).of(seconds, "one")
    assert 0 < found.low <= found.middle <= found.high <= 2.01 * found.middle


@given(ratios=RATIOS, extra=st.tuples(MODELS, st.floats(1e-6, 1e6)), measured=st.floats(1.0, 3.0))
def test_one_more_run_moves_the_machine_no_further_than_its_neighbours(
    ratios: list[tuple[str, float]], extra: tuple[str, float], measured: float
) -> None:
    before = sorted([math.log(measured), *(math.log(ratio) for _, ratio in ratios)])
    after = learn([*ratios, extra], measured, 0.1).machine
    middle = statistics.median(before)
    near = [value for value in before if value != middle] or [middle]
    reach = max(abs(value - middle) for value in near)
    if len(before) > 1:
        assert abs(after - middle) <= reach + 1e-9


@given(ratio=st.floats(1e-3, 1e3), runs=st.integers(1, DOUBTS - 1))
def test_a_model_needs_several_runs_for_a_factor_of_its_own(ratio: float, runs: int) -> None:
    others = [("two", 1.0)] * 4
    few = learn([*others, *[("one", ratio)] * runs], 1.0, 0.1)
    assert few.models == {"one": 0.0, "two": 0.0}
    assert (few.of(10.0, "one").middle < few.of(11.0, "two").middle) and few.of(1.0, "new").middle == few.of(
        1.0, "one"
    ).middle


def test_runs_that_agree_give_their_model_its_factor() -> None:
    found = learn([*[("one", 1.0)] * 5, *[("two", 2.0)] * 4], 1.0, 0.1)
    assert found.machine == 0.0 and found.models["one"] == 0.0
    assert math.exp(found.models["two"]) == pytest.approx(2.0)


def test_the_range_is_widest_before_any_run_and_narrows_as_runs_agree() -> None:
    widths = []
    for runs in range(10):
        found = learn([("one", 1.0)] * runs, 1.0, 0.2).of(100.0, "one")
        widths.append(found.high / found.low)
    assert widths == sorted(widths, reverse=True) and widths[-1] < 0.6 * widths[0]


def test_runs_that_differ_widen_it() -> None:
    alike, apart = ([("one", factor ** (-1) ** number) for number in range(9)] for factor in (1.01, 1.6))
    narrow, wide = (learn(ratios, 1.0, 0.1).of(1.0, "one") for ratios in (alike, apart))
    assert wide.high / wide.low > 1.5 * narrow.high / narrow.low
    assert learn([], 1.0, 0.1).of(1.0, "one", more=0.5).high > learn([], 1.0, 0.1).of(1.0, "one").high
