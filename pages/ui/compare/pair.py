"""Everything that the page says of A and B, computed once for all reruns and sessions."""

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from cifar_core.evaluate import (
    CalibrationScores,
    ConfusionMatrix,
    PairedComparison,
    calibration_scores,
    class_changes,
    compare_predictions,
    confusion_matrix,
)
from cifar_core.runs import Predictions, align_pair
from cifar_core.workspace import Workspace
from pages.ui.caches import findings_identity, load_findings
from pages.ui.understand.joined_columns import RunAtEpoch


@dataclass(frozen=True)
class Pair:
    """The answers of A and B to the same pictures; it is shared and must not be changed in place."""

    comparison: PairedComparison
    calibrations: tuple[CalibrationScores, CalibrationScores]  # of A and of B
    matrix_a: ConfusionMatrix  # both of the same classes
    matrix_b: ConfusionMatrix
    classes: pd.DataFrame  # of `class_changes`


def load_pair(workspace: Workspace, a: RunAtEpoch, b: RunAtEpoch) -> Pair:
    """Return what changed from A to B.

    Raises:
        RunError: predictions cannot be read, or they are not of the same pictures; the sentence says how they differ.
        DataError: there are no test pictures.
    """
    found = [load_findings(workspace, at.run, at.epoch).predictions for at in (a, b)]
    identity = tuple((at.run.id, at.epoch, findings_identity(workspace, at.run, at.epoch)) for at in (a, b))
    return _load_pair(found[0], found[1], (f"A ({a.run.id})", f"B ({b.run.id})"), identity)


@st.cache_resource(max_entries=24, show_spinner=False)
def _load_pair(_a: Predictions, _b: Predictions, names: tuple[str, str], identity: object) -> Pair:
    a, b = align_pair(_a, _b, *names)
    calibrations = calibration_scores(a), calibration_scores(b)
    matrices = confusion_matrix(a), confusion_matrix(b)
    return Pair(compare_predictions(a, b), calibrations, *matrices, class_changes(a, b))
