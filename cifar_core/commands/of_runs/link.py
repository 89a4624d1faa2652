"""`runs link`: another dataset with the same pictures shows those of a run."""

import click

from cifar_core.commands.console import json_option, print_json, say, workspace_option
from cifar_core.runs import link_dataset, read_run
from cifar_core.workspace import Workspace


@click.command()
@click.argument("run")
@click.argument("dataset")
@json_option
@workspace_option
def link(workspace: Workspace, run: str, dataset: str, as_json: bool) -> None:
    """Let DATASET show the pictures of RUN, where the dataset that it was trained on is gone.

    It must have the same fingerprint, or the same test pictures with the same classes under the same ids, in any order.
    Naming the run's own dataset removes the link.
    """
    run_id = read_run(workspace, run).id
    link_dataset(workspace, run_id, dataset)
    linked = read_run(workspace, run_id).linked_dataset
    say(
        f"Run {run_id} shows the pictures of {dataset}" + (" where its own are gone." if linked else ", its own again.")
    )
    if as_json:
        print_json({"run": run_id, "dataset": linked.name if linked else None})
