"""`runs repeat`: queue further runs of one setting with other seeds."""

import click

from cifar_core.cluster.choice import require_place
from cifar_core.commands.console import json_option, print_json, say, workspace_option
from cifar_core.runs import read_run, repeat_with_seeds, resolve_run
from cifar_core.workspace import Workspace


@click.command()
@click.argument("run")
@click.option("--seeds", default=2, show_default=True, metavar="K", help="How many further runs, each with its seed.")
@json_option
@workspace_option
def repeat(workspace: Workspace, run: str, seeds: int, as_json: bool) -> None:
    """Queue further runs with the settings of RUN and other seeds; `runs show` then says how far they lie apart."""
    old = resolve_run(workspace, run)
    require_place(workspace, read_run(workspace, old).place)
    made = repeat_with_seeds(workspace, old, seeds)
    chosen = [read_run(workspace, each).config.machine.seed for each in made]
    for run_id, seed in zip(made, chosen, strict=True):
        say(f"Run {run_id} is queued, with the settings of {old} and seed {seed}.")
    if as_json:
        print_json({"runs": made, "seeds": chosen, "made_from": old})
