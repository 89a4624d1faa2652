"""The notes of a dataset, read again only when its log has changed: tags and saved views come from them."""

import streamlit as st

from cifar_core.notes import Notes, notes_path, read_notes
from cifar_core.workspace import Workspace
from pages.ui.caches import file_identity, newest


def notes_identity(workspace: Workspace, fingerprint: str) -> tuple[object, ...]:
    """Return what distinguishes the notes of a dataset from those before or after another one.

    Raises:
        DataError: no fingerprint.
    """
    path = notes_path(workspace, fingerprint)
    return *file_identity(path), path.stat().st_size if path.exists() else 0  # two notes may have the same time


def load_notes(workspace: Workspace, fingerprint: str) -> Notes:
    """Return the notes of a dataset.

    Raises:
        DataError, StorageError: they cannot be read.
    """
    identity = notes_identity(workspace, fingerprint)  # first: notes that come meanwhile are read the next time
    return newest(_kept_notes(identity[0]), identity, lambda: read_notes(workspace, fingerprint))


@st.cache_resource(max_entries=16, show_spinner=False)
def _kept_notes(log: object) -> list[tuple[object, Notes]]:
    return []
