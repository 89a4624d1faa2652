"""What the commands share: their common options, and how they speak to people (stderr) and to scripts (stdout)."""

import json
import sys
from collections.abc import Callable
from typing import Any

import click

from cifar_core.runs import QueuePlace, empty_old_trash
from cifar_core.text import clock
from cifar_core.workspace import VARIABLE, Workspace, open_workspace

_BAR = 24  # characters


def workspace_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--workspace DIR`, handed over as an opened `Workspace`."""
    text = f"Folder that holds data, runs and exports (else ${VARIABLE}, else ./workspace)."
    return click.option("--workspace", callback=_open, metavar="DIR", help=text)(command)


def json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--json`: one JSON object as the last line of stdout."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line.")(command)


def _open(_context: click.Context, _option: click.Parameter, value: str | None) -> Workspace:
    workspace = open_workspace(value)
    empty_old_trash(workspace)
    return workspace


def say(text: str) -> None:
    """A line for people, on stderr, so that stdout stays for results."""
    clear_line()
    click.echo(text, err=True)


def print_json(content: dict[str, Any]) -> None:
    """The object scripts read."""
    click.echo(json.dumps(content, allow_nan=False))


def show_progress(done: int, total: int, text: str) -> None:
    """Redraw the progress bar on a terminal; nothing in a log file."""
    if sys.stderr.isatty():
        filled = round(_BAR * done / total) if total else 0
        line = f"[{'#' * filled}{'.' * (_BAR - filled)}] {text}"
        sys.stderr.write("\r" + line[:118].ljust(118))
        sys.stderr.flush()


def clear_line() -> None:
    """Take the progress bar away."""
    if sys.stderr.isatty():
        sys.stderr.write("\r" + " " * 118 + "\r")


def waiting_text(place: QueuePlace) -> str:
    """As in `2nd of 5, about 3:20 to wait`."""
    return f"{place}, about {clock(place.seconds)} to wait" if place.seconds is not None else str(place)
