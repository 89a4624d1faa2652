"""What finished runs teach about the measured speed of this machine: one factor, and how far it can be trusted."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cifar_core.runs.estimate.span import Span, around

DOUBTS = 3  # runs of a model that agree are needed before its factor leaves that of the machine
MOST_RUNS = 9  # that a correction rests on
_MEASURED = 2  # degrees of freedom of the measurement: its rounds less one
_WIDEST = math.log(2)  # from half to twice: a wider range tells nobody anything
# The 95 % quantile of Student's t distribution for 2 to 11 degrees of freedom: nine times of ten a value lies within
# that many standard deviations.
_STUDENT = (2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833, 1.812, 1.796)
TO_DEVIATION = 1.4826  # from the median of the distances to the standard deviation, for a normal distribution


@dataclass(frozen=True)
class Correction:
    """Factors on computed times, as logarithms, and the width of the range around them."""

    machine: float  # of every model
    models: Mapping[str, float]  # by model, on top of that
    spread: float  # standard deviation of ln(truth / corrected time)
    runs: int  # that it rests on

    def of(self, seconds: float, model: str, *, more: float = 0.0) -> Span:
        """The corrected time of a run with its bounds: a prediction interval of 90 % for one more value.

        Its half-width on the logarithmic scale is t(v) sqrt(s^2 (1 + 1/(n + 1)) + more^2), with s = `spread`, n runs
        and the measurement as observations, and v = n + 2 degrees of freedom, but at most ln 2. So it is widest before
        any run.

        Args:
            seconds: as computed from the measured speed.
            model: of the run.
            more: standard deviation of ln(truth / corrected) that this run has beside the others, as for a network
                whose steps were not timed.
        """
        factor = math.exp(self.machine + self.models.get(model, 0.0))
        deviation = math.hypot(self.spread * math.sqrt(1 + 1 / (self.runs + 1)), more)
        return around(seconds * factor, min(_WIDEST, _STUDENT[self.runs] * deviation))


def learn(ratios: Sequence[tuple[str, float]], measured: float, spread: float) -> Correction:
    """The correction by some runs, the newest of this machine.

    The factor of the machine is the median of the runs' ratios and of the measurement's own, which counts as one of
    them. A model's factor is the median of its runs' ratios to that and of `DOUBTS` times 1. So no single run, however
    long it took, can change the order in which the presets take their time, and one more run moves a factor no
    further than to what the others say. The spread is the measured one (counted as two runs) and that of the runs
    around the corrected times, by the median of their distances, pooled as variances.

    Args:
        ratios: of each run its model, and its true time divided by the computed one, at most `MOST_RUNS`.
        measured: the same for the measurement: how much longer a typical step took than the fastest one.
        spread: standard deviation of the logarithm of a time, as far as the measurement tells.
    """
    logs = [(model, math.log(ratio)) for model, ratio in ratios]
    machine = statistics.median([math.log(measured), *(value for _, value in logs)])
    models = {
        name: statistics.median([*[0.0] * DOUBTS, *(value - machine for model, value in logs if model == name)])
        for name in sorted({model for model, _ in logs})
    }
    distances = [abs(value - machine - models[model]) for model, value in logs]
    seen = TO_DEVIATION * statistics.median(distances) if distances else 0.0
    variance = (_MEASURED * spread**2 + len(logs) * seen**2) / (_MEASURED + len(logs))
    return Correction(machine, models, math.sqrt(variance), len(logs))
