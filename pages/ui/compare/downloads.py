"""What can be downloaded of a comparison: a row a picture, and a row a class."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from cifar_core.export import comparison_csv, table_csv
from cifar_core.runs import align_pair
from cifar_core.text import counted
from cifar_core.workspace import Workspace
from pages.ui.caches import load_findings
from pages.ui.compare.choice import PAGE_KEY
from pages.ui.compare.pair import Pair, load_pair
from pages.ui.tags.known_tags import load_tags
from pages.ui.understand.joined_columns import RunAtEpoch


def show_downloads(workspace: Workspace, a: RunAtEpoch, b: RunAtEpoch, pair: Pair) -> None:
    """Show a button for each table; the file is made at the click, and the buttons keep no predictions."""
    pictures = f"{counted(pair.comparison.n, 'test picture')}: true class, predicted by A and by B, the verdict, tags."
    files: dict[str, tuple[str, Callable[..., bytes], str]] = {
        "All pictures (CSV)": ("pictures", _pictures_csv, pictures),
        "Classes (CSV)": ("classes", _classes_csv, "How each class changed, with intervals; shares from 0 to 1."),
    }
    with st.container(horizontal=True):
        for label, (name, make, help_text) in files.items():
            st.download_button(
                label,
                data=partial(make, workspace, a, b),
                file_name=f"{a.run.id}-epoch-{a.epoch}-{b.run.id}-epoch-{b.epoch}-{name}.csv",
                mime="text/csv",
                key=f"{PAGE_KEY}_file_{name}",
                type="tertiary",
                icon=":material/download:",
                on_click="ignore",
                help=help_text,
            )


def _pictures_csv(workspace: Workspace, a: RunAtEpoch, b: RunAtEpoch) -> bytes:
    found = [load_findings(workspace, at.run, at.epoch).predictions for at in (a, b)]
    tags = load_tags(workspace, a.run.dataset.fingerprint).words if a.run.dataset else {}
    return comparison_csv(*align_pair(found[0], found[1], a.run.id, b.run.id), tags)


def _classes_csv(workspace: Workspace, a: RunAtEpoch, b: RunAtEpoch) -> bytes:
    return table_csv(load_pair(workspace, a, b).classes)
