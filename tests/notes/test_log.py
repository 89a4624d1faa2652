"""The notes log: several processes write it and lose nothing, a crash costs at most its own note, undo is a note."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from cifar_core.data import delete_dataset
from cifar_core.errors import DataError, StorageError
from cifar_core.notes import (
    TAG,
    append_notes,
    log,
    notes_path,
    read_notes,
    read_tags,
    set_tag,
    tags_of,
    undo_last,
    undo_note,
)
from cifar_core.storage.locks import hold_lock
from cifar_core.workspace import Workspace
from tests.conftest import ROOT, save_tiny

FINGERPRINT = "0123456789abcdef" * 4
# Tags pictures of its own until its time is over and prints each that is noted for certain.
WRITER = """
import sys, time
from pathlib import Path
from cifar_core.notes import set_tag, undo_last
from cifar_core.workspace import Workspace
workspace, name, fingerprint, until = Workspace(Path(sys.argv[1])), sys.argv[2], sys.argv[3], float(sys.argv[4])
number = 0
while time.time() < until:
    set_tag(workspace, fingerprint, [f"{name}-{number}"], f"word {number % 12}", name)
    if number % 5 == 4:
        undo_last(workspace, fingerprint, name, ["tag"])
        print("undone", flush=True)
    else:
        print(f"{name}-{number}", flush=True)
    number += 1
    time.sleep(0.002)
