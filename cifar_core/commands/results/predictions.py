"""`predictions`: brings predictions of another model in as a run, and takes those of a run out."""

from pathlib import Path

import click

from cifar_core.commands.console import (
    json_option,
    print_json,
    require_new_file,
    say,
    say_caveats,
    workspace_option,
)
from cifar_core.export import NAMES, Names, predictions_file
from cifar_core.notes import read_tags
from cifar_core.runs import import_predictions, read_predictions, read_run
from cifar_core.storage.atomic import write_atomic
from cifar_core.text import counted
from cifar_core.train import MeasuredSplit
from cifar_core.workspace import Workspace


@click.group()
def predictions() -> None:
    """Import predictions of a model trained elsewhere, or export those of a run."""


@predictions.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dataset", required=True, metavar="NAME", help="The dataset whose pictures were predicted.")
@click.option("--name", required=True, metavar="TEXT", help="What the run is called.")
@click.option("--split", type=click.Choice(["test"]), default="test", show_default=True, help="The predicted part.")
@json_option
@workspace_option
def import_command(workspace: Workspace, file: Path, dataset: str, name: str, split: str, as_json: bool) -> None:
    """Make a run of the predictions in FILE: CSV, Parquet or NPZ.

    A table has a column `id` (or a path that ends in one) or `index` (the place in the test part, from 0), a column for
    each class, by its name or its number from 0, perhaps with p_ in front (logit_ for logits), and perhaps one with the
    true class: `true` or `label`. An NPZ file has arrays: ids or index, probs or logits, perhaps labels.
    """
    imported = import_predictions(workspace, file, dataset, name)
    run = read_run(workspace, imported.run)
    assert run.best is not None  # it was just written
    called = f" ({run.name})" if run.name != run.id else ""
    say(
        f"Run {run.id}{called}: {counted(imported.pictures, f'{split} picture')}, accuracy "
        f"{run.best.test_accuracy:.4f}. See its mistakes: python -m cifar_core analyze {run.id}"
    )
    say_caveats(run)
    if as_json:
        print_json(
            {
                "run": run.id,
                "n": imported.pictures,
                "accuracy": run.best.test_accuracy,
                "differing_labels": imported.differing_labels,
            }
        )


@predictions.command()
@click.argument("run")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--split", type=click.Choice(["test", "validation"]), default="test", show_default=True, help="The part.")
@click.option("--epoch", type=int, metavar="N", help="After this epoch (else the best one).")
@click.option(
    "--names",
    type=click.Choice(NAMES),
    default="plain",
    show_default=True,
    help="fiftyone: filepath, ground_truth, predictions, confidence; cleanlab (.npz): labels, pred_probs.",
)
@json_option
@workspace_option
def export(
    workspace: Workspace,
    run: str,
    file: Path,
    split: MeasuredSplit,
    epoch: int | None,
    names: Names,
    as_json: bool,
) -> None:
    """Write the predictions of RUN (an id or `latest`) to the new FILE: .csv, .parquet or .npz, as its ending says."""
    require_new_file(file, "FILE")
    found = read_run(workspace, run)
    given = read_predictions(workspace, found.id, epoch, split=split)
    tags = read_tags(workspace, found.dataset.fingerprint) if found.dataset and split == "test" else {}
    write_atomic(file, predictions_file(given, file.suffix, names, tags))
    say(f"Wrote {counted(len(given.labels), f'{split} picture')} of run {found.id}, epoch {given.epoch}, to {file}")
    if as_json:
        print_json({"run": found.id, "epoch": given.epoch, "split": split, "n": len(given.labels), "file": str(file)})
