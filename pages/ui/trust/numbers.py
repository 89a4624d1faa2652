"""The numbers of the Trust page, kept for reruns and sessions: of each run a few tables, never its predictions.

What is fitted (temperature, threshold, quantile) is fitted on the validation part and measured on the test part. Where
there is none, it is fitted on the measured part; what it brings is then measured with two halves, each with what was
fitted on the other.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from cifar_core.analyse.calibration import fitting_predictions
from cifar_core.evaluate import (
    CalibrationScores,
    CheckedPredictions,
    bin_of,
    calibration_scores,
    confidence_of,
    conformal_table,
    coverage_curve,
    cross_fitted_answers,
    fitted_sets,
    recalibrated,
    reliability_table,
    threshold_for,
    trust_sentence,
    wilson_interval,
)
from cifar_core.runs import Run
from cifar_core.runs.old_schemas import as_stored
from cifar_core.runs.run_folder import RunFolder
from cifar_core.workspace import Workspace
from pages.ui.caches import Findings, file_identity, findings_identity, load_findings


@dataclass(frozen=True)
class Reliability:
    """How confidence and accuracy go together."""

    table: pd.DataFrame  # of `reliability_table`
    scores: CalibrationScores
    sentence: str  # of `trust_sentence`
    bins: NDArray[np.int8]  # of each picture [N]


@dataclass(frozen=True)
class Calibration:
    """The probabilities as they are, and after temperature scaling."""

    fitted: int  # pictures that the temperature was fitted on
    on_validation: bool  # else on the measured part, and `after` is cross-fitted on halves
    temperature: float
    before: Reliability
    after: Reliability


@dataclass(frozen=True)
class Proposal:
    """A threshold for a wanted accuracy."""

    threshold: float
    on_validation: bool
    fitted: "pd.Series[float]"  # as of `answered`, on the pictures that it was fitted on
    measured: "pd.Series[float]"  # on the test part; without a validation part from halves


@dataclass(frozen=True)
class ClassSets:
    """The conformal sets of the test pictures."""

    quantile: float
    fitted: int
    on_validation: bool
    accuracy: float  # of the one class that is predicted
    table: pd.DataFrame  # of `conformal_table`
    sizes: NDArray[np.int64]  # how many pictures have a set of 0, 1, ..., K classes


def load_calibration(workspace: Workspace, run: Run) -> Calibration:
    """Return the calibration of a run's reported epoch; raises as `load_findings`."""
    return _load_calibration(workspace, run, _identity(workspace, run))


def load_curve(workspace: Workspace, run: Run) -> pd.DataFrame:
    """Return `coverage_curve` of a run's reported epoch; raises as `load_findings`."""
    return _load_curve(workspace, run, _identity(workspace, run))


def load_proposal(workspace: Workspace, run: Run, accuracy: float) -> Proposal | None:
    """Return the lowest threshold that reaches an accuracy (0 to 1), or None; raises as `load_findings`."""
    return _load_proposal(workspace, run, accuracy, _identity(workspace, run))


def load_sets(workspace: Workspace, run: Run) -> ClassSets:
    """Return the conformal sets of a run's reported epoch; raises as `load_findings`."""
    return _load_sets(workspace, run, _identity(workspace, run))


def answered(confidence: NDArray[np.float64], right: NDArray[np.bool_], threshold: float) -> "pd.Series[float]":
    """Return one row as of `coverage_curve`, at any threshold.

    Args:
        confidence: of N pictures.
        right: whether each is predicted correctly.
        threshold: a picture whose confidence is lower is not answered.
    """
    return _answered(right, confidence >= threshold, threshold)


def answered_of(findings: Findings, threshold: float) -> "pd.Series[float]":
    """Return `answered` of the pictures of some findings."""
    table = findings.table
    return answered(table["confidence"].to_numpy(), table["correct"].to_numpy(), threshold)


def _answered(right: NDArray[np.bool_], taken: NDArray[np.bool_], threshold: float) -> "pd.Series[float]":
    n, count = int(taken.sum()), int((right & taken).sum())
    low, high = wilson_interval(count, n) if n else (np.nan, np.nan)
    return pd.Series(
        {
            "threshold": threshold,
            "coverage": n / len(right) if len(right) else np.nan,
            "n": n,
            "accuracy": count / n if n else np.nan,
            "accuracy_low": low,
            "accuracy_high": high,
        }
    )


def _identity(workspace: Workspace, run: Run) -> tuple[object, ...]:
    epoch = run.best.epoch if run.best else 0
    folder = as_stored(RunFolder(workspace.runs / run.id))
    validation = map(file_identity, (folder.samples("validation"), folder.probs("validation", epoch)))
    return run.id, epoch, *findings_identity(workspace, run, epoch), *validation


@st.cache_resource(max_entries=24, show_spinner=False)
def _load_calibration(_workspace: Workspace, _run: Run, identity: object) -> Calibration:
    measured: CheckedPredictions = load_findings(_workspace, _run).predictions
    validation = fitting_predictions(_workspace, _run)
    found = recalibrated(measured, validation)
    return Calibration(
        fitted=len(found.fitted_on.labels),
        on_validation=validation is not None,
        temperature=found.temperature,
        before=_reliability(measured),
        after=_reliability(found.after),
    )


def _reliability(predictions: CheckedPredictions) -> Reliability:
    return Reliability(
        reliability_table(predictions),
        calibration_scores(predictions),
        trust_sentence(predictions),
        bin_of(confidence_of(predictions)).astype(np.int8),
    )


@st.cache_resource(max_entries=24, show_spinner=False)
def _load_curve(_workspace: Workspace, _run: Run, identity: object) -> pd.DataFrame:
    return coverage_curve(load_findings(_workspace, _run).predictions)


@st.cache_resource(max_entries=96, show_spinner=False)
def _load_proposal(_workspace: Workspace, _run: Run, accuracy: float, identity: object) -> Proposal | None:
    measured: CheckedPredictions = load_findings(_workspace, _run).predictions
    validation = fitting_predictions(_workspace, _run)
    fitted = measured if validation is None else validation
    threshold = threshold_for(fitted, accuracy)
    if threshold is None:
        return None
    right = measured.predicted == measured.labels
    if validation is None:
        effect = _answered(right, cross_fitted_answers(measured, accuracy), threshold)
    else:
        effect = answered(confidence_of(measured), right, threshold)
    on_fitted = answered(confidence_of(fitted), fitted.predicted == fitted.labels, threshold)
    return Proposal(threshold, validation is not None, on_fitted, effect)


@st.cache_resource(max_entries=24, show_spinner=False)
def _load_sets(_workspace: Workspace, _run: Run, identity: object) -> ClassSets:
    measured: CheckedPredictions = load_findings(_workspace, _run).predictions
    validation = fitting_predictions(_workspace, _run)
    found = fitted_sets(measured, validation)
    return ClassSets(
        quantile=found.quantile,
        fitted=len(found.fitted_on.labels),
        on_validation=validation is not None,
        accuracy=float((measured.predicted == measured.labels).mean()),
        table=conformal_table(found.sets, measured),
        sizes=np.bincount(found.sets.sum(axis=1), minlength=len(measured.class_names) + 1),
    )
