"""What can be done with one run that is selected in the table: open, rename, note, stop, retry, export, delete."""

import streamlit as st

from cifar_core.runs import Run, note_run, rename_run
from cifar_core.runs.run import MAX_NOTE, MAX_RUN_NAME
from cifar_core.workspace import Workspace
from pages.ui.error_messages import show_errors
from pages.ui.markdown import escaped, escaped_sentence, single_line
from pages.ui.runs.delete_and_restore import show_delete_button
from pages.ui.runs.disk_space import show_disk_space
from pages.ui.runs.export_import import show_export_button
from pages.ui.train.run_buttons import show_go_on_buttons


def show_run_panel(workspace: Workspace, run: Run, runs: list[Run]) -> None:
    """Show the links, buttons, name and note of one run."""
    with st.container(border=True):
        if run.problem:
            st.error(escaped_sentence(run.problem), title="This run cannot be read", icon=":material/broken_image:")
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{escaped(run.name)}** `{run.id}`{_origin(run)}", width="stretch")
            if not run.problem:
                _show_link("train", "Curves and settings", ":material/show_chart:", run)
            if run.best is not None:
                _show_link("confusion", "What it confuses", ":material/grid_on:", run)
                _show_link("misclassified", "Its mistakes", ":material/rule:", run)
        if show_go_on_buttons(workspace, run, runs, "runs"):  # what ends a run is in the box above, which is redrawn
            st.rerun()
        with st.container(horizontal=True, vertical_alignment="center"):
            if not run.active:
                show_export_button(workspace, run)
                show_disk_space(workspace, run)
                show_delete_button(workspace, run)
        if not run.problem:
            _show_name_and_note(workspace, run)


def _origin(run: Run) -> str:
    """Return which run it was made from, and whether it was imported."""
    parts = [f"made from {escaped(run.parent)}"] if run.parent else []
    parts += ["imported"] if run.imported else []
    return "".join(f" · {part}" for part in parts)


def _show_link(page: str, label: str, icon: str, run: Run) -> None:
    st.page_link(
        f"pages/{page}.py",
        label=label,
        icon=icon,
        query_params={"run": run.id, "view": "Watch"} if page == "train" else {"run": run.id},
    )


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
            st.rerun()
