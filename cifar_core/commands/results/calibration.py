"""`calibration`: whether the confidence of a run can be believed, before and after temperature scaling."""

from collections.abc import Iterator
from typing import Any

import click
import pandas as pd

from cifar_core.analyse.calibration import (
    CALIBRATION,
    CalibrationParameters,
    CalibrationResult,
    calibration_of,
    fitting_predictions,
    measured_predictions,
)
from cifar_core.analyse.compute.keeping import compute_and_keep
from cifar_core.commands.console import (
    clear_line,
    json_option,
    print_json,
    say,
    say_caveats,
    show_step,
    workspace_option,
)
from cifar_core.evaluate import (
    SET_COVERAGE,
    conformal_table,
    explain_mce,
    fitted_sets,
    recalibrated,
    reliability_table,
    trust_sentence,
)
from cifar_core.runs import Run, read_run
from cifar_core.text import counted, percent
from cifar_core.workspace import Workspace

_TITLES = {"nll": "NLL", "brier": "Brier score", "ece": "ECE", "mce": "MCE"}


@click.command()
@click.argument("run")
@json_option
@workspace_option
def calibration(workspace: Workspace, run: str, as_json: bool) -> None:
    """Tell whether the confidence of RUN (an id or `latest`) on the test pictures can be believed.

    Measures the log loss (NLL), the Brier score (summed over the classes, 0 to 2), ECE and MCE (15 equal bins of the
    confidence) with 95 % intervals, before and after a temperature that is fitted on the validation part. Where the run
    has none it is fitted on the test part, and its effect is measured on two halves, each with the temperature of the
    other one. The result is kept with the run.
    """
    found = read_run(workspace, run)
    try:
        kept = compute_and_keep(workspace, found, CALIBRATION, CalibrationParameters(), show_step)
    finally:
        clear_line()
    result, measured = calibration_of(kept.values), measured_predictions(workspace, found)
    fitting = fitting_predictions(workspace, found)
    sets = conformal_table(fitted_sets(measured, fitting).sets, measured).iloc[-1]  # of all classes
    mce = explain_mce(reliability_table(measured), reliability_table(recalibrated(measured, fitting).after))
    for line in _lines(found, result, trust_sentence(measured), mce, sets):
        click.echo(line, err=as_json)
    say_caveats(found)
    if kept.unkept:
        say(kept.unkept)
    if as_json:
        print_json(_content(found, result, sets))


def _lines(run: Run, result: CalibrationResult, trust: str, mce: str, sets: "pd.Series[Any]") -> Iterator[str]:
    """What is said to people."""
    right, low, high = result.accuracy
    interval = f"95 % interval {percent(low)} to {percent(high)}"
    yield f"Run {run.id}, test, n = {result.n:,}, epoch {result.epoch}: {percent(right)} right ({interval})."
    yield trust
    yield f"{'':11}  {'before (95 % interval)':24}  with the temperature (95 % interval)"
    after = result.after.intervals
    for name, before in result.before.intervals.items():
        yield f"{_TITLES[name]:11}  {_number(*before):24}  {_number(*after[name])}"
    if mce:
        yield mce
    yield f"Temperature {_number(*result.temperature, digits=2)}, {_fitted_words(result)}"
    yield (
        f"Sets of classes that shall hold the true one for {percent(SET_COVERAGE)} of the pictures (conformal) hold it "
        f"for {percent(sets['coverage'])}, with {sets['mean_size']:.2f} classes on average."
    )


def _number(value: float, low: float, high: float, *, digits: int = 3) -> str:
    return f"{value:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def _fitted_words(result: CalibrationResult) -> str:
    if result.fitted_on == "validation":
        return f"fitted on {counted(result.fitted, 'validation picture')}."
    return (
        "fitted on the test pictures themselves, because there are no predictions of validation pictures; its effect "
        "is measured on two halves, each with the temperature of the other one."
    )


def _content(run: Run, result: CalibrationResult, sets: "pd.Series[Any]") -> dict[str, Any]:
    """The result as scripts read it; an interval is [low, high], the accuracy [value, low, high]."""
    return {
        "run": run.id,
        "split": result.split,
        "epoch": result.epoch,
        "n": result.n,
        "accuracy": list(result.accuracy),
        **result.before.values._asdict(),
        "temperature": result.temperature[0],
        "after": result.after.values._asdict(),
        "fitted_on": result.fitted_on,
        "intervals": {
            **_bounds(result.before.intervals),
            "temperature": list(result.temperature[1:]),
            "after": _bounds(result.after.intervals),
        },
        "conformal": {
            "wanted": SET_COVERAGE,
            "coverage": [float(sets[name]) for name in ("coverage", "low", "high")],
            "mean_size": float(sets["mean_size"]),
        },
    }


def _bounds(intervals: dict[str, Any]) -> dict[str, list[float]]:
    return {name: list(interval[1:]) for name, interval in intervals.items()}
