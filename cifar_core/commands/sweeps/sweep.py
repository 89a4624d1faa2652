"""`sweep`: starts, lists, shows, stops and resumes sweeps."""

from typing import Any

import click

from cifar_core.cluster.choice import require_place
from cifar_core.commands.console import json_option, print_json, say, workspace_option
from cifar_core.commands.options import chosen, place_options, setting_options, take_place
from cifar_core.commands.sweeps.follow import follow_sweep, reported_where_it_goes_on, require_finished
from cifar_core.commands.sweeps.words import closing, plan_lines, sweep_lines, table_lines
from cifar_core.commands.train import say_set_aside
from cifar_core.config import make_config
from cifar_core.interrupts import note_ctrl_c
from cifar_core.lifecycle.place import LOCAL
from cifar_core.presets import PRESETS
from cifar_core.runs import list_runs
from cifar_core.sweeps.control import resume_sweep, start_sweep, stop_sweep
from cifar_core.sweeps.estimate import estimate_sweep
from cifar_core.sweeps.plan import SweepOptions, SweepPlan, plan_sweep, with_validation
from cifar_core.sweeps.space import parse_space
from cifar_core.sweeps.sweep import Sweep, list_sweeps, read_sweep, sweep_facts
from cifar_core.workspace import Workspace

_SET_HELP = (
    "What to search, once for each setting: a range, as in learning_rate=1e-4..1e-1, or values, as in "
    "channels=16,32|32,64."
)
_STORAGE_HELP = (
    "URL of a PostgreSQL database, in which several machines share the sweep; the password comes from PGPASSWORD or "
    "~/.pgpass."
)


@click.group()
def sweep() -> None:
    """Search for good settings with many runs, judged on the validation part. SWEEP is an id or `latest`."""


@sweep.command()
@click.option("--set", "texts", multiple=True, metavar="NAME=LOW..HIGH|NAME=A|B", help=_SET_HELP)
@click.option("--runs", type=int, metavar="N", help="All runs, candidates times seeds [default 30; of a grid all]")
@click.option("--hours", default=0.0, metavar="X", help="Stop after this long and keep what there is; 0: no limit.")
@click.option("--seeds", default=1, metavar="K", help="Runs of each candidate, which counts by their mean [default 1]")
@click.option("--sampler", default="tpe", metavar="tpe|random|grid", help="Proposes the candidates [default tpe]")
@click.option(
    "--pruner", default="none", metavar="none|median|hyperband", help="Stops hopeless runs early [default none]"
)
@click.option("--storage", default="", metavar="URL", help=_STORAGE_HELP)
@click.option("--start-from", multiple=True, metavar="RUN", help="Try the settings of this run first.")
@click.option("--name", default="", help="What to call the sweep; else it is called by its id.")
@click.option("--preset", metavar="|".join(PRESETS), help="Starting point, else default; options beside it win.")
@place_options
@setting_options
@json_option
@workspace_option
def start(workspace: Workspace, texts: tuple[str, ...], preset: str | None, as_json: bool, **options: Any) -> None:
    """Search the settings that --set names.

    The others are options as of `train`, and say where the search begins. It shows its progress until it ends. Ctrl-C
    stops it and keeps what there is; `sweep resume` goes on.
    """
    asked = {name: options.pop(name) for name in ("hours", "seeds", "sampler", "pruner", "storage", "name")}
    asked["start_from"] = options.pop("start_from")
    asked["place"] = take_place(workspace, options) or LOCAL
    runs = options.pop("runs")
    asked["runs"] = runs if runs is not None else 0 if asked["sampler"] == "grid" else SweepOptions.runs
    plan = _planned(workspace, texts, chosen(options), preset or "default", SweepOptions(**asked))
    require_place(workspace, plan.options.place)
    ctrl_c = note_ctrl_c()
    sweep_id = start_sweep(workspace, plan)
    with reported_where_it_goes_on(workspace, sweep_id):
        for line in plan_lines(plan, sweep_id, estimate_sweep(workspace, plan, list_runs(workspace))):
            say(line)
        _end(workspace, follow_sweep(workspace, sweep_id, ctrl_c), as_json)


def _planned(
    workspace: Workspace, texts: tuple[str, ...], changes: dict[str, Any], preset: str, options: SweepOptions
) -> SweepPlan:
    """The checked plan of `start`; says what it changes of the settings."""
    config = make_config(changes, preset=preset)
    settings, changed = with_validation(workspace, config.flat(), list(changes))
    plan = plan_sweep(workspace, settings, parse_space(texts, settings), options)
    if changed:
        say(changed)
    say_set_aside(workspace, make_config(plan.settings))
    return plan


@sweep.command()
@click.argument("sweep_id", metavar="SWEEP")
@json_option
@workspace_option
def resume(workspace: Workspace, sweep_id: str, as_json: bool) -> None:
    """Go on with a SWEEP that was stopped or interrupted.

    It shows its progress until it ends, as `sweep start` does.
    """
    before = read_sweep(workspace, sweep_id)
    require_place(workspace, before.plan.options.place)
    ctrl_c = note_ctrl_c()
    resume_sweep(workspace, before.id)
    with reported_where_it_goes_on(workspace, before.id):
        say(f"Sweep {before.id} goes on.")
        _end(workspace, follow_sweep(workspace, before.id, ctrl_c, before=before), as_json)


def _end(workspace: Workspace, found: Sweep, as_json: bool) -> None:
    """Print what came of a sweep that has ended; an error unless it is finished."""
    runs = list_runs(workspace)
    if as_json:
        print_json(sweep_facts(found, runs))
    for line in closing(found, runs):
        say(line)
    require_finished(found)


@sweep.command("list")
@json_option
@workspace_option
def list_command(workspace: Workspace, as_json: bool) -> None:
    """All sweeps, newest first."""
    runs = list_runs(workspace)
    found = list_sweeps(workspace, runs)
    if as_json:
        print_json({"sweeps": [sweep_facts(each, runs) for each in found]})
        return
    if not found:
        say("There is no sweep yet. Start one: python -m cifar_core sweep start --set learning_rate=1e-4..1e-1")
    for line in table_lines(found, runs):
        click.echo(line)


@sweep.command()
@click.argument("sweep_id", metavar="SWEEP")
@json_option
@workspace_option
def show(workspace: Workspace, sweep_id: str, as_json: bool) -> None:
    """One SWEEP: what it searches, its best candidate, and its trials."""
    runs = list_runs(workspace)
    found = read_sweep(workspace, sweep_id, runs)
    if as_json:
        print_json(sweep_facts(found, runs, trials=True))
        return
    for line in sweep_lines(found, runs):
        click.echo(line)


@sweep.command()
@click.argument("sweep_id", metavar="SWEEP")
@json_option
@workspace_option
def stop(workspace: Workspace, sweep_id: str, as_json: bool) -> None:
    """Stop a running SWEEP; `sweep resume` goes on.

    Its runs pause, and all that there is stays.
    """
    before, ctrl_c = read_sweep(workspace, sweep_id), note_ctrl_c()
    stop_sweep(workspace, before.id)
    found = follow_sweep(workspace, before.id, ctrl_c, before=before, stopping=True)
    goes_on = "" if found.status == "finished" else f" `sweep resume {found.id}` goes on from there."
    say(f"Sweep {found.id} has ended (status: {found.status}).{goes_on}")
    if as_json:
        print_json(sweep_facts(found, list_runs(workspace)))
