"""Whether probabilities can be believed: bins, scores, temperature, thresholds and conformal sets; NumPy alone.

Everything takes `CheckedPredictions` or plain arrays, and computes in float64, block by block where there are many
classes.
"""

from cifar_core.evaluate.calibration.bins import (
    BINS,
    bin_of,
    explain_mce,
    reliability_table,
    trust_sentence,
    widest_gap,
)
from cifar_core.evaluate.calibration.conformal import (
    SET_COVERAGE,
    FittedSets,
    conformal_quantile,
    conformal_sets,
    conformal_table,
    cross_fitted_sets,
    fitted_sets,
)
from cifar_core.evaluate.calibration.scores import CalibrationScores, calibration_scores
from cifar_core.evaluate.calibration.shares import confidence_of
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
    "SET_COVERAGE",
    "CalibrationScores",
    "FittedSets",
    "Recalibrated",
    "bin_of",
    "calibration_scores",
    "confidence_of",
    "conformal_quantile",
    "conformal_sets",
    "conformal_table",
    "coverage_curve",
    "cross_fitted",
    "cross_fitted_answers",
    "cross_fitted_sets",
    "explain_mce",
    "fit_temperature",
    "fitted_sets",
    "halves",
    "outcomes",
    "recalibrated",
    "reliability_table",
    "threshold_for",
    "trust_sentence",
    "widest_gap",
    "with_temperature",
]
