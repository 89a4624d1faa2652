"""What a gallery of pictures is asked to show, and what it shows."""

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from cifar_core.analyse import SampleFilter, select_samples
from cifar_core.data import Split
from cifar_core.runs import Run
from cifar_core.workspace import Workspace
from pages.ui.caches import Findings, load_findings, load_test_split


@dataclass(frozen=True)
class GalleryQuery:
    """What a gallery is asked to show; all that callbacks, dialogs and downloads may keep of it.

    Streamlit keeps what these hold for as long as it remembers a session, minutes after it has ended: a `GalleryContent` among it would
    keep the predictions of a run, which may be hundreds of megabytes.
    """

    page: str  # prefix of the widget keys
    workspace: Workspace
    run: Run
    epoch: int
    sample_filter: SampleFilter
    sort: str
    selectable: bool = True  # a click selects; else it opens

    @property
    def selection_key(self) -> str:
        """Where the session keeps the selected ids."""
        return f"{self.page}_selected_{self.run.id}"

    def load(self) -> "GalleryContent":
        """What is asked for.

        Raises:
            DataError: the run's dataset is absent or broken.
            RunError: the run is gone, its predictions cannot be read, or its dataset is another one now.
        """
        findings = load_findings(self.workspace, self.run, self.epoch)
        rows = select_samples(findings.table, self.sample_filter, self.sort)
        return GalleryContent(self, findings, rows, load_test_split(self.workspace, self.run))


@dataclass(frozen=True)
class GalleryContent:
    """What a gallery shows: `rows` of the run's sample table in the order they are shown."""

    query: GalleryQuery
    findings: Findings
    rows: pd.DataFrame
    split: Split


def selected_ids(query: GalleryQuery) -> set[str]:
    """Ids of all selected pictures, shown or not."""
    chosen: set[str] = st.session_state.setdefault(query.selection_key, set())
    return chosen
