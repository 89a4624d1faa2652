"""Whether probabilities can be believed: bins, scores, temperature, thresholds and conformal sets; NumPy alone.

Everything takes `CheckedPredictions` or plain arrays, and computes in float64, block by block where there are many
classes.
"""

from cifar_core.evaluate.calibration.bins import BINS, bin_of, reliability_table, trust_sentence
from cifar_core.evaluate.calibration.conformal import (
    conformal_quantile,
    conformal_sets,
    conformal_table,
    cross_fitted_sets,
)
from cifar_core.evaluate.calibration.scores import CalibrationScores, calibration_scores
from cifar_core.evaluate.calibration.temperature import (
    Recalibrated,
    cross_fitted,
    fit_temperature,
    halves,
    recalibrated,
    with_temperature,
)
from cifar_core.evaluate.calibration.thresholds import (
    OUTCOMES,
    coverage_curve,
    cross_fitted_answers,
    outcomes,
    threshold_for,
)

__all__ = [
    "BINS",
    "OUTCOMES",
    "CalibrationScores",
    "Recalibrated",
    "bin_of",
    "calibration_scores",
    "conformal_quantile",
    "conformal_sets",
    "conformal_table",
    "coverage_curve",
    "cross_fitted",
    "cross_fitted_answers",
    "cross_fitted_sets",
    "fit_temperature",
    "halves",
    "outcomes",
    "recalibrated",
    "reliability_table",
    "threshold_for",
    "trust_sentence",
    "with_temperature",
]
