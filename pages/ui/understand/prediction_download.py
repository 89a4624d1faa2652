"""The buttons that download all predictions of a run without their pictures."""

from collections.abc import Callable
from functools import partial

import pandas as pd
import streamlit as st

from cifar_core.export import epoch_file_name, predictions_csv, predictions_parquet
from cifar_core.runs import Predictions, Run
from cifar_core.text import counted
from cifar_core.workspace import Workspace
from pages.ui.caches import Findings, load_findings
from pages.ui.understand.joined_columns import table_of_run

_FORMATS: dict[str, tuple[str, str, Callable[[Predictions, pd.DataFrame], bytes]]] = {
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
            help=f"{counted(len(found.labels), f'{found.split} picture')}: true and predicted class, each probability "
            "and score. Without the pictures.",
        )


def _make_file(workspace: Workspace, run: Run, epoch: int, title: str) -> bytes:
    """Return the file; runs at the click, in a thread of the server."""
    findings = load_findings(workspace, run, epoch)
    return _FORMATS[title][2](findings.predictions, table_of_run(workspace, run, findings))
