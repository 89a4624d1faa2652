"""Finds the training, validation and test parts and the classes in the folders of a source, from the paths alone.

Reads and writes nothing. A tree that can be understood in two ways is refused with one sentence: a picture must never
get a wrong class.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from cifar_core.data.dataset_limits import MAX_FILE_NAME
from cifar_core.data.sources.archive import MemberPath
from cifar_core.data.sources.own.folder_tree import Folder, folder_tree, may_be_picture, normal_name
from cifar_core.data.sources.own.samples import Part, Samples
from cifar_core.errors import DataError
from cifar_core.text import counted, first_names, natural_key

PART_TITLES: dict[Part, str] = {"train": "training", "valid": "validation", "test": "test"}
EXPECTED = "train/<class>/<file> and test/<class>/<file>, or <class>/<file>, also inside other folders"
_PART_WORDS: dict[str, Part] = {
    "training": "train",
    "train": "train",
    "testing": "test",
    "test": "test",
    "validation": "valid",
    "valid": "valid",
    "val": "valid",
}
# Words beside them in names of folders, as in `seg_train` and `test_set`.
_FILL_WORDS = ("dataset", "data", "set", "seg", "images", "image", "imgs", "img", "pictures", "photos", "part", "split")
_PART_NAME = re.compile(f"(?:{'|'.join(_FILL_WORDS)})*({'|'.join(_PART_WORDS)})(?:{'|'.join(_FILL_WORDS)})*")
_SEPARATORS = re.compile(r"[\s\d._-]+")
# Names of folders between a class and its files.
_BETWEEN = {*_FILL_WORDS, "pics", "files", "jpg", "jpeg", "png", "frames"}
# Names of folders with pictures that show no class.
_MASKS = {"masks", "labels", "annotations", "segmentation", "groundtruth"}


def part_of(folder: str) -> Part | None:
    """The part that a folder of this name holds: `Train`, `training_set`, `seg_test`, `val` and the like."""
    found = _PART_NAME.fullmatch(_SEPARATORS.sub("", folder.casefold()))
    return _PART_WORDS[found[1]] if found else None


@dataclass
class Layout:
    """What was taken for what."""

    flat: bool = False  # there is no test part: it is to be chosen from the training part
    folders: dict[Part, str] = field(default_factory=dict)  # where the pictures of a part lie
    samples: Samples = field(default_factory=Samples)  # every file that may be a picture of the dataset
    misplaced: dict[MemberPath, str] = field(default_factory=dict)  # pictures in no class folder, with a sentence
    unlabelled: Counter[MemberPath] = field(default_factory=Counter)  # folder of a part -> its pictures without classes
    outside: Counter[str] = field(default_factory=Counter)  # name of a file or folder -> other files, passed over
    empty: list[str] = field(default_factory=list)  # class folders without a picture
    lost: list[str] = field(default_factory=list)  # class folders whose pictures are all misplaced
    class_names: tuple[str, ...] = ()  # in their order, where the source says it (`class_table.py`)

    def class_counts(self) -> dict[str, Counter[Part]]:
        """The files of each class in each part, the classes in their natural order."""
        counts = self.samples.class_counts()
        return {name: counts[name] for name in sorted(counts, key=natural_key)}

    @property
    def sentence(self) -> str:
        """What was taken for what, in one sentence."""
        counts = self.class_counts()
        classes = counted(len(counts), "class")
        if self.flat:
            files = counted(len(self.samples), "file")
            return f"{self.folders['train']} holds {classes} ({files}) in one part: a test part is drawn from them."
        taken = []
        for part, folder in self.folders.items():
            total = sum(count[part] for count in counts.values())
            taken.append(f"{folder} is the {PART_TITLES[part]} part ({counted(total, 'file')})")
        instead = "" if part_of(self.folders["test"].rpartition("/")[2]) == "test" else ", as there is no other"
        return f"{', '.join(taken[:-1])} and {taken[-1]}{instead}; {classes}."


def find_layout(files: Sequence[MemberPath], folders: Iterable[MemberPath] = ()) -> Layout:
    """Find the parts and classes of a source.

    Args:
        files: all its files, without those of operating systems.
        folders: those that are known by themselves, so that empty class folders can be named.

    Raises:
        DataError: there are no class folders, or the tree can be understood in several ways.
    """
    top = folder_tree(files, folders)
    levels = [level for level in map(_Level, top.below()) if level.labelled or level.unlabelled]
    levels.sort(key=lambda level: level.folder.path)
    with_train = [level for level in levels if "train" in level.labelled]
    full = [level for level in with_train if len(level.labelled) > 1]
    layout = Layout()
    if full:
        base, taken = _take_parts(layout, _only(full))
    elif with_train:
        base, taken = _take_only_train(layout, _only(with_train), top)
    else:
        base, taken = _take_class_folders(layout, top, levels)
    _refuse_unused_parts(levels, taken)
    count_the_rest(layout, files, base.path)
    return layout


class _Level:
    """The folders of parts that stand side by side in a folder."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        # Those with class folders: each with the folder that the class folders are in.
        self.labelled: dict[Part, list[tuple[Folder, Folder]]] = {}
        self.unlabelled: list[Folder] = []
        for child in folder.filled:
            part = part_of(child.name)
            if part is None:
                continue
            classes = _class_level(child, in_part=True)
            if classes is None:
                self.unlabelled.append(child)
            else:
                self.labelled.setdefault(part, []).append((child, classes))

    def the(self, part: Part) -> tuple[Folder, Folder]:
        """The one folder of a part; DataError where there are several."""
        found = self.labelled[part]
        if len(found) > 1:
            names = first_names([child.shown for child, _ in found])
            raise DataError(f"{names} would all be the {PART_TITLES[part]} part: join or rename them.")
        return found[0]


