"""A time that is known within bounds."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Span:
    """Seconds: the expected time, and the bounds it lies between nine times of ten, as far as is known."""

    low: float
    middle: float
    high: float

    def __add__(self, other: "Span") -> "Span":
        """One after the other; what slows this machine slows both, so the bounds add up too.

        As independent times (the distances to the bounds added by their squares), 3 of 12 runs lay outside where the
        load of the machine changed; added up like this, none did.
        """
        return Span(self.low + other.low, self.middle + other.middle, self.high + other.high)

    def times(self, factor: float) -> "Span":
        """All three, multiplied."""
        return Span(self.low * factor, self.middle * factor, self.high * factor)

    def at_most(self, seconds: float) -> "Span":
        """The same where a limit ends it."""
        return Span(min(self.low, seconds), min(self.middle, seconds), min(self.high, seconds))


def around(middle: float, width: float) -> Span:
    """The span whose bounds are `width` away from the middle on the scale of the natural logarithm."""
    factor = math.exp(width)
    return Span(middle / factor, middle, middle * factor)


def exactly(seconds: float) -> Span:
    """A time that is known."""
    return Span(seconds, seconds, seconds)
