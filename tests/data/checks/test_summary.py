"""All checks of a dataset together, in words and as JSON."""

import json

import numpy as np

from cifar_core.data import summarise, summary_json
from tests.data.checks.support import check_of, dataset_of, ordinary_pictures, split_of


def test_what_is_found_is_said_and_what_is_not_in_one_line() -> None:
    train, test = ordinary_pictures(200), ordinary_pictures(60, seed=1)
    labels = [np.arange(len(part)) % 2 for part in (train, test)]
    for pictures, part in zip((train, test), labels, strict=True):
        pictures[part == 1] //= 2  # dark
    train[:30] = 0
    dataset = dataset_of(split_of(train, labels[0], "train"), split_of(test, labels[1], "test"))
    summary = summarise(dataset, check_of(dataset))
    text = "\n".join(summary.sentences)
    assert "train: balanced, 100 pictures of each class." in text
    assert "30 pictures are of one colour throughout." in text
    assert "Looked for and not found: mostly white, low contrast, blurred, oddly coloured, grey among coloured." in text
    assert "Possible shortcut: Brightness alone tells the class of " in text
    assert "No single property" not in text
    entries = {entry["id"]: entry for entry in json.loads(json.dumps(summary_json(dataset, summary)))}
    constant = entries["constant"]
    assert (constant["found"], constant["count"], len(constant["train"])) == (True, 30, 20)
    assert constant["test"] == []
    assert not entries["blurred"]["found"]
    assert entries["imbalance"]["parts"][0]["ratio"] == 1
    assert entries["shortcut-brightness"]["found"]
    assert entries["shortcut-brightness"]["all_classes"]["chance"] == 0.5
    assert entries["shortcut-brightness"]["all_classes"]["beyond_chance"] is True


def test_without_anything_to_say_it_is_short() -> None:
    train, test = ordinary_pictures(200), ordinary_pictures(60, seed=1)
    parts = (split_of(part, np.arange(len(part)) % 2, name) for part, name in ((train, "train"), (test, "test")))
    dataset = dataset_of(*parts)
    summary = summarise(dataset, check_of(dataset))
    assert not summary.odd
    assert summary.sentences[2].startswith("Looked for and not found: one colour, mostly black, ")
    assert summary.sentences[3].startswith("No single property gives the class away. At best, ")
    assert len(summary.sentences) == 4
