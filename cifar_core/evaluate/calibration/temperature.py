"""Temperature scaling: one number T > 0 that makes all probabilities more or less sure (Guo et al. 2017).

softmax(z / T) of logits z is softmax(ln p / T) of the probabilities p = softmax(z), since ln p and z differ by a
constant of the picture. Of predictions that are averages over views of a picture (test-time augmentation) there are no
logits: the logarithm of the average takes their place. Probabilities below 1e-12, zeros among them, count as 1e-12, as
in the log loss.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cifar_core.errors import ConfigError
from cifar_core.evaluate.calibration.shares import require_pictures
from cifar_core.evaluate.checks import row_blocks
from cifar_core.evaluate.predictions import CheckedPredictions, Floats, Ints
from cifar_core.train import LOSS_CLIP

LOWEST, HIGHEST = 0.05, 20.0  # temperatures
_STEPS = 100  # at most; halving alone needs 40
_TOLERANCE = 1e-10  # relative, of 1/T


class Slopes(NamedTuple):
    """The first and the second derivative of the NLL of each picture [N] by 1/T."""

    first: Floats
    second: Floats


def fit_temperature(predictions: CheckedPredictions) -> float:
    """The T in 0.05..20 with the lowest mean NLL of softmax(ln p / T).

    The NLL is convex in b = 1/T, so the T where its derivative is 0 is found by Newton's steps, with halving where one
    leaves the bounds known so far. Where the NLL falls up to an end of the range, as it does when every picture is
    right, that end is returned; 1 where T changes nothing, as when every class is equally probable.

    Raises:
        DataError: there are no pictures.
    """
    logs = _log_blocks(require_pictures(predictions))
    first, second = _mean_slopes(logs, 1.0)
    if first == 0:
        return 1.0
    low, high = (1.0, 1 / LOWEST) if first < 0 else (1 / HIGHEST, 1.0)
    end = high if first < 0 else low
    if first * _mean_slopes(logs, end)[0] >= 0:
        return LOWEST if first < 0 else HIGHEST
    inverse = 1.0
    for _ in range(_STEPS):
        low, high = (inverse, high) if first < 0 else (low, inverse)
        step = inverse - first / second if second > 0 else low
        wanted = step if low < step < high else (low + high) / 2
        if abs(wanted - inverse) <= _TOLERANCE * inverse:
            break
        inverse = wanted
        first, second = _mean_slopes(logs, inverse)
    return float(np.clip(1 / inverse, LOWEST, HIGHEST))


def nll_slopes(predictions: CheckedPredictions, temperature: float) -> Slopes:
    """The derivatives of the NLL of each picture by 1/T, at a temperature.

    Under q = softmax(ln p / T) the first is E_q[ln p] - ln p_y and the second is Var_q[ln p].
    """
    parts = [_slopes(*block, 1 / temperature) for block in _log_blocks(predictions)]
    return Slopes(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def with_temperature(probs: NDArray[Any], temperature: float) -> Floats:
    """softmax(ln p / T) of probabilities [N, K] as float64 [N, K]; T > 1 makes them less sure, T < 1 surer.

    The order of the classes stays, but those whose probabilities are below 1e-12 become equal.

    Raises:
        ConfigError: the temperature is not a number above 0.
    """
    if not 0 < temperature < np.inf:
        raise ConfigError([f"The temperature is {temperature!r}, but must be a number above 0."])
    scaled = np.empty(probs.shape, dtype=np.float64)
    for part in row_blocks(probs):
        powers = np.exp(_relative_logs(probs[part]) / temperature)
        scaled[part] = powers / powers.sum(axis=1, keepdims=True)
    return scaled


def halves(labels: Ints) -> NDArray[np.bool_]:
    """Which of N pictures belong to the second of two halves with equally many of each class, bool [N].

    The pictures of a class, in their order, belong to the two halves by turns: no chance is in it.
    """
    second = np.empty(len(labels), dtype=np.bool_)
    second[np.argsort(labels, kind="stable")] = np.arange(len(labels)) % 2 == 1
    return second


def cross_fitted(predictions: CheckedPredictions) -> Floats:
    """The probabilities float64 [N, K] of two `halves`, each scaled with the temperature fitted on the other one.

    So no picture is measured with a temperature that it helped to choose. One picture alone stays as it is.

    Raises:
        DataError: there are no pictures.
    """
    require_pictures(predictions)
    scaled = np.empty(predictions.probs.shape, dtype=np.float64)
    second = halves(predictions.labels)
    for half in (second, ~second):
        temperature = fit_temperature(part_of(predictions, ~half)) if (~half).any() else 1.0
        scaled[half] = with_temperature(predictions.probs[half], temperature)
    return scaled


class Recalibrated(NamedTuple):
    """What temperature scaling makes of predictions."""

    temperature: float  # fitted on the whole of `fitted_on`
    fitted_on: CheckedPredictions
    after: CheckedPredictions


def recalibrated(measured: CheckedPredictions, fitting: CheckedPredictions | None = None) -> Recalibrated:
    """Predictions with the temperature that was fitted on others, such as those of the validation part.

    Without others it is fitted on these themselves, and `after` is `cross_fitted`.

    Raises:
        DataError: there are no pictures.
    """
    fitted_on = measured if fitting is None else fitting
    temperature = fit_temperature(fitted_on)
    probs = cross_fitted(measured) if fitting is None else with_temperature(measured.probs, temperature)
    after = CheckedPredictions(measured.labels, probs, measured.class_names)
    return Recalibrated(temperature, fitted_on, after)


def part_of(predictions: CheckedPredictions, chosen: NDArray[np.bool_]) -> CheckedPredictions:
    """The predictions of the chosen pictures, bool [N]."""
    return CheckedPredictions(predictions.labels[chosen], predictions.probs[chosen], predictions.class_names)


def _relative_logs(probs: NDArray[Any]) -> Floats:
    """ln p less that of the most probable class, [N, K] at most 0."""
    logs = np.log(np.clip(probs.astype(np.float64), LOSS_CLIP, 1.0))
    relative: Floats = logs - logs.max(axis=1, keepdims=True)
    return relative


def _log_blocks(predictions: CheckedPredictions) -> list[tuple[Ints, Floats]]:
    """Labels and `_relative_logs`, some pictures at a time."""
    return [(labels, _relative_logs(probs)) for labels, probs in predictions.blocks()]


def _slopes(labels: Ints, logs: Floats, inverse: float) -> Slopes:
    """`nll_slopes` of one block."""
    weights = np.exp(inverse * logs)
    total = weights.sum(axis=1)
    mean = np.einsum("nk,nk->n", weights, logs) / total
    square = np.einsum("nk,nk,nk->n", weights, logs, logs) / total
    return Slopes(mean - logs[np.arange(len(labels)), labels], np.maximum(square - mean * mean, 0.0))


def _mean_slopes(logs: Iterable[tuple[Ints, Floats]], inverse: float) -> tuple[float, float]:
    parts = [_slopes(labels, block, inverse) for labels, block in logs]
    n = sum(len(part.first) for part in parts)
    return float(sum(part.first.sum() for part in parts)) / n, float(sum(part.second.sum() for part in parts)) / n
