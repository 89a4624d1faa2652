"""Which files of a source are pictures of the dataset, and where each belongs. Reads and writes nothing.

A source may hold a million of them, so what is known of a file is known by its folder; only its path is kept.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from cifar_core.data.sources.archive import MemberPath
from cifar_core.data.sources.own.folder_tree import may_be_picture, normal_name

Part = Literal["train", "valid", "test"]  # also the beginning of the ids of its pictures


@dataclass(frozen=True)
class Sample:
    """Where a picture belongs."""

    part: Part
    class_name: str
    id: str  # part/class/file


class Samples(Mapping[MemberPath, Sample]):
    """Every file that may be a picture of the dataset."""

    def __init__(self) -> None:
        self._folders: dict[MemberPath, tuple[Part, str, str]] = {}  # part, class, and how the ids begin
        self._files: list[Sequence[MemberPath]] = []  # each file once
        self._apart: set[MemberPath] = set()  # files in these folders that are none of them
        self._counts: dict[tuple[str, Part], int] = {}

    def add(self, files: Sequence[MemberPath], part: Part, class_name: str, folder: str) -> None:
        """Take files, all those there are in their folders; `folder` is how that of their class is called in ids."""
        if not files:
            return
        self._folders.update(dict.fromkeys({path[:-1] for path in files}, (part, class_name, f"{part}/{folder}/")))
        different = files if len(set(files)) == len(files) else list(dict.fromkeys(files))
        self._files.append(different)
        self._counts[class_name, part] = self._counts.get((class_name, part), 0) + len(different)

    def leave_out(self, files: Sequence[MemberPath]) -> None:
        """Name files that are none of them, though others in their folders are."""
        self._apart.update(files)

    def class_counts(self) -> dict[str, Counter[Part]]:
        """The files of each class in each part, the classes in any order."""
        counts: dict[str, Counter[Part]] = {}
        for (name, part), count in self._counts.items():
            counts.setdefault(name, Counter())[part] = count
        return counts

    def place_of(self, path: MemberPath) -> tuple[Part, str]:
        """The part and class of one of the files."""
        part, class_name, _ = self._folders[path[:-1]]
        return part, class_name

    def __contains__(self, path: object) -> bool:
        if not isinstance(path, tuple) or path[:-1] not in self._folders:
            return False
        return path not in self._apart and may_be_picture(path)

    def __getitem__(self, path: MemberPath) -> Sample:
        if path not in self:
            raise KeyError(path)
        part, class_name, begin = self._folders[path[:-1]]
        return Sample(part, class_name, begin + normal_name(path[-1]))

    def __iter__(self) -> Iterator[MemberPath]:
        for files in self._files:
            yield from files

    def __len__(self) -> int:
        return sum(self._counts.values())
