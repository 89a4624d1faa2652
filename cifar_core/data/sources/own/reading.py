"""The pictures that an import has read so far, and the files that cannot be used. Reads and writes nothing."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from cifar_core.data.dataset import Fit, Split
from cifar_core.data.import_findings import PREVIEW_PICTURES
from cifar_core.data.originals.keeping import NOWHERE, KeptOriginals, Place
from cifar_core.data.pictures import WHITE_OF_12_BITS, Picture, read_picture
from cifar_core.data.sources.archive import Listing, Member, MemberPath
from cifar_core.data.sources.own.layout import Layout, Part, Sample
from cifar_core.errors import DataError
from cifar_core.text import counted, natural_key

MAX_LISTED = 20  # unusable files that are listed by name


@dataclass
class Pictures:
    """The pictures of one part read so far; the array doubles when it is full."""

    images: np.ndarray = field(default_factory=lambda: np.empty((1024, 3, 32, 32), np.uint8))
    classes: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    sizes: list[tuple[int, int]] = field(default_factory=list)
    formats: list[int] = field(default_factory=list)
    originals: list[Place] = field(default_factory=list)
    # row -> pixels and original with white at 4095
    in_twelve_bits: dict[int, tuple[np.ndarray, Place]] = field(default_factory=dict)

    def add(self, picture: Picture, original: Place, sample: Sample) -> None:
        if len(self.ids) == len(self.images):
            larger = np.empty((2 * len(self.images), 3, 32, 32), np.uint8)
            larger[: len(self.images)] = self.images
            self.images = larger
        self.images[len(self.ids)] = picture.pixels
        self.classes.append(sample.class_name)
        self.ids.append(sample.id)
        self.sizes.append((picture.width, picture.height))
        self.formats.append(picture.format)
        self.originals.append(original)

    def split(self, class_names: tuple[str, ...]) -> Split:
        """As arrays sorted by id, so that the order in an archive does not matter, and of these classes only."""
        index = {name: label for label, name in enumerate(class_names)}
        ids = np.array(self.ids)
        order = np.argsort(ids, kind="stable")
        labels = np.array([index.get(name, -1) for name in self.classes], np.int64)
        order = order[labels[order] >= 0]
        sizes = np.array(self.sizes, np.int32).reshape(-1, 2)
        formats = np.array(self.formats, np.uint8)
        originals = np.array(self.originals, np.int64).reshape(-1, 2)
        return Split(self.images[order], labels[order], ids[order], sizes[order], formats[order], originals[order])


class Reading:
    """The pictures read so far, and what cannot be used."""

    def __init__(
        self, listing: Listing, layout: Layout, originals: KeptOriginals | None = None, fit: Fit = "crop"
    ) -> None:
        self.layout, self.originals, self.fit = layout, originals, fit
        self.parts: dict[Part, Pictures] = {part: Pictures() for part in layout.folders}
        self.problems: list[str] = []  # the first MAX_LISTED
        self.problem_count = 0
        self.files = len(layout.samples) + len(layout.misplaced) + len(listing.unusable)
        self.sixteen_bits = False  # whether a grey picture uses more than 12 bits
        self._paths: dict[str, MemberPath] = {}  # of the pictures read, by id
        self._last = next(iter(self.parts.values()))
        for sentence in (*listing.unusable, *layout.misplaced.values()):
            self.problem(sentence)

    def problem(self, sentence: str, files: int = 1) -> None:
        """Count files that cannot be used."""
        self.problem_count += files
        if len(self.problems) < MAX_LISTED:
            self.problems.append(sentence)

    def read(self, member: Member) -> None:
        """Read a picture of the dataset."""
        sample = self.layout.samples[member.path]
        before = self._paths.get(sample.id)
        if before == member.path:
            self.files += 1
            self.problem(f"{member.name} occurs twice.")
            return
        if before is not None:
            self.problem(f"{member.name} has the name of another picture of its class, {'/'.join(before)}.")
            return
        part = self.parts[sample.part]
        try:
            picture = read_picture(member.content, name=member.name, fit=self.fit)
        except DataError as error:
            self.problem(str(error))
            return
        self._paths[sample.id] = member.path
        if picture.grey_peak is not None:
            if picture.grey_peak > WHITE_OF_12_BITS:
                self.sixteen_bits = True
            elif not self.sixteen_bits:
                twelve = read_picture(member.content, name=member.name, grey_bits=12, fit=self.fit)
                part.in_twelve_bits[len(part.ids)] = twelve.pixels, self._keep(twelve)
        self._last = part
        part.add(picture, self._keep(picture), sample)

    def _keep(self, picture: Picture) -> Place:
        return NOWHERE if self.originals is None else self.originals.keep(picture.upright)

    def last_pictures(self) -> np.ndarray:
        """Some of the pictures read last: uint8 [N, 3, 32, 32]."""
        part = self._last
        return part.images[max(0, len(part.ids) - PREVIEW_PICTURES) : len(part.ids)].copy()

    def settle_grey_bits(self) -> int:
        """Whether 16-bit grey pictures hold 16 or 12 bits: 12 where none of the import uses more."""
        found = any(part.in_twelve_bits for part in self.parts.values())
        if self.sixteen_bits or not found:
            return 16
        for part in self.parts.values():
            for row, (pixels, original) in part.in_twelve_bits.items():
                part.images[row], part.originals[row] = pixels, original
        return 12

    def exclude_untrained(self, counts: dict[str, Counter[Part]]) -> None:
        """Take out of the counts the classes without pictures to learn from: their pictures cannot be used."""
        folders = self.layout.folders
        if self.layout.class_names:
            return  # the dataset was exported so
        for name in sorted(counts, key=natural_key):
            if not counts[name]["train"]:
                elsewhere = next(part for part in counts[name] if counts[name][part])
                self.problem(
                    f"{name} has pictures in {folders[elsewhere]} but none in {folders['train']}: there is nothing to "
                    "learn it from.",
                    counts.pop(name).total(),
                )

    def problem_lines(self) -> list[str]:
        """A line for each of the first problems, and a line with the number of the others."""
        more = self.problem_count - len(self.problems)
        return [*self.problems, *([f"... and {counted(more, 'more file')}."] if more > 0 else [])]

    def class_counts(self) -> dict[str, Counter[Part]]:
        """The pictures of each class in each part."""
        counts: dict[str, Counter[Part]] = {}
        for part, pictures in self.parts.items():
            for name, count in Counter(pictures.classes).items():
                counts.setdefault(name, Counter())[part] = count
        return counts
