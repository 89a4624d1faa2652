"""`learning`: how each picture of a run was learned, over all its epochs."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pandas as pd

from cifar_core.analyse import KeptResult, make_parameters, missing_needs
from cifar_core.analyse.compute.keeping import compute_and_keep
from cifar_core.analyse.learning import KNOWN, LEARNING, LearningFacts, LearningParameters, facts_of, learning_of
from cifar_core.commands.console import (
    clear_line,
    json_option,
    print_json,
    require_new_file,
    say,
    show_step,
    workspace_option,
)
from cifar_core.commands.options import chosen, parameter_options
from cifar_core.errors import RunError
from cifar_core.evaluate import REGIONS, LearningSummary, learning_of_classes, pictures_of, summarise_learning
from cifar_core.export import table_csv
from cifar_core.runs import Run, read_run
from cifar_core.storage.atomic import write_atomic
from cifar_core.text import counted, one_line, percent
from cifar_core.workspace import Workspace

_PICTURES = 10  # of each region
_MAX_CLASSES = 20  # in the table for people; of more, those that were never learned or forgotten most often


@click.command()
@click.argument("run")
@parameter_options(LEARNING)
@click.option("--csv", "file", type=click.Path(path_type=Path), metavar="FILE", help="Write a row a picture there.")
@json_option
@workspace_option
def learning(workspace: Workspace, run: str, file: Path | None, as_json: bool, **settings: Any) -> None:
    """Tell how each picture of RUN (an id or `latest`) was learned: early or late, forgotten, or never.

    Training pictures are judged by what the network answered when it learned from them, augmented and with dropout;
    test pictures by the predictions after each epoch.
    """
    parameters = make_parameters(LearningParameters, chosen(settings))
    require_new_file(file, "--csv")
    found = read_run(workspace, run)
    kept = _computed(workspace, found, parameters)
    facts, table = facts_of(kept), learning_of(kept)
    for line in _lines(found, facts, table):
        click.echo(line, err=as_json)
    for sentence in filter(None, (facts.note, kept.unkept)):
        say(sentence)
    if file is not None:
        write_atomic(file, table_csv(table))
        say(f"Wrote {len(table):,} rows to {file}")
    if as_json:
        print_json(_content(found, facts, table))


def _computed(workspace: Workspace, run: Run, parameters: LearningParameters) -> KeptResult[LearningParameters]:
    missing = missing_needs(workspace, run, LEARNING, parameters)
    if missing and parameters.split == "train":
        raise RunError(f"{missing} With --split test, its test pictures tell how they were learned.")
    try:
        return compute_and_keep(workspace, run, LEARNING, parameters, show_step)
    finally:
        clear_line()


def _lines(run: Run, facts: LearningFacts, table: pd.DataFrame) -> Iterator[str]:
    """What is said to people."""
    whole, which = summarise_learning(table), {"train": "training", "test": "test"}[facts.split]
    known = KNOWN[facts.split]
    yield f"Run {run.id}, {which} pictures, n = {whole.n:,}, {counted(len(facts.epochs), 'epoch')}."
    for count, words in (
        (whole.never_learned, f"never {known}"),
        (whole.forgotten, "forgotten once or more"),
        (whole.unforgettable, f"unforgettable: {known}, and never forgotten"),
    ):
        yield f"{count:8,}  {percent(count / whole.n) if whole.n else '':>7}  {words}"
    yield (
        f"On average: p(true class) {_number(whole.confidence)}, variability {_number(whole.variability)}, "
        f"correctness {_number(whole.correctness)}, AUM {_number(whole.aum)}"
    )
    yield from _class_lines(learning_of_classes(table), f"never {known}")
    yield "Hardest: the lowest mean p(true class)"
    hardest = table.iloc[pictures_of(table, "hardest", _PICTURES)].to_dict("records")
    for rank, row in enumerate(hardest, start=1):
        answer = f"true {one_line(row['true'])} → last predicted {one_line(row['predicted'])}"
        yield f"{rank:3d}  {_number(row['confidence'])}  {answer}  {one_line(row['id'])}"


def _class_lines(classes: pd.DataFrame, never: str) -> Iterator[str]:
    trouble = (classes["never_learned"] + classes["forgotten"]) / classes["n"].clip(lower=1)
    shown = classes.loc[trouble.sort_values(ascending=False, kind="stable").index[:_MAX_CLASSES].sort_values()]
    of = f" ({_MAX_CLASSES} of {len(classes):,}, the worst)" if len(classes) > _MAX_CLASSES else ""
    yield f"{'n':>8}  {never:>13}  forgotten  {'mean p':>7}  {'AUM':>7}  class{of}"
    for row in shown.to_dict("records"):
        counts = f"{row['n']:8,}  {row['never_learned']:13,}  {row['forgotten']:9,}"
        yield f"{counts}  {_number(row['confidence']):>7}  {_number(row['aum']):>7}  {one_line(row['class'])}"


def _number(value: float) -> str:
    return "none" if math.isnan(value) else f"{value:.2f}"


def _content(run: Run, facts: LearningFacts, table: pd.DataFrame) -> dict[str, Any]:
    """The answer as scripts read it; a mean of no picture, and what is not finite, is null."""
    classes = learning_of_classes(table)
    regions = {
        name.replace(" ", "_"): table["id"].iloc[pictures_of(table, name, _PICTURES)].tolist() for name in REGIONS
    }
    return {
        "run": run.id,
        "split": facts.split,
        "epochs": list(facts.epochs),
        "note": facts.note,
        **_summary(summarise_learning(table)),
        "classes": [
            {"class": name, **_summary(LearningSummary(*row))}
            for name, *row in classes.itertuples(index=False, name=None)
        ],
        **regions,
    }


def _summary(summary: LearningSummary) -> dict[str, Any]:
    return {name: value if math.isfinite(value) else None for name, value in summary._asdict().items()}
