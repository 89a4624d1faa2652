"""The card of a dataset: what one should know before one trusts a number that was measured on it. Reads no file.

It says what dataset cards and datasheets say (Gebru et al. 2018, "Datasheets for Datasets"), as far as this program
knows it or a person has told it. One content has three forms: Markdown, HTML, and the Data page's own.
"""

import datetime
import html
import re
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pandas as pd

from cifar_core.data.checks.about import DatasetAbout
from cifar_core.data.checks.check import DatasetCheck
from cifar_core.data.checks.duplicates import duplicate_sentences
from cifar_core.data.checks.summary import summarise
from cifar_core.data.dataset import Dataset, class_counts
from cifar_core.data.picture_formats import PILLOW_FORMATS
from cifar_core.data.pictures import conversion
from cifar_core.data.store import BUILT_IN_NAMES
from cifar_core.text import counted, size_text

_PERCENTILES = (5, 50, 95)
_ADDRESS = re.compile(r"(https?://[^\s<>|]*[^\s<>|.,;:!?)\]])")
_MARKDOWN = re.compile(r"([\\`*\[\]<>|~$]|(?<!\w)_|_(?!\w)|&(?=#?\w+;))")
_LINE_START = re.compile(r"^(\d*)([#+=.)-])")
_STYLE = (
    "body{font-family:sans-serif;max-width:50em;margin:2em auto;overflow-wrap:anywhere}"
    "td,th{padding:.1em 1em;text-align:right}"
    "td:first-child,th:first-child{text-align:left}"
)


@dataclass(frozen=True)
class CardSection:
    """One part of a card, as plain text that may hold anything a person typed."""

    title: str
    sentences: list[str]  # a text of a person may have several lines
    table: pd.DataFrame | None = None


def card_title(dataset: Dataset) -> str:
    """The title, and the name where it differs."""
    return dataset.title if dataset.title == dataset.name else f"{dataset.title} ({dataset.name})"


def card_sections(
    dataset: Dataset, check: DatasetCheck | None, about: DatasetAbout, today: datetime.date
) -> list[CardSection]:
    """Everything the card says.

    Args:
        dataset: an opened dataset.
        check: what was found in it; None before it was checked.
        about: what a person says of it.
        today: the date of the card.
    """
    return [
        CardSection("Description", [about.description or "Nobody has described this dataset yet."]),
        CardSection("Size", _size_sentences(dataset)),
        CardSection("Classes and parts", [], class_counts(dataset)),
        CardSection("How it was made", _origin_sentences(dataset)),
        CardSection("How the pictures were converted", _conversion_sentences(dataset)),
        CardSection("Duplicates", _duplicate_sentences(dataset, check)),
        CardSection("Checks", summarise(dataset, check).sentences if check else ["Not made yet."]),
        CardSection("Source", [text for text in (about.source, dataset.source) if text]),
        CardSection("Licence", [about.licence or "Nobody has stated a licence."]),
        CardSection("Identity", _identity_sentences(dataset, today)),
    ]


def dataset_card(
    dataset: Dataset, check: DatasetCheck | None, about: DatasetAbout, today: datetime.date | None = None
) -> str:
    """The card as Markdown, in which names and texts stand as they were typed; addresses in them are links."""
    lines = [f"# Dataset card: {_markdown(card_title(dataset))}"]
    for section in card_sections(dataset, check, about, today or datetime.date.today()):
        lines += ["", f"## {section.title}"]
        lines += chain.from_iterable(("", _markdown_paragraph(text)) for text in section.sentences)
        if section.table is not None:
            lines += ["", *_markdown_table(section.table)]
    return "\n".join(lines) + "\n"


