"""The head of one sweep: what it searches, how far it is, the best so far; Stop, Resume and Delete.

Follows the sweep on the disk while its owner works.
"""

from collections.abc import Sequence

import streamlit as st

from cifar_core.lifecycle.place import LOCAL
from cifar_core.runs import Run, list_runs
from cifar_core.sweeps.control import resume_sweep
from cifar_core.sweeps.estimate import sweep_time_left
from cifar_core.sweeps.extras import has_optuna
from cifar_core.sweeps.space import range_words as dimension_words
from cifar_core.sweeps.sweep import Sweep, read_sweep
from cifar_core.text import counted
from cifar_core.workspace import Workspace
from pages.ui.error_messages import show_errors, show_errors_as_toast
from pages.ui.markdown import escaped, escaped_sentence
from pages.ui.rerun import rerun_page
from pages.ui.sweep.choice import sweep_name
from pages.ui.sweep.deleting import show_delete_button
from pages.ui.sweep.results.results import show_sweep_results
from pages.ui.sweep.stop_button import show_stop_button
from pages.ui.sweep.sweep_row import SWEEP_DISPLAY
from pages.ui.train.active_runs import refresh_interval
from pages.ui.train.run_buttons import END_WIDTH
from pages.ui.url_state import current_visit
from pages.ui.wording import range_words

_UNDER_WAY = {"running": "training", "waiting": "waiting"}
_SEEN_KEY = "sweep_seen_active"  # session: the visit of the page that has shown a sweep as active


def show_sweep(workspace: Workspace, drawn: Sweep, runs: list[Run]) -> None:
    """Show one sweep: its head, read every second while it is active, and its results below.

    Args:
        workspace: where.
        drawn: the sweep, as the page is drawn.
        runs: all runs, as the page is drawn.
    """
    if drawn.problem:
        st.error(escaped_sentence(drawn.problem), title="This sweep cannot be read", icon=":material/broken_image:")
        show_delete_button(workspace, drawn)
        return

    given = [(drawn, runs)]  # for the first call; later ones read the disk

    def refresh() -> None:
        with show_errors():
            sweep, listed = given.pop() if given else _read(workspace, drawn.id)
            if sweep.status != drawn.status:
                rerun_page()
            _show_head(workspace, sweep, listed)

    st.fragment(refresh, run_every=refresh_interval() if drawn.active else None)()
    show_sweep_results(workspace, drawn, runs)


def _read(workspace: Workspace, sweep_id: str) -> tuple[Sweep, list[Run]]:
    runs = list_runs(workspace)
    return read_sweep(workspace, sweep_id, runs), runs


def _show_head(workspace: Workspace, sweep: Sweep, runs: list[Run]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        colour, icon = SWEEP_DISPLAY[sweep.status]
        settings = sweep.plan.settings
        facts = [
            f":{colour}-badge[{icon} {sweep.status}] **{escaped(sweep_name(sweep))}**",
            escaped(f"{settings['model']} on {settings['dataset']}"),
            escaped(search_words(sweep)),
            "" if sweep.plan.options.place == LOCAL else f"on {escaped(sweep.plan.options.place.words)}",
            escaped(sweep.plan.person),
            f":material/school: {escaped(sweep.plan.lesson)}" if sweep.plan.lesson else "",
        ]
        st.markdown(" · ".join(filter(None, facts)), width="stretch")
        _show_stop(workspace, sweep)
    share = 1.0 if sweep.status == "finished" else min(1.0, sweep.runs_done / sweep.plan.options.runs)
    st.progress(share, text=progress_line(sweep, runs))
    _show_go_on(workspace, sweep)
    _show_reason(sweep)


def search_words(sweep: Sweep) -> str:
    """Return how a sweep searches: `TPE, Median pruner, 2 seeds each`."""
    options = sweep.plan.options
    words = [{"tpe": "TPE", "random": "random search", "grid": "grid"}[options.sampler]]
    if options.pruner != "none":
        words.append(f"{options.pruner} pruner")
    if options.seeds > 1:
        words.append(f"{options.seeds} seeds each")
    return ", ".join(words)


def progress_line(sweep: Sweep, runs: Sequence[Run]) -> str:
    """Return how far a sweep is: `12 of 30 runs done, 2 of them pruned, 1 failed · 2 training · 3 to 5 min left`."""
    states = [run.status for trial in sweep.trials for run in trial.runs]
    early = [f"{states.count(word)} {word}" for word in ("pruned", "failed", "stopped") if word in states]
    done = f"{sweep.runs_done:,} of {counted(sweep.plan.options.runs, 'run')} done"
    parts = [f"{done}, {', '.join(early).replace(' ', ' of them ', 1)}" if early else done]
    under_way = _UNDER_WAY if sweep.active else {"waiting": "begun"}
    parts += [f"{states.count(word)} {title}" for word, title in under_way.items() if word in states]
    left = sweep_time_left(sweep, runs)
    if left is not None:
        parts.append(f"{range_words(left.low, left.high)} left")
    return " · ".join(parts)


def _show_reason(sweep: Sweep) -> None:
    """Show why a sweep is not finished, and how its owner failed."""
    if sweep.reason:
        show = {"failed": st.error, "stopped": st.info}.get(sweep.status, st.warning)
        show(escaped_sentence(sweep.reason), icon=":material/info:")


def _show_stop(workspace: Workspace, sweep: Sweep) -> None:
    """Show Stop, and once it has ended how; nothing of a sweep that had ended before the person came.

    No other button takes its place, so that a click on Stop never starts or deletes anything.
    """
    seen: dict[str, int] = st.session_state.setdefault(_SEEN_KEY, {})
    if sweep.active:
        seen[sweep.id] = current_visit()
    if seen.get(sweep.id) == current_visit():
        show_stop_button(workspace, sweep, f"sweep_stop_{sweep.id}")


def _show_go_on(workspace: Workspace, sweep: Sweep) -> None:
    """Show what is varied, and of a sweep that has ended Resume, where something is left, and Delete."""
    with st.container(horizontal=True, vertical_alignment="center"):
        varied = escaped("; ".join(map(dimension_words, sweep.plan.space)), 2000)
        st.markdown(f":small[Varied: {varied}.]", width="stretch")
        if sweep.active:
            return
        if sweep.status != "finished":
            st.button(
                "Resume",
                key=f"sweep_resume_{sweep.id}",
                type="primary",
                icon=":material/play_arrow:",
                help="Paused and interrupted runs go on from their checkpoints, then the rest of the plan.",
                disabled=not has_optuna(),
                width=END_WIDTH,
                on_click=_resume,
                args=(workspace, sweep.id),
            )
        show_delete_button(workspace, sweep)


def _resume(workspace: Workspace, sweep_id: str) -> None:
    """Resume a sweep, unless another tab or the click before has done so."""
    with show_errors_as_toast():
        if not read_sweep(workspace, sweep_id).active:
            resume_sweep(workspace, sweep_id)
