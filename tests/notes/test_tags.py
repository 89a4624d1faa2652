"""Tags: what a picture has follows from all notes, as a plain dictionary would keep it."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cifar_core.errors import DataError
from cifar_core.notes import (
    clean_word,
    clear_tag,
    count_tags,
    latest_words,
    read_notes,
    set_tag,
    taggings,
    tags_of,
    undo_note,
)
from cifar_core.workspace import Workspace

FINGERPRINT = "0123456789abcdef" * 4
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["set", "clear", "undo"]),
        st.sets(st.sampled_from("abcd"), min_size=1),
        st.sampled_from(["x", "y 2", "y 10"]),
        st.integers(0, 20),
    ),
    max_size=12,
)


@settings(max_examples=20)
@given(STEPS)
def test_tags_are_what_a_dictionary_keeps(steps: list[tuple[str, set[str], str, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        workspace, done, keys = Workspace(Path(folder)), [], []
        for kind, ids, word, place in steps:
            if kind != "undo":
                change = set_tag if kind == "set" else clear_tag
                keys.append(change(workspace, FINGERPRINT, ids, word, "").key)
                done.append((kind, ids, word))
            elif keys:
                undo_note(workspace, FINGERPRINT, "", keys[place % len(keys)])
                done[place % len(keys)] = ("undone", ids, word)
        found = tags_of(read_notes(workspace, FINGERPRINT))
    wanted: dict[str, set[str]] = {name: set() for name in "abcd"}
    for kind, ids, word in done:
        for name in ids:
            if kind == "set":
                wanted[name].add(word)
            elif kind == "clear":
                wanted[name].discard(word)
    assert {name: set(words) for name, words in found.items()} == {
        name: words for name, words in wanted.items() if words
    }
    assert all(list(words) == [word for word in ("x", "y 2", "y 10") if word in words] for words in found.values())


def test_a_word_keeps_its_key_until_eight_others_were_given_since(workspace: Workspace) -> None:
    for number in range(9):
        set_tag(workspace, FINGERPRINT, ["a"], f"w{number}", "")
    set_tag(workspace, FINGERPRINT, ["b"], "w0", "")
    assert latest_words(read_notes(workspace, FINGERPRINT)) == [f"w{number}" for number in range(9)]
    set_tag(workspace, FINGERPRINT, ["b"], "new", "")
    clear_tag(workspace, FINGERPRINT, ["a"], "w2", "")
    notes = read_notes(workspace, FINGERPRINT)
    assert latest_words(notes) == ["w0", "new", *(f"w{number}" for number in range(2, 9))]
    assert count_tags(tags_of(notes).values())["w0"] == 2 and "w2" not in count_tags(tags_of(notes).values())


def test_who_gave_a_word_first_is_kept(workspace: Workspace) -> None:
    first = set_tag(workspace, FINGERPRINT, ["a"], "odd", "ann")
    set_tag(workspace, FINGERPRINT, ["a"], "odd", "bob")
    (tagging,) = taggings(read_notes(workspace, FINGERPRINT))
    assert (tagging.author, tagging.time) == ("ann", first.time)


@pytest.mark.parametrize("text", ["", "  ", "a;b", "x" * 41, "two\nlines", "right\u202eleft"])
def test_a_word_that_breaks_a_rule_is_refused_and_nothing_is_written(workspace: Workspace, text: str) -> None:
    with pytest.raises(DataError, match="tag"):
        set_tag(workspace, FINGERPRINT, ["a"], text, "")
    assert read_notes(workspace, FINGERPRINT).notes == ()
    assert clean_word("  größer  ünd  so ") == "größer ünd so"
