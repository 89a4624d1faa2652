"""What a gallery of pictures is asked to show, and what it shows."""

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from cifar_core.data import Split
from cifar_core.runs import Run
from cifar_core.samples import SampleFilter, select_samples
from cifar_core.workspace import Workspace
from pages.ui.caches import Findings, load_findings
from pages.ui.understand.joined_columns import RunAtEpoch, joined_table
from pages.ui.understand.run_pictures import RunPictures, run_pictures


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
    against: RunAtEpoch | None = None  # another run or epoch on the same pictures, whose answers stand beside its own

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
        table = joined_table(self, findings)
        rows = select_samples(table, self.sample_filter, self.sort)
        return GalleryContent(self, findings, table, rows, run_pictures(self.workspace, self.run, findings.predictions))


@dataclass(frozen=True)
class GalleryContent:
    """What a gallery shows."""

    query: GalleryQuery
    findings: Findings
    table: pd.DataFrame  # all pictures of the run, as `joined_table` returns them
    rows: pd.DataFrame  # those that match, in the order of the tiles
    pictures: RunPictures

    @property
    def split(self) -> Split:
        """The test part, or the stand-in for it."""
        return self.pictures.split


def selected_ids(query: GalleryQuery) -> set[str]:
    """Return the ids of all selected pictures, shown or not."""
    chosen: set[str] = st.session_state.setdefault(query.selection_key, set())
    return chosen
