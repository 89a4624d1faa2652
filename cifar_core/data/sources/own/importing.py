"""Import a person's own pictures from a folder, zip or tar, whose folders `layout.py` understands.

Reads the folder or archive; writes `data/<name>/` through the store.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from cifar_core.data.dataset import FIT_TITLES, Dataset, Fit, Split
from cifar_core.data.import_findings import Findings
from cifar_core.data.originals.keeping import KeptOriginals, beyond_sentence
from cifar_core.data.sources.archive import Listing, Source, UnclearNamesError, open_source
from cifar_core.data.sources.archive_limits import ArchiveLimits, shown_name
from cifar_core.data.sources.cifar10 import CIFAR10, CIFAR100
from cifar_core.data.sources.own.class_table import read_listed_layout
from cifar_core.data.sources.own.layout import PART_TITLES, Layout, Part, find_layout
from cifar_core.data.sources.own.reading import Reading
from cifar_core.data.sources.zip_names import ENCODINGS, examples, read_names
from cifar_core.data.store import refuse_taken, save_dataset
from cifar_core.data.stratified import check_test_share, choose_test
from cifar_core.errors import DataError
from cifar_core.jobs.progress import OnProgress, no_progress
from cifar_core.storage.json_types import MAX_CLASS_NAME, MAX_CLASSES
from cifar_core.text import counted, first_names, natural_key
from cifar_core.workspace import Workspace

CIFAR_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
DEFAULT_TEST_SHARE = 0.2
_REPORT_EVERY = 100  # files between reports of progress
MAX_SEED = 2**32 - 1


@dataclass(frozen=True)
class ImportOptions:
    """What a person chooses for an import."""

    leave_out: bool = False  # import the rest where files cannot be used; otherwise one such file refuses the import
    test_share: float | None = None  # of class folders without a test part; None is `DEFAULT_TEST_SHARE`
    seed: int = 0  # draws that test part
    encoding: str = ""  # of the names in a zip; "" where only one makes sense
    fit: Fit = "crop"  # how pictures that are not square are brought to 32 x 32

    @property
    def share(self) -> float:
        """Of the test part that is chosen."""
        return DEFAULT_TEST_SHARE if self.test_share is None else self.test_share


@dataclass(frozen=True)
class ImportWatcher:
    """Who is told how an import goes on; by default nobody."""

    progress: OnProgress = no_progress
    say: Callable[[str], None] = lambda _: None  # a sentence on what was found
    show: Callable[[np.ndarray], None] = lambda _: None  # the last pictures read, uint8 [N, 3, 32, 32]


class ImportRefusedError(DataError):
    """Files cannot be used; `findings` has a sentence for each of the first ones and the number of the others."""

    def __init__(self, message: str, findings: Findings) -> None:
        self.findings = findings
        super().__init__(message)


def look_inside(
    path: Path,
    *,
    encoding: str = "",
    watcher: ImportWatcher | None = None,
    limits: ArchiveLimits | None = None,
    shown: str = "",
) -> Findings:
    """What an import of this folder, zip or tar would find, from the names of its files alone.

    Where the names of a zip make sense in several encodings, these are what was found.

    Raises:
        DataError: as `import_pictures`.
    """
    watcher = watcher or ImportWatcher()
    try:
        with open_source(path, limits, shown=shown, encoding=encoding) as source:
            listing, layout = _understand(source, watcher)
    except UnclearNamesError as unclear:
        readings = unclear.readings or dict.fromkeys(ENCODINGS, ())
        shown_names = [", ".join(examples(names)) for names in readings.values()]
        return Findings([str(unclear)], encodings=list(readings), examples=shown_names)
    found = Reading(listing, layout)
    counts = layout.class_counts()
    _class_names(counts, found)
    found.exclude_untrained(counts)
    return _findings(found, listing, counts)


def import_pictures(
    workspace: Workspace,
    path: Path,
    name: str,
    *,
    options: ImportOptions | None = None,
    watcher: ImportWatcher | None = None,
    limits: ArchiveLimits | None = None,
    shown: str = "",
) -> tuple[Dataset, Findings]:
    """Import a folder, zip or tar of pictures as a new dataset, whole or not at all.

    The ten classes of CIFAR-10 come in its order, other classes in their natural order, and those of an exported
    dataset as they were. Samples are sorted by their
    ids, such as `test/cat/00012.jpg`. A validation part beside a test part becomes the validation pictures of the
    dataset, within its training part.

    Args:
        workspace: where the dataset is stored.
        path: of the folder or file.
        name: of the dataset.
        options: what the person chooses.
        watcher: is told how the import goes on.
        limits: what the source may hold.
        shown: the name people know the source by, if its file has another name.

    Returns:
        The dataset, and what was found and left out.

    Raises:
        ImportRefusedError: files cannot be used; its findings list the first 20.
        UnclearNamesError: the names in a zip make sense in several encodings.
        DataError: the name is taken, the archive is dangerous, damaged or beyond a limit, its folders cannot be
            understood, or the classes break a rule.
        StorageError: the disk refused. In all cases nothing is left behind.
    """
    options, watcher = options or ImportOptions(), watcher or ImportWatcher()
    refuse_taken(workspace, name)
    check_options(options)
    with KeptOriginals(workspace.data) as originals:
        with open_source(path, limits, shown=shown, encoding=options.encoding) as source:
            listing, found = _read_source(source, options, watcher, originals)
        counts = found.class_counts()
        found.exclude_untrained(counts)
        findings = _findings(found, listing, counts)
        if found.problem_count and not options.leave_out:
            raise _refusal(findings, found.files)
        _require_pictures(found, counts)
        watcher.progress("Saving", 0, 1, "files")
        origin = f"Imported from {shown_name(path, shown)}."
        return _save(workspace, name, found, _class_names(counts, found), options, origin, findings)


def _read_source(
    source: Source, options: ImportOptions, watcher: ImportWatcher, originals: KeptOriginals
) -> tuple[Listing, Reading]:
    listing, layout = _understand(source, watcher)
    if options.test_share is not None and not layout.flat:
        raise DataError(f"There is a test part, {layout.folders['test']}: leave out --test-share.")
    found = Reading(listing, layout, originals, options.fit)
    _class_names(layout.class_counts(), found)  # before all pictures are read
    for sentence in _sentences(listing, layout, layout.class_counts()):
        watcher.say(sentence)
    _read_all(source, found, watcher)
    return listing, found


def _require_pictures(found: Reading, counts: dict[str, Counter[Part]]) -> None:
    """Raise DataError where so many files had to be left out that a part is empty."""
    if not counts:
        files = counted(found.files, "file")
        raise DataError(f"No picture can be used: all {files} had to be left out. {found.problems[0]}")
    if not found.layout.flat and not any(count["test"] for count in counts.values()):
        folder = found.layout.folders["test"]
        raise DataError(f"No picture in {folder} can be used, so there is no test part. {found.problems[0]}")


def _understand(source: Source, watcher: ImportWatcher) -> tuple[Listing, Layout]:
    """List the names of a source, and find its parts and classes."""
    listing = source.list(watcher.progress)
    for files in (CIFAR10, CIFAR100):
        if any(path[-1] in files.pickles and files.folder in path for path in listing.files):
            raise DataError(
                f"These are files of the official {files.title}, changed or incomplete, so none was opened: import the "
                f"original archive {files.filename} or the folder {files.folder} itself."
            )
    return listing, read_listed_layout(source, listing) or find_layout(listing.files, listing.folders)


def check_options(options: ImportOptions) -> None:
    """Raise DataError for a share or a seed that is out of range, an unknown encoding, or an unknown fit."""
    if not 0 <= options.seed <= MAX_SEED:
        raise DataError(f"The seed is {options.seed}: give a whole number from 0 to {MAX_SEED}.")
    if options.test_share is not None:
        check_test_share(options.test_share)
    if options.encoding:
        read_names([], options.encoding)
    if options.fit not in FIT_TITLES:
        raise DataError(f"{options.fit!r} is no way to bring a picture to 32 x 32: give {', '.join(FIT_TITLES)}.")


def _read_all(source: Source, found: Reading, watcher: ImportWatcher) -> None:
    for number, member in enumerate(source.read(found.layout.samples.__contains__)):
        if number % _REPORT_EVERY == 0:
            watcher.progress("Reading pictures", min(member.done, source.total), source.total, source.unit)
        found.read(member)
        if number % _REPORT_EVERY == 0:
            watcher.show(found.last_pictures())


def _class_names(counts: dict[str, Counter[Part]], found: Reading) -> tuple[str, ...]:
    """The classes in their order.

    Raises:
        DataError: they are too many or too few, or a name breaks a rule; the message names a file that cannot be used,
            where there is one.
    """
    listed = found.layout.class_names
    classes = listed or sorted((name for name in counts if counts[name]["train"]), key=natural_key)
    if not 2 <= len(classes) <= MAX_CLASSES:
        named = f" ({first_names(classes)})" if classes else ""
        are = "is" if len(classes) == 1 else "are"
        more = f" (and {found.problem_count - 1:,} more)" if found.problem_count > 1 else ""
        cause = f" {found.problems[0].rstrip('.')}{more}." if found.problems else ""
        raise DataError(f"A dataset has 2 to {MAX_CLASSES:,} classes; here there {are} {len(classes):,}{named}.{cause}")
    for name in classes:
        if len(name) > MAX_CLASS_NAME:
            raise DataError(f"The class name {name[:80]!r} is longer than {MAX_CLASS_NAME} characters.")
    if listed:
        return listed
    alike = Counter(_looks(name) for name in counts)
    clashing = sorted(name for name in counts if alike[_looks(name)] > 1)
    if clashing:
        names = first_names(clashing)
        raise DataError(f"The classes {names} differ only in capital letters or spaces: rename or join them.")
    return CIFAR_CLASSES if set(classes) == set(CIFAR_CLASSES) else tuple(classes)


def _looks(name: str) -> str:
    return " ".join(name.casefold().split())


def _save(
    workspace: Workspace,
    name: str,
    found: Reading,
    class_names: tuple[str, ...],
    options: ImportOptions,
    origin: str,
    findings: Findings,
) -> tuple[Dataset, Findings]:
    """Store what was read, with all that is to be said of it, which is returned too."""
    grey_bits = found.settle_grey_bits()
    splits = {part: found.parts.pop(part).split(class_names) for part in list(found.parts)}
    train, validation = splits["train"], None
    if found.layout.flat:
        train, splits["test"] = _choose_test(train, options.share, options.seed)
    elif "valid" in splits and len(splits["valid"].ids):
        validation = np.arange(len(train.ids), len(train.ids) + len(splits["valid"].ids))
        train = train.join(splits["valid"])
    test, held = splits["test"], 0 if validation is None else len(validation)
    sentences = [_taken_sentence(len(train.ids) - held, held, len(test.ids), found.layout, options)]
    sentences += _notable_sentences(found, test, class_names, grey_bits, options)
    if found.originals is not None and (not_kept := beyond_sentence(train, test)):
        sentences.append(not_kept)
    findings = replace(findings, sentences=[*findings.sentences, *sentences], imported=True)
    dataset = save_dataset(
        workspace,
        name,
        train,
        test,
        title=name,
        class_names=class_names,
        source=origin,
        validation=validation,
        grey_bits=grey_bits,
        fit=options.fit,
        notes=tuple(findings.report),
        originals=None if found.originals is None else found.originals.file,
    )
    return dataset, findings


def _notable_sentences(
    found: Reading, test: Split, class_names: tuple[str, ...], grey_bits: int, options: ImportOptions
) -> list[str]:
    """What is unusual about how the pictures were taken, a sentence each."""
    sentences = []
    untested = np.flatnonzero(np.bincount(test.labels, minlength=len(class_names)) == 0)
    if found.layout.flat and len(untested):
        sentences.append(_untested_sentence([class_names[label] for label in untested]))
    if options.fit != "crop":
        sentences.append(f"Pictures that are not square: {FIT_TITLES[options.fit]}.")
    if grey_bits != 16:
        sentences.append(f"The 16-bit grey pictures hold {grey_bits} bits: level 4,095 is white.")
    return sentences


def _choose_test(split: Split, share: float, seed: int) -> tuple[Split, Split]:
    """Part class folders into training and test; the ids of the test part say so."""
    chosen = choose_test(split.labels, share, seed)
    train, test = split.take(~chosen), split.take(chosen)
    ids = np.array([f"test/{name.removeprefix('train/')}" for name in test.ids.tolist()])
    return train, replace(test, ids=ids)


def _findings(found: Reading, listing: Listing, counts: dict[str, Counter[Part]]) -> Findings:
    classes = sorted(counts, key=natural_key)
    return Findings(
        sentences=_sentences(listing, found.layout, counts),
        problems=found.problem_lines(),
        problem_count=found.problem_count,
        usable=sum(count.total() for count in counts.values()),
        flat=found.layout.flat,
        classes=classes,
        train=[counts[name]["train"] for name in classes],
        valid=[counts[name]["valid"] for name in classes],
        test=[counts[name]["test"] for name in classes],
    )


def _refusal(findings: Findings, files: int) -> ImportRefusedError:
    count = findings.problem_count
    more = f" (and {count - 1:,} more)" if count > 1 else ""
    return ImportRefusedError(
        f"Nothing was imported: {count:,} of {counted(files, 'file')} cannot be used. {findings.problems[0]}{more}",
        findings,
    )


def _sentences(listing: Listing, layout: Layout, counts: dict[str, Counter[Part]]) -> list[str]:
    """What was taken for what, what is passed over, and which classes are incomplete."""
    sentences = [layout.sentence, *([listing.note] if listing.note else [])]
    unlabelled = layout.unlabelled.total()
    if unlabelled:
        folders = first_names(["/".join(folder) for folder in layout.unlabelled])
        sentences.append(
            f"{counted(unlabelled, 'picture')} without class folders {_were(unlabelled)} passed over ({folders})."
        )
    outside = layout.outside.total()
    if outside:
        names = first_names(sorted(layout.outside, key=natural_key))
        sentences.append(f"{counted(outside, 'other file')} {_were(outside)} passed over ({names}).")
    if listing.junk:
        sentences.append(f"{counted(listing.junk, 'hidden or system file')} {_were(listing.junk)} passed over.")
    if layout.empty:
        sentences.append(f"Folders without a picture: {first_names(sorted(layout.empty, key=natural_key))}.")
    if layout.lost:
        sentences.append(f"Left out altogether: {first_names(sorted(layout.lost, key=natural_key))}.")
    untested = [name for name in sorted(counts, key=natural_key) if not counts[name]["test"]]
    if untested and not layout.flat:
        sentences.append(_untested_sentence(untested))
    return sentences


def _untested_sentence(classes: list[str]) -> str:
    return f"No test pictures: {first_names(classes)}. Scores of such a class are undefined."


def _taken_sentence(train: int, held: int, test: int, layout: Layout, options: ImportOptions) -> str:
    """The pictures of each part; `held` are its own validation pictures."""
    if layout.flat:
        return (
            f"Of {train + test:,} pictures, {test:,} {_were(test)} drawn for the test part "
            f"(share {options.share:g}, seed {options.seed})."
        )
    counts: dict[Part, int] = {"train": train, "valid": held, "test": test}
    taken = [
        f"{counted(counts[part], f'{PART_TITLES[part]} picture')} from {layout.folders[part]}"
        for part in layout.folders
    ]
    return f"There are {', '.join(taken[:-1])} and {taken[-1]}."


def _were(count: int) -> str:
    return "was" if count == 1 else "were"
