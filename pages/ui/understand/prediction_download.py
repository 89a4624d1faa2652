"""The buttons that download all predictions of a run without their pictures."""

from collections.abc import Callable, Mapping
from functools import partial

import pandas as pd
import streamlit as st

from cifar_core.export import epoch_file_name, predictions_csv, predictions_parquet
from cifar_core.runs import Predictions, Run
from cifar_core.text import counted
from cifar_core.workspace import Workspace
from pages.ui.caches import Findings, load_findings, load_wrong_counts
from pages.ui.tags.known_tags import load_tags

_Tags = Mapping[str, tuple[str, ...]]
_FORMATS: dict[str, tuple[str, str, Callable[[Predictions, _Tags, pd.DataFrame | None], bytes]]] = {
    "CSV": ("csv", "text/csv", predictions_csv),
    "Parquet": ("parquet", "application/vnd.apache.parquet", predictions_parquet),
}


def show_prediction_downloads(workspace: Workspace, run: Run, findings: Findings) -> None:
    """Show a button for each format; the file is made at the click."""
    found = findings.predictions
    for title, (ending, mime, _) in _FORMATS.items():
        st.download_button(
            f"Predictions ({title})",
            # It keeps no predictions: Streamlit keeps it for minutes.
            data=partial(_make_file, workspace, run, found.epoch, title),
            file_name=epoch_file_name(run.id, found.epoch, f"predictions.{ending}"),
            mime=mime,
            icon=":material/download:",
            type="tertiary",
            key=f"predictions_{ending}",
            on_click="ignore",
            help=f"{counted(len(found.labels), f'{found.split} picture')}: true and predicted class, tags, each "
            "probability and score. Without the pictures. `predictions export` on the command line also writes NPZ, "
            "and the names of FiftyOne or cleanlab.",
        )


def _make_file(workspace: Workspace, run: Run, epoch: int, title: str) -> bytes:
    """Return the file; runs at the click, in a thread of the server."""
    tags = load_tags(workspace, run.dataset.fingerprint).words if run.dataset else {}
    return _FORMATS[title][2](load_findings(workspace, run, epoch).predictions, tags, load_wrong_counts(workspace, run))
