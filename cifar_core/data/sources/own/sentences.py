"""What an import says of its source and of the pictures that it took. Reads and writes nothing."""

from collections import Counter

import numpy as np

from cifar_core.data.dataset import FIT_TITLES, Split
from cifar_core.data.sources.archive import Listing
from cifar_core.data.sources.own.layout import PART_TITLES, Layout
from cifar_core.data.sources.own.options import ImportOptions
from cifar_core.data.sources.own.samples import Part
from cifar_core.text import counted, first_names, natural_key


def found_sentences(listing: Listing, layout: Layout, counts: dict[str, Counter[Part]]) -> list[str]:
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


def taken_sentence(train: int, held: int, test: int, layout: Layout, options: ImportOptions) -> str:
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


def notable_sentences(
    layout: Layout, test: Split, class_names: tuple[str, ...], grey_bits: int, options: ImportOptions
) -> list[str]:
    """What is unusual about how the pictures were taken, a sentence each."""
    sentences = []
    untested = np.flatnonzero(np.bincount(test.labels, minlength=len(class_names)) == 0)
    if layout.flat and len(untested):
        sentences.append(_untested_sentence([class_names[label] for label in untested]))
    if options.fit != "crop":
        sentences.append(f"Pictures that are not square: {FIT_TITLES[options.fit]}.")
    if grey_bits != 16:
        sentences.append(f"The 16-bit grey pictures hold {grey_bits} bits: level 4,095 is white.")
    return sentences
