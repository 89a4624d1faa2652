"""Tags of a dataset as CSV: out, a row for each word of a picture, and in again. Writes to the dataset's notes log."""

import csv
import io
from dataclasses import asdict

import pandas as pd

from cifar_core.data import Dataset
from cifar_core.errors import DataError
from cifar_core.export.csv_table import table_csv
from cifar_core.notes import Notes, change_tags, clean_word, read_notes, taggings
from cifar_core.samples import printable
from cifar_core.text import MB, counted, one_line, original_cell, size_text
from cifar_core.workspace import Workspace

MAX_TAGS_BYTES = 64 * MB  # of a file that is imported, which then is one note of a log that may have as much
_COLUMNS = ["id", "tag", "author", "time"]
_NEEDED = ("id", "tag")


def tags_csv(notes: Notes) -> bytes:
    """The tags as CSV with the columns `id`, `tag`, `author` and `time`; several words of a picture are several rows.

    `csv_table.table_csv` says how to read it back.
    """
    table = pd.DataFrame([asdict(item) for item in taggings(notes)], columns=["id", "word", "author", "time"])
    return table_csv(table.set_axis(_COLUMNS, axis=1).astype("str"))


def import_tags(workspace: Workspace, dataset: Dataset, content: bytes, author: str) -> tuple[int, str]:
    """Give pictures the tags that a CSV names, as one note, all or none.

    Args:
        workspace: where the notes are.
        dataset: whose pictures the ids name.
        content: of a file with the columns `id` and `tag`, as `tags_csv` makes it; others are passed over, and one
            cell may hold several words with a semicolon between them.
        author: of the note.

    Returns:
        how many tags are new, and the key of the note, for `undo_note`; no note is made for none, and "" is its key.

    Raises:
        DataError: no such CSV, more than `MAX_TAGS_BYTES`, a word breaks a rule, or an id is no picture of the dataset.
        StorageError: the disk refused.
    """
    if len(content) > MAX_TAGS_BYTES:
        raise DataError(f"The file has more than {size_text(MAX_TAGS_BYTES)}: import it in parts.")
    wanted = _read(content)
    known = {printable(name) for split in (dataset.train, dataset.test) for name in split.ids}
    if unknown := sorted({name for name, _ in wanted} - known):
        raise DataError(
            f"{counted(len(unknown), 'id')} in the file, such as {one_line(unknown[0])!r}, "
            f"{'is' if len(unknown) == 1 else 'are'} no picture of dataset {dataset.name}: nothing was imported. "
            "Correct them or remove their rows."
        )
    there = {(item.id, item.word) for item in taggings(read_notes(workspace, dataset.fingerprint))}
    new: dict[str, list[str]] = {}
    for name, word in wanted:
        if (name, word) not in there:
            new.setdefault(word, []).append(name)
    if not new:
        return 0, ""
    note = change_tags(workspace, dataset.fingerprint, author, add=new)
    return sum(map(len, new.values())), note.key


def _read(content: bytes) -> list[tuple[str, str]]:
    """The ids and words of a CSV, each pair once, in its order."""
    found: dict[tuple[str, str], None] = {}
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        titles = reader.fieldnames or []
        if missing := [name for name in _NEEDED if name not in titles]:
            raise DataError(f"The first line of the CSV must name the columns id and tag; {missing[0]} is missing.")
        for row in reader:
            name, words = (original_cell(row[title] or "") for title in _NEEDED)
            for word in words.split(";"):
                found[name, _word_in(word, reader.line_num)] = None
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"The file is no CSV in UTF-8 ({one_line(error)}): save it as one.") from error
    return list(found)


def _word_in(text: str, line: int) -> str:
    try:
        return clean_word(text)
    except DataError as error:
        raise DataError(f"Line {line} of the CSV: {error}") from error
