"""What can be downloaded of the Learning page: a row a picture, and the ids of the list that is shown."""

from functools import partial

import pandas as pd
import streamlit as st

from cifar_core.analyse import read_kept
from cifar_core.analyse.learning import LEARNING, LearningParameters, learning_of
from cifar_core.errors import RunError
from cifar_core.export import table_csv
from cifar_core.runs import Run
from cifar_core.workspace import Workspace
from pages.ui.learning.choice import PAGE_KEY, PART_WORDS, ticked_ids
from pages.ui.learning.loaded import Learned


def show_downloads(workspace: Workspace, run: Run, learned: Learned, rows: tuple[int, ...]) -> None:
    """Show the buttons; the files are made at the click.

    Args:
        workspace, run: of which run.
        learned: the part.
        rows: of the list that is shown, in its order.
    """
    split = learned.facts.split
    ticked = tuple(sorted(learned.row_of[name] for name in ticked_ids(run, split) if name in learned.row_of))
    download = partial(st.download_button, mime="text/csv", type="tertiary", on_click="ignore")
    with st.container(horizontal=True, vertical_alignment="center"):
        download(
            "All pictures (CSV)",
            data=partial(pictures_csv, workspace, run, split, None),
            file_name=f"{run.id}-learning-{split}.csv",
            key=f"{PAGE_KEY}_csv",
            icon=":material/download:",
            help=f"A row for each of the {learned.summary.n:,} {PART_WORDS[split]} pictures, with all its numbers.",
        )
        for title, name, chosen in (("this list", "list", rows), ("the ticked ones", "ticked", ticked)):
            download(
                f"{title.capitalize()}: {len(chosen):,} (CSV)",
                data=partial(pictures_csv, workspace, run, split, chosen),
                file_name=f"{run.id}-learning-{split}-{name}.csv",
                key=f"{PAGE_KEY}_csv_{name}",
                icon=":material/download:",
                disabled=not chosen,
                help=f"Index, id and numbers of the pictures of {title}.",
            )
        if split == "train" and ticked:
            st.button(
                "Untick all",
                key=f"{PAGE_KEY}_untick",
                type="tertiary",
                icon=":material/deselect:",
                on_click=ticked_ids(run, split).clear,
            )


def pictures_csv(workspace: Workspace, run: Run, split: str, rows: tuple[int, ...] | None) -> bytes:
    """Return the table of a part as CSV.

    Args:
        workspace, run: of which run.
        split: the part.
        rows: which pictures, in this order; None for all.

    Raises:
        RunError: there is no kept result any more.
    """
    kept = read_kept(workspace, run, LEARNING, LearningParameters("train" if split == "train" else "test"))
    if kept is None:
        raise RunError(f"The data map of run {run.id} is no longer kept: open the page again.")
    table: pd.DataFrame = learning_of(kept)
    return table_csv(table if rows is None else table.iloc[list(rows)])
