"""The summary of a run on the Home page: a few numbers, and its worst mistakes. Reads predictions and test pictures."""

import streamlit as st

from cifar_core.runs import Run
from cifar_core.samples import SampleFilter, select_samples, tile_caption, tile_lines
from cifar_core.text import clock
from cifar_core.workspace import Workspace
from pages.ui.caches import Findings, load_test_split
from pages.ui.components.image_grid import image_grid
from pages.ui.wording import accuracy_interval, epoch_word, percent

WORST_SHOWN = 4  # pictures: a row of a window, two on a phone


def show_key_numbers(run: Run, found: Findings) -> None:
    """Show the key numbers, each naming its split."""
    mistakes = int((~found.table["correct"]).sum())
    with st.grid(4, min_column_width=150):
        share = run.best.test_accuracy if run.best else None
        st.metric("Test accuracy", percent(share), help=accuracy_interval(run, share) if share is not None else None)
        st.metric(f"Mistakes of {len(found.table):,} (test)", f"{mistakes:,}")
        st.metric(
            f"{epoch_word(run).capitalize()} epoch",
            f"{run.best.epoch if run.best else '–'} of {run.config.optimizer.epochs}",
        )
        st.metric("Training time", clock(run.seconds))


def show_worst_mistakes(workspace: Workspace, run: Run, found: Findings) -> None:
    """Show the worst mistakes, one of each pair of classes; a click opens the picture on the Misclassified page."""
    worst = select_samples(found.table, SampleFilter(per_pair=1), "loss").head(WORST_SHOWN)
    if worst.empty:
        return
    st.markdown("**Its worst mistakes** (test, highest loss)")
    split = load_test_split(workspace, run)
    rows = worst.to_dict("records")
    event = image_grid(
        split.images[worst["index"].to_numpy()],
        [tile_lines(row, "loss") for row in rows],
        worst["id"].tolist(),
        key="home_worst",
        labels=[tile_caption(row, "loss") for row in rows],
        tile=128,
    )
    if event.opened:
        st.switch_page("pages/misclassified.py", query_params={"run": run.id, "image": event.opened})
