"""The mean of a few measurements against SciPy."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cifar_core.errors import DataError
from cifar_core.evaluate.spread import spread_of, student_t


@pytest.mark.parametrize("freedom", [*range(1, 31), 100, 999])
def test_the_t_value_is_that_of_scipy(freedom: int) -> None:
    assert student_t(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=1e-12)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=20).filter(lambda values: np.std(values) > 1e-9))
def test_the_interval_is_that_of_scipy(values: list[float]) -> None:
    found = spread_of(values)
    error = stats.sem(values)
    low, high = stats.t.interval(0.95, len(values) - 1, np.mean(values), error)
    assert (found.n, found.mean) == (len(values), pytest.approx(np.mean(values)))
    assert found.deviation == pytest.approx(np.std(values, ddof=1))
    assert (found.low, found.high) == (pytest.approx(low, abs=1e-9), pytest.approx(high, abs=1e-9))


def test_one_measurement_has_no_spread_and_equal_ones_have_none_either() -> None:
    alone, equal = spread_of([0.7]), spread_of([0.7, 0.7, 0.7])
    assert alone.mean == 0.7 and all(map(math.isnan, (alone.deviation, alone.low, alone.high)))
    assert (equal.mean, equal.deviation, equal.low, equal.high) == pytest.approx((0.7, 0, 0.7, 0.7))
    with pytest.raises(DataError, match="no measurement"):
        spread_of([])
