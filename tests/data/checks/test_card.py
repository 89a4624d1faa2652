"""The card of a dataset: every number on it is true, and no name or text breaks its form."""

import datetime
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from cifar_core.data import Dataset, Split, duplicate_sentences
from cifar_core.data.checks.about import MAX_LICENCE, DatasetAbout, read_about, write_about
from cifar_core.data.checks.card import dataset_card, dataset_card_html
from cifar_core.data.checks.check import check_dataset
from cifar_core.data.sources.own.importing import import_pictures
from cifar_core.data.sources.own.options import ImportOptions
from cifar_core.errors import DataError
from cifar_core.workspace import Workspace
from tests.conftest import save_tiny, tiny_pictures
from tests.data.conftest import picture_bytes, small_set, write_zip

TODAY = datetime.date(2026, 2, 28)
ODD_NAMES = ("*x*|y", "<script>alert(1)</script>", "[a](http://b)", "1. `one` _two_", "# &lt; $x$ ~~no~~", "n" * 64)


def odd_dataset(names: tuple[str, ...] = ODD_NAMES) -> Dataset:
    """A dataset in memory whose class names mean something in Markdown and HTML."""
    images, labels = tiny_pictures(4 * len(names), classes=len(names))
    ids = np.array([f"train/{number}" for number in range(len(labels))])
    part = Split(images, labels, ids, np.full((len(labels), 2), 40, np.int32))
    return Dataset("odd", names[0], names, part, part, (0.5,) * 3, (0.2,) * 3, "0" * 64, "Here.")


def table_of(card: str) -> list[list[str]]:
    """The cells of the table of a card, as a reader of Markdown understands them."""
    rows = [line for line in card.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows]
    return [[re.sub(r"\\(.)", r"\1", cell) for cell in row] for row in cells]


class Texts(HTMLParser):
    """The tags and texts of a page of HTML."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_card_says_what_is_known(workspace: Workspace) -> None:
    """An own zip, imported and checked: sizes, split, what was left out, duplicates and the words of the person."""
    files = small_set(train=30) | {
        "train/cat/broken.png": b"",
        "README": b"",
        "train/cat/wide.png": picture_bytes(size=90),
    }
    files = {name: content for name, content in files.items() if "test/" not in name}
    files["train/dog/copy.png"] = files["train/cat/000.png"]
    source = write_zip(
        {name.removeprefix("train/"): content for name, content in files.items()}, workspace.root / "p.zip"
    )
    dataset, findings = import_pictures(workspace, source, "mine", options=ImportOptions(True, 0.25, 7))
    assert list(dataset.notes) == findings.report
    write_about(
        workspace, "mine", DatasetAbout("Cats and dogs.\n\nAll of them *mine*.", "My https://a.b/~me/x_y.", "CC0")
    )
    check = check_dataset(workspace, dataset)
    card = dataset_card(dataset, check, read_about(workspace, "mine"), TODAY)
    for sentence in (
        "# Dataset card: mine\n",
        "Cats and dogs.\n\nAll of them \\*mine\\*.",
        "62 pictures of 32 x 32 pixels in RGB, in 2 classes: 46 training and 16 test pictures.",
        "percentiles were 32, 32 and 32 pixels in width",
        "Of 62 pictures, 16 were drawn for the test part (share 0.25, seed 7).",
        "1 other file was passed over (README).",
        "1 file was left out:",
        duplicate_sentences(check.duplicates, 16)[0],
        "My <https://a.b/~me/x_y>.",
        "## Licence\n\nCC0\n",
        "Imported from p.zip.",
        dataset.fingerprint,
        "on 2026-02-28.",
    ):
        assert sentence in card
    assert table_of(card) == [
        ["class", "train", "test"],
        ["---", "---:", "---:"],
        ["cat", "23", "8"],
        ["dog", "23", "8"],
    ]
    assert "Not looked for yet." in dataset_card(dataset, None, DatasetAbout())


def test_no_name_breaks_the_form() -> None:
    dataset = odd_dataset()
    about = DatasetAbout("</p><script>\n# no heading", "", "1. no list")
    card = dataset_card(dataset, None, about, TODAY)
    assert [row[0] for row in table_of(card)[2:]] == [re.sub(r"(http://\w+)", r"<\1>", name) for name in ODD_NAMES]
    assert re.findall(r"^#+ .*", card, re.MULTILINE)[0] == "# Dataset card: \\*x\\*\\|y (odd)"
    assert "\n\\# no heading\n" in card
    assert "\n1\\. no list\n" in card
    assert not re.search(r"(?<!\\)<(?!http)", card), "no tag"
    page = Texts(dataset_card_html(dataset, None, about, TODAY))
    assert "script" not in page.tags
    assert set(ODD_NAMES) <= set(page.texts)


@given(
    some.lists(
        some.text(some.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=12),
        min_size=2,
        max_size=4,
        unique=True,
    )
)
def test_any_class_name_stands_in_one_cell(names: list[str]) -> None:
    rows = table_of(dataset_card(odd_dataset(tuple(names)), None, DatasetAbout(), TODAY))[2:]
    assert [row[1:] for row in rows] == [["4", "4"]] * len(names)
    assert [row[0] for row in rows if "://" not in row[0]] == [name for name in names if "://" not in name]


def test_words_are_kept_whole_or_not_at_all(workspace: Workspace) -> None:
    """Built-in datasets have words of their own; a damaged file is named, and new words replace it."""
    save_tiny(workspace)
    assert read_about(workspace, "tiny") == DatasetAbout()
    assert "Krizhevsky" in read_about(workspace, "cifar10").source
    assert "Apache" in read_about(workspace, "drawn10").licence
    said = DatasetAbout("Mine.", "Here.", "CC0")
    write_about(workspace, "tiny", said)
    for bad, problem in (
        (DatasetAbout(licence="x" * (MAX_LICENCE + 1)), "The licence has 501 characters; 500 are allowed."),
        (DatasetAbout(source="a\u202eb"), "The source holds a line break or another character"),
    ):
        with pytest.raises(DataError, match=problem):
            write_about(workspace, "tiny", bad)
        assert read_about(workspace, "tiny") == said
    with pytest.raises(DataError, match="There is no dataset named other"):
        write_about(workspace, "other", said)
    file: Path = workspace.data / "tiny" / "about.json"
    for content in (b"[]", b"{", json.dumps({"licence": "x" * 501}).encode(), json.dumps({"source": 1}).encode()):
        file.write_bytes(content)
        with pytest.raises(DataError, match=r"The description of tiny cannot be read .* remove its about.json\."):
            read_about(workspace, "tiny")
    write_about(workspace, "tiny", replace(said, licence=""))
    assert read_about(workspace, "tiny") == DatasetAbout("Mine.", "Here.", "")


def test_the_notes_of_an_import_are_limited(workspace: Workspace) -> None:
    """Hundreds of classes with long names and broken files give a note of some kilobytes."""
    classes = [f"{number:03d}-{'long name ' * 5}".strip() for number in range(300)]
    files = {
        f"{name}/{picture}.png": picture_bytes((number % 256, number // 256, 9 + picture))
        for number, name in enumerate(classes)
        for picture in range(2)
    }
    files |= {f"{name}/broken.png": b"" for name in classes}
    dataset, _ = import_pictures(
        workspace, write_zip(files, workspace.root / "p.zip"), "mine", options=ImportOptions(True)
    )
    assert "300 files were left out:" in dataset.notes
    assert len(dataset.notes) < 30
    assert sum(map(len, dataset.notes)) < 8000
