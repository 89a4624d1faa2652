"""The table of classes in an exported dataset: which folder holds which class, and the order of the classes.

Needed because a class may be called `a/b` or `CON`, which no folder may be. A source without a readable table is
understood by `layout.py` alone. Reads nothing but the table.
"""

import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from cifar_core.data.sources.archive import Listing, MemberPath, Source
from cifar_core.data.sources.archive_limits import is_junk
from cifar_core.data.sources.own.folder_tree import may_be_picture, normal_name
from cifar_core.data.sources.own.layout import Layout, count_the_rest, misplaced_sentence
from cifar_core.data.sources.own.samples import Part
from cifar_core.storage.json_files import decode_json
from cifar_core.storage.json_types import ClassNames
from cifar_core.storage.parse import parse
from cifar_core.text import MB, is_device_name, natural_key

CLASS_TABLE = "class-folders.json"
PART_FOLDERS: dict[Part, str] = {"train": "train", "valid": "validation", "test": "test"}
_PARTS = {folder: part for part, folder in PART_FOLDERS.items()}
_SCHEMA = 1
_MAX_BYTES = 4 * MB
_MAX_FOLDER = 200  # bytes of a folder's name; file systems take 255
_NOT_ON_WINDOWS = set('<>:"/\\|?*')


@dataclass(frozen=True)
class _Table:
    schema_version: int
    folders: tuple[str, ...]  # one for each class
    class_names: ClassNames


def class_folders(class_names: Sequence[str]) -> list[str]:
    """A folder for each class, which every system takes: its name where it can be one, else such as `class-12`."""
    folders: list[str] = []
    taken = {unicodedata.normalize("NFC", name).casefold() for name in class_names}
    used: set[str] = set()
    for number, name in enumerate(class_names, start=1):
        folder = unicodedata.normalize("NFC", name)
        if not _can_be_folder(folder) or folder.casefold() in used:
            folder = f"class-{number}"
            while folder.casefold() in taken | used:
                folder += f"-{number}"
        used.add(folder.casefold())
        folders.append(folder)
    return folders


def _can_be_folder(name: str) -> bool:
    return (
        not _NOT_ON_WINDOWS & set(name)
        and name.strip(" .") == name
        and not is_device_name(name)
        and not is_junk((name, "1.png"))
        and name.isprintable()
        and len(name.encode()) <= _MAX_FOLDER
    )


def table_content(class_names: Sequence[str]) -> bytes:
    """The table as a file."""
    table = {
        "schema_version": _SCHEMA,
        "folders": class_folders(class_names),
        "class_names": list(class_names),
    }
    return json.dumps(table, ensure_ascii=False, indent=1).encode()


def read_listed_layout(source: Source, listing: Listing) -> Layout | None:
    """The parts and classes of an exported dataset, also where a folder was put around it; None of any other source.

    A folder that is not in the table, because somebody added it, is a class by its own name; a class without a folder
    is gone.
    """
    places = [path for path in listing.files if path[-1] == CLASS_TABLE and len(path) <= 2]
    if len(places) != 1:
        return None
    place, base = places[0], places[0][:-1]
    try:
        member = next(iter(source.read(lambda path: path == place)))
        table = parse(_Table, decode_json(member.content, CLASS_TABLE, max_bytes=_MAX_BYTES))
    except (StopIteration, ValueError):
        return None
    fits = table.schema_version == _SCHEMA and len(set(table.folders)) == len(table.folders) == len(table.class_names)
    return _layout(listing, base, dict(zip(table.folders, table.class_names, strict=True))) if fits else None


def _layout(listing: Listing, base: MemberPath, names: dict[str, str]) -> Layout | None:
    layout = Layout()
    found: set[str] = set()  # folders of classes
    in_folders: dict[tuple[Part, str], list[MemberPath]] = {}
    for path in listing.folders:
        inside = tuple(map(normal_name, path[len(base) :]))
        if path[: len(base)] == base and len(inside) > 1 and inside[0] in _PARTS:
            found.add(inside[1])
    for path in filter(may_be_picture, listing.files):
        inside = tuple(map(normal_name, path[len(base) :]))
        if path[: len(base)] != base or inside[0] not in _PARTS:
            continue
        if len(inside) != len(("part", "class", "file")):
            layout.misplaced[path] = misplaced_sentence("/".join(path))
            continue
        part = _PARTS[inside[0]]
        found.add(inside[1])
        in_folders.setdefault((part, inside[1]), []).append(path)
        layout.folders[part] = "/".join(path[: len(base) + 1])
    for (part, folder), paths in in_folders.items():
        layout.samples.add(paths, part, names.get(folder, folder), folder)
    layout.folders = {part: layout.folders[part] for part in PART_FOLDERS if part in layout.folders}
    if not {"train", "test"} <= set(layout.folders):
        return None
    added = sorted(found - {*names, *names.values()}, key=natural_key)
    layout.class_names = tuple([name for folder, name in names.items() if folder in found] + added)
    count_the_rest(layout, [path for path in listing.files if path[-1] != CLASS_TABLE], base)
    return layout
