"""`data`: list, get, import. A process of its own prepares a dataset; the command follows it."""

from dataclasses import asdict
from pathlib import Path

import click

from cifar_core.commands.console import json_option, print_json, say, workspace_option
from cifar_core.commands.jobs import follow_job
from cifar_core.data import (
    DatasetState,
    dataset_job,
    dataset_state,
    list_datasets,
    start_get,
    start_import,
)
from cifar_core.errors import CifarCoreError, DataError, DownloadError
from cifar_core.interrupts import CtrlC, note_ctrl_c
from cifar_core.jobs.job import JobState
from cifar_core.workspace import Workspace


@click.group()
def data() -> None:
    """List datasets, get one, or import your own pictures."""


@data.command("list")
@json_option
@workspace_option
def list_command(workspace: Workspace, as_json: bool) -> None:
    """List all datasets, and how to get those that are missing."""
    found = list_datasets(workspace)
    if as_json:
        print_json({"datasets": [asdict(item) for item in found]})
        return
    for item in found:
        size = (
            f"{item.train:,} train, {item.test:,} test, {item.classes} classes" if item.state == "ready" else item.how
        )
        click.echo(f"{item.name}  {item.state}  {item.problem or size}")


@data.command()
@click.argument("name")
@json_option
@workspace_option
def get(workspace: Workspace, name: str, as_json: bool) -> None:
    """Get NAME: `drawn10` is drawn here, `cifar10` is downloaded."""
    ctrl_c = note_ctrl_c()
    start_get(workspace, name)
    finish(workspace, name, ctrl_c, as_json)


@data.command("import")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--name", required=True, help="What to call it: small letters, digits and hyphens.")
@click.option(
    "--leave-out",
    is_flag=True,
    help="Leave out files that cannot be used and import the rest; without this, one such file refuses the import.",
)
@json_option
@workspace_option
def import_command(workspace: Workspace, path: Path, name: str, leave_out: bool, as_json: bool) -> None:
    """Import a folder, .zip or .tar of train/CLASS/* and test/CLASS/* pictures, or the official CIFAR-10 archive."""
    ctrl_c = note_ctrl_c()
    start_import(workspace, path, name, leave_out=leave_out)
    finish(workspace, name, ctrl_c, as_json)


def finish(workspace: Workspace, name: str, ctrl_c: CtrlC, as_json: bool = False) -> None:
    """Follow the preparation of a dataset, by any process, to its end.

    Raises:
        DataError: an import was refused, or the stored dataset is broken.
        DownloadError: getting it failed, or getting or importing it was cancelled.
    """
    job = follow_job(dataset_job(workspace, name), ctrl_c)
    state = dataset_state(workspace, name)
    # A job that did not end well is an earlier try where the dataset is ready nevertheless.
    if job is not None and (job.state == "done" or state.state != "ready"):
        for line in job.report:
            say(line)
    if state.state != "ready":
        raise _failure(state, job)
    say(f"{name} is ready: {state.train:,} training and {state.test:,} test pictures, {state.classes} classes.")
    if as_json:
        print_json(asdict(state))


def _failure(state: DatasetState, job: JobState | None) -> CifarCoreError:
    if state.state == "broken":
        return DataError(state.problem)
    is_import = job is not None and job.kind == "import"
    if job is not None and job.state == "cancelled":
        return DownloadError(
            f"{'Importing' if is_import else 'Getting'} {state.name} was cancelled; nothing was changed."
        )
    kind = DataError if is_import else DownloadError
    if job is not None and job.error:
        return kind(job.error)
    return kind(f"{state.name} is not ready: its preparation ended early. Start it again.")
