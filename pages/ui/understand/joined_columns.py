"""The sample table of a gallery with the columns that come from elsewhere: a person's tags, another run's answers.

The run's own table is shared and must not be changed in place.
"""

from dataclasses import dataclass
from typing import Protocol

import pandas as pd

from cifar_core.runs import Run
from cifar_core.samples import with_other_answers, with_tags, with_wrong_counts
from cifar_core.workspace import Workspace
from pages.ui.caches import Findings, load_findings, load_wrong_counts
from pages.ui.tags.known_tags import load_tags


@dataclass(frozen=True)
class RunAtEpoch:
    """A run, and the epoch whose predictions count."""

    run: Run
    epoch: int


class AskedFor(Protocol):
    """What a `GalleryQuery` says that columns can be found by."""

    @property
    def workspace(self) -> Workspace: ...

    @property
    def run(self) -> Run: ...

    @property
    def against(self) -> RunAtEpoch | None: ...


def table_with_seeds(workspace: Workspace, run: Run, findings: Findings) -> pd.DataFrame:
    """Return the sample table of `findings`, with the counts over seeds where the run has repeats."""
    counts = load_wrong_counts(workspace, run)
    return findings.table if counts is None else with_wrong_counts(findings.table, counts)


def joined_table(query: AskedFor, findings: Findings) -> pd.DataFrame:
    """Return the sample table of `findings` with the columns that `query` asks for; each owner adds a line here.

    Raises:
        RunError: the predictions of the other run cannot be read.
    """
    table = table_with_seeds(query.workspace, query.run, findings)
    if query.run.dataset is not None:
        table = with_tags(table, load_tags(query.workspace, query.run.dataset.fingerprint).words)
    if query.against is not None:
        other = load_findings(query.workspace, query.against.run, query.against.epoch)
        table = with_other_answers(table, other.table)
    return table
