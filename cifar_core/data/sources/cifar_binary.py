"""The binary form of CIFAR-10 and CIFAR-100: files of labels and pixels, which hold no code, so that any may be read.

A record is the label (for CIFAR-100 the coarse label, then the fine one), one byte each, and 3,072 bytes of pixels:
the red, the green and the blue channel, row by row. Reads a folder, zip or tar; writes `data/<name>/` by the store.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cifar_core.data.dataset import Dataset, Split
from cifar_core.data.sources.archive import Member, MemberPath, open_source
from cifar_core.data.sources.archive_limits import shown_name
from cifar_core.data.sources.cifar10 import CIFAR100, CIFAR_LIMITS
from cifar_core.data.sources.drawn10 import numbered_ids
from cifar_core.data.sources.first_members import first_members
from cifar_core.data.store import refuse_taken, save_dataset
from cifar_core.errors import DataError
from cifar_core.jobs.progress import OnProgress, no_progress
from cifar_core.text import MB, first_names
from cifar_core.workspace import Workspace

_PIXELS = 3 * 32 * 32
_MAX_NAMES = MB  # bytes of a file of class names


@dataclass(frozen=True)
class _Form:
    """The files of one of the two, whose names are compared in small letters."""

    train: re.Pattern[str]
    test: str
    names: str
    labels: int  # bytes before the pixels; the last of them is the class
    notes: tuple[str, ...] = ()  # what is left out, a sentence each

    @property
    def record(self) -> int:
        """Bytes of a picture with its labels."""
        return self.labels + _PIXELS

    def has(self, file: str) -> bool:
        """Whether a file is one of these."""
        return file in (self.test, self.names) or self.train.fullmatch(file) is not None


_CIFAR10 = _Form(re.compile(r"data_batch_(\d{1,3})\.bin"), "test_batch.bin", "batches.meta.txt", 1)
_CIFAR100 = _Form(re.compile(r"train()\.bin"), "test.bin", "fine_label_names.txt", 2, CIFAR100.notes)


def is_binary_cifar(path: Path) -> bool:
    """Whether a folder or archive looks like the binary form: at least half of its first files have such names."""
    files = first_members(path)
    known = sum(map(_is_known, files))
    return known > 0 and 2 * known >= len(files)


def _is_known(path: MemberPath) -> bool:
    """Whether a path has the name of a file of either form."""
    file = path[-1].lower()
    return _CIFAR10.has(file) or _CIFAR100.has(file)


def import_binary(
    workspace: Workspace, path: Path, name: str, progress: OnProgress = no_progress, *, shown: str = ""
) -> Dataset:
    """Store the pictures of a folder, zip or tar of the binary form, with any number of records in each file.

    The files may lie in a folder of any name, in capitals too, and there may be fewer training files than the official
    five. The classes keep the order of the file with their names. `shown` is the name people know the source by.

    Raises:
        DataError: the name is taken, a file is missing, damaged or doubled, or a label has no class.
        StorageError: the disk refused; nothing is left behind.
    """
    refuse_taken(workspace, name)
    source_name = shown_name(path, shown)
    files = _read_files(path, source_name, progress)
    form = _form_of(files, source_name)
    class_names = _class_names(_required(files, form.names, source_name))
    test = _split("test", [_required(files, form.test, source_name)], form, class_names)
    training_files = _training_files(files, form, source_name)
    train = _split("train", training_files, form, class_names)
    names = first_names([member.path[-1].lower() for member in training_files])
    notes = (f"The training pictures are those of {names}, the test pictures those of {form.test}.", *form.notes)
    training_files.clear()
    files.clear()
    progress("Saving", 0, 1, "files")
    origin = f"Imported from {source_name}, in the binary form of CIFAR."
    return save_dataset(workspace, name, train, test, title=name, class_names=class_names, source=origin, notes=notes)


def _read_files(path: Path, source_name: str, progress: OnProgress) -> dict[str, Member]:
    """The known files, by name in small letters; DataError where they lie in several folders or one is doubled."""
    files: dict[str, Member] = {}
    with open_source(path, CIFAR_LIMITS, shown=source_name) as source:
        for member in source.read(_is_known):
            progress("Reading pictures", min(member.done, source.total), source.total, source.unit)
            file = member.path[-1].lower()
            first = next(iter(files.values()), member)
            if file in files or first.path[:-1] != member.path[:-1]:
                raise DataError(
                    f"{source_name} holds two sets of files ({files.get(file, first).name} and {member.name}): import "
                    "them one at a time."
                )
            files[file] = member
    return files


def _form_of(files: dict[str, Member], source_name: str) -> _Form:
    forms = [form for form in (_CIFAR10, _CIFAR100) if any(form.has(file) for file in files)]
    if len(forms) != 1:
        found = "the files of both CIFAR-10 and CIFAR-100: import them one at a time" if forms else "no such files"
        raise DataError(f"{source_name} was read as the binary form of CIFAR, but it holds {found}.")
    return forms[0]


def _required(files: dict[str, Member], file: str, source_name: str) -> Member:
    if file not in files:
        raise DataError(
            f"{file} is missing in {source_name}: a binary CIFAR needs its training files, its test file and the names "
            "of its classes."
        )
    return files[file]


def _training_files(files: dict[str, Member], form: _Form, source_name: str) -> list[Member]:
    """The training files in order; DataError where one is missing before the last."""
    if form is _CIFAR100:
        return [_required(files, "train.bin", source_name)]
    numbers = [int(match[1]) for file in files if (match := form.train.fullmatch(file))]
    return [
        _required(files, f"data_batch_{number}.bin", source_name) for number in range(1, max(numbers, default=1) + 1)
    ]


def _class_names(member: Member) -> tuple[str, ...]:
    if len(member.content) > _MAX_NAMES:
        raise DataError(f"{member.name} is too large for a list of class names, one a line.")
    try:
        lines = member.content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"{member.name} is not a text in UTF-8 with a class name a line.") from error
    return tuple(line.strip() for line in lines if line.strip())


def _split(part: str, members: Sequence[Member], form: _Form, class_names: tuple[str, ...]) -> Split:
    records = [_records(member, form, len(class_names)) for member in members]
    count = sum(map(len, records))
    if not count:
        raise DataError(f"{members[0].name} holds no pictures.")
    images, labels = np.empty((count, _PIXELS), np.uint8), np.empty(count, np.int64)
    start = 0
    for rows in records:
        images[start : start + len(rows)] = rows[:, form.labels :]
        labels[start : start + len(rows)] = rows[:, form.labels - 1]
        start += len(rows)
    return Split(images.reshape(count, 3, 32, 32), labels, numbered_ids(part, labels, class_names))


def _records(member: Member, form: _Form, classes: int) -> np.ndarray:
    """The records of a file as uint8 [N, record], without a copy of them."""
    size = len(member.content)
    if size % form.record:
        raise DataError(
            f"{member.name} has {size:,} bytes, not a whole number of records of {form.record:,}: it is incomplete or "
            "another kind of file; get it again."
        )
    rows = np.frombuffer(member.content, np.uint8).reshape(-1, form.record)
    wrong = np.flatnonzero(rows[:, form.labels - 1] >= classes)
    if len(wrong):
        raise DataError(
            f"Record {wrong[0] + 1:,} of {member.name} has the label {rows[wrong[0], form.labels - 1]}, but only "
            f"{classes:,} classes have names: the file is damaged, or the names belong to another one."
        )
    return rows
