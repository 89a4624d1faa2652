"""Finds the picture of the dataset that a row of a file names: by its id, by the end of a path, or by its place."""

from collections.abc import Callable, Sequence
from functools import cached_property

from cifar_core.runs.imported.given import Expected, KeyKind
from cifar_core.text import counted, one_line

Key = str | int | None  # None: an empty cell


def place_finder(by: KeyKind, expected: Expected) -> Callable[[int, Key], int]:
    """A function of the number of a row, from 1, and its key that returns the place of the picture in the part.

    It raises ValueError where the key names no picture, or more than one.
    """
    return _ByIndex(expected) if by == "index" else _ById(expected)


class _ByIndex:
    def __init__(self, expected: Expected) -> None:
        self._count, self._dataset = len(expected.ids), expected.dataset

    def __call__(self, row: int, key: Key) -> int:
        is_number = isinstance(key, int) or (isinstance(key, str) and key.isascii() and key.isdecimal())
        place = int(key) if key is not None and is_number and len(str(key)) < 12 else -1
        if 0 <= place < self._count:
            return place
        raise ValueError(
            f"row {row:,} has the index {_shown(key)}, and the {counted(self._count, 'test picture')} of "
            f"{self._dataset} have the indices 0 to {self._count - 1}"
        )


class _ById:
    """By an id itself, or a path that ends as one id does: `cat/00012.jpg` or `/mine/test/cat/00012.jpg`."""

    def __init__(self, expected: Expected) -> None:
        self._ids: Sequence[str] = expected.ids.tolist()
        self._dataset = expected.dataset
        self._places = {name: place for place, name in enumerate(self._ids)}

    def __call__(self, row: int, key: Key) -> int:
        place = self._places.get(str(key))
        if place is None and isinstance(key, str):
            place = self._by_path(row, key.replace("\\", "/"))
        if place is None:
            hint = " (if it is the place there, from 0, call the column index)" if str(key).isdecimal() else ""
            raise ValueError(
                f"row {row:,} is of the picture {_shown(key)}, which the test part of {self._dataset} does not have"
                f"{hint}"
            )
        return place

    def _by_path(self, row: int, path: str) -> int | None:
        """The picture whose id is the end of the path, or else the only one whose id ends in the path."""
        longer = path
        while longer:
            if longer in self._places:
                return self._places[longer]
            longer = longer.partition("/")[2]
        if path in self._ends and self._ends[path] is None:
            raise ValueError(
                f"row {row:,} is of the picture {_shown(path)}, and the ids of several test pictures of "
                f"{self._dataset} end so: give their whole ids"
            )
        return self._ends.get(path)

    @cached_property
    def _ends(self) -> dict[str, int | None]:
        """The ends of the ids, after each slash -> the place of the picture; None where several end so."""
        ends: dict[str, int | None] = {}
        for place, name in enumerate(self._ids):
            end = name.partition("/")[2]
            while end:
                ends[end] = None if end in ends else place
                end = end.partition("/")[2]
        return ends


def _shown(key: Key) -> str:
    return "''" if key is None else f"'{one_line(key, 60)}'"
