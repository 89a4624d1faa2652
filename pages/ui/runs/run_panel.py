"""What can be done with a run that is ticked in the table: open, rename, note, go on with it, export, delete."""

import streamlit as st

from cifar_core.runs import Run, group_of, network_missing, note_run, read_run, rename_run, seed_groups
from cifar_core.runs.run import MAX_NOTE, MAX_RUN_NAME
from cifar_core.workspace import Workspace
from pages.ui.compare.links import show_compare_link
from pages.ui.error_messages import show_errors
from pages.ui.markdown import escaped, escaped_sentence, single_line
from pages.ui.run_focus import show_result_links
from pages.ui.runs.delete_and_restore import show_delete_button
from pages.ui.runs.disk_space import show_disk_space
from pages.ui.runs.export_import import show_export_button
from pages.ui.runs.seeds import show_seed_group
from pages.ui.runs.ticked_runs import tick_all
from pages.ui.saved_views.run_answers import show_run_answers
from pages.ui.sweep.sweep_link import show_sweep_link
from pages.ui.train.run_buttons import show_go_on_buttons
from pages.ui.train.run_settings import show_run_settings
from pages.ui.wording import origin_words, source_words

MAX_PANELS = 5  # of ticked runs
_SAVED_KEY = "runs_saved"  # session: id of the run whose name or note was just saved, and what was, in words


def show_run_panels(workspace: Workspace, ticked: list[Run], runs: list[Run]) -> None:
    """Show what can be done with the ticked runs: the last one open, those before it folded.

    Args:
        workspace: where.
        ticked: in the order of the ticks.
        runs: all runs, as the page is drawn.
    """
    *before, last = ticked
    with st.container(border=True):
        _show_panel(workspace, last, runs)
    folded = before[:-MAX_PANELS:-1]
    for run in folded:
        with st.expander(escaped(run.name), key=f"runs_panel_{run.id}"):
            _show_panel(workspace, run, runs)
    if len(before) > len(folded):
        st.caption(f"and {len(before) - len(folded)} more; the {MAX_PANELS} ticked last are shown")


def _show_panel(workspace: Workspace, run: Run, runs: list[Run]) -> None:
    """Show the links, name and note, buttons and settings of one run, as far as it has them."""
    if run.problem:
        st.error(escaped_sentence(run.problem), title="This run cannot be read", icon=":material/broken_image:")
    _show_head(workspace, run)
    if run.error and not run.problem:
        st.caption(f":material/error: {escaped_sentence(run.error)}")
    if not run.problem:
        _show_seeds(run, runs)
        _show_name_and_note(workspace, run)
    if not run.has_network:
        st.caption(f":material/info: {escaped_sentence(network_missing(run))}")
    if show_go_on_buttons(workspace, run, runs, "runs"):  # what ends a run is in the box above, which is redrawn
        st.rerun()
    if not run.active:
        with st.container(horizontal=True, vertical_alignment="center"):
            show_export_button(workspace, run)
            show_disk_space(workspace, run)
            show_delete_button(workspace, run)
    if run.best is not None and not run.problem and not run.active:
        show_run_answers(workspace, run)
    if not run.problem and run.has_network:
        with st.expander("Settings", icon=":material/tune:", key=f"runs_settings_{run.id}"):
            show_run_settings(run)


def _show_head(workspace: Workspace, run: Run) -> None:
    """Show the name of a run, where it came from, and the ways to the pages about it."""
    with st.container(horizontal=True, vertical_alignment="center"):
        identifier = f" `{run.id}`" if run.name != run.id else ""
        st.markdown(f"**{escaped(run.name)}**{identifier}{_origin(run)}", width="stretch")
        show_sweep_link(workspace, run)
        if not run.problem and run.has_network:
            st.page_link(
                "pages/train.py",
                label="Curves and settings",
                icon=":material/show_chart:",
                query_params={"run": run.id, "view": "Watch"},
            )
        if run.best is not None:
            show_result_links(run.id)
            show_compare_link(run.id)


def _show_seeds(run: Run, runs: list[Run]) -> None:
    """Show what the repeats of a run have reached, and the way to all of them."""
    group = group_of(seed_groups(runs), run.id)
    if group is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        show_seed_group(group, run)
        st.button(
            f"Tick its {len(group.runs)} runs",
            key=f"runs_tick_group_{run.id}",
            type="tertiary",
            icon=":material/select_all:",
            on_click=tick_all,
            args=([each.id for each in reversed(group.runs)],),
        )


def _origin(run: Run) -> str:
    """Return what a run came from: its sweep, run, import or .zip; and the cluster where it trains."""
    parts = [words] if (words := origin_words(run)) else []
    parts += [] if run.has_network else [escaped(source_words(run))]
    parts += [f"on {escaped(run.place.words)}"] if run.is_elsewhere else []
    parts += ["imported from a .zip"] if run.from_zip else []
    return "".join(f" · {part}" for part in parts)


def _show_name_and_note(workspace: Workspace, run: Run) -> None:
    with (
        st.form(f"runs_about_{run.id}", border=False, enter_to_submit=True),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        name = st.text_input(
            "Name", single_line(run.name, MAX_RUN_NAME), key=f"runs_name_{run.id}", max_chars=MAX_RUN_NAME, width=260
        )
        note = st.text_input(
            "Note",
            single_line(run.note, MAX_NOTE),
            key=f"runs_note_{run.id}",
            max_chars=MAX_NOTE,
            width="stretch",
            placeholder="What did you want to find out?",
        )
        asked = st.form_submit_button("Save", icon=":material/save:", key=f"runs_save_{run.id}")
    if asked:
        with show_errors():
            rename_run(workspace, run.id, "" if name.strip() == run.id else name)
            note_run(workspace, run.id, note)
            st.session_state[_SAVED_KEY] = run.id, _saved_words(run, read_run(workspace, run.id))
            st.rerun()
    saved_id, words = st.session_state.get(_SAVED_KEY, ("", ""))
    if saved_id == run.id:
        del st.session_state[_SAVED_KEY]
        st.success(words, icon=":material/check_circle:")


def _saved_words(before: Run, now: Run) -> str:
    """Return what was saved, in words, from the run as it was and as it is."""
    changes = [f"{escaped(before.name)} is now **{escaped(now.name)}**"] if now.name != before.name else []
    if now.note != before.note:
        changes.append("the note is kept" if now.note else "the note is gone")
    return f"Saved: {' and '.join(changes)}." if changes else "Nothing was changed."
