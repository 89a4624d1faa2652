"""Import a person's own pictures: `train/<class>/*` and `test/<class>/*` from a folder, zip or tar.

Reads the folder or archive; writes `data/<name>/` through the store.
"""

import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from cifar_core.data.dataset_limits import MAX_FILE_NAME, Split
from cifar_core.data.pictures import decode_picture
from cifar_core.data.sources.archive import Member, Source, open_source
from cifar_core.data.sources.archive_limits import ArchiveLimits, shown_name
from cifar_core.data.sources.cifar10 import CIFAR10
from cifar_core.data.store import Dataset, refuse_taken, save_dataset
from cifar_core.errors import DataError
from cifar_core.jobs.progress import OnProgress, no_progress
from cifar_core.storage.json_types import MAX_CLASS_NAME, MAX_CLASSES
from cifar_core.text import counted
from cifar_core.workspace import Workspace

DATASET_PARTS = ("train", "test")
MAX_LISTED = 20  # unreadable files that are listed by name
LAYOUT = "pictures as train/<class>/<file> and test/<class>/<file>, also inside one folder"
CIFAR_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_REPORT_EVERY = 100  # files between reports of progress


class ImportRefusedError(DataError):
    """Files cannot be used; `report` has a sentence for each of the first ones."""

    def __init__(self, message: str, report: list[str]) -> None:
        self.report = report
        super().__init__(message)


@dataclass
class _Pictures:
    """The pictures of one part read so far; the array doubles when it is full."""

    images: np.ndarray = field(default_factory=lambda: np.empty((1024, 3, 32, 32), np.uint8))
    classes: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)

    def add(self, pixels: np.ndarray, class_name: str, sample_id: str) -> None:
        if len(self.ids) == len(self.images):
            larger = np.empty((2 * len(self.images), 3, 32, 32), np.uint8)
            larger[: len(self.images)] = self.images
            self.images = larger
        self.images[len(self.ids)] = pixels
        self.classes.append(class_name)
        self.ids.append(sample_id)


@dataclass
class _Tally:
    """Counts of the files read, and the problems found."""

    top: tuple[str, ...] | None = None  # folders above train and test
    outside: Counter[str] = field(default_factory=Counter)  # first part of the path -> files outside train and test
    problems: list[str] = field(default_factory=list)  # the first MAX_LISTED
    problem_count: int = 0
    files: int = 0

    def problem(self, sentence: str) -> None:
        """Count a file that cannot be used."""
        self.problem_count += 1
        if len(self.problems) < MAX_LISTED:
            self.problems.append(sentence)


def import_pictures(
    workspace: Workspace,
    path: Path,
    name: str,
    *,
    progress: OnProgress = no_progress,
    limits: ArchiveLimits | None = None,
    shown: str = "",
    leave_out: bool = False,
) -> tuple[Dataset, list[str]]:
    """Import a folder, zip or tar of pictures as a new dataset, whole or not at all.

    The ten classes of CIFAR-10 come in its order, other classes sorted by name. Samples are sorted by their ids, which
    are the paths inside (`test/cat/00012.jpg`). Files outside `train` and `test` and those of operating systems are
    skipped. `shown` is the name people know the source by, if its file has another name. With `leave_out`, unreadable
    or misplaced files are left out and the others imported; without it, one such file refuses the whole import.

    Returns:
        The dataset and a report of what was skipped and left out.

    Raises:
        ImportRefusedError: files are unreadable or misplaced; its report lists the first 20.
        DataError: the name is taken, the archive is dangerous, damaged or beyond a limit, or the classes break a rule.
        StorageError: the disk refused. In all cases nothing is left behind.
    """
    refuse_taken(workspace, name)
    parts = {part: _Pictures() for part in DATASET_PARTS}
    tally = _Tally()
    with open_source(path, limits, shown=shown) as source:
        _read_all(source, parts, tally, progress)
        junk = source.junk
    if tally.problem_count and not leave_out:
        raise _refusal(tally)
    class_names = _class_names(parts, tally)
    progress("Saving", 0, 1, "files")
    train, test = (_to_split(parts.pop(part), class_names) for part in DATASET_PARTS)
    origin = f"Imported from {shown_name(path, shown)}."
    dataset = save_dataset(workspace, name, train, test, title=name, class_names=class_names, source=origin)
    return dataset, _report(tally, junk)


def _read_all(source: Source, parts: dict[str, _Pictures], tally: _Tally, progress: OnProgress) -> None:
    seen: set[str] = set()
    for member in source.members:
        if tally.files % _REPORT_EVERY == 0:
            progress("Reading pictures", min(member.done, source.total), source.total, source.unit)
        tally.files += 1
        sample = _sample_of(member, tally)
        if sample is None:
            continue
        part, class_name, sample_id = sample
        if sample_id in seen:
            tally.problem(f"{sample_id} occurs twice.")
            continue
        seen.add(sample_id)
        try:
            parts[part].add(decode_picture(member.content, name=sample_id), class_name, sample_id)
        except DataError as error:
            tally.problem(str(error))


