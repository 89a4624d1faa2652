"""The notes log of a dataset: an append-only file that several processes write, named by the dataset's fingerprint.

Reads and writes `notes/FINGERPRINT.jsonl` in the workspace, a line of JSON for each note. So it outlives deleting the
dataset, and belongs to the same pictures again once they are back. Nothing in it is ever changed: undoing a note is a
note too. The kinds are open: who reads a kind that it does not know leaves it alone.
"""

import datetime
import json
import os
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from cifar_core.errors import DataError, StorageError
from cifar_core.storage.atomic import append_lines, make_folder
from cifar_core.storage.disk_errors import storage_errors
from cifar_core.storage.json_files import decode_json, read_start
from cifar_core.storage.json_types import Moment, is_sha256
from cifar_core.storage.locks import acquire, share_permissions
from cifar_core.storage.parse import Rule, parse
from cifar_core.text import MB, counted, one_line, size_text
from cifar_core.workspace import Workspace

UNDO = "undo"  # the kind of a note that undoes another one
MAX_LOG_BYTES = 64 * MB
MAX_AUTHOR = 100  # characters
_MAX_SHORT = 40  # characters of a key or kind
_MAX_PROBLEMS = 20  # lines that are named
_LOCK_SECONDS = 20.0  # a note is written in milliseconds
NewNotes = Sequence[tuple[str, Mapping[str, Any]]]  # kind and content of each
_SHORT = Rule(f"a text of 1 to {_MAX_SHORT} characters", lambda text: 0 < len(text) <= _MAX_SHORT)
_NAME = Rule(f"a text of at most {MAX_AUTHOR} characters", lambda text: len(text) <= MAX_AUTHOR)


@dataclass(frozen=True)
class Note:
    """One note. What its `content` says depends on its kind; the module of the kind checks it when it reads it."""

    key: Annotated[str, _SHORT]  # different for every note
    time: Moment  # ISO 8601 in UTC
    author: Annotated[str, _NAME]  # who is logged in, or nobody
    kind: Annotated[str, _SHORT]  # "tag", "view", "undo", ...
    content: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Notes:
    """The notes of a dataset in the order in which they were written."""

    notes: tuple[Note, ...] = ()
    problems: tuple[str, ...] = ()  # a sentence for each line that cannot be read and was skipped

    def of(self, kind: str) -> tuple[Note, ...]:
        """The notes of a kind that were not undone."""
        named = (note.content.get("undoes") for note in self.notes if note.kind == UNDO)
        undone = {key for key in named if isinstance(key, str)}  # a person may have edited the file
        return tuple(note for note in self.notes if note.kind == kind and note.key not in undone)


def notes_path(workspace: Workspace, fingerprint: str) -> Path:
    """The log of a dataset, which need not exist; DataError where that is no fingerprint."""
    if not is_sha256(fingerprint):
        raise DataError(f"{fingerprint[:_MAX_SHORT]!r} is no fingerprint of a dataset: it has 64 digits 0-9, a-f.")
    return workspace.notes / f"{fingerprint}.jsonl"


def read_notes(workspace: Workspace, fingerprint: str) -> Notes:
    """All notes of a dataset, those that were undone and those that undo too; `Notes.of` leaves these out.

    A line that cannot be read is skipped and said, and so is a half line that a crash left at the end.

    Raises:
        DataError: no fingerprint, or the file is larger than this program writes one.
        StorageError: the file cannot be read.
    """
    path = notes_path(workspace, fingerprint)
    content = _read(path)
    if content and not content.endswith(b"\n"):  # being written now, or torn: once the lock is free, it is known
        with _locked(path, "reading"):
            content = _read(path)
    return _parse(path, content)


def append_notes(workspace: Workspace, fingerprint: str, author: str, notes: NewNotes) -> tuple[Note, ...]:
    """Write notes at the end of a dataset's log, all of them or none; several processes may do so at once.

    Args:
        workspace: where the log is.
        fingerprint: of the dataset, which need not be there.
        author: who writes, "" for nobody.
        notes: kind and content (what JSON can say) of each.

    Returns:
        what was written.

    Raises:
        DataError: no fingerprint, or the log is full.
        StorageError: the disk refused; nothing was written.
        ValueError: the content of a note is no JSON.
    """
    return _append(workspace, fingerprint, author, lambda: notes)


def undo_note(workspace: Workspace, fingerprint: str, author: str, key: str) -> Note:
    """Undo one note, whoever wrote it; undoing it twice changes nothing more. Errors as `append_notes`."""
    return append_notes(workspace, fingerprint, author, [(UNDO, {"undoes": key})])[0]


