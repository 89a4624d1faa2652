"""The name, the note and the linked dataset that a person gives a run: the file `about.json` in its folder."""

from dataclasses import asdict
from typing import Any

from cifar_core.errors import RunError
from cifar_core.runs.records import require_changeable
from cifar_core.runs.run import MAX_NOTE, MAX_RUN_NAME, LinkedDataset
from cifar_core.runs.run_folder import ABOUT, MOST_BYTES, RunFolder, run_folder
from cifar_core.storage.atomic import sweep_temp
from cifar_core.storage.json_files import read_json, write_json
from cifar_core.storage.parse import parse
from cifar_core.text import clean_text
from cifar_core.workspace import Workspace


def clean_run_name(name: str) -> str:
    """The name of a run, as it was typed, without spaces around it; RunError if it is none."""
    return clean_text(name, "name", MAX_RUN_NAME, RunError)


def rename_run(workspace: Workspace, run_id: str, name: str) -> None:
    """Give a run a name; an empty one removes it, and the run is shown by its id again.

    Raises:
        RunError: no such run, one of a newer version, an about.json that cannot be read, or a name that is too long or
            holds control characters.
    """
    _write_about(_changeable(workspace, run_id), name=clean_run_name(name))


def note_run(workspace: Workspace, run_id: str, note: str) -> None:
    """Keep a note with a run.

    Raises:
        RunError: no such run, one of a newer version, an about.json that cannot be read, or a note that is too long or
            holds control characters.
    """
    _write_about(_changeable(workspace, run_id), note=clean_text(note, "note", MAX_NOTE, RunError, lines=True))


def write_link(workspace: Workspace, run_id: str, link: LinkedDataset | None) -> None:
    """Keep which dataset shows the pictures of a run; None forgets it.

    Raises:
        RunError: no such run, one of a newer version, or an about.json that cannot be read.
    """
    _write_about(_changeable(workspace, run_id), dataset=None if link is None else asdict(link))


def link_of(about: dict[str, Any]) -> LinkedDataset | None:
    """The linked dataset that an `about.json` names; None where it names none, or breaks a rule."""
    try:
        return None if about.get("dataset") is None else parse(LinkedDataset, about["dataset"], exact=False)
    except ValueError:
        return None


def read_about(folder: RunFolder) -> dict[str, Any]:
    """The name, the note and the link that a person gave a run, as its file has them.

    Raises:
        RunError: the file cannot be read.
    """
    try:
        content = read_json(folder.text_of(ABOUT), max_bytes=MOST_BYTES[ABOUT])
        if not isinstance(content, dict):
            raise ValueError("it is not a JSON object")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise RunError(
            f"Name and note of run {folder.run_id} cannot be read ({error}): "
            "remove its about.json, then give them again."
        ) from error
    return content


def _changeable(workspace: Workspace, run_id: str) -> RunFolder:
    folder = run_folder(workspace, run_id)
    require_changeable(folder)
    return folder


def _write_about(folder: RunFolder, **change: Any) -> None:
    sweep_temp(folder.path)  # of a server that was killed while it wrote here
    write_json(folder.about, {**read_about(folder), **change})