def _refuse_unused_parts(levels: list[_Level], taken: list[Folder]) -> None:
    """Refuse parts whose class folders are not among those in `taken`: nobody knows what they are."""
    for level in levels:
        for child, _ in (pair for pairs in level.labelled.values() for pair in pairs):
            if not any(child.path == folder.path[: len(child.path)] for folder in taken):
                raise DataError(
                    f"{child.shown} has class folders like a part, but stands apart from the others: import it by "
                    "itself, rename it, or take it out."
                )


def _only(levels: list[_Level]) -> _Level:
    if len(levels) > 1:
        found = " and ".join(level.labelled["train"][0][0].shown for level in levels[:2])
        raise DataError(f"There are two sets of pictures ({found}): import them one at a time.")
    return levels[0]


def _class_level(folder: Folder, *, in_part: bool = False) -> Folder | None:
    """The folder at or below this one whose folders are the classes; None where the pictures lie in no class folder.

    Of folders that lie one in the other down to the pictures, the last one is the class, but for such as `images`.
    """
    chain = [folder]
    while len(chain[-1].filled) == 1:
        chain += chain[-1].filled
    last = chain.pop()
    if _are_classes(_classes_in(last, in_part=in_part)):
        return last
    while chain:
        above = chain.pop()
        if not _is_between(last.name) and part_of(last.name) is None:
            return above
        last = above
    return None


def _classes_in(folder: Folder, *, in_part: bool) -> list[Folder]:
    """The folders in it that may be classes: not those that are named like a part.

    But within a part such a folder of pictures beside another class is a class too, and so is `train`, beside several
    classes and no other part, where there are no parts: it holds pictures of trains.
    """
    named = [child for child in folder.filled if part_of(child.name) is not None]
    others = [child for child in folder.filled if part_of(child.name) is None]
    if in_part and others:
        return [child for child in folder.filled if child in others or _class_level(child) is None]
    is_class = [part_of(child.name) for child in named] == ["train"] and len(others) > 1
    return folder.filled if is_class else others


