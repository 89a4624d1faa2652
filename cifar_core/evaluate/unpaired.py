"""The difference of two groups that were measured apart: means of several seeds, shares of pictures.

Every difference is B - A. Networks that answered the same pictures are compared by `paired`, which tells more.
"""

import math
from collections.abc import Sequence

from cifar_core.errors import DataError
from cifar_core.evaluate.metrics import wilson_interval
from cifar_core.evaluate.paired import Interval
from cifar_core.evaluate.spread import spread_of, student_t


def difference_of_means(a: Sequence[float], b: Sequence[float], others: Sequence[Sequence[float]] = ()) -> Interval:
    """The difference of the means of two groups of measurements, B - A, with its 95 % t interval.

    b - a +- t(0.975, f) s sqrt(1/n_a + 1/n_b), with the pooled variance s^2 = sum of squared deviations from the means
    of the groups / f, and f = all measurements - all groups (Student's two-sample interval; with `others` that of the
    one-way analysis of variance). It supposes that all groups spread alike, so that a few seeds of each tell.

    Args:
        a: measurements [n_a >= 1].
        b: measurements [n_b >= 1].
        others: further groups, which tell how far measurements spread.

    Raises:
        DataError: a group is empty, or none has two measurements, so that nothing tells how they spread.
    """
    groups = [spread_of(group) for group in (a, b, *others)]
    freedom = sum(group.n - 1 for group in groups)
    if freedom == 0:
        raise DataError("No group has two measurements, so that nothing tells how far they spread.")
    squares = math.fsum((group.n - 1) * group.deviation**2 for group in groups if group.n > 1)
    reach = student_t(freedom) * math.sqrt(squares / freedom * (1 / len(a) + 1 / len(b)))
    value = groups[1].mean - groups[0].mean
    return Interval(value, value - reach, value + reach)


def difference_of_shares(right_a: int, n_a: int, right_b: int, n_b: int) -> Interval:
    """The difference of two shares, such as accuracies, B - A, with its 95 % interval.

    Newcombe 1998, "Interval estimation for the difference between independent proportions", method 10: the distances
    of both shares from the bounds of their Wilson intervals, squared and added. Of networks that answered the same
    pictures it is wider than need be, since those agree on many of them.

    Raises:
        ConfigError: not 0 <= right <= n.
        DataError: there are no pictures.
    """
    if n_a == 0 or n_b == 0:
        raise DataError("There are no pictures to compare on.")
    (low_a, high_a), (low_b, high_b) = wilson_interval(right_a, n_a), wilson_interval(right_b, n_b)
    share_a, share_b = right_a / n_a, right_b / n_b
    value = share_b - share_a
    low = value - math.hypot(share_b - low_b, high_a - share_a)
    high = value + math.hypot(high_b - share_b, share_a - low_a)
    return Interval(value, low, high)
