"""The picture that the drawer or the Picture page shows, and at which epoch."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from cifar_core.data import Split
from cifar_core.evaluate import CheckedPredictions, with_temperature
from cifar_core.runs import PictureHistory, Predictions, Run, read_history
from cifar_core.samples import sample_table
from cifar_core.workspace import Workspace
from pages.ui.caches import Findings, load_findings
from pages.ui.understand.gallery_query import GalleryContent
from pages.ui.understand.joined_columns import RunAtEpoch
from pages.ui.understand.run_pictures import RunPictures


@dataclass(frozen=True)
class ShownPicture:
    """One picture of a run's test part."""

    workspace: Workspace
    run: Run
    pictures: RunPictures
    predictions: Predictions  # of the epoch that the page shows
    row: int  # in the test part, from 0
    id: str  # as the sample table has it
    other: "ShownPicture | None" = None  # the same picture as the run A beside it answers
    temperature: float | None = None  # that its probabilities are scaled with; None: they are shown as they are

    @property
    def split(self) -> Split:
        """The test part, or the stand-in for it."""
        return self.pictures.split

    @property
    def label(self) -> int:
        """The index of the true class."""
        return int(self.predictions.labels[self.row])

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the K classes."""
        return self.predictions.class_names

    @cached_property
    def history(self) -> PictureHistory:
        """Its probabilities after each finished epoch."""
        return read_history(self.workspace, self.run, self.row)

    def probs(self, epoch: int) -> np.ndarray:
        """Return its probabilities [K] after one epoch; those of the page's epoch where that one cannot be read."""
        found = self._stored_probs(epoch)
        return found if self.temperature is None else with_temperature(found[None], self.temperature)[0]

    def _stored_probs(self, epoch: int) -> np.ndarray:
        if epoch != self.predictions.epoch and epoch in self.history.epochs:
            found: np.ndarray = self.history.probs[self.history.epochs.index(epoch)]
            return found
        row: np.ndarray = self.predictions.probs[self.row]
        return row

    def scored(self, epoch: int) -> dict[str, Any]:
        """Return its row of the sample table after one epoch; without a temperature as tiles and tables have it."""
        answer = CheckedPredictions(np.array([self.label]), self.probs(epoch)[None], self.class_names)
        table = sample_table(answer, [self.id])
        return {str(name): table[name].iloc[0] for name in table}


def find_picture(content: GalleryContent, wanted: str) -> ShownPicture | None:
    """Return the picture with this id; None where the run's test part has none."""
    query = content.query
    shown = _shown(content, RunAtEpoch(query.run, query.epoch), content.findings, wanted)
    if shown is None or query.against is None:
        return shown
    beside = load_findings(query.workspace, query.against.run, query.against.epoch)
    return replace(shown, other=_shown(content, query.against, beside, wanted))


def _shown(content: GalleryContent, at: RunAtEpoch, findings: Findings, wanted: str) -> ShownPicture | None:
    found = findings.table.index[findings.table["id"] == wanted]
    if found.empty:
        return None
    row, workspace = int(found[0]), content.query.workspace
    return ShownPicture(workspace, at.run, content.pictures, findings.predictions, row, wanted)