def _are_classes(folders: list[Folder]) -> bool:
    """Whether folders side by side can be classes; `images` and `masks` are not."""
    names = {folder.name.casefold() for folder in folders}
    return len(folders) > 1 and not all(map(_is_between, names)) and not names & _MASKS


def _is_between(name: str) -> bool:
    return name.casefold() in _BETWEEN


def _take_parts(layout: Layout, level: _Level) -> tuple[Folder, list[Folder]]:
    """Take the parts of a level. Where there is no test part, the validation part is it.

    Returns, like the two functions below, the folder above all that was taken, and those that the classes are in.
    """
    sources: dict[Part, Part] = {"train": "train", "valid": "valid", "test": "test"}
    if len(level.labelled) < len(sources):
        sources = {"train": "train", "test": "test" if "test" in level.labelled else "valid"}
    taken = {part: level.the(source) for part, source in sources.items()}
    shared = _shared_folder([folder for _, classes in taken.values() for folder in _classes_in(classes, in_part=True)])
    for part, (child, classes) in taken.items():
        layout.folders[part] = child.shown
        _take_classes(layout, part, classes, _classes_in(classes, in_part=True), shared)
        _note_loose(layout, classes)
    _require_common_class(layout)
    _refuse_hidden_part(layout)
    _refuse_nested_classes(layout, [classes.path[len(child.path) - 1 :] for child, classes in taken.values()])
    _note_unlabelled(layout, level.unlabelled)
    return level.folder, [classes for _, classes in taken.values()]


def _take_only_train(layout: Layout, level: _Level, top: Folder) -> tuple[Folder, list[Folder]]:
    """Take a training part without a test part like class folders."""
    child, classes = level.the("train")
    beside = [other for other in level.folder.filled if part_of(other.name) is None]
    others = [folder for folder in top.on_the_way_to(level.folder) if _class_level(folder) is not None]
    others += beside if len(beside) > 1 else [folder for folder in beside if _class_level(folder) is not None]
    if others:
        raise DataError(
            f"{child.shown} has class folders, and {first_names([folder.shown for folder in others])} may be classes "
            "too, but there is no test part: name it test, or import one of them."
        )
    layout.flat, layout.folders["train"] = True, child.shown
    members = _classes_in(classes, in_part=False)
    _take_classes(layout, "train", classes, members, _shared_folder(members))
    _note_loose(layout, classes)
    _note_unlabelled(layout, level.unlabelled)
    return level.folder, [classes]


def _take_class_folders(layout: Layout, top: Folder, levels: list[_Level]) -> tuple[Folder, list[Folder]]:
    """Take class folders without any folder of a part."""
    several = next((level for level in levels if len(level.labelled) > 1), None)
    if several is not None:
        found = first_names([child.shown for children in several.labelled.values() for child, _ in children])
        raise DataError(f"{found} are a test and a validation part without a training part: add a folder train.")
    classes = _class_level(top)
    if classes is None:
        raise DataError(_no_classes(top))
    members = _classes_in(classes, in_part=False)
    for folder in classes.filled:
        # Pictures without classes to test with are usual; other names may as well be those of classes.
        if folder not in members and part_of(folder.name) != "test":
            raise DataError(f"{folder.shown} may be a class or a part: rename it, or take it out.")
    layout.flat, layout.folders["train"] = True, classes.shown
    _take_classes(layout, "train", classes, members, _shared_folder(members))
    return classes, [classes]


