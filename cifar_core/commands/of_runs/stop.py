"""`runs stop`: stops a run, or all runs and sweeps."""

import click

from cifar_core.commands.console import json_option, print_json, say, workspace_option
from cifar_core.runs import resolve_run, stop_run
from cifar_core.sweeps.among_runs.stop_all import stop_everything
from cifar_core.text import counted
from cifar_core.workspace import Workspace


@click.command()
@click.argument("run", required=False)
@click.option("--all", "every", is_flag=True, help="Stop all sweeps and runs, and wait until they have ended.")
@json_option
@workspace_option
def stop(workspace: Workspace, run: str | None, every: bool, as_json: bool) -> None:
    """Ask a running or waiting RUN (or --all) to stop after its present batch; it keeps what it has."""
    if every == (run is not None):
        raise click.UsageError("Name one RUN, or give --all.")
    if run is None:
        _stop_all(workspace, as_json)
        return
    run_id = resolve_run(workspace, run)
    stop_run(workspace, run_id)
    say(
        f"Run {run_id} is asked to stop: it ends after its present batch and keeps what it has; `runs resume` goes on "
        "from there."
    )
    if as_json:
        print_json({"run": run_id, "done": True})


def _stop_all(workspace: Workspace, as_json: bool) -> None:
    sweeps, stopped = stop_everything(workspace)
    ended = [*([counted(len(sweeps), "sweep")] if sweeps else []), counted(len(stopped), "run")]
    say(f"{' and '.join(ended)} ended.")
    if as_json:
        print_json({"stopped": stopped, "sweeps": sweeps})
