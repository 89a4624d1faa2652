"""The result of a run as a card on Home: its accuracy, its curve, its worst mistakes as pictures."""

import streamlit as st

from cifar_core.errors import CifarCoreError
from cifar_core.figures import curve_words, run_colour, small_curve
from cifar_core.runs import Run
from cifar_core.samples import tile_caption, tile_lines
from cifar_core.text import clock
from cifar_core.workspace import Workspace
from pages.ui.caches import load_metrics, load_worst_mistakes
from pages.ui.components.image_grid import image_grid
from pages.ui.components.status_badge import status_badge
from pages.ui.error_messages import show_errors
from pages.ui.markdown import escaped, escaped_sentence
from pages.ui.run_focus import show_caveats
from pages.ui.wording import accuracy_interval, date_and_time, epoch_word, percent, source_words, status_display

RESULTS_SHOWN = 3  # runs
WORST_SHOWN = 3  # pictures
_TILES = {False: 64, True: 96}  # CSS pixels: three in a row of a card, also on a phone; in a card that stands alone


def results_to_show(runs: list[Run], focus: Run) -> list[Run]:
    """Return the newest runs that have ended with a result; an older one in focus comes first.

    Args:
        runs: newest first.
        focus: the run in focus.
    """
    results = [run for run in runs if run.best is not None and not run.active and not run.problem]
    if focus in results[RESULTS_SHOWN:]:
        return [focus, *results[: RESULTS_SHOWN - 1]]
    return results[:RESULTS_SHOWN]


def show_result_card(workspace: Workspace, run: Run, *, large: bool) -> None:
    """Show a run that has finished an epoch: every number once, with its split and n; `large` where it stands alone."""
    with st.container(border=True, height="stretch", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{escaped(run.name)}**", width="stretch")
            if status_display(run)[0] != "finished":
                status_badge(run)
        with show_errors():
            _show_accuracy(workspace, run)
        st.caption(_small_print(run))
        _show_worst_mistakes(workspace, run, _TILES[large])
        show_caveats(run)  # below, so that the pictures of all cards stand at one height
        st.space("stretch")  # the buttons of all cards stand at one height
        if st.button(
            "Look inside",
            icon=":material/grid_on:",
            key=f"home_inside_{run.id}",
            help="The confusion matrix: which classes it mistakes for which.",
        ):
            st.switch_page("pages/confusion.py", query_params={"run": run.id})


def show_run_without_result(run: Run) -> None:
    """Show in one row a run that ended without a result or cannot be read, why, and the way to it."""
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        word, colour, icon = status_display(run)
        why = run.problem or run.error or "It has no finished epoch."
        st.markdown(
            f":{colour}-badge[{icon} {word}] **{escaped(run.name)}** · {escaped_sentence(why)}", width="stretch"
        )
        st.page_link(
            "pages/runs.py" if run.problem else "pages/train.py",
            label="Open it",
            icon=":material/open_in_new:",
            query_params={"runs": run.id} if run.problem else {"run": run.id, "view": "Watch"},
        )


def _show_accuracy(workspace: Workspace, run: Run) -> None:
    accuracies = load_metrics(workspace, run)["test_accuracy"].tolist()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.metric("Test accuracy", percent(run.best.test_accuracy if run.best else None), width="content")
        if len(accuracies) > 1 and run.best:
            with st.container(width=150):
                st.image(
                    small_curve(accuracies, run_colour(run.colour), run.best.epoch - 1),
                    width="stretch",
                    alt=f"Test accuracy per epoch, 0 to 100 %. {curve_words(accuracies)}",
                )


def _small_print(run: Run) -> str:
    """Return what the accuracy belongs to: n, interval, epoch; then network, dataset, time and day, as far as known."""
    if run.best is None:
        return ""
    n = f"n = {run.dataset.test:,}" if run.dataset else ""
    chosen = "the best by validation" if epoch_word(run) == "best" else "the last"
    epoch = f"epoch {run.best.epoch} of {run.config.optimizer.epochs}, {chosen}" if run.has_network else ""
    measured = " · ".join(filter(None, ["test", n, accuracy_interval(run, run.best.test_accuracy), epoch]))
    made = [source_words(run), *([clock(run.seconds)] if run.has_network else [])]
    made += [date_and_time(run.made_at)] if run.created else []
    return f"{escaped(measured)}  \n{escaped(' · '.join(made))}"


def _show_worst_mistakes(workspace: Workspace, run: Run, tile: int) -> None:
    """Show the worst mistakes, one of each pair of classes; a click opens the picture on the Misclassified page."""
    try:
        worst = load_worst_mistakes(workspace, run, WORST_SHOWN)
    except CifarCoreError as error:  # the accuracy stands all the same
        st.caption(f":material/broken_image: {escaped_sentence(error)}")
        return
    if not worst.rows:
        st.caption("No mistakes: it is right on every test picture.")
        return
    event = image_grid(
        worst.images,
        [tile_lines(row, "confidence") for row in worst.rows],
        [str(row["id"]) for row in worst.rows],
        key=f"home_worst_{run.id}",
        labels=[tile_caption(row, "confidence") for row in worst.rows],
        tile=tile,
    )
    if event.opened:
        st.switch_page("pages/misclassified.py", query_params={"run": run.id, "image": event.opened})