"""


def write_at_once(workspace: Workspace, names: list[str], seconds: float) -> list[subprocess.Popen[str]]:
    """Processes that tag at once for so many seconds."""
    until = str(time.time() + seconds)
    arguments = [[sys.executable, "-c", WRITER, str(workspace.root), name, FINGERPRINT, until] for name in names]
    return [subprocess.Popen(each, stdout=subprocess.PIPE, text=True, cwd=ROOT) for each in arguments]


@pytest.mark.fault(98)
@pytest.mark.parametrize("seconds", [0.6, pytest.param(8, marks=pytest.mark.slow)])
def test_two_processes_lose_no_tag_of_each_other(workspace: Workspace, seconds: float) -> None:
    said: list[str] = []
    for writer in write_at_once(workspace, ["a", "b"], seconds):
        said += writer.communicate(timeout=60)[0].split()
        assert writer.returncode == 0
    notes, noted = read_notes(workspace, FINGERPRINT), [name for name in said if name != "undone"]
    assert notes.problems == () and min(said.count("undone"), len(noted)) > 3
    assert sorted(tags_of(notes)) == sorted(noted)
    authors = [note.author for note in notes.notes]
    assert sum(first != second for first, second in pairwise(authors)) > 3, "by turns"
    assert len({note.key for note in notes.notes}) == len(notes.notes) == len(noted) + 2 * said.count("undone")


@pytest.mark.fault(98)
def test_a_writer_that_is_killed_costs_no_other_note(workspace: Workspace) -> None:
    killed, other = write_at_once(workspace, ["killed", "other"], 0.6)
    assert killed.stdout is not None
    for _ in range(5):
        killed.stdout.readline()
    killed.kill()
    rest = killed.communicate()[0].split()
    said = [name for name in (*rest, *other.communicate(timeout=60)[0].split()) if name != "undone"]
    found = tags_of(read_notes(workspace, FINGERPRINT))
    assert {name for name in said if name.startswith("other")} == {name for name in found if name.startswith("other")}
    assert set(said) <= set(found), "what was confirmed is there"


@pytest.mark.fault(98)
@pytest.mark.parametrize("point", ["write", "fsync"])
@pytest.mark.parametrize("effect", ["enospc", "half"])
def test_a_full_disk_changes_nothing(workspace: Workspace, arm: Callable[[str], None], point: str, effect: str) -> None:
    set_tag(workspace, FINGERPRINT, ["a"], "kept", "")
    before = notes_path(workspace, FINGERPRINT).read_bytes()
    arm(f"{point}:1:{effect}")
    with pytest.raises(StorageError, match="The disk is full"):
        set_tag(workspace, FINGERPRINT, ["b"], "lost", "")
    arm("")
    assert notes_path(workspace, FINGERPRINT).read_bytes() == before
    set_tag(workspace, FINGERPRINT, ["c"], "kept", "")
    assert read_tags(workspace, FINGERPRINT) == {"a": ("kept",), "c": ("kept",)}


@pytest.mark.fault(98)
def test_what_cannot_be_read_is_skipped_and_said(workspace: Workspace) -> None:
    path = notes_path(workspace, FINGERPRINT)
    assert read_notes(workspace, FINGERPRINT).notes == () and not workspace.notes.exists(), "reading makes nothing"
    set_tag(workspace, FINGERPRINT, ["a"], "first", "me")
    whole = path.read_bytes()
    later = b'{"key": "k", "time": "2026-01-01T00:00:00+00:00", "author": "x", "kind": "label", "more": 1}\n'
    no_author = later.replace(b'"author": "x", ', b"")
    nonsense = whole.replace(b'{"first": ["a"]}', b'{"first": "a"}')  # a tag whose content makes no sense
    undo = later.replace(b'"label"', b'"undo", "content": {"undoes": ["k"]}')
    no_word = whole.replace(b'"first"', b'"a;\\u202e"')
    path.write_bytes(whole + b"\xff no JSON\n" + no_author + later + nonsense + undo + no_word + b'{"key": "ha')
    found = read_notes(workspace, FINGERPRINT)
    assert [note.kind for note in found.notes] == ["tag", "label", "tag", "undo", "tag"] and tags_of(found) == {
        "a": ("first",)
    }
    assert [problem.split(" of ")[0].split(" cannot")[0] for problem in found.problems] == [
        "Line 2",
        "Line 3",
        "The last line",
    ]
    assert "author is missing" in found.problems[1]
    append_notes(workspace, FINGERPRINT, "", [("view", {"name": "x"}), ("view", {"name": "y"})])
    assert path.read_bytes().startswith(
        whole + b"\xff no JSON\n" + no_author + later + nonsense + undo + no_word + b'{"key": '
    )
    assert len(read_notes(workspace, FINGERPRINT).problems) == 2, "the half line is gone, all others stay as they were"
    assert [note.content["name"] for note in read_notes(workspace, FINGERPRINT).of("view")] == ["x", "y"]


def test_undo_takes_the_newest_note_of_its_author(workspace: Workspace) -> None:
    mine = set_tag(workspace, FINGERPRINT, ["a"], "mine", "me")
    set_tag(workspace, FINGERPRINT, ["a"], "yours", "you")
    append_notes(workspace, FINGERPRINT, "me", [("view", {})])
    assert undo_last(workspace, FINGERPRINT, "me", [TAG]) == mine
    assert undo_last(workspace, FINGERPRINT, "me", [TAG]) is None, "there is none left"
    assert read_tags(workspace, FINGERPRINT) == {"a": ("yours",)}
    with notes_path(workspace, FINGERPRINT).open("ab") as handle:
        handle.write(b"torn")
    assert undo_last(workspace, FINGERPRINT, "me", [TAG]) is None
    undo_note(workspace, FINGERPRINT, "me", mine.key)
    assert read_tags(workspace, FINGERPRINT) == {"a": ("yours",)} and len(read_notes(workspace, FINGERPRINT).notes) == 5


def test_notes_outlive_the_dataset_and_find_the_same_pictures(workspace: Workspace) -> None:
    first = save_tiny(workspace)
    set_tag(workspace, first.fingerprint, [first.test.ids[3]], "odd", "")
    delete_dataset(workspace, "tiny")
    assert save_tiny(workspace, "again").fingerprint == first.fingerprint
    assert read_tags(workspace, first.fingerprint) == {str(first.test.ids[3]): ("odd",)}
    assert read_tags(workspace, save_tiny(workspace, "other", seed=5).fingerprint) == {}


def test_refusals_are_sentences(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=r"'\.\./x' is no fingerprint"):
        read_notes(workspace, "../x")
    monkeypatch.setattr(log, "MAX_LOG_BYTES", 600)
    set_tag(workspace, FINGERPRINT, ["a"], "word", "")
    with pytest.raises(DataError, match="would take more than"):
        set_tag(workspace, FINGERPRINT, [f"picture {number}" for number in range(50)], "word", "")
    monkeypatch.setattr(log, "_LOCK_SECONDS", 0.0)
    path = notes_path(workspace, FINGERPRINT)
    with (
        hold_lock(path.with_suffix(".lock")),
        pytest.raises(StorageError, match="Another process has been writing"),
    ):
        set_tag(workspace, FINGERPRINT, ["b"], "word", "")
    assert read_tags(workspace, FINGERPRINT) == {"a": ("word",)}
    Path(path).write_text("x" * 601)
    with pytest.raises(DataError, match="move it elsewhere"):
        read_notes(workspace, FINGERPRINT)


def test_many_strange_lines_are_few_sentences_and_every_text_can_be_written(workspace: Workspace) -> None:
    note = set_tag(workspace, FINGERPRINT, ["\U0001f43e"], "\U0001f408", "")
    path = notes_path(workspace, FINGERPRINT)
    half = path.read_bytes().replace(b"\\ud83d\\udc3e", b"\\uD83d")
    path.write_bytes(path.read_bytes() + half + b"x\n" * 500)
    found = read_notes(workspace, FINGERPRINT)
    assert found.notes == (note,), "half a character is no id"
    assert len(found.problems) == 21 and found.problems[-1] == "So were 481 lines more."


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such permissions")
def test_whoever_shares_the_workspace_writes_the_same_log(workspace: Workspace) -> None:
    workspace.notes.mkdir()
    workspace.notes.chmod(0o770)
    set_tag(workspace, FINGERPRINT, ["a"], "word", "")
    assert all(path.stat().st_mode & 0o060 == 0o060 for path in workspace.notes.iterdir())


def test_a_line_says_who_noted_what_and_when(workspace: Workspace) -> None:
    note = set_tag(workspace, FINGERPRINT, ["b", "a"], "  too   dark ", "ann\u202e@example.org")
    (line,) = notes_path(workspace, FINGERPRINT).read_text("utf-8").splitlines()
    assert json.loads(line) == {
        "key": note.key,
        "time": note.time,
        "author": "ann @example.org",
        "kind": "tag",
        "content": {"add": {"too dark": ["a", "b"]}, "remove": {}},
    }