def _sample_of(member: Member, tally: _Tally) -> tuple[str, str, str] | None:
    """Part, class and sample id of a file; None if it is not a picture of the dataset (the tally then counts it).

    Raises:
        DataError: `train` and `test` lie in several folders.
    """
    path = tuple(unicodedata.normalize("NFC", part) for part in member.path)  # macOS writes é as two characters
    depth = next((depth for depth in (0, 1) if len(path) > depth + 1 and path[depth] in DATASET_PARTS), None)
    if depth is None:
        tally.outside[path[0]] += 1
        return None
    if tally.top is None:
        tally.top = path[:depth]
    if path[:depth] != tally.top:
        folders = " and ".join("/".join((*top, "train")) for top in (tally.top, path[:depth]))
        raise DataError(f"There are two sets of pictures ({folders}): import them one at a time.")
    inside = path[depth:]
    sample_id = "/".join(inside)
    if len(inside) != 3:
        tally.problem(f"{sample_id} does not lie directly in a class folder.")
        return None
    if len(inside[2]) > MAX_FILE_NAME:
        tally.problem(f"{sample_id[:80]!r}… has a name of more than {MAX_FILE_NAME} characters.")
        return None
    return inside[0], inside[1], sample_id


def _refusal(tally: _Tally) -> ImportRefusedError:
    count = tally.problem_count
    more = f" (and {count - 1:,} more)" if count > 1 else ""
    return ImportRefusedError(
        f"Nothing was imported: {count:,} of {counted(tally.files, 'file')} cannot be used. {tally.problems[0]}{more}",
        _problem_lines(tally),
    )


def _problem_lines(tally: _Tally) -> list[str]:
    """A line for each of the first files that cannot be used, and a line with the number of the others."""
    more = tally.problem_count - len(tally.problems)
    return [*tally.problems, *([f"... and {counted(more, 'more file')}."] if more else [])]


def _class_names(parts: dict[str, _Pictures], tally: _Tally) -> tuple[str, ...]:
    """The classes in their order; DataError unless both parts have pictures of each."""
    found = {part: set(parts[part].classes) for part in DATASET_PARTS}
    if not found["train"] and not found["test"]:
        if CIFAR10.folder in tally.outside:
            raise DataError(
                "These are the files of the official CIFAR-10, repacked or changed, so none was opened: import the "
                f"original archive {CIFAR10.filename} or the folder {CIFAR10.folder} itself."
            )
        names = ", ".join(list(tally.outside)[:5]) or "nothing"
        raise DataError(f"No pictures found: they must lie {LAYOUT.replace('pictures ', '', 1)}; found {names}.")
    for part, other in (DATASET_PARTS, DATASET_PARTS[::-1]):
        missing = sorted(found[other] - found[part])
        if missing:
            has = "has" if len(missing) == 1 else "have"
            raise DataError(
                f"{_first_names(missing)} {has} pictures in {other} but none in {part}: each class needs some in both."
            )
    classes = sorted(found["train"])
    if not 2 <= len(classes) <= MAX_CLASSES:
        raise DataError(f"A dataset has 2 to {MAX_CLASSES:,} classes; here there are {len(classes):,}.")
    for name in classes:
        if len(name) > MAX_CLASS_NAME:
            raise DataError(f"The class name {name[:80]!r} is longer than {MAX_CLASS_NAME} characters.")
    folded = Counter(name.casefold() for name in classes)
    clashing = sorted(name for name in classes if folded[name.casefold()] > 1)
    if clashing:
        raise DataError(f"The classes {_first_names(clashing)} differ only in capital letters: rename or join them.")
    return CIFAR_CLASSES if set(classes) == set(CIFAR_CLASSES) else tuple(classes)


def _to_split(pictures: _Pictures, class_names: tuple[str, ...]) -> Split:
    """The part as arrays, sorted by id, so that the order inside an archive does not matter."""
    index = {name: label for label, name in enumerate(class_names)}
    ids = np.array(pictures.ids)
    order = np.argsort(ids, kind="stable")
    labels = np.array([index[name] for name in pictures.classes], np.int64)
    return Split(pictures.images[order], labels[order], ids[order])


def _report(tally: _Tally, junk: int) -> list[str]:
    report = []
    outside = tally.outside.total()
    if outside:
        names = _first_names(sorted(tally.outside))
        report.append(f"{counted(outside, 'file')} outside train and test {_was(outside)} skipped ({names}).")
    if junk:
        report.append(f"{counted(junk, 'hidden or system file')} {_was(junk)} skipped.")
    if tally.problem_count:
        left_out = _was(tally.problem_count)
        report += [
            f"{tally.problem_count:,} of {counted(tally.files, 'file')} could not be used and {left_out} left out:",
            *_problem_lines(tally),
        ]
    return report


def _was(count: int) -> str:
    return "was" if count == 1 else "were"


def _first_names(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5:,} more" if len(names) > 5 else "")
