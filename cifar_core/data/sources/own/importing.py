"""Import a person's own pictures from a folder, zip or tar, whose folders `layout.py` understands.

Reads the folder or archive; writes `data/<name>/` through the store.
"""

import contextlib
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import PIL

from cifar_core import __version__
from cifar_core.data.array_files import map_array
from cifar_core.data.dataset import Dataset, Split
from cifar_core.data.import_findings import Findings
from cifar_core.data.originals.keeping import beyond_sentence
from cifar_core.data.sources.archive import Listing, Source, UnclearNamesError, open_source
from cifar_core.data.sources.archive_limits import ArchiveLimits, shown_name
from cifar_core.data.sources.cifar10 import CIFAR10, CIFAR100
from cifar_core.data.sources.own.class_table import read_listed_layout
from cifar_core.data.sources.own.layout import Layout, find_layout
from cifar_core.data.sources.own.options import ImportOptions, check_options
from cifar_core.data.sources.own.reading import Problems, Reading, ReadPictures
from cifar_core.data.sources.own.samples import Part
from cifar_core.data.sources.own.sentences import found_sentences, notable_sentences, taken_sentence
from cifar_core.data.sources.own.spool import PICTURE_BYTES, Spool
from cifar_core.data.sources.zip_names import ENCODINGS, examples
from cifar_core.data.store import refuse_taken, save_dataset
from cifar_core.data.stratified import choose_test
from cifar_core.errors import DataError
from cifar_core.jobs.progress import OnProgress, no_progress
from cifar_core.limits import require_room
from cifar_core.storage.atomic import temp_beside
from cifar_core.storage.json_types import MAX_CLASS_NAME, MAX_CLASSES
from cifar_core.text import counted, first_names, natural_key
from cifar_core.workspace import Workspace

CIFAR_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_REPORT_EVERY = 100  # files between reports of progress


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
    found = Problems(listing, layout)
    counts = layout.class_counts()
    _class_names(counts, found)
    found.exclude_untrained(counts)
    return _findings(found, listing, counts)


