"""What people note on the pictures of a dataset: one append-only log for each, whose kinds of notes are open.

Reads and writes `notes/` in the workspace.
"""

from cifar_core.notes.log import Note, Notes, append_after, append_notes, notes_path, read_notes, undo_last, undo_note
from cifar_core.notes.tags import (
    LATEST,
    MAX_WORD,
    SEPARATOR,
    TAG,
    Tagging,
    change_tags,
    clean_word,
    clear_tag,
    count_tags,
    latest_words,
    read_tags,
    set_tag,
    taggings,
    tags_of,
)

__all__ = [
    "LATEST",
    "MAX_WORD",
    "SEPARATOR",
    "TAG",
    "Note",
    "Notes",
    "Tagging",
    "append_after",
    "append_notes",
    "change_tags",
    "clean_word",
    "clear_tag",
    "count_tags",
    "latest_words",
    "notes_path",
    "read_notes",
    "read_tags",
    "set_tag",
    "taggings",
    "tags_of",
    "undo_last",
    "undo_note",
]
