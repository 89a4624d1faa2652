"""How a few measurements of the same thing spread: mean, standard deviation, t interval of the mean."""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from cifar_core.errors import DataError

_HALVINGS = 60  # of an angle below pi/2: far below the rounding of a float


@dataclass(frozen=True)
class Spread:
    """Mean and spread of n measurements, in their unit."""

    n: int
    mean: float
    deviation: float  # standard deviation of the sample (n - 1 in the denominator); NaN where n is 1
    low: float  # 95 % t interval of the mean; NaN where n is 1
    high: float


def spread_of(values: Sequence[float]) -> Spread:
    """The mean of measurements [n >= 1] with its 95 % t interval: mean +- t(0.975, n - 1) s / sqrt(n).

    It equals `scipy.stats.t.interval` of the mean. It supposes that the measurements are independent and about
    normally distributed, as accuracies of one setting with several seeds are.

    Raises:
        DataError: there is no measurement.
    """
    n = len(values)
    if n == 0:
        raise DataError("There is no measurement to take the mean of.")
    mean = math.fsum(values) / n
    if n == 1:
        return Spread(1, mean, math.nan, math.nan, math.nan)
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))
    reach = student_t(n - 1) * deviation / math.sqrt(n)
    return Spread(n, mean, deviation, mean - reach, mean + reach)


@functools.cache
def student_t(freedom: int, level: float = 0.95) -> float:
    """The t within which, up or down, Student's distribution of `freedom` >= 1 lies with probability `level`.

    At 0.95 it is exceeded in 5 % of cases. Found by halving, since the probability grows with t.
    """
    low, high = 0.0, math.pi / 2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _within(middle, freedom) < level:
            low = middle
        else:
            high = middle
    return math.sqrt(freedom) * math.tan(low)


def _within(angle: float, freedom: int) -> float:
    """P(|T| < sqrt(freedom) tan(angle)): Abramowitz and Stegun 26.7.3 (odd) and 26.7.4 (even), finite sums."""
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = freedom % 2
    term, total = cosine if odd else 1.0, 0.0
    for power in range(odd, freedom - 1, 2):
        total += term
        term *= cosine**2 * (power + 1) / (power + 2)
    return 2 / math.pi * (angle + sine * total) if odd else sine * total
