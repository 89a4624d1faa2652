"""Differences of groups that were measured apart, against SciPy and against Newcombe's own example."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cifar_core.errors import DataError
from cifar_core.evaluate.unpaired import difference_of_means, difference_of_shares, pooled_spread

GROUP = st.lists(st.floats(0, 1), min_size=2, max_size=8).filter(lambda values: np.std(values) > 1e-6)


@given(GROUP, GROUP, st.sampled_from([0.95, 0.99]))
def test_the_difference_of_means_is_students(a: list[float], b: list[float], level: float) -> None:
    found = difference_of_means(a, b, level=level)
    interval = stats.ttest_ind(b, a).confidence_interval(level)
    assert found.value == pytest.approx(np.mean(b) - np.mean(a), abs=1e-12)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), abs=1e-9)


@given(st.lists(GROUP, min_size=2, max_size=5))
def test_the_pooled_spread_is_that_of_the_analysis_of_variance(groups: list[list[float]]) -> None:
    """F is the mean square between the groups over that within them."""
    deviation, freedom = pooled_spread(groups)
    values = np.concatenate(groups)
    between = sum(len(group) * (np.mean(group) - values.mean()) ** 2 for group in groups) / (len(groups) - 1)
    assert freedom == len(values) - len(groups)
    assert between / deviation**2 == pytest.approx(stats.f_oneway(*groups).statistic, rel=1e-6)


def test_one_measurement_is_judged_by_the_spread_of_others() -> None:
    pooled = pooled_spread([[0.5], [0.6], [0.1, 0.3]])
    found = difference_of_means([0.5], [0.6], pooled)
    assert found.high - found.value == pytest.approx(stats.t.ppf(0.975, 1) * np.sqrt(2) * np.std([0.1, 0.3], ddof=1))
    with pytest.raises(DataError, match="No group has two"):
        difference_of_means([0.5], [0.6])


def test_groups_that_hardly_spread_do_not_make_others_sure() -> None:
    a, b = [0.5, 0.7], [0.6, 0.9]
    pooled = pooled_spread([a, b, [0.1, 0.1], [0.1, 0.1]])
    reach = stats.t.ppf(0.975, 4) * np.sqrt((np.var(a, ddof=1) + np.var(b, ddof=1)) / 2)
    assert difference_of_means(a, b, pooled).high == pytest.approx(0.15 + reach)


def test_the_difference_of_shares_is_newcombes() -> None:
    """Newcombe 1998, table II: 56/70 - 48/80 has the interval 0.0524 to 0.3339, 10/10 - 0/20 that of 0.6791 to 1."""
    found = difference_of_shares(48, 80, 56, 70)
    assert tuple(found) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)
    assert tuple(difference_of_shares(0, 20, 10, 10)) == pytest.approx((1.0, 0.6791, 1.0), abs=5e-5)
    with pytest.raises(DataError, match="no pictures"):
        difference_of_shares(0, 0, 1, 2)


@given(st.integers(0, 50), st.integers(0, 50))
def test_the_other_way_round_has_the_opposite_sign(a: int, b: int) -> None:
    there, back = difference_of_shares(a, 50, b, 60), difference_of_shares(b, 60, a, 50)
    assert (there.value, there.low, there.high) == pytest.approx((-back.value, -back.high, -back.low))
