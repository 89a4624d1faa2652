"""Which column of a table of predictions is what: the picture, its true class, and each class's value."""

from collections.abc import Sequence
from typing import NamedTuple

from cifar_core.evaluate import SCORES
from cifar_core.runs.imported.given import KeyKind
from cifar_core.text import counted, first_names, one_line

ID_COLUMNS = ("id", "filepath", "filename", "path", "image")  # the first that is there names the picture
INDEX_COLUMN = "index"
LABEL_COLUMNS = ("true", "label", "labels", "ground_truth")
LOGIT = "logit_"
_PREFIXES = ("p_", "prob_", "", LOGIT)  # of the classes' columns; of several whole sets the first is taken


class Columns(NamedTuple):
    """The places of columns in a table."""

    by: KeyKind
    key: int
    label: int | None
    classes: list[int]  # of each class, in the order of the dataset
    logits: bool


def find_columns(header: Sequence[str], class_names: Sequence[str]) -> Columns:
    """The columns of a table with this header.

    Raises:
        ValueError: it names no picture, lacks a class, or names one twice or one that the dataset does not have.
    """
    header = [name.strip() for name in header]
    prefix, classes = _class_columns(header, class_names)
    free = [None if place in classes else name.lower() for place, name in enumerate(header)]
    by_id = next((name for name in ID_COLUMNS if name in free), None)
    if by_id is None and INDEX_COLUMN not in free:
        raise ValueError(
            f"it has no column {ID_COLUMNS[0]} or {INDEX_COLUMN}, which say of which picture a row is: give the id of "
            f"the dataset, or the place in its test part, from 0 (the columns are {_named(header)})"
        )
    label = next((name for name in LABEL_COLUMNS if name in free), None)
    return Columns(
        "index" if by_id is None else "id",
        free.index(by_id or INDEX_COLUMN),
        None if label is None else free.index(label),
        classes,
        prefix == LOGIT,
    )


def _class_columns(header: Sequence[str], class_names: Sequence[str]) -> tuple[str, list[int]]:
    """The prefix of the classes' columns, and their places."""
    found = {prefix: _places(header, prefix, class_names) for prefix in _PREFIXES}
    prefix = max(_PREFIXES, key=lambda name: len(found[name]))  # the first of those with the most
    places = found[prefix]
    missing = [name for number, name in enumerate(class_names) if number not in places]
    if missing:
        example = f"p_{class_names[0]}, p_0 or {LOGIT}{class_names[0]}"
        raise ValueError(
            f"it has no column of {counted(len(missing), 'class')}: {_named(missing)}. Each of the "
            f"{len(class_names)} classes needs one, by its name or its number from 0, such as {one_line(example)} "
            f"(the columns are {_named(header)})"
        )
    _require_known(header, prefix, set(places.values()))
    return prefix, [places[number] for number in range(len(class_names))]


def _places(header: Sequence[str], prefix: str, class_names: Sequence[str]) -> dict[int, int]:
    """Number of a class -> place of its column with this prefix: by name, or where none is named so, by number."""
    by_name = numbers_of([prefix + name for name in class_names])
    by_number = {f"{prefix}{number}": number for number in range(len(class_names))}
    for known in (by_name, by_number):
        places: dict[int, int] = {}
        for place, name in enumerate(header):
            number = known.get(name, known.get(name.casefold()))
            if number is not None:
                places.setdefault(number, place)
        if places:
            return places
    return {}


def numbers_of(names: Sequence[str]) -> dict[str, int]:
    """The number of each name, also as it is in lower case; a name itself goes before another one in lower case."""
    return {name.casefold(): number for number, name in enumerate(names)} | {
        name: number for number, name in enumerate(names)
    }


def _require_known(header: Sequence[str], prefix: str, places: set[int]) -> None:
    """Refuse a column that is of a class by its prefix, and of none of the dataset's, or of one that has its column."""
    names = {header[place].casefold() for place in places}
    for place, name in enumerate(header):
        if place in places or name in SCORES:  # our own exports have a score p_true
            continue
        if name.casefold() in names:
            raise ValueError(f"its column {one_line(name)} stands twice")
        if name.casefold().startswith(prefix) if prefix else name.isdecimal():
            raise ValueError(f"its column {one_line(name)} is of no class of the dataset: leave it out")


def _named(names: Sequence[str]) -> str:
    return first_names([one_line(name, 40) or "''" for name in names])