def dataset_card_html(
    dataset: Dataset, check: DatasetCheck | None, about: DatasetAbout, today: datetime.date | None = None
) -> str:
    """The card as a page of HTML that needs nothing else and runs nothing."""
    title = html.escape(f"Dataset card: {card_title(dataset)}")
    parts = [f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>']
    parts.append(f"<h1>{title}</h1>")
    for section in card_sections(dataset, check, about, today or datetime.date.today()):
        parts.append(f"<h2>{section.title}</h2>")
        parts += [f"<p>{html.escape(text).replace(chr(10), '<br>')}</p>" for text in section.sentences]
        if section.table is not None:
            parts.append(_html_table(section.table))
    return "\n".join(parts) + "\n</html>\n"


def _size_sentences(dataset: Dataset) -> list[str]:
    train, test = len(dataset.train.labels), len(dataset.test.labels)
    parts = {"training": train - dataset.held, "validation": dataset.held, "test": test}
    counts = [f"{count:,} {part}" for part, count in parts.items() if count]
    arrays = [array for split in (dataset.train, dataset.test) for array in vars(split).values() if array is not None]
    sentences = [
        f"{counted(train + test, 'picture')} of 32 x 32 pixels in RGB, in {len(dataset.class_names):,} classes: "
        f"{', '.join(counts[:-1])} and {counts[-1]} pictures.",
        f"As the network gets them they take {size_text(sum(array.nbytes for array in arrays))}.",
    ]
    sizes = [split.sizes for split in (dataset.train, dataset.test) if split.sizes is not None]
    if sizes:
        wide, high = (_percentiles(side) for side in np.concatenate(sizes).T)
        sentences.append(
            f"Before they were resized, the 5th, 50th and 95th percentiles were {wide} pixels in width and {high} in "
            "height."
        )
    formats = [split.formats for split in (dataset.train, dataset.test) if split.formats is not None]
    if formats:
        numbers = np.bincount(np.concatenate(formats), minlength=len(PILLOW_FORMATS))
        named = [f"{number:,} {name}" for name, number in zip(PILLOW_FORMATS, numbers, strict=True) if number]
        sentences.append(f"Formats of their files: {', '.join(named)}.")
    return sentences


def _percentiles(values: np.ndarray) -> str:
    low, middle, high = (f"{value:,.0f}" for value in np.percentile(values, _PERCENTILES))
    return f"{low}, {middle} and {high}"


def _origin_sentences(dataset: Dataset) -> list[str]:
    """How it was made and split, and what was left out."""
    return list(dataset.notes) or ["Not recorded: it was stored before this program kept that."]


def _conversion_sentences(dataset: Dataset) -> list[str]:
    if dataset.name in BUILT_IN_NAMES:
        return ["The pictures had 32 x 32 pixels from the beginning."]
    return [conversion(dataset.fit)]


def _duplicate_sentences(dataset: Dataset, check: DatasetCheck | None) -> list[str]:
    if check is None:
        return ["Not looked for yet."]
    found = duplicate_sentences(check.duplicates, len(dataset.test.labels), dataset.held)
    return found or ["No picture occurs twice, compared by its pixels at 32 x 32."]


def _identity_sentences(dataset: Dataset, today: datetime.date) -> list[str]:
    mean, std = (", ".join(f"{value:.4f}" for value in values) for values in (dataset.mean, dataset.std))
    return [
        f"SHA-256 of pictures, labels, class names and own validation pictures: {dataset.fingerprint}",
        f"Mean of the training part {mean}, standard deviation {std} (red, green, blue; 1 is the brightest).",
        f"This card was written on {today.isoformat()}.",
    ]


def _markdown(text: str) -> str:
    """A text on one line so that Markdown shows it as it is; an address becomes a link."""
    pieces = _ADDRESS.split(text.strip())
    shown = [f"<{piece}>" if place % 2 else _MARKDOWN.sub(r"\\\1", piece) for place, piece in enumerate(pieces)]
    return _LINE_START.sub(r"\1\\\2", "".join(shown))


def _markdown_paragraph(text: str) -> str:
    """A text of several lines; a blank one parts paragraphs, as in the text."""
    return re.sub(r"(?<=\S)\n(?=\S)", "  \n", "\n".join(map(_markdown, text.split("\n"))))


def _markdown_table(table: pd.DataFrame) -> list[str]:
    rule = ["---", *["---:"] * (len(table.columns) - 1)]
    rows = [[_markdown(cell) for cell in row] for row in _cells(table)]
    return [f"| {' | '.join(cells)} |" for cells in ([*map(str, table.columns)], rule, *rows)]


def _html_table(table: pd.DataFrame) -> str:
    rows = [f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in _cells(table)]
    titles = "".join(f"<th>{html.escape(str(column))}</th>" for column in table.columns)
    return "\n".join([f"<table><tr>{titles}</tr>", *rows, "</table>"])


def _cells(table: pd.DataFrame) -> list[list[str]]:
    """The cells of a table whose first column has names and whose others have numbers."""
    return [[str(name), *(f"{number:,}" for number in numbers)] for name, *numbers in table.itertuples(index=False)]
