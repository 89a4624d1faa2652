"""The folders of a source as a tree, with the files in them that may be pictures. Reads and writes nothing."""

import unicodedata
from collections.abc import Iterable, Iterator

from cifar_core.data.sources.archive import MemberPath
from cifar_core.errors import DataError

_MAX_FOLDERS = 100_000  # of pictures and others; a thousand classes in three parts are three thousand
# Files that go along with pictures; any other file in a class folder is taken for a picture.
_NO_PICTURES = (".txt", ".csv", ".tsv", ".json", ".xml", ".yaml", ".yml", ".md", ".html", ".ini", ".log", ".db", ".py")


class Folder:
    """A folder of the source with what is in it."""

    def __init__(self, path: MemberPath) -> None:
        self.path = path
        self.folders: dict[str, Folder] = {}
        self.files: list[MemberPath] = []  # that may be pictures, with their paths as the source gives them
        self.pictures = 0  # such files in it and below

    @property
    def name(self) -> str:
        return self.path[-1]

    @property
    def shown(self) -> str:
        return "/".join(self.path) or "The top folder"

    @property
    def filled(self) -> "list[Folder]":
        """The folders in it with pictures somewhere below."""
        return [folder for folder in self.folders.values() if folder.pictures]

    def on_the_way_to(self, folder: "Folder") -> "list[Folder]":
        """The filled folders that stand beside those on the way from this one to a folder below it."""
        beside, here = [], self
        for name in folder.path[len(self.path) :]:
            beside += [child for child in here.filled if child.name != name]
            here = here.folders[name]
        return beside

    def below(self) -> "Iterator[Folder]":
        """This folder and all below it."""
        waiting = [self]
        while waiting:
            folder = waiting.pop()
            yield folder
            waiting.extend(reversed(folder.folders.values()))

    def child(self, name: str) -> "Folder":
        if name not in self.folders:
            self.folders[name] = Folder((*self.path, name))
        return self.folders[name]


def folder_tree(files: Iterable[MemberPath], folders: Iterable[MemberPath]) -> Folder:
    """The tree of these files and folders; DataError for too many folders."""
    top, known = Folder(()), 0
    for path in folders:
        here = top
        for name in path:
            known += normal_name(name) not in here.folders
            here = here.child(normal_name(name))
    for path in files:
        here, is_picture = top, may_be_picture(path)
        here.pictures += is_picture
        for name in path[:-1]:
            known += normal_name(name) not in here.folders
            here = here.child(normal_name(name))
            here.pictures += is_picture
        if known > _MAX_FOLDERS:
            raise DataError(f"There are more than the {_MAX_FOLDERS:,} folders allowed: import a part of them.")
        if is_picture:
            here.files.append(path)
    return top


def may_be_picture(path: MemberPath) -> bool:
    """Whether a file may be a picture, by its name."""
    return not path[-1].casefold().endswith(_NO_PICTURES)


def normal_name(name: str) -> str:
    """A name with each accented letter as one character; macOS writes two."""
    return unicodedata.normalize("NFC", name)
