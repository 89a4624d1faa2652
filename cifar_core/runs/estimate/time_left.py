"""How long a run that waits or trains still needs: what was estimated before it began, and its own speed since."""

import math

from cifar_core.runs.estimate.span import Span, around, exactly
from cifar_core.runs.run import Run, Status

_OWN_SPEED = 0.1  # the part of a run after which its own speed counts as much as the estimate
_UNKNOWN = math.log(2)  # width, on the logarithmic scale, of what a run without an estimate says of itself


def time_left(run: Run) -> Span | None:
    """Seconds from now to the end of a run that waits or trains; None where nothing is known.

    Its whole time T is the weighted mean of the estimate's logarithm and that of its own projection, elapsed / done.
    The projection has the weight w = 1 / (1 + c (1 - done) / done), with c = `_OWN_SPEED`: none at the beginning, all
    at the end. The width of T on the logarithmic scale is that of the estimate times sqrt(1 - w), so that the range
    narrows as the run goes on, to nothing at its end.
    """
    before, done = estimated(run), run.done
    if before is None and done == 0:
        return None
    weight = 1 / (1 + _OWN_SPEED * (1 - done) / done) if done > 0 and run.seconds > 0 else 0.0
    own = run.seconds / done if weight > 0 else 0.0
    guess = before.middle if before is not None and before.middle > 0 else own
    if guess == 0:
        return None
    middle = math.exp(weight * math.log(own) + (1 - weight) * math.log(guess)) if weight > 0 else guess
    width = math.log(before.high / before.middle) if before is not None and before.middle > 0 else _UNKNOWN
    whole = around(middle, width * math.sqrt(1 - weight))
    left = Span(*(max(0.0, seconds - run.seconds) for seconds in (whole.low, whole.middle, whole.high)))
    return (left + exactly(_start_left(run))).at_most(run.config.machine.max_seconds or math.inf)


def estimated(run: Run) -> Span | None:
    """The seconds of training and measuring that were expected when the run was made; None where nothing was.

    Runs of earlier versions say no bounds: then these are half and twice.
    """
    middle = run.expected_seconds
    if middle is None:
        return None
    if run.expected_low is None or run.expected_high is None or not run.expected_low <= middle <= run.expected_high:
        return around(middle, _UNKNOWN)
    return Span(run.expected_low, middle, run.expected_high)


def _start_left(run: Run) -> float:
    """Seconds until it trains, once it is its turn; half of that while it is starting."""
    if run.status is Status.RUNNING and run.progress is not None:
        return 0.0 if run.progress.batches else (run.expected_start_up or 0.0) / 2
    return run.expected_start_up or 0.0
