"""The difference of two groups that were measured apart: means of several seeds, shares of pictures.

Every difference is B - A. Networks that answered the same pictures are compared by `paired`, which tells more.
"""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from cifar_core.errors import DataError
from cifar_core.evaluate.metrics import wilson_interval
from cifar_core.evaluate.paired import Interval
from cifar_core.evaluate.spread import spread_of, student_t


class Pooled(NamedTuple):
    """How far measurements of one group spread, taken from several groups that spread alike."""

    deviation: float  # in the unit of the measurements
    freedom: int  # all measurements - all groups


def pooled_spread(groups: Iterable[Sequence[float]]) -> Pooled:
    """The root of the mean square within groups, as in the one-way analysis of variance.

    Raises:
        DataError: a group is empty, or none has two measurements, so that nothing tells how they spread.
    """
    spreads = [spread_of(group) for group in groups]
    freedom = sum(spread.n - 1 for spread in spreads)
    if freedom == 0:
        raise DataError("No group has two measurements, so that nothing tells how far they spread.")
    squares = math.fsum((spread.n - 1) * spread.deviation**2 for spread in spreads if spread.n > 1)
    return Pooled(math.sqrt(squares / freedom), freedom)


def difference_of_means(
    a: Sequence[float], b: Sequence[float], pooled: Pooled | None = None, *, level: float = 0.95
) -> Interval:
    """The difference of the means of two groups of measurements, B - A, with its t interval at `level`.

    b - a +- t s sqrt(1/n_a + 1/n_b) (Student's two-sample interval), with the deviation s and the degrees of freedom
    of both groups, or of `pooled`, which supposes that all groups spread alike, so that a few seeds tell. Where the two
    spread further than all, s is theirs: groups that fail alike, as at far too high a learning rate, hardly spread.

    Raises:
        DataError: as `pooled_spread`.
    """
    deviation, freedom = pooled or pooled_spread([a, b])
    if pooled and len(a) + len(b) > 2:
        deviation = max(deviation, pooled_spread([a, b]).deviation)
    value = math.fsum(b) / len(b) - math.fsum(a) / len(a)
    reach = student_t(freedom, level) * deviation * math.sqrt(1 / len(a) + 1 / len(b))
    return Interval(value, value - reach, value + reach)


def difference_of_shares(right_a: int, n_a: int, right_b: int, n_b: int, *, level: float = 0.95) -> Interval:
    """The difference of two shares, such as accuracies, B - A, with its interval at `level`.

    Newcombe 1998, "Interval estimation for the difference between independent proportions", method 10: the distances
    of both shares from the bounds of their Wilson intervals, squared and added. Of networks that answered the same
    pictures it is wider than need be, since those agree on many of them.

    Raises:
        ConfigError: not 0 <= right <= n.
        DataError: there are no pictures.
    """
    if n_a == 0 or n_b == 0:
        raise DataError("There are no pictures to compare on.")
    low_a, high_a = wilson_interval(right_a, n_a, level=level)
    low_b, high_b = wilson_interval(right_b, n_b, level=level)
    share_a, share_b = right_a / n_a, right_b / n_b
    value = share_b - share_a
    low = value - math.hypot(share_b - low_b, high_a - share_a)
    high = value + math.hypot(high_b - share_b, share_a - low_a)
    return Interval(value, low, high)
