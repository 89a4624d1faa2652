"""`compare`: what changed between two runs, or two epochs of one, on the same test pictures."""

from pathlib import Path
from typing import Any

import click

from cifar_core.commands.console import json_option, print_json, require_new_file, say, say_caveats, workspace_option
from cifar_core.evaluate import (
    INTERVAL_METHOD,
    CalibrationScores,
    Interval,
    PairedComparison,
    calibration_scores,
    compare_predictions,
    comparison_sentence,
)
from cifar_core.export import comparison_csv
from cifar_core.notes import read_tags
from cifar_core.runs import (
    Predictions,
    RunEpoch,
    align_pair,
    list_runs,
    parse_run_epoch,
    read_predictions,
    read_run,
    seed_noise,
)
from cifar_core.storage.atomic import write_atomic
from cifar_core.text import one_line, percent
from cifar_core.workspace import Workspace


@click.command()
@click.argument("a")
@click.argument("b")
@click.option("--csv", "table", type=click.Path(path_type=Path), metavar="FILE", help="Write a row a picture there.")
@json_option
@workspace_option
def compare(workspace: Workspace, a: str, b: str, table: Path | None, as_json: bool) -> None:
    """Compare runs A and B (ids or `latest`) on the test pictures that both have; A@3 is epoch 3 of A.

    The interval of the difference is that of Newcombe (1998, method 10) for paired proportions, p that of the exact
    McNemar test.
    """
    chosen = [parse_run_epoch(text) for text in (a, b)]
    require_new_file(table, "--csv")
    runs = [read_run(workspace, item.run) for item in chosen]
    found = [read_predictions(workspace, run.id, item.epoch) for run, item in zip(runs, chosen, strict=True)]
    names = [str(RunEpoch(run.id, each.epoch)) for run, each in zip(runs, found, strict=True)]
    first, second = align_pair(found[0], found[1], *names)
    comparison = compare_predictions(first, second)
    reported = all(run.best and run.best.epoch == each.epoch for run, each in zip(runs, found, strict=True))
    noise = seed_noise(list_runs(workspace), *runs) if reported else None  # repeats are known to spread there
    explained = noise.words if noise and noise.explains(comparison.difference.value) else None
    sentence = comparison_sentence(comparison, noise=noise)
    calibrations = calibration_scores(first), calibration_scores(second)
    for line in _lines(comparison, names, calibrations, sentence):
        click.echo(line, err=as_json)
    for run in {run.id: run for run in runs}.values():
        say_caveats(run)
    if table is not None:
        tags = read_tags(workspace, runs[0].dataset.fingerprint) if runs[0].dataset else {}
        write_atomic(table, comparison_csv(first, second, tags))
        say(f"Wrote {comparison.n:,} rows to {table}")
    if as_json:
        sides = {"a": _side(runs[0].id, first), "b": _side(runs[1].id, second)}
        print_json(
            sides
            | _numbers(comparison)
            | {f"calibration_{side}": of._asdict() for side, of in zip("ab", calibrations, strict=True)}
            | {"interval_method": INTERVAL_METHOD, "seed_noise": explained, "sentence": sentence}
        )


def _lines(
    comparison: PairedComparison, names: list[str], calibrations: tuple[CalibrationScores, ...], sentence: str
) -> list[str]:
    """What is said to people: who was compared, the sentence, the four counts, how far confidence can be believed."""
    accuracies = (comparison.accuracy_a, comparison.accuracy_b)
    sides = [
        f"{letter}  {one_line(name)}  {percent(accuracy.value)} right ({_bounds(accuracy)})"
        for letter, name, accuracy in zip("AB", names, accuracies, strict=True)
    ]
    counts = {
        "fixed": comparison.fixed,
        "broken": comparison.broken,
        "both wrong": comparison.both_wrong,
        "both right": comparison.both_right,
    }
    return [
        *sides,
        sentence,
        f"n = {comparison.n:,}: {', '.join(f'{count:,} {name}' for name, count in counts.items())}",
        *(
            f"{letter}  ECE {of.ece:.3f}, Brier score {of.brier:.3f}, NLL {of.nll:.3f} (lower is better)"
            for letter, of in zip("AB", calibrations, strict=True)
        ),
    ]


def _bounds(interval: Interval) -> str:
    return f"95 % interval {percent(interval.low)} to {percent(interval.high)}"


def _side(run_id: str, predictions: Predictions) -> dict[str, Any]:
    return {"run": run_id, "epoch": predictions.epoch, "split": predictions.split}


def _numbers(comparison: PairedComparison) -> dict[str, Any]:
    """The comparison as scripts read it; an interval of the difference is [value, low, high]."""
    return comparison._asdict() | {
        "accuracy_a": comparison.accuracy_a.value,
        "accuracy_b": comparison.accuracy_b.value,
        "accuracy_a_interval": list(comparison.accuracy_a[1:]),
        "accuracy_b_interval": list(comparison.accuracy_b[1:]),
        "difference": list(comparison.difference),
    }
