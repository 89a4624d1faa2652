"""What an import has read so far, and the files that cannot be used. The pictures go to a spool, not into memory."""

from collections import Counter, deque

import numpy as np

from cifar_core.data.dataset import Fit, Split
from cifar_core.data.import_findings import PREVIEW_PICTURES
from cifar_core.data.pictures import SIZE, WHITE_OF_12_BITS, read_picture
from cifar_core.data.sources.archive import Listing, Member, MemberPath
from cifar_core.data.sources.own.layout import Layout
from cifar_core.data.sources.own.samples import Part
from cifar_core.data.sources.own.spool import IN_TWO_READINGS, TWICE, USABLE, Spool, first_pictures
from cifar_core.errors import DataError
from cifar_core.text import counted, natural_key

MAX_LISTED = 20  # unusable files that are listed by name
_TWELVE_OR_SIXTEEN, _SIXTEEN = 1, 2  # `grey` of a fact: levels up to 4,095, and above


class Problems:
    """The files of a source that cannot be used."""

    def __init__(self, listing: Listing, layout: Layout) -> None:
        self.listed: list[str] = []  # the first MAX_LISTED
        self.count = 0
        self.layout = layout
        self.files = len(layout.samples) + len(layout.misplaced) + len(listing.unusable)
        for sentence in (*listing.unusable, *layout.misplaced.values()):
            self.add(sentence)

    def add(self, sentence: str, files: int = 1) -> bool:
        """Count files that cannot be used; returns whether the sentence is listed."""
        self.count += files
        is_listed = len(self.listed) < MAX_LISTED
        if is_listed:
            self.listed.append(sentence)
        return is_listed

    def exclude_untrained(self, counts: dict[str, Counter[Part]]) -> None:
        """Take out of the counts the classes without pictures to learn from: their pictures cannot be used."""
        folders = self.layout.folders
        if self.layout.class_names:
            return  # the dataset was exported so
        for name in sorted(counts, key=natural_key):
            if not counts[name]["train"]:
                elsewhere = next(part for part in counts[name] if counts[name][part])
                self.add(
                    f"{name} has pictures in {folders[elsewhere]} but none in {folders['train']}: there is nothing to "
                    "learn it from.",
                    counts.pop(name).total(),
                )

    @property
    def lines(self) -> list[str]:
        """A line for each of the first problems, and a line with the number of the others."""
        more = self.count - len(self.listed)
        return [*self.listed, *([f"... and {counted(more, 'more file')}."] if more > 0 else [])]


class Reading:
    """Reads the pictures of a source into a spool, from the place on where an earlier process was killed."""

    def __init__(self, listing: Listing, layout: Layout, problems: Problems, spool: Spool, fit: Fit = "crop") -> None:
        self.layout, self.problems, self.fit = layout, problems, fit
        self._listing, self._spool = listing, spool
        self._last: deque[np.ndarray] = deque(maxlen=PREVIEW_PICTURES)
        self._shared = _shared_ids(listing, layout)  # hashes of the ids that several files have
        self._paths: dict[str, MemberPath] = {}  # of the pictures read, by id, where it is one of these
        self._sixteen_bits = False  # whether a grey picture uses more than 12 bits
        self.start = 0  # place in the listing of the next file
        self._go_on(spool.begun_with)

    def _go_on(self, facts: np.ndarray) -> None:
        """Take over what an earlier process has read."""
        if not len(facts):
            return
        self.start = int(facts["file"][-1]) + 1
        self._sixteen_bits = bool((facts["grey"] == _SIXTEEN).any())
        self.problems.files += int((facts["kind"] == TWICE).sum())
        unusable = int((facts["kind"] < USABLE).sum())
        for sentence in self._spool.problems:
            self.problems.add(sentence)
        self.problems.count += unusable - len(self._spool.problems)
        if self._shared:
            for file in facts["file"][facts["kind"] >= USABLE].tolist():
                path = self._listing.files[file]
                self._remember(self.layout.samples[path].id, path)

    def read(self, member: Member) -> None:
        """Read a picture of the dataset.

        Raises:
            DataError: the source is another one than when its files were listed.
            StorageError: the disk refused.
        """
        if self._listing.files[member.number : member.number + 1] != [member.path]:
            raise DataError(f"{member.name} came while the pictures were read: import them again.")
        name = self.layout.samples[member.path].id
        before = self._paths.get(name)
        if before is not None:
            twice = before == member.path
            other = f"has the name of another picture of its class, {'/'.join(before)}."
            self.problems.files += twice
            self._refuse(member, f"{member.name} {'occurs twice.' if twice else other}", twice=twice)
            return
        try:
            picture = read_picture(member.content, name=member.name, fit=self.fit)
        except DataError as error:
            self._refuse(member, str(error))
            return
        self._remember(name, member.path)
        grey, twelve = 0, None
        if picture.grey_peak is not None:
            grey = _SIXTEEN if picture.grey_peak > WHITE_OF_12_BITS else _TWELVE_OR_SIXTEEN
            self._sixteen_bits = self._sixteen_bits or grey == _SIXTEEN
            if not self._sixteen_bits:
                twelve = read_picture(member.content, name=member.name, grey_bits=12, fit=self.fit)
        self._spool.add(member.number, picture, twelve, grey=grey)
        self._last.append(picture.pixels)

    def _refuse(self, member: Member, sentence: str, *, twice: bool = False) -> None:
        if self.problems.add(sentence):
            self._spool.problems.append(sentence)
        self._spool.add_unusable(member.number, twice=twice)

    def _remember(self, name: str, path: MemberPath) -> None:
        if hash(name) in self._shared:
            self._paths[name] = path

    def last_pictures(self) -> np.ndarray:
        """Some of the pictures read last: uint8 [N, 3, 32, 32]."""
        return np.stack(self._last) if self._last else np.empty((0, 3, SIZE, SIZE), np.uint8)


