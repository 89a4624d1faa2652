"""What a gallery of pictures is asked to show, and what it shows."""

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from cifar_core.data import Split
from cifar_core.runs import Run
from cifar_core.samples import SampleFilter, select_samples
from cifar_core.workspace import Workspace
from pages.ui.caches import Findings, load_findings, load_test_split


@dataclass(frozen=True)
class GalleryQuery:
    """What a gallery is asked to show. Callbacks, dialogs and downloads keep this, never a `GalleryContent`.

    Streamlit keeps what they hold for minutes after a session has ended, and the predictions in a `GalleryContent` may
    take hundreds of megabytes.
    """

    page: str  # prefix of the widget keys
    workspace: Workspace
    run: Run
    epoch: int
    sample_filter: SampleFilter
    sort: str

    @property
    def selection_key(self) -> str:
        """Session key of the selected ids: one selection of a run, on every page."""
        return f"selected_{self.run.id}"

    def load(self) -> "GalleryContent":
        """Return the pictures that match.

        Raises:
            DataError: the run's dataset is absent or broken.
            RunError: the run is gone, its predictions cannot be read, or its dataset is another one now.
        """
        findings = load_findings(self.workspace, self.run, self.epoch)
        rows = select_samples(findings.table, self.sample_filter, self.sort)
        return GalleryContent(self, findings, rows, load_test_split(self.workspace, self.run))


@dataclass(frozen=True)
class GalleryContent:
    """What a gallery shows: `rows` of the run's sample table in the order of the tiles."""

    query: GalleryQuery
    findings: Findings
    rows: pd.DataFrame
    split: Split


def selected_ids(query: GalleryQuery) -> set[str]:
    """Return the ids of all selected pictures, shown or not."""
    chosen: set[str] = st.session_state.setdefault(query.selection_key, set())
    return chosen
