"""Views in the notes log of a dataset: what is read is what was saved, and what makes no sense harms nothing."""

import math
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from cifar_core.errors import CifarCoreError, ConfigError, DataError
from cifar_core.notes import append_notes, log, read_notes
from cifar_core.samples import FILTERS, SampleFilter
from cifar_core.saved_views import View, delete_view, find_view, rename_view, restore_view, save_view, views_of
from cifar_core.saved_views.views import _UNSAVABLE, MAX_VIEWS, VIEW, _StoredFilter
from cifar_core.workspace import Workspace

PRINT = "ab" * 32
CATS = SampleFilter(true=("cat",))


def kept(workspace: Workspace) -> list[View]:
    return views_of(read_notes(workspace, PRINT))


def test_a_view_is_read_as_it_was_saved(workspace: Workspace) -> None:
    whole = SampleFilter(
        true=("cat", "dog"),
        predicted=("frog",),
        ranges={"confidence": (0.9, math.inf), "loss": (-math.inf, 2.5), "margin": (0.1, 0.2)},
        text="00 <b>",
        outcome="all",
        per_pair=3,
        tags=("odd", "dark"),
    )
    saved = [
        save_view(workspace, PRINT, "ada", " night   cats ", whole),
        save_view(workspace, PRINT, "", "sure", SampleFilter(ranges=dict.fromkeys(FILTERS, (0.5, math.inf)))),
    ]
    assert kept(workspace) == saved and saved[0].author == "ada" and saved[0].name == "night cats"
    assert kept(workspace)[0].sample_filter == whole
    assert find_view(saved, "NIGHT cats") == saved[0] and find_view(saved, "x") is None


def test_renamed_deleted_and_brought_back(workspace: Workspace) -> None:
    first, second = (save_view(workspace, PRINT, "", name, CATS) for name in ("one", "two"))
    rename_view(workspace, PRINT, "", first.id, "Uno")
    rename_view(workspace, PRINT, "", first.id, "UNO")  # its own name in other letters is not taken
    deletion = delete_view(workspace, PRINT, "", first.id)
    assert [view.name for view in kept(workspace)] == ["two"]
    for change in (
        lambda: delete_view(workspace, PRINT, "", first.id),
        lambda: rename_view(workspace, PRINT, "", first.id, "x"),
    ):
        with pytest.raises(DataError, match="deleted meanwhile"):
            change()
    restore_view(workspace, PRINT, "", deletion)
    assert [(view.id, view.name) for view in kept(workspace)] == [(first.id, "UNO"), (second.id, "two")]


@pytest.mark.parametrize(
    ("name", "sample_filter", "words"),
    [
        ("Cats", CATS, "There is a view 'cats' already"),
        (" ", CATS, "needs a name"),
        ("x" * 61, CATS, "60 are allowed"),
        ("a\nb", CATS, "line break"),
        ("mistakes", SampleFilter(), "would be the test accuracy"),
        ("all", SampleFilter(outcome="all", per_pair=2, text=" "), "would be the test accuracy"),
    ],
)
def test_what_is_no_view_is_refused_in_a_sentence_and_nothing_is_kept(
    workspace: Workspace, name: str, sample_filter: SampleFilter, words: str
) -> None:
    save_view(workspace, PRINT, "", "cats", CATS)
    before = read_notes(workspace, PRINT)
    with pytest.raises(CifarCoreError, match=words):
        save_view(workspace, PRINT, "", name, sample_filter)
    assert read_notes(workspace, PRINT) == before


def test_a_filter_that_depends_on_other_runs_is_refused(workspace: Workspace) -> None:
    with pytest.raises(ConfigError, match="depends on a comparison with another run: select"):
        save_view(workspace, PRINT, "", "fixed", SampleFilter(true=("cat",), verdict=("fixed",)))


def test_no_part_of_a_filter_is_lost_when_it_is_saved() -> None:
    kept_parts = {field.name for field in fields(_StoredFilter)}
    assert kept_parts.isdisjoint(_UNSAVABLE)
    assert {field.name for field in fields(SampleFilter)} == kept_parts | set(_UNSAVABLE)


def test_there_is_a_most(workspace: Workspace) -> None:
    append_notes(
        workspace, PRINT, "", [(VIEW, {"name": f"{n}", "filter": {"true": ["cat"]}}) for n in range(MAX_VIEWS)]
    )
    with pytest.raises(DataError, match="the most there can be"):
        save_view(workspace, PRINT, "", "one more", CATS)


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"name": "x"},
        {"name": 3, "filter": {}},
        {"name": "x", "filter": []},
        {"name": "x", "filter": {"outcome": "odd"}},
        {"name": "x", "filter": {"true": "cat"}},
        {"name": "x", "filter": {"ranges": {"odd": [0, 1]}}},
        {"name": "x", "filter": {"ranges": {"loss": [2, 1]}}},
        {"name": "x", "filter": {"ranges": {"loss": [2]}}},
        {"view": "nobody", "deleted": True},
        {"view": "nobody", "name": "x"},
        {"view": ["x"], "deleted": True},
    ],
)
def test_notes_that_make_no_sense_are_left_alone(workspace: Workspace, content: dict[str, Any]) -> None:
    append_notes(workspace, PRINT, "", [(VIEW, content)])
    saved = save_view(workspace, PRINT, "", "cats", CATS)
    append_notes(workspace, PRINT, "", [(VIEW, content), ("a later kind", {"name": "x", "filter": {}})])
    assert kept(workspace) == [saved]


def test_two_who_save_a_name_at_once_make_one_view(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    acquire = log.acquire

    def acquire_late(path: Path, seconds: float) -> Callable[[], None] | None:
        """Another person saves just before this one may write."""
        monkeypatch.setattr(log, "acquire", acquire)
        save_view(workspace, PRINT, "first", "cats", CATS)
        return acquire(path, seconds)

    monkeypatch.setattr(log, "acquire", acquire_late)
    with pytest.raises(DataError, match="There is a view 'cats' already"):
        save_view(workspace, PRINT, "second", "Cats", CATS)
    assert [view.author for view in kept(workspace)] == ["first"]
