"""`analyze`: list the worst mistakes of a run and save them as pictures."""

from pathlib import Path
from typing import Any

import click
import pandas as pd

from cifar_core.commands.console import json_option, print_json, say, say_caveats, workspace_option
from cifar_core.errors import ConfigError
from cifar_core.export import MAX_EXPORTED, Export, epoch_file_name, save_samples
from cifar_core.notes import Notes, read_notes, tags_of
from cifar_core.runs import Run, accuracy_caveats, list_runs, open_run_dataset, read_predictions, read_run
from cifar_core.samples import (
    EXPORTED_SCORES,
    WRONG_COLUMNS,
    SampleFilter,
    prediction_table,
    select_samples,
    tile_caption,
    with_seeds,
    with_tags,
)
from cifar_core.saved_views import ViewAnswer, answer_words, answers_of_run, change_words, views_of
from cifar_core.text import counted
from cifar_core.workspace import Workspace


@click.command()
@click.argument("run")
@click.option("--top", default=10, show_default=True, metavar="N", help="How many mistakes, the highest loss first.")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="New folder (else one in exports).")
@json_option
@workspace_option
def analyze(workspace: Workspace, run: str, top: int, out: Path | None, as_json: bool) -> None:
    """Save the top mistakes of RUN (an id or `latest`) on the test set as PNG files with a table, and list them.

    It also answers the saved views of its dataset, each beside the run before on the same test pictures.
    """
    if not 1 <= top <= MAX_EXPORTED:
        raise ConfigError([f"--top is {top}, but must be a whole number from 1 to {MAX_EXPORTED:,}."])
    found = read_run(workspace, run)
    predictions = read_predictions(workspace, found.id)
    dataset = open_run_dataset(workspace, found)
    assert found.dataset is not None  # it was opened
    notes = read_notes(workspace, found.dataset.fingerprint)
    table = with_tags(prediction_table(predictions), tags_of(notes))
    table = with_seeds(workspace, found, table)
    mistakes = select_samples(table, SampleFilter(), sort="loss")
    worst = mistakes.head(top)
    say(f"Run {found.id}, test, n = {len(table):,}, epoch {predictions.epoch}: {counted(len(mistakes), 'mistake')}.")
    say_caveats(found)
    views = _say_views(workspace, found, notes)
    if worst.empty:
        _print_result(as_json, _summary(found, predictions.epoch, table, worst, None) | views)
        return
    export = save_samples(
        workspace,
        dataset.test,
        worst,
        predictions.probs,
        predictions.class_names,
        predictions.epoch,
        label=epoch_file_name(found.id, predictions.epoch, "mistakes"),
        out=out,
    )
    for rank, (_, row) in enumerate(worst.iterrows(), start=1):
        click.echo(f"{rank:3d}  {tile_caption(row)}  {row['id']}")
    say(f"Saved {counted(len(worst), 'picture')}, a table and a contact sheet to {export.folder}")
    _print_result(as_json, _summary(found, predictions.epoch, table, worst, export) | views)


def _say_views(workspace: Workspace, run: Run, notes: Notes) -> dict[str, Any]:
    """Print what the run answers to each saved view; return it as JSON has it."""
    found = answers_of_run(workspace, run, list_runs(workspace), views_of(notes), tags_of(notes))
    previous = found.previous.id if found.previous else None
    for answer in found.answers:
        words = [answer_words(answer), change_words(answer, previous or "")]
        say(f"View {answer.view.name}: {', '.join(filter(None, words))}.")
    return {"views": [_view_summary(answer, previous) for answer in found.answers]}


def _view_summary(answer: ViewAnswer, previous: str | None) -> dict[str, Any]:
    return {
        "name": answer.view.name,
        "measure": answer.measure,
        "n": answer.n,
        "count": answer.count,
        "share": answer.share and list(answer.share),  # value, low, high
        "previous": previous,
        # Of the right ones (of a view of mistakes: of those without such a mistake), so below 0 is worse.
        "difference": answer.change and list(answer.change.difference),
        "worse": answer.worse,
    }


def _print_result(as_json: bool, content: dict[str, Any]) -> None:
    if as_json:
        print_json(content)


def _summary(run: Run, epoch: int, table: pd.DataFrame, worst: pd.DataFrame, export: Export | None) -> dict[str, Any]:
    wrong = (name for name in WRONG_COLUMNS if name in worst)
    columns = ["id", "index", "true", "predicted", "tags", *EXPORTED_SCORES, *wrong]
    return {
        "run": run.id,
        "split": "test",
        "n": len(table),
        "epoch": epoch,
        "misclassified": int((~table["correct"]).sum()),
        "caveats": accuracy_caveats(run),
        "saved": [str(path) for path in export.pictures] if export else [],
        "folder": str(export.folder) if export else None,
        "top": worst[columns].to_dict("records"),
    }