def _take_classes(layout: Layout, part: Part, level: Folder, classes: list[Folder], shared: MemberPath | None) -> None:
    """Take the pictures of the class folders `classes` in `level`, and note its other folders.

    `shared` is what lies between each class and its pictures.
    """
    _note_unlabelled(layout, [folder for folder in level.filled if folder not in classes])
    for folder in classes:
        before = len(layout.samples)
        for place in folder.below():
            between = place.path[len(folder.path) :]
            inside = between == shared or all(_is_between(name) or name == folder.name for name in between)
            long = [path for path in place.files if len(normal_name(path[-1])) > MAX_FILE_NAME]
            for path in long if inside else place.files:
                shown = "/".join(path)
                layout.misplaced[path] = _long_name(shown) if inside else misplaced_sentence(shown)
            if inside:
                layout.samples.add(_without(place.files, long), part, folder.name, folder.name)
                layout.samples.leave_out(long)
        if len(layout.samples) == before:
            layout.lost.append(folder.shown)
    empty = [folder for folder in level.folders.values() if not folder.pictures]
    layout.empty += [folder.shown for folder in empty]


def _without(files: list[MemberPath], others: list[MemberPath]) -> list[MemberPath]:
    return [path for path in files if path not in others] if others else files


def _shared_folder(classes: list[Folder]) -> MemberPath | None:
    """The folders between class and pictures, where they are the same for all of several class folders."""
    found = {place.path[len(folder.path) :] for folder in classes for place in folder.below() if place.files}
    return found.pop() if len(found) == 1 and len(classes) > 1 else None


def _note_loose(layout: Layout, level: Folder) -> None:
    layout.misplaced |= {path: misplaced_sentence("/".join(path)) for path in level.files}


def _require_common_class(layout: Layout) -> None:
    """Refuse parts whose classes have nothing in common: their folders are not classes of one dataset."""
    counts = layout.class_counts()
    parts = [{name for name, count in counts.items() if count[part]} for part in ("train", "test")]
    if not all(parts) or parts[0] & parts[1]:
        return
    train, test = (first_names(sorted(names, key=natural_key)) for names in parts)
    raise DataError(
        f"{layout.folders['train']} ({train}) and {layout.folders['test']} ({test}) have no class in common."
    )


def _refuse_hidden_part(layout: Layout) -> None:
    """Refuse a folder of pictures that is named like a part and lies among the classes of one part only."""
    for name, count in layout.class_counts().items():
        if part_of(name) is not None and not (count["train"] and count["test"]):
            where = next(layout.folders[part] for part in layout.folders if count[part])
            raise DataError(f"{where}/{name} may be a class or a part: rename it, or take it out.")


def _refuse_nested_classes(layout: Layout, ways: list[MemberPath]) -> None:
    """Refuse a folder above the classes of one part that is itself a class of another; `ways` lead to the classes."""
    classes = layout.class_counts()
    for way in ways:
        for name in way[1:]:
            if name in classes:
                raise DataError(f"{name} is a class, but in {way[0]} it holds other classes: move them beside it.")


def _note_unlabelled(layout: Layout, folders: list[Folder]) -> None:
    for folder in folders:
        layout.unlabelled[folder.path] += folder.pictures


def count_the_rest(layout: Layout, files: Sequence[MemberPath], base: MemberPath) -> None:
    """Count the files that are passed over, by the first name on their way below the parts and classes."""
    depths = {len(folder) for folder in layout.unlabelled}
    for path in files:
        if path in layout.samples or path in layout.misplaced:
            continue
        normal = tuple(normal_name(name) for name in path)
        if not (may_be_picture(path) and any(normal[:depth] in layout.unlabelled for depth in depths)):
            layout.outside[normal[len(base)] if normal[: len(base)] == base else normal[0]] += 1


def misplaced_sentence(shown: str) -> str:
    return f"{shown} does not lie directly in a class folder."


def _long_name(shown: str) -> str:
    return f"{shown[:80]!r}… has a name of more than {MAX_FILE_NAME} characters."


def _no_classes(top: Folder) -> str:
    found = first_names(sorted([*top.folders, *(path[-1] for path in top.files)], key=natural_key))
    if not top.pictures:
        return f"No pictures found: they must lie as {EXPECTED}; found {found or 'nothing'}."
    return f"The pictures lie in no class folders: they must lie as {EXPECTED}; found {found}."
