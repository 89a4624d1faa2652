"""What the commands share: common options, and their output for people (stderr) and for scripts (stdout)."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from cifar_core.errors import DataError
from cifar_core.runs import QueuePlace, Run, accuracy_caveats
from cifar_core.sweeps.trash import empty_old_trash
from cifar_core.text import one_line
from cifar_core.workspace import WORKSPACE_VARIABLE, Workspace, open_workspace

_BAR = 24  # characters


def workspace_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--workspace DIR`, passed to the command as an opened `Workspace`."""
    text = f"Folder that holds data, runs and exports (else ${WORKSPACE_VARIABLE}, else ./workspace)."
    return click.option("--workspace", callback=_open, metavar="DIR", help=text)(command)


def json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--json`: one JSON object as the last line of stdout."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line.")(command)


def _open(_context: click.Context, _option: click.Parameter, value: str | None) -> Workspace:
    workspace = open_workspace(value)
    empty_old_trash(workspace)
    return workspace


def require_new_file(path: Path | None, option: str) -> None:
    """Raise DataError, before any work, where a file cannot be made because it is there or its folder is not.

    Args:
        path: of the file; None where none is asked for.
        option: that gave it.
    """
    if path is None:
        return
    if os.path.lexists(path):
        raise DataError(f"{path} exists already: give another name with {option} or remove it.")
    if not path.absolute().parent.is_dir():
        raise DataError(f"There is no folder {path.absolute().parent}: give another place with {option}.")


def say(text: str) -> None:
    """Print a line for people on stderr, because stdout is for results."""
    clear_line()
    click.echo(text, err=True)


def say_caveats(run: Run) -> None:
    """Print what a person should know before they believe a run's accuracy."""
    for sentence in accuracy_caveats(run):
        say(sentence)


def print_json(content: dict[str, Any]) -> None:
    """Print the object that scripts read."""
    click.echo(json.dumps(content, allow_nan=False))


def show_progress(done: int, total: int, text: str) -> None:
    """Redraw the progress bar on a terminal; prints nothing where stderr is a file."""
    if sys.stderr.isatty():
        filled = round(_BAR * done / total) if total else 0
        line = f"[{'#' * filled}{'.' * (_BAR - filled)}] {text}"
        sys.stderr.write("\r" + line[:118].ljust(118))
        sys.stderr.flush()


def show_step(phase: str, done: int, total: int, unit: str) -> None:
    """Redraw the progress of work that is done in this process; an `OnProgress`."""
    show_progress(done, total, f"{phase} · {done:,} of {total:,} {unit}" if total else f"{phase}…")


def clear_line() -> None:
    """Remove the progress bar."""
    if sys.stderr.isatty():
        sys.stderr.write("\r" + " " * 118 + "\r")


def waiting_text(place: QueuePlace) -> str:
    """A place in the queue as text, such as `2nd of 5, behind quiet-otter and 1 more; starts in 3 to 5 min`."""
    behind = place.behind(one_line)
    return f"{place}, {behind}" if behind else str(place)