def import_pictures(  # noqa: PLR0913 - an import and who watches it, each by its name
    workspace: Workspace,
    path: Path,
    name: str,
    *,
    options: ImportOptions | None = None,
    watcher: ImportWatcher | None = None,
    limits: ArchiveLimits | None = None,
    shown: str = "",
    kept: Path | None = None,
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
        kept: a folder for the pictures that are read, which stays until `remove_spool`: an import of the same source
            that was killed goes on there. None: a new one, which is gone at the end.

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
    with contextlib.ExitStack() as stack:
        folder = kept or stack.enter_context(_passing_folder(workspace, name))
        source = stack.enter_context(open_source(path, limits, shown=shown, encoding=options.encoding))
        listing, layout = _understand(source, watcher)
        found = _checked(listing, layout, options)
        for sentence in found_sentences(listing, layout, layout.class_counts()):
            watcher.say(sentence)
        how = {"source": source.identity, "fit": options.fit, "encoding": options.encoding, "program": _program()}
        spool = stack.enter_context(Spool(folder, how, len(layout.samples)))
        # As they are read, and in their order; those that an earlier import has read are on the disk already.
        require_room(workspace, (2 * len(layout.samples) - spool.pictures) * PICTURE_BYTES, f"The dataset {name}")
        _say_where_it_begins(spool, watcher)
        _read_all(source, Reading(listing, layout, found, spool, options.fit), watcher)
        pictures = ReadPictures(listing, layout, spool.facts())
        counts = pictures.class_counts()
        found.exclude_untrained(counts)
        findings = _findings(found, listing, counts)
        if found.count and not options.leave_out:
            raise _refusal(findings, found.files)
        _require_pictures(found, counts)
        origin = f"Imported from {shown_name(path, shown)}."
        facts = layout, _class_names(counts, found), options
        return _save(workspace, name, pictures, spool, facts, origin, findings, watcher.progress)


def _say_where_it_begins(spool: Spool, watcher: ImportWatcher) -> None:
    before = len(spool.begun_with)
    if before:
        watcher.say(f"It goes on after {counted(before, 'file')} that an earlier import has read.")
    elif spool.is_another:
        watcher.say("It begins anew: the files, the choices or this program have changed since an earlier import.")


@contextlib.contextmanager
def _passing_folder(workspace: Workspace, name: str) -> Iterator[Path]:
    """A new folder beside the datasets, which is gone at the end."""
    folder = temp_beside(workspace.data / name)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _program() -> str:
    """What decides, beside the options, which pixels come of a file."""
    return f"cifar-core {__version__}, Pillow {PIL.__version__}"


def _checked(listing: Listing, layout: Layout, options: ImportOptions) -> Problems:
    """What cannot be used by its place; DataError for what can be said before all pictures are read."""
    if options.test_share is not None and not layout.flat:
        raise DataError(f"There is a test part, {layout.folders['test']}: leave out --test-share.")
    found = Problems(listing, layout)
    _class_names(layout.class_counts(), found)
    return found


def _require_pictures(found: Problems, counts: dict[str, Counter[Part]]) -> None:
    """Raise DataError where so many files had to be left out that a part is empty."""
    if not counts:
        files = counted(found.files, "file")
        raise DataError(f"No picture can be used: all {files} had to be left out. {found.listed[0]}")
    if not found.layout.flat and not any(count["test"] for count in counts.values()):
        folder = found.layout.folders["test"]
        raise DataError(f"No picture in {folder} can be used, so there is no test part. {found.listed[0]}")


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


def _read_all(source: Source, found: Reading, watcher: ImportWatcher) -> None:
    for number, member in enumerate(source.read(found.layout.samples.__contains__, found.start)):
        if number % _REPORT_EVERY == 0:
            watcher.progress("Reading pictures", min(member.done, source.total), source.total, source.unit)
        found.read(member)
        if number % _REPORT_EVERY == 0:
            watcher.show(found.last_pictures())


def _class_names(counts: dict[str, Counter[Part]], found: Problems) -> tuple[str, ...]:
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
        more = f" (and {found.count - 1:,} more)" if found.count > 1 else ""
        cause = f" {found.listed[0].rstrip('.')}{more}." if found.listed else ""
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


def _save(  # noqa: PLR0913 - what was read, and all that is to be said of it
    workspace: Workspace,
    name: str,
    pictures: ReadPictures,
    spool: Spool,
    facts: tuple[Layout, tuple[str, ...], ImportOptions],
    origin: str,
    findings: Findings,
    progress: OnProgress,
) -> tuple[Dataset, Findings]:
    """Store what was read, with all that is to be said of it, which is returned too."""
    layout, class_names, options = facts
    train, test, validation = _divide(pictures, layout, class_names, options)
    held = 0 if validation is None else len(validation)
    sentences = [taken_sentence(len(train.ids) - held, held, len(test.ids), layout, options)]
    sentences += notable_sentences(layout, test, class_names, pictures.grey_bits, options)
    if not_kept := beyond_sentence(train, test):
        sentences.append(not_kept)
    findings = replace(findings, sentences=[*findings.sentences, *sentences], imported=True)
    numbers = {"train_images.npy": train.images, "test_images.npy": test.images}
    files = {file: spool.in_order(images, file, progress) for file, images in numbers.items()}
    progress("Saving", 0, 1, "files")
    dataset = save_dataset(
        workspace,
        name,
        replace(train, images=map_array(files["train_images.npy"])),
        replace(test, images=map_array(files["test_images.npy"])),
        title=name,
        class_names=class_names,
        source=origin,
        validation=validation,
        grey_bits=pictures.grey_bits,
        fit=options.fit,
        notes=tuple(findings.report),
        originals=spool.originals.file,
        files=files,
    )
    return dataset, findings


def _divide(
    pictures: ReadPictures, layout: Layout, class_names: tuple[str, ...], options: ImportOptions
) -> tuple[Split, Split, np.ndarray | None]:
    """The training and the test part, as by `ReadPictures.splits`, and the validation pictures within the first."""
    splits = pictures.splits(class_names)
    train = splits["train"]
    if layout.flat:
        return *_choose_test(train, options.share, options.seed), None
    if "valid" not in splits or not len(splits["valid"].ids):
        return train, splits["test"], None
    validation = np.arange(len(train.ids), len(train.ids) + len(splits["valid"].ids))
    return train.join(splits["valid"]), splits["test"], validation


def _choose_test(split: Split, share: float, seed: int) -> tuple[Split, Split]:
    """Part class folders into training and test; the ids of the test part say so."""
    chosen = choose_test(split.labels, share, seed)
    train, test = split.take(~chosen), split.take(chosen)
    ids = np.array([f"test/{name.removeprefix('train/')}" for name in test.ids.tolist()])
    return train, replace(test, ids=ids)


def _findings(found: Problems, listing: Listing, counts: dict[str, Counter[Part]]) -> Findings:
    classes = sorted(counts, key=natural_key)
    return Findings(
        sentences=found_sentences(listing, found.layout, counts),
        problems=found.lines,
        problem_count=found.count,
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
