"""`data`: list, get, import, check, notes, export, delete, restore, give-up.

A process of its own prepares or exports a dataset; the command follows it.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from cifar_core.commands.console import json_option, print_json, require_new_file, say, workspace_option
from cifar_core.commands.jobs import follow_job
from cifar_core.data import (
    BUILT_IN_NAMES,
    DEFAULT_TEST_SHARE,
    FIT_TITLES,
    DatasetState,
    DuplicateCounts,
    Findings,
    Fit,
    ImportOptions,
    check_dataset,
    dataset_job,
    dataset_state,
    delete_dataset,
    duplicate_sentences,
    duplicate_table,
    export_job,
    forget_import,
    list_datasets,
    open_dataset,
    pasted_path,
    read_findings,
    restore_dataset,
    start_cleaned_copy,
    start_export,
    start_get,
    start_import,
    suggested_name,
    summarise,
    summary_json,
    unfinished_import,
)
from cifar_core.data.store import refuse_taken
from cifar_core.errors import CifarCoreError, DataError, DownloadError
from cifar_core.export import MAX_TAGS_BYTES, import_tags, table_csv, tags_csv
from cifar_core.interrupts import CtrlC, note_ctrl_c
from cifar_core.jobs.job import JobState
from cifar_core.notes import count_tags, notes_path, read_notes, tags_of
from cifar_core.runs import dataset_use, list_runs
from cifar_core.storage.atomic import write_atomic
from cifar_core.storage.disk_errors import storage_errors
from cifar_core.storage.json_files import read_start
from cifar_core.sweeps.among_runs.dataset_use import sweep_use
from cifar_core.sweeps.sweep import list_sweeps
from cifar_core.text import counted, size_text
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
        print_json({"datasets": [asdict(item) | {"how": _how(item)} for item in found]})
        return
    for item in found:
        size = (
            f"{item.train:,} train, {item.test:,} test, {counted(item.classes, 'class')}"
            if item.state == "ready"
            else _how(item)
        )
        click.echo(f"{item.name}  {item.state}  {item.problem or size}")


def _how(state: DatasetState) -> str:
    """How to get a dataset, with the command where one gets it."""
    absent = state.state == "absent" and state.name in BUILT_IN_NAMES
    return f"{state.how.rstrip('.')}, or: python -m cifar_core data get {state.name}" if absent else state.how


@data.command()
@click.argument("name")
@json_option
@workspace_option
def get(workspace: Workspace, name: str, as_json: bool) -> None:
    """Get NAME: `drawn10` is drawn here, `cifar10` is downloaded."""
    ctrl_c = note_ctrl_c()
    start_get(workspace, name)
    state = finish(workspace, name, ctrl_c)
    if as_json:
        print_json(asdict(state))


@data.command("import")
@click.argument("path")
@click.option("--name", default="", help="What to call it: small letters, digits and hyphens; by default like PATH.")
@click.option(
    "--leave-out",
    is_flag=True,
    help="Leave out files that cannot be used and import the rest; without this, one such file refuses the import.",
)
@click.option(
    "--test-share",
    type=float,
    help=f"Share of the test part that is chosen where there is none [default: {DEFAULT_TEST_SHARE}].",
)
@click.option("--seed", default=0, show_default=True, help="Draws that test part.")
@click.option(
    "--names", default="", metavar="ENCODING", help="Encoding of the names in a zip that does not say it, such as gbk."
)
@click.option(
    "--fit",
    type=click.Choice(list(FIT_TITLES)),
    default="crop",
    show_default=True,
    help="How a picture that is not square becomes 32 x 32: "
    f"{', '.join(f'{title} ({name})' for name, title in FIT_TITLES.items())}.",
)
@json_option
@workspace_option
def import_command(  # noqa: PLR0913 - one argument for each option
    workspace: Workspace,
    path: str,
    name: str,
    leave_out: bool,
    test_share: float | None,
    seed: int,
    names: str,
    fit: Fit,
    as_json: bool,
) -> None:
    """Import a folder, .zip or .tar of pictures in class folders, or an archive of CIFAR-10 or CIFAR-100.

    The parts are train/CLASS/* and test/CLASS/*, under these or similar names (training, val, ...) at any depth; of
    CLASS/* alone a test part is chosen.
    """
    ctrl_c = note_ctrl_c()
    path = pasted_path(path)
    if not path:
        raise DataError("Give the path of a folder or archive.")
    name = name or suggested_name(path)
    options = ImportOptions(leave_out, test_share, seed, names, fit)
    start_import(workspace, Path(path), name, options=options)
    try:
        state = finish(workspace, name, ctrl_c)
    except (DataError, DownloadError) as error:
        findings = read_findings(dataset_job(workspace, name))
        way_out = _way_out(findings)
        if findings.problem_count or not unfinished_import(workspace, name):
            # It has all been said here, so the Data page need not show it, and nobody has to dismiss it there.
            forget_import(workspace, name)
        raise type(error)(f"{error}{way_out}") from error
    if as_json:
        findings = read_findings(dataset_job(workspace, name))
        dataset = open_dataset(workspace, name)
        facts = {"class_names": dataset.class_names, "report": findings.report, "left_out": findings.problem_count}
        facts["fit"] = dataset.fit
        print_json(asdict(state) | facts | _duplicate_facts(check_dataset(workspace, dataset).duplicates))


@data.command("give-up")
@click.argument("name")
@json_option
@workspace_option
def give_up(workspace: Workspace, name: str, as_json: bool) -> None:
    """Give up the unfinished import of dataset NAME: what it has read is removed."""
    if not unfinished_import(workspace, name):
        raise DataError(f"There is no unfinished import named {name}: `data list` names them.")
    forget_import(workspace, name)
    if unfinished_import(workspace, name):
        raise DataError(f"{name} is being imported right now: cancel that first.")
    _report_done(name, "was given up; nothing of it is left", as_json)


@data.command()
@click.argument("name")
@click.option("--csv", "table", type=click.Path(path_type=Path), metavar="FILE", help="Write the duplicates there.")
@click.option(
    "--cleaned-copy", "copy", default="", metavar="NEW_NAME", help="Store it without duplicates as another dataset."
)
@json_option
@workspace_option
def check(workspace: Workspace, name: str, table: Path | None, copy: str, as_json: bool) -> None:
    """Look for what makes the numbers of dataset NAME untrue, such as test pictures that are also training pictures."""
    ctrl_c = note_ctrl_c()
    dataset = open_dataset(workspace, name)
    require_new_file(table, "--csv")
    if copy:
        refuse_taken(workspace, copy)
    found = check_dataset(workspace, dataset)
    sentences = duplicate_sentences(found.duplicates, len(dataset.test.labels), dataset.held)
    sentences = sentences or [f"No duplicates: all {found.groups.count:,} pictures are different."]
    summary = summarise(dataset, found)
    for sentence in [*sentences, *summary.sentences]:
        click.echo(sentence, err=as_json)
    if table is not None:
        write_atomic(table, table_csv(duplicate_table(dataset, found.groups)))
        say(f"Wrote the duplicates to {table}")
    cleaned = {"cleaned_copy": asdict(_make_cleaned_copy(workspace, name, copy, ctrl_c))} if copy else {}
    if as_json:
        facts = {"name": name, "fingerprint": dataset.fingerprint} | _duplicate_facts(found.duplicates)
        print_json(facts | {"checks": summary_json(dataset, summary)} | cleaned)


@data.command()
@click.argument("name")
@click.option("--export", "out", type=click.Path(path_type=Path), metavar="FILE", help="Write the tags there, as CSV.")
@click.option(
    "--import",
    "source",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Give the pictures the tags of this CSV, which has the columns id and tag.",
)
@json_option
@workspace_option
def notes(workspace: Workspace, name: str, out: Path | None, source: Path | None, as_json: bool) -> None:
    """Show what is noted on the pictures of dataset NAME: how many have each tag. It outlives the dataset."""
    dataset = open_dataset(workspace, name)
    require_new_file(out, "--export")
    added = 0
    if source is not None:
        with storage_errors(f"reading {source.name}", to="read"):
            content = read_start(source, MAX_TAGS_BYTES + 1)  # a device would have no end
        added, _ = import_tags(workspace, dataset, content, author="")
        say(f"{counted(added, 'tag')} new from {source}.")
    found = read_notes(workspace, dataset.fingerprint)
    tags = tags_of(found)
    counts = count_tags(tags.values())
    for problem in found.problems:
        say(problem)
    for word, count in counts.items():
        click.echo(f"{word}  {counted(count, 'picture')}", err=as_json)
    if not counts:
        say(f"No picture of {name} has a tag.")
    if out is not None:
        write_atomic(out, tags_csv(found))
        say(f"Wrote the tags to {out}")
    if as_json:
        facts = {
            "name": name,
            "fingerprint": dataset.fingerprint,
            "log": str(notes_path(workspace, dataset.fingerprint)),
        }
        print_json(facts | {"tagged": len(tags), "tags": counts, "added": added, "problems": found.problems})


@data.command()
@click.argument("name")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="The .zip to make (else in exports).")
@json_option
@workspace_option
def export(workspace: Workspace, name: str, out: Path | None, as_json: bool) -> None:
    """Write the pictures of dataset NAME into one .zip of class folders, which `import` reads again."""
    ctrl_c = note_ctrl_c()
    start_export(workspace, name, out)
    job = follow_job(export_job(workspace, name), ctrl_c)
    if job is None or job.state != "done":
        raise DataError((job and job.error) or "The export was cancelled; no file was written.")
    path = job.report[-1]
    say(f"Dataset {name} is in {path} ({size_text(Path(path).stat().st_size)}).")
    if as_json:
        print_json({"name": name, "file": path})


@data.command()
@click.argument("name")
@json_option
@workspace_option
def delete(workspace: Workspace, name: str, as_json: bool) -> None:
    """Say what uses dataset NAME, and move it to the trash; `restore` brings it back.

    It stays in the trash for trash_days (in settings.json).
    """
    runs = list_runs(workspace)
    for sentence in [*dataset_use(runs, name), *sweep_use(list_sweeps(workspace, runs), name)]:
        say(sentence)
    delete_dataset(workspace, name)
    _report_done(name, "is in the trash; `data restore` brings it back", as_json)


@data.command()
@click.argument("name")
@json_option
@workspace_option
def restore(workspace: Workspace, name: str, as_json: bool) -> None:
    """Restore deleted dataset NAME."""
    restore_dataset(workspace, name)
    _report_done(name, "was restored", as_json)


def _report_done(name: str, done: str, as_json: bool) -> None:
    say(f"Dataset {name} {done}.")
    if as_json:
        print_json({"name": name, "done": True})


def _make_cleaned_copy(workspace: Workspace, source: str, name: str, ctrl_c: CtrlC) -> DatasetState:
    start_cleaned_copy(workspace, source, name)
    try:
        return finish(workspace, name, ctrl_c)
    except (DataError, DownloadError):
        forget_import(workspace, name)  # it has been said here
        raise


def _duplicate_facts(counts: DuplicateCounts) -> dict[str, Any]:
    """The duplicates as scripts read them."""
    facts = asdict(counts)
    return {"validation_in_train": facts.pop("validation_in_train"), "duplicates": facts}


def _way_out(findings: Findings) -> str:
    if not findings.problem_count or not findings.usable:
        return ""
    them = "it" if findings.problem_count == 1 else "them"
    return f" Mend {them}, or import the other {findings.usable:,} with --leave-out."


def finish(workspace: Workspace, name: str, ctrl_c: CtrlC) -> DatasetState:
    """Follow the preparation of a dataset, by any process, to its end; returns the dataset, which is ready.

    Raises:
        DataError: an import was refused, or the stored dataset is broken.
        DownloadError: getting it failed, or getting or importing it was cancelled.
    """
    said: list[str] = []

    def say_new(report: list[str]) -> None:
        for line in report:
            if line not in said:
                say(line)
                said.append(line)

    job = follow_job(dataset_job(workspace, name), ctrl_c, say_new)
    state = dataset_state(workspace, name)
    # A job that did not end well is an earlier try where the dataset is ready nevertheless.
    if job is not None and (job.state == "done" or state.state != "ready"):
        say_new(job.report)
    if state.state != "ready":
        raise _failure(state, job, unfinished_import(workspace, name))
    parts = {"training": state.train - state.validation, "validation": state.validation, "test": state.test}
    counts = [f"{count:,} {part}" for part, count in parts.items() if count]
    say(f"{name} is ready: {', '.join(counts[:-1])} and {counts[-1]} pictures, {counted(state.classes, 'class')}.")
    return state


def _failure(state: DatasetState, job: JobState | None, unfinished: str) -> CifarCoreError:
    if state.state == "broken":
        return DataError(state.problem)
    doing = "Getting" if job is None else {"import": "Importing", "clean": "Making"}.get(job.kind, "Getting")
    if job is not None and job.state == "cancelled" and unfinished:
        return DownloadError(f"{doing} {state.name} was ended before it was done. {unfinished}")
    if job is not None and job.state == "cancelled":
        return DownloadError(f"{doing} {state.name} was cancelled; nothing was changed.")
    kind = DownloadError if doing == "Getting" else DataError
    if job is not None and job.error:
        return kind(f"{job.error} {unfinished}".rstrip())
    return kind(f"{state.name} is not ready: its preparation ended early. Start it again.")
