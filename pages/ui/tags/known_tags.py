"""The tags of a run's pictures, read again only when the notes log of the dataset has changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import streamlit as st

from cifar_core.errors import CifarCoreError
from cifar_core.notes import latest_words, tags_of
from cifar_core.workspace import Workspace
from pages.ui.caches import newest
from pages.ui.loaded_notes import load_notes, notes_identity


@dataclass(frozen=True)
class KnownTags:
    """What is tagged. It is shared and must not be changed in place."""

    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by the id of the picture
    latest: tuple[str, ...] = ()  # word n has the key n
    problems: tuple[str, ...] = ()  # why some of it, or all, cannot be read


def load_tags(workspace: Workspace, fingerprint: str) -> KnownTags:
    """Return the tags of the pictures of a dataset; none where its log cannot be read, for pages go on without them."""
    identity = notes_identity(workspace, fingerprint)
    return newest(_kept_tags(identity[0]), identity, lambda: _read_tags(workspace, fingerprint))


@st.cache_resource(max_entries=16, show_spinner=False)
def _kept_tags(log: object) -> list[tuple[object, KnownTags]]:
    return []


def _read_tags(workspace: Workspace, fingerprint: str) -> KnownTags:
    try:
        notes = load_notes(workspace, fingerprint)
    except CifarCoreError as error:
        return KnownTags(problems=(str(error),))
    return KnownTags(tags_of(notes), tuple(latest_words(notes)), notes.problems)
