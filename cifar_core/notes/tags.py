"""Tags: a person's own words on pictures, kept as notes of the kind `tag`.

A note adds words to pictures and takes words from them, `{"add": {WORD: [ID, ...]}, "remove": {WORD: [ID, ...]}}`, so
that whatever one press or one file changed is undone at once. What a picture has follows from all notes in their order.
"""

import functools
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from cifar_core.errors import DataError
from cifar_core.notes.log import Note, Notes, append_notes, read_notes
from cifar_core.storage.parse import parse
from cifar_core.text import clean_text, natural_key
from cifar_core.workspace import Workspace

TAG = "tag"
MAX_WORD = 40  # characters
SEPARATOR = "; "  # between the words of a picture in one cell of a table
LATEST = 9  # words with a key


@dataclass(frozen=True)
class _Change:
    """The content of a note."""

    add: Mapping[str, tuple[str, ...]]
    remove: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Tagging:
    """That a picture has a word, by whom and since when."""

    id: str
    word: str
    author: str
    time: str  # ISO 8601 in UTC


def clean_word(text: str) -> str:
    """A word as it is kept: on one line, single spaces. DataError where it breaks a rule."""
    word = clean_text(text, "tag", MAX_WORD, DataError)
    if not word or ";" in word:
        raise DataError(f"A tag has 1 to {MAX_WORD} characters and no semicolon, not {text.strip()[:MAX_WORD]!r}.")
    return " ".join(word.split())


def change_tags(
    workspace: Workspace,
    fingerprint: str,
    author: str,
    *,
    add: Mapping[str, Collection[str]] | None = None,
    remove: Mapping[str, Collection[str]] | None = None,
) -> Note:
    """Give words to pictures and take words from them, as one note: word -> ids.

    Raises:
        DataError: a word breaks a rule, there is no such fingerprint, or the log is full.
        StorageError: the disk refused; nothing was written.
    """
    content = {
        way: {clean_word(word): sorted(ids) for word, ids in (words or {}).items()}
        for way, words in (("add", add), ("remove", remove))
    }
    return append_notes(workspace, fingerprint, author, [(TAG, content)])[0]


def set_tag(workspace: Workspace, fingerprint: str, ids: Collection[str], word: str, author: str) -> Note:
    """Give a word to pictures. Errors as `change_tags`; `undo_note` with the key of the note takes it back."""
    return change_tags(workspace, fingerprint, author, add={word: ids})


def clear_tag(workspace: Workspace, fingerprint: str, ids: Collection[str], word: str, author: str) -> Note:
    """Take a word from pictures. Errors as `change_tags`; `undo_note` with the key of the note brings it back."""
    return change_tags(workspace, fingerprint, author, remove={word: ids})


def taggings(notes: Notes) -> list[Tagging]:
    """Which picture has which word now, since when and by whom: the latest last."""
    found: dict[tuple[str, str], Tagging] = {}
    for note, change in _changes(notes):
        for word, ids in change.add.items():
            for name in ids:
                found.setdefault((name, word), Tagging(name, word, note.author, note.time))
        for word, ids in change.remove.items():
            for name in ids:
                found.pop((name, word), None)
    return list(found.values())


def tags_of(notes: Notes) -> dict[str, tuple[str, ...]]:
    """The words of each picture that has any, by its id, in natural order."""
    given: dict[str, set[str]] = {}
    for _, change in _changes(notes):
        for word, ids in change.add.items():
            for name in ids:
                given.setdefault(name, set()).add(word)
        for word, ids in change.remove.items():
            for name in ids:
                given.get(name, set()).discard(word)
    keys = {word: natural_key(word) for word in set().union(*given.values())}
    return {name: tuple(sorted(words, key=keys.__getitem__)) for name, words in given.items() if words}


def read_tags(workspace: Workspace, fingerprint: str) -> dict[str, tuple[str, ...]]:
    """`tags_of` the log of a dataset. Errors as `read_notes`."""
    return tags_of(read_notes(workspace, fingerprint))


def count_tags(tags: Iterable[Iterable[str]]) -> dict[str, int]:
    """How many pictures have each word, in natural order of the words.

    Args:
        tags: the words of each picture, such as the values of `tags_of`.
    """
    counts = Counter(word for words in tags for word in words)
    return {word: counts[word] for word in sorted(counts, key=natural_key)}


def latest_words(notes: Notes) -> list[str]:
    """The words that were given last, at most `LATEST`; word n has the key n.

    A word keeps its key: a new one comes behind the others, or takes the place of the one that was given longest ago.
    """
    slots: list[str] = []
    used: list[str] = []  # the same words, the one that was given longest ago first
    for _, change in _changes(notes):
        for word in change.add:
            if word in used:
                used.remove(word)
            elif len(slots) < LATEST:
                slots.append(word)
            else:
                slots[slots.index(used.pop(0))] = word
            used.append(word)
    return slots


def _changes(notes: Notes) -> list[tuple[Note, _Change]]:
    """What each note of a tag says; one that makes no sense is left alone, as a kind that is not known."""
    found = []
    for note in notes.of(TAG):
        try:
            change = parse(_Change, note.content, exact=False)
        except ValueError:
            continue
        if all(map(_is_word, (*change.add, *change.remove))):
            found.append((note, change))
    return found


@functools.lru_cache(maxsize=4096)
def _is_word(text: str) -> bool:
    """Whether a word is as `clean_word` keeps it; a person may have edited the file."""
    try:
        return clean_word(text) == text
    except DataError:
        return False
