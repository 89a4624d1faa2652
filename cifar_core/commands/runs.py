"""`runs`: lists, shows, controls, shares and checks runs; `of_runs` holds further commands of it."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import click

from cifar_core.cluster.choice import require_place
from cifar_core.commands.console import json_option, print_json, say, waiting_text, workspace_option
from cifar_core.commands.jobs import follow_job
from cifar_core.commands.of_runs.settings import echo_settings
from cifar_core.commands.options import chosen, setting_options
from cifar_core.commands.train import begin, follow, resume_under_torchrun, say_set_aside, unfinished
from cifar_core.errors import RunError
from cifar_core.evaluate import curve_events
from cifar_core.interrupts import note_ctrl_c
from cifar_core.lifecycle.place import LOCAL
from cifar_core.runs import (
    DeletedRun,
    QueuePlace,
    Run,
    accuracy_caveats,
    delete_run,
    duplicate_run,
    empty_trash,
    epoch_to_resume,
    export_bytes,
    export_run,
    group_facts,
    group_of,
    group_words,
    import_run,
    list_runs,
    list_trash,
    own_runs,
    pause_run,
    queue_places,
    read_metrics,
    read_run,
    recompute_job,
    remove_last_weights,
    resolve_run,
    restore_run,
    resume_run,
    retry_run,
    retry_with_lower_rate,
    seed_groups,
    seen_phrase,
    slots,
    space_of,
    start_recompute,
    start_run,
    trial_words,
    verify_run,
)
from cifar_core.runs.classes.collect import runs_of_lesson
from cifar_core.runs.trials.kept import has_kept_values
from cifar_core.text import counted, one_line, size_text
from cifar_core.workspace import Workspace


@click.group()
def runs() -> None:
    """List, stop, resume, compare and share runs. RUN is an id or `latest`."""


@runs.command("list")
@click.option("--lesson", metavar="NAME", help="Only the runs of this lesson of a class, trials of sweeps too.")
@json_option
@workspace_option
def list_command(workspace: Workspace, lesson: str | None, as_json: bool) -> None:
    """All runs, newest first."""
    found = list_runs(workspace)
    places = queue_places(found, slots(workspace))
    if lesson is not None:
        found = runs_of_lesson(found, lesson)
    if as_json:
        print_json({"runs": [_brief(run, places.get(run.id)) for run in found]})
        return
    if not found:
        say("There is no run yet. Train one: python -m cifar_core train")
    own = own_runs(found)
    for run in own:
        click.echo(run.problem or _line(run, places.get(run.id)))
    if trials := len(found) - len(own):
        say(f"{counted(trials, 'trial')} of sweeps not listed: `sweep show SWEEP` lists them, `--json` all runs.")


@runs.command()
@click.argument("run")
@json_option
@workspace_option
def show(workspace: Workspace, run: str, as_json: bool) -> None:
    """One run: its state, settings, best and last epoch."""
    found = read_run(workspace, run)
    every = list_runs(workspace)
    place, group = queue_places(every, slots(workspace)).get(found.id), group_of(seed_groups(every), found.id)
    content = _brief(found, place) | {
        "config": found.config.flat() if found.has_network else None,
        "best": asdict(found.best) if found.best else None,
        "last": asdict(found.last) if found.last else None,
        "error": found.error,
        "diverged": found.diverged,
        "events": _events(workspace, found),
        "progress": asdict(found.progress) if found.progress else None,
        "silent_since": found.silent_since,
        "parent": found.parent,
        "parent_epoch": found.parent_epoch,
        "earlier_epochs": found.earlier_epochs,
        "epoch_rule": found.epoch_rule,
        "caveats": accuracy_caveats(found),
        "seeds": group_facts(group) if group else None,
        "bytes": space_of(workspace, found.id),
    }
    if as_json:
        print_json(content)
        return
    click.echo(_line(found, place))
    for sentence in [
        trial_words(found),
        found.error,
        *content["events"],
        *content["caveats"],
        group_words(group) if group else "",
    ]:
        if sentence:
            click.echo(sentence)
    click.echo(", ".join(f"{part} {size_text(size)}" for part, size in content["bytes"].items()))
    if found.has_network:
        echo_settings(found)


@runs.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@json_option
@workspace_option
def import_command(workspace: Workspace, file: Path, as_json: bool) -> None:
    """Import a run from a .zip FILE that `export` made; it can be read, but not resumed."""
    imported = import_run(workspace, file)
    say(
        f"Run {imported.run} was imported."
        if imported.new
        else f"This workspace already has this run, as {imported.run}."
    )
    if as_json:
        print_json({"run": imported.run, "new": imported.new})


@runs.command()
@click.argument("run")
@json_option
@workspace_option
def pause(workspace: Workspace, run: str, as_json: bool) -> None:
    """Ask a running or waiting RUN to keep its state and end; `resume` continues it."""
    _do(
        workspace,
        run,
        pause_run,
        "is asked to pause: it keeps everything and makes room for the next in line; `runs resume` goes on from there",
        as_json,
    )


@runs.command()
@click.argument("run")
@click.option("--backend", type=click.Choice(["local"]), help="Go on here: its cluster is gone, or is not wanted.")
@json_option
@workspace_option
def resume(workspace: Workspace, run: str, backend: str | None, as_json: bool) -> None:
    """Continue a RUN that was paused, stopped, interrupted or failed from its last checkpoint, when its turn comes."""
    run_id = resolve_run(workspace, run)
    if resume_under_torchrun(workspace, run_id, as_json):
        return
    epoch = epoch_to_resume(workspace, run_id)
    require_place(workspace, LOCAL if backend else read_run(workspace, run_id).place)
    _begin(workspace, lambda: run_id, partial(resume_run, place=LOCAL if backend else None))
    behind = _behind(workspace, run_id)
    where = f"at epoch {epoch}" if epoch else "from its last checkpoint"
    _report_done(run_id, f"goes on {where}" + (f", {behind}" if behind else ""), as_json)


@runs.command()
@click.argument("run")
@click.option("--lower-rate", is_flag=True, help="Of a run that diverged: take about a third of its learning rate.")
@json_option
@workspace_option
def retry(workspace: Workspace, run: str, lower_rate: bool, as_json: bool) -> None:
    """Train a RUN that failed, was interrupted or was stopped again as a new run, with the same settings and seed."""
    old, make = resolve_run(workspace, run), retry_with_lower_rate if lower_rate else retry_run
    require_place(workspace, read_run(workspace, old).place)
    new = _begin(workspace, lambda: make(workspace, old), start_run)
    rate = read_run(workspace, new).config.optimizer.learning_rate
    _report_new(new, old, as_json, but=f"but a learning rate of {rate:g}" if lower_rate else "")


@runs.command()
@click.argument("run")
@setting_options
@json_option
@workspace_option
def duplicate(workspace: Workspace, run: str, as_json: bool, **settings: Any) -> None:
    """Train a new run with the settings of RUN; an option given here wins."""
    old = resolve_run(workspace, run)
    require_place(workspace, read_run(workspace, old).place)
    new = _begin(workspace, lambda: duplicate_run(workspace, old, chosen(settings)), start_run)
    say_set_aside(workspace, read_run(workspace, new).config)
    _report_new(new, old, as_json)


@runs.command()
@click.argument("run")
@json_option
@workspace_option
def delete(workspace: Workspace, run: str, as_json: bool) -> None:
    """Move a RUN that is not running to the trash; `restore` brings it back."""
    run_id = resolve_run(workspace, run)
    is_kept = any(each.id == run_id and has_kept_values(workspace, each) for each in list_runs(workspace))
    delete_run(workspace, run_id)
    stays = "; its values stay in its sweep" if is_kept else ""
    _report_done(run_id, f"is in the trash; `runs restore` brings it back{stays}", as_json)


@runs.command()
@click.argument("run")
@json_option
@workspace_option
def restore(workspace: Workspace, run: str, as_json: bool) -> None:
    """Restore a deleted RUN."""
    restore_run(workspace, run)
    _report_done(run, "was restored", as_json)


@runs.command()
@click.option("--empty", is_flag=True, help="Remove everything in the trash for good.")
@json_option
@workspace_option
def trash(workspace: Workspace, empty: bool, as_json: bool) -> None:
    """Deleted runs, the last deleted first. They are removed for good after trash_days (in settings.json)."""
    found, removed = list_trash(workspace), 0
    if empty:
        removed = empty_trash(workspace)
        say(f"{counted(removed, 'run')} removed for good.")
    else:
        for item in found:
            name = f" ({item.name})" if item.name != item.id else ""
            moment = f"{item.deleted:%Y-%m-%d %H:%M} UTC" if item.deleted else "at an unknown time"
            click.echo(f"{one_line(item.id)}{name}  {item.problem or f'deleted {moment}'}")
        if not found:
            say("The trash is empty.")
    if as_json:
        listed = [_deleted(item) for item in found]
        print_json({"runs": [item for item in listed if item["problem"]] if empty else listed, "removed": removed})


@runs.command()
@click.argument("run")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="The .zip to make (else in exports).")
@json_option
@workspace_option
def export(workspace: Workspace, run: str, out: Path | None, as_json: bool) -> None:
    """Write a RUN into one .zip."""
    run_id = resolve_run(workspace, run)
    say(f"Run {run_id}: {size_text(export_bytes(workspace, run_id))} before packing.")
    path = export_run(workspace, run_id, out)
    say(f"Run {run_id} is in {path}")
    if as_json:
        print_json({"run": run_id, "file": str(path)})


@runs.command("remove-last-weights")
@click.argument("run")
@json_option
@workspace_option
def remove_last_weights_command(workspace: Workspace, run: str, as_json: bool) -> None:
    """Remove the last weights of a RUN and its optimiser, to make room; the weights of its best epoch stay."""
    run_id = resolve_run(workspace, run)
    freed = remove_last_weights(workspace, run_id)
    say(f"Run {run_id}: {size_text(freed)} freed. Its best weights and its predictions are as they were.")
    if as_json:
        print_json({"run": run_id, "bytes": freed})


@runs.command()
@click.argument("run")
@json_option
@workspace_option
def recompute(workspace: Workspace, run: str, as_json: bool) -> None:
    """Compute the predictions of a RUN again from its best weights, when their file is damaged or missing."""
    run_id, ctrl_c = resolve_run(workspace, run), note_ctrl_c()
    start_recompute(workspace, run_id)
    job = follow_job(recompute_job(workspace, run_id), ctrl_c)
    if job is None or job.state != "done":
        raise RunError((job and job.error) or "Recomputing was cancelled; nothing was changed.")
    _report_done(run_id, "has new predictions", as_json)


@runs.command()
@click.argument("run", required=False)
@json_option
@workspace_option
def verify(workspace: Workspace, run: str | None, as_json: bool) -> None:
    """Check that RUN (else every run) is whole; where one is not, name the faults and exit with code 1."""
    ids = [resolve_run(workspace, run)] if run is not None else [item.id for item in list_runs(workspace)]
    problems = {run_id: verify_run(workspace, run_id) for run_id in ids}
    faulty = {run_id: found for run_id, found in problems.items() if found}
    for run_id in ids:
        say(f"{run_id}: {' '.join(problems[run_id]) or 'whole'}")
    if as_json:
        print_json({"checked": ids, "problems": faulty})
    if faulty:
        raise click.exceptions.Exit(1)


def _deleted(item: DeletedRun) -> dict[str, str | None]:
    deleted = item.deleted.isoformat() if item.deleted else None
    return {"run": item.id, "name": item.name, "deleted": deleted, "problem": item.problem}


def _begin(workspace: Workspace, make: Callable[[], str], start: Callable[[Workspace, str], None]) -> str:
    """Queue a run and return its id; Ctrl-C meanwhile stops the run."""
    run_id, ctrl_c = begin(workspace, make, start)
    if ctrl_c.pressed:
        raise unfinished(follow(workspace, run_id, ctrl_c))
    return run_id


def _report_new(new: str, old: str, as_json: bool, *, but: str = "") -> None:
    say(f"Run {new} is queued, with the settings of {old}{but and f', {but}'}.")
    if as_json:
        print_json({"run": new, "made_from": old})


def _behind(workspace: Workspace, run_id: str) -> str:
    """Who is ahead of a run in the queue; empty where it waits for nobody."""
    place = queue_places(list_runs(workspace), slots(workspace)).get(run_id)
    return place.behind(one_line) if place else ""


def _do(workspace: Workspace, run: str, action: Any, done: str, as_json: bool) -> None:
    run_id = resolve_run(workspace, run)
    action(workspace, run_id)
    _report_done(run_id, done, as_json)


def _report_done(run_id: str, done: str, as_json: bool) -> None:
    say(f"Run {run_id} {done}.")
    if as_json:
        print_json({"run": run_id, "done": True})


def _events(workspace: Workspace, run: Run) -> list[str]:
    """What happened in the training; its classes are known since its first epoch ended."""
    return curve_events(read_metrics(workspace, run.id), classes=len(run.dataset.class_names)) if run.dataset else []


def _brief(run: Run, place: QueuePlace | None) -> dict[str, Any]:
    return {
        "run": run.id,
        "name": run.name,
        "status": run.status.value,
        "ending": run.ending.value if run.ending else None,
        "queue": asdict(place) if place else None,
        "created": run.created,
        "dataset": run.config.data.dataset,
        "origin": run.origin,
        "sweep": run.sweep,
        "trial": run.trial,
        "person": run.person,
        "lesson": run.lesson,
        "test_accuracy": run.best.test_accuracy if run.best else None,
        "best_epoch": run.best.epoch if run.best else None,
        "train_seconds": run.seconds,
        "place": asdict(run.place),
        "problem": run.problem,
    }


def _line(run: Run, place: QueuePlace | None) -> str:
    if run.best is None:
        score = "no finished epoch"
    else:
        seen = seen_phrase(run)
        epoch = f" at epoch {run.best.epoch}" if run.has_network else ""
        score = f"test accuracy {run.best.test_accuracy:.4f}{epoch}{f' ({seen})' if seen else ''}"
    name = f" ({run.name})" if run.name != run.id else ""
    status = f"{run.status}, {waiting_text(place)}" if place else run.status.value
    if run.ending is not None:
        status += f", asked to {run.ending}"
    if run.silent_since is not None:
        status += f", not responding since {datetime.fromtimestamp(run.silent_since):%H:%M}"
    took = f"{run.seconds:.0f} s" if run.has_network else "imported"
    where = f"  on {run.place.words}" if run.is_elsewhere else ""
    return f"{run.id}{name}  {status}  {run.config.data.dataset}  {score}  {took}{where}"