def undo_last(workspace: Workspace, fingerprint: str, author: str, kinds: Collection[str]) -> Note | None:
    """Undo the newest note of these kinds that this author wrote and that was not undone; returns it.

    Returns:
        None where there is none, and nothing was written.

    Raises:
        DataError, StorageError: as `read_notes` and `append_notes`.
    """
    found: list[Note] = []

    def undo_newest(known: Notes) -> NewNotes:
        live = {note.key for kind in kinds for note in known.of(kind)}
        found.extend([note for note in known.notes if note.key in live and note.author == author][-1:])
        return [(UNDO, {"undoes": note.key}) for note in found]

    append_after(workspace, fingerprint, author, undo_newest)
    return found[0] if found else None


def append_after(
    workspace: Workspace, fingerprint: str, author: str, make: Callable[[Notes], NewNotes]
) -> tuple[Note, ...]:
    """Write notes that follow from those that are there, as `append_notes`; no other process writes in between.

    Args:
        workspace, fingerprint, author: as `append_notes`.
        make: is given the notes so far, and returns those to write; where it raises, nothing is written.
    """
    path = notes_path(workspace, fingerprint)
    return _append(workspace, fingerprint, author, lambda: make(_parse(path, _read(path))))


def _append(workspace: Workspace, fingerprint: str, author: str, make: Callable[[], NewNotes]) -> tuple[Note, ...]:
    """Write the notes that `make` returns while this process alone writes."""
    path = notes_path(workspace, fingerprint)
    make_folder(workspace.notes)
    with _locked(path, "writing"):
        now = datetime.datetime.now(datetime.UTC).isoformat()
        written = tuple(
            Note(secrets.token_hex(8), now, one_line(author, MAX_AUTHOR), kind, dict(content))
            for kind, content in make()
        )
        lines = [json.dumps(vars(note), allow_nan=False) for note in written]
        size = path.stat().st_size if path.exists() else 0
        if size + sum(map(len, lines)) + len(lines) > MAX_LOG_BYTES:
            raise DataError(
                f"The notes of this dataset would take more than {size_text(MAX_LOG_BYTES)}: nothing was noted. "
                f"Note fewer pictures at a time; where it is full, export the tags and move {path} elsewhere."
            )
        if lines:
            append_lines(path, lines)
        if lines and not size and os.name == "posix":
            share_permissions(path, path.parent, 0o666)  # whoever shares the workspace writes the same log
    return written


def _parse(path: Path, content: bytes) -> Notes:
    """The notes in the content of a log, and what of it cannot be read."""
    *lines, torn = content.split(b"\n")
    found: list[Note] = []
    problems: list[str] = []
    more = 0
    for number, line in enumerate(lines, start=1):
        try:
            found.append(_note_in(line))
        except ValueError as error:
            if len(problems) == _MAX_PROBLEMS:
                more += 1
                continue
            problems.append(f"Line {number} of {path.name} cannot be read ({one_line(error)}) and was skipped.")
    if more:
        problems.append(f"So were {counted(more, 'line')} more.")
    if torn:
        problems.append(f"The last line of {path.name} is not whole and was skipped: its writing was interrupted.")
    return Notes(tuple(found), tuple(problems))


def _note_in(line: bytes) -> Note:
    """The note that a line holds; ValueError where it holds none."""
    content = decode_json(line, "it", max_bytes=MAX_LOG_BYTES)
    if b"\\ud" in line.lower():  # such escapes are whole characters in pairs only; half a one is no text
        json.dumps(content, ensure_ascii=False).encode()
    return parse(Note, content, exact=False)


def _read(path: Path) -> bytes:
    """The content of the log, empty where there is none."""
    with storage_errors(f"reading {path.name}", to="read"):
        try:
            content = read_start(path, MAX_LOG_BYTES + 1)
        except FileNotFoundError:
            return b""
    if len(content) > MAX_LOG_BYTES:
        raise DataError(f"{path} has more than the {size_text(MAX_LOG_BYTES)} that notes may have: move it elsewhere.")
    return content


@contextmanager
def _locked(path: Path, doing: str) -> Iterator[None]:
    """Keep other processes from writing the log meanwhile."""
    with storage_errors(f"{doing} {path.name}"):
        release = acquire(path.with_suffix(".lock"), _LOCK_SECONDS)
    if release is None:
        raise StorageError(f"Another process has been writing {path.name} for {_LOCK_SECONDS:.0f} s: try again.")
    try:
        yield
    finally:
        release()
