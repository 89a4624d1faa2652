"""The analysis `calibration`: how far the confidence of a run can be believed, before and after temperature scaling.

Everything is measured on the test part. The temperature is fitted on the validation part where the run has one; else on
the test part itself, and what it brings is measured on two halves, each with the temperature of the other one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from cifar_core.analyse.declaration import Analysis
from cifar_core.analyse.inputs import missing_input
from cifar_core.analyse.kept import read_kept
from cifar_core.errors import RunError
from cifar_core.evaluate import CalibrationScores, Interval
from cifar_core.runs import Predictions, Run, read_predictions
from cifar_core.storage.parse import parse
from cifar_core.workspace import Workspace


@dataclass(frozen=True)
class CalibrationParameters:
    """It has no parameters."""


CALIBRATION = Analysis(
    id="calibration",
    title="calibration",
    version=1,
    needs=("test predictions",),
    uses=("validation predictions",),
    parameters=CalibrationParameters,
    kind="job",
)


@dataclass(frozen=True)
class MeasuredScores:
    """Four numbers of the test part, lower is better, each with its 95 % interval (`compute/calibration.py`)."""

    nll: tuple[float, float, float]  # value, low, high
    brier: tuple[float, float, float]
    ece: tuple[float, float, float]
    mce: tuple[float, float, float]

    @property
    def values(self) -> CalibrationScores:
        """The numbers without their intervals."""
        return CalibrationScores(self.nll[0], self.brier[0], self.ece[0], self.mce[0])

    @property
    def intervals(self) -> dict[str, Interval]:
        """Each number with its interval, by its name."""
        return {name: Interval(*getattr(self, name)) for name in CalibrationScores._fields}


@dataclass(frozen=True)
class CalibrationResult:
    """What the analysis has found."""

    split: Literal["test"]  # that was measured
    epoch: int  # the one that the run reports
    n: int  # measured pictures
    accuracy: tuple[float, float, float]  # value, low, high (`wilson_interval`)
    before: MeasuredScores
    after: MeasuredScores  # with the temperature; cross-fitted where it was fitted on the measured pictures
    temperature: tuple[float, float, float]  # value, low, high
    fitted_on: Literal["validation", "test"]
    fitted: int  # pictures that the temperature was fitted on


def calibration_of(values: Mapping[str, Any]) -> CalibrationResult:
    """The result in the values of a kept one; ValueError where they are none of this version."""
    return parse(CalibrationResult, dict(values))


def fresh_calibration(workspace: Workspace, run: Run) -> CalibrationResult | None:
    """The kept calibration of a run; None where there is none, or it is stale or damaged.

    Raises:
        RunError: no such run.
    """
    kept = read_kept(workspace, run, CALIBRATION, CalibrationParameters())
    try:
        return None if kept is None or kept.stale else calibration_of(kept.values)
    except ValueError:
        return None


def fitting_predictions(workspace: Workspace, run: Run) -> Predictions | None:
    """The predictions of the validation part after the reported epoch; None where the run has, or kept, none.

    Raises:
        RunError: no such run, or they are damaged.
    """
    if run.best is None or run.best.validation_accuracy is None:
        return None
    if missing_input(workspace, run, "validation predictions"):  # of schemas 1 and 2
        return None
    found = read_predictions(workspace, run.id, split="validation")
    return found if len(found.labels) else None


def measured_predictions(workspace: Workspace, run: Run) -> Predictions:
    """The predictions of the test part after the reported epoch.

    Raises:
        RunError: no such run, it has no predictions yet or no test pictures, or they are damaged.
    """
    found = read_predictions(workspace, run.id)
    if not len(found.labels):
        raise RunError(f"Run {run.id} has no test pictures: nothing can be measured.")
    return found