class ReadPictures:
    """All pictures that were read, by part; their pixels are still in the spool."""

    def __init__(self, listing: Listing, layout: Layout, facts: np.ndarray) -> None:
        self._parts = list(layout.folders)
        self._first = first_pictures(facts)[facts["kind"] >= USABLE]
        self._facts = facts[facts["kind"] >= USABLE]
        self._paths, self._samples = listing.files, layout.samples
        found = self._facts["kind"] == IN_TWO_READINGS
        self.grey_bits = 12 if found.any() and not (self._facts["grey"] == _SIXTEEN).any() else 16
        numbers: dict[tuple[Part, str], int] = {}  # of the classes of each part
        places = (self._samples.place_of(self._paths[file]) for file in self._facts["file"].tolist())
        self._class_of = np.fromiter((numbers.setdefault(place, len(numbers)) for place in places), np.int32)
        self._classes = list(numbers)

    def class_counts(self) -> dict[str, Counter[Part]]:
        """The pictures of each class in each part."""
        counts: dict[str, Counter[Part]] = {}
        for number in np.argsort([self._parts.index(part) for part, _ in self._classes], kind="stable").tolist():
            part, name = self._classes[number]
            counts.setdefault(name, Counter())[part] = int((self._class_of == number).sum())
        return counts

    def splits(self, class_names: tuple[str, ...]) -> dict[Part, Split]:
        """The parts sorted by id, so that the order in an archive does not matter, and of these classes only.

        Their `images` are the numbers of their pictures in the spool, int64 [N].
        """
        return {part: self._split(part, class_names) for part in self._parts}

    def _split(self, part: Part, class_names: tuple[str, ...]) -> Split:
        index = {name: label for label, name in enumerate(class_names)}
        labels = np.array([index.get(name, -1) if at == part else -2 for at, name in self._classes], np.int64)
        rows = np.flatnonzero(labels[self._class_of] != -2) if len(labels) else np.empty(0, np.int64)
        ids = self._ids(self._facts["file"][rows].tolist())
        order = np.argsort(ids, kind="stable")
        order = order[labels[self._class_of[rows[order]]] >= 0]
        rows = rows[order]
        twelve = (self._facts["kind"][rows] == IN_TWO_READINGS) & (self.grey_bits == 12)
        facts = self._facts[rows]
        originals = np.where(twelve[:, None], facts["twelve"], facts["original"])
        return Split(
            self._first[rows] + twelve,
            labels[self._class_of[rows]],
            ids[order],
            facts["size"],
            facts["format"],
            originals,
        )

    def _ids(self, files: list[int]) -> np.ndarray:
        """The ids of files, str [N]; as texts of Python a million of them would take as much again."""
        width = max((len(self._samples[self._paths[file]].id) for file in files), default=1)
        ids = np.empty(len(files), f"<U{width}")
        for row, file in enumerate(files):
            ids[row] = self._samples[self._paths[file]].id
        return ids


def _shared_ids(listing: Listing, layout: Layout) -> set[int]:
    """The hashes of ids that more than one file has, and by chance of some that one has."""
    samples = layout.samples
    hashes = np.fromiter((hash(samples[path].id) for path in listing.files if path in samples), np.int64)
    hashes.sort()
    return set(hashes[1:][hashes[1:] == hashes[:-1]].tolist())
