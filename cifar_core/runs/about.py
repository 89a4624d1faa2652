"""The name and the note that a person gives a run: `about.json` in its folder."""

from typing import Any

from cifar_core.errors import RunError
from cifar_core.runs.records import require_changeable
from cifar_core.runs.run import MAX_NOTE, MAX_RUN_NAME
from cifar_core.runs.run_folder import ABOUT, MOST_BYTES, RunFolder, run_folder
from cifar_core.storage.atomic import sweep_temp
from cifar_core.storage.json_files import read_json, write_json
from cifar_core.text import can_be_shown
from cifar_core.workspace import Workspace


def rename_run(workspace: Workspace, run_id: str, name: str) -> None:
    """Give a run a name of the person's own; an empty one takes it back.

    Raises:
        RunError: no such run, one of a newer version, an about.json that cannot be read, or a name that is too long or
            holds control characters.
    """
    _write_about(_changeable(workspace, run_id), name=_clean(name, "name", MAX_RUN_NAME))


def note_run(workspace: Workspace, run_id: str, note: str) -> None:
    """Keep a note with a run.

    Raises:
        RunError: no such run, one of a newer version, an about.json that cannot be read, or a note that is too long or
            holds control characters.
    """
    _write_about(_changeable(workspace, run_id), note=_clean(note, "note", MAX_NOTE, lines=True))


def read_about(folder: RunFolder) -> dict[str, Any]:
    """Name and note that a person gave a run, as they stand in its file.

    Raises:
        RunError: the file cannot be read.
    """
    try:
        content = read_json(folder.text_of(ABOUT), max_bytes=MOST_BYTES[ABOUT])
        if not isinstance(content, dict):
            raise ValueError("it holds no mapping")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise RunError(f"Name and note of run {folder.run_id} cannot be read ({error}): remove its about.json, "
                       "then give them again.") from error  # fmt: skip
    return content


def _changeable(workspace: Workspace, run_id: str) -> RunFolder:
    folder = run_folder(workspace, run_id)
    require_changeable(folder)
    return folder


def _write_about(folder: RunFolder, **change: str) -> None:
    sweep_temp(folder.path)  # what a server that was killed just here left; who trains sweeps too
    write_json(folder.about, {**read_about(folder), **change})


def _clean(text: str, what: str, longest: int, *, lines: bool = False) -> str:
    text = text.strip()
    if len(text) > longest:
        raise RunError(f"The {what} has {len(text):,} characters; {longest:,} are allowed.")
    if not can_be_shown(text.replace("\n", "") if lines else text):
        raise RunError(f"The {what} holds a line break or another sign that cannot be shown: leave it out.")
    return text
