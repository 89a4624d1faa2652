"""Saved views as notes of the kind `view` in the log of a dataset: saved, renamed, deleted, brought back.

A view is a filter under a name. The note that saves one holds both, and its key is the view's id from then on. Later
notes give the view another name, or delete it; undoing such a note takes that back.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from cifar_core.errors import ConfigError, DataError
from cifar_core.notes import Note, Notes, append_after, undo_note
from cifar_core.samples import FILTERS, Outcome, Range, SampleFilter
from cifar_core.storage.parse import parse
from cifar_core.text import clean_text, did_you_mean, one_line
from cifar_core.workspace import Workspace

VIEW = "view"
MAX_VIEW_NAME = 60  # characters
MAX_VIEWS = 50  # of a dataset: each costs every later run an answer
# Parts of a filter that no other run can answer: they speak of several runs, or are found by one run's predictions.
_UNSAVABLE = {
    **dict.fromkeys(("verdict", "other_predicted", "predicted_by_one"), "a comparison with another run"),
    "wrong_in": "the runs with other seeds",
    "ids": "single pictures, chosen on a page",
}


@dataclass(frozen=True)
class View:
    """A filter of test pictures under a name."""

    id: str
    name: str
    sample_filter: SampleFilter  # infinite where a range has no end
    author: str  # who saved it, "" for nobody
    time: str  # ISO 8601 in UTC, when it was saved


@dataclass(frozen=True)
class _StoredFilter:
    """A `SampleFilter` as JSON has it: None where a range has no end."""

    true: tuple[str, ...] = ()
    predicted: tuple[str, ...] = ()
    ranges: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)
    text: str = ""
    outcome: Outcome = "mistakes"
    per_pair: int = 0
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Content:
    """What a note says: a new view, or a change of an earlier one."""

    view: str = ""  # the one that is changed; "" for a new one
    name: str = ""  # "" where it stays
    filter: _StoredFilter | None = None  # of a new one
    deleted: bool = False


def views_of(notes: Notes) -> list[View]:
    """The views of a dataset in the order in which they were saved; a note that makes no sense is left alone."""
    found: dict[str, View] = {}
    for note in notes.of(VIEW):
        try:
            content = parse(_Content, note.content, exact=False)
            if content.filter is not None and not content.view:
                name = one_line(content.name, MAX_VIEW_NAME)
                found[note.key] = View(note.key, name, _loaded(content.filter), note.author, note.time)
                continue
        except ValueError:
            continue
        before = found.get(content.view)
        if before is not None and content.deleted:
            del found[before.id]
        elif before is not None and content.name:
            name = one_line(content.name, MAX_VIEW_NAME)
            found[before.id] = View(before.id, name, before.sample_filter, before.author, before.time)
    return list(found.values())


def find_view(views: list[View], name: str) -> View | None:
    """The view of this name, in upper or lower case."""
    return next((view for view in views if view.name.casefold() == name.casefold()), None)


def unsavable_part(sample_filter: SampleFilter) -> str:
    """What of a filter only this run can answer, in words; empty where every run can, so that it can be a view."""
    return next((words for part, words in _UNSAVABLE.items() if getattr(sample_filter, part, None)), "")


def save_view(workspace: Workspace, fingerprint: str, author: str, name: str, sample_filter: SampleFilter) -> View:
    """Save a filter under a name.

    Args:
        workspace: where.
        fingerprint: of the dataset whose test pictures are filtered.
        author: who saves it, "" for nobody.
        name: 1 to `MAX_VIEW_NAME` characters; no other view of the dataset has it.
        sample_filter: a range that ends at infinity has no end.

    Raises:
        ConfigError: the filter keeps every mistake, or has a part that no other run can answer.
        DataError: the name breaks a rule, there are too many views, or as `append_notes`.
        StorageError: as `append_notes`.
    """
    _require_savable(sample_filter)

    def content(views: list[View]) -> dict[str, Any]:
        chosen = _free_name(views, name)
        if len(views) >= MAX_VIEWS:
            raise DataError(f"There are {len(views)} views of this dataset, the most there can be: delete one first.")
        return {"name": chosen, "filter": _stored(sample_filter)}

    note = _note_view(workspace, fingerprint, author, content)
    return View(note.key, note.content["name"], sample_filter, note.author, note.time)


def rename_view(workspace: Workspace, fingerprint: str, author: str, view_id: str, name: str) -> None:
    """Give a view another name. Errors as `save_view`; DataError too where there is no such view."""

    def content(views: list[View]) -> dict[str, Any]:
        _require_known(views, view_id)
        return {"view": view_id, "name": _free_name([view for view in views if view.id != view_id], name)}

    _note_view(workspace, fingerprint, author, content)


def delete_view(workspace: Workspace, fingerprint: str, author: str, view_id: str) -> str:
    """Delete a view.

    Returns:
        what `restore_view` brings it back by.

    Raises:
        DataError: there is no such view, or as `append_notes`.
        StorageError: as `append_notes`.
    """

    def content(views: list[View]) -> dict[str, Any]:
        _require_known(views, view_id)
        return {"view": view_id, "deleted": True}

    return _note_view(workspace, fingerprint, author, content).key


def restore_view(workspace: Workspace, fingerprint: str, author: str, deletion: str) -> None:
    """Bring a deleted view back, under its name. Errors as `append_notes`."""
    undo_note(workspace, fingerprint, author, deletion)


def _note_view(
    workspace: Workspace, fingerprint: str, author: str, content: Callable[[list[View]], dict[str, Any]]
) -> Note:
    """Write a note about views that follows from those that are there; nobody else changes them in between."""
    return append_after(workspace, fingerprint, author, lambda notes: [(VIEW, content(views_of(notes)))])[0]


def _require_known(views: list[View], view_id: str) -> None:
    if all(view.id != view_id for view in views):
        raise DataError("This view is no longer here: it was deleted meanwhile.")


def _require_savable(sample_filter: SampleFilter) -> None:
    if words := unsavable_part(sample_filter):
        raise ConfigError(
            [
                f"A view asks every run for the same pictures, and this filter depends on {words}: select the "
                "pictures, give them a tag, and save a view of that tag."
            ]
        )
    if not (_stored(sample_filter).keys() - {"outcome", "per_pair"}):
        raise ConfigError(
            ["Without a filter the view would be the test accuracy: filter by a class, tag, id or score."]
        )


def _free_name(views: list[View], name: str) -> str:
    """The name as it is kept; DataError where it breaks a rule or is taken."""
    chosen = " ".join(clean_text(name, "name", MAX_VIEW_NAME, DataError).split())
    if not chosen:
        raise DataError("A view needs a name: type one.")
    taken = find_view(views, chosen)
    if taken is not None:
        raise DataError(f"There is a view {taken.name!r} already: choose another name, or delete that one.")
    return chosen


def _stored(sample_filter: SampleFilter) -> dict[str, Any]:
    """The filter as JSON has it, without what it leaves at its default."""
    f, ranges = sample_filter, {name: (_end(low), _end(high)) for name, (low, high) in sample_filter.ranges.items()}
    stored = asdict(_StoredFilter(f.true, f.predicted, ranges, f.text.strip(), f.outcome, f.per_pair, f.tags))
    return {name: value for name, value in stored.items() if value != asdict(_StoredFilter())[name]}


def _end(bound: float) -> float | None:
    return bound if math.isfinite(bound) else None


def _loaded(stored: _StoredFilter) -> SampleFilter:
    """The filter of a note; ValueError where a score is not known or a range makes no sense."""
    ranges: dict[str, Range] = {}
    for name, (low, high) in stored.ranges.items():
        bounds = (-math.inf if low is None else low, math.inf if high is None else high)
        if name not in FILTERS or bounds[0] > bounds[1]:
            raise ValueError(f"no range of {name}{did_you_mean(name, FILTERS)}: {bounds}")
        ranges[name] = bounds
    per_pair = max(0, stored.per_pair)
    return SampleFilter(stored.true, stored.predicted, ranges, stored.text, stored.outcome, per_pair, tags=stored.tags)
