"""The datasets as cards: what is here, how to get the rest, and the progress of what is being fetched or imported.

Getting data is a process of its own; these widgets start it and read its state from the disk, so a reload loses nothing.
"""

from typing import Any, Literal

import streamlit as st

from cifar_core.data import (
    DatasetState,
    JobState,
    cancel_job,
    delete_dataset,
    dismiss_job,
    list_datasets,
    read_job,
    start_get,
    start_import,
)
from cifar_core.errors import CifarCoreError
from cifar_core.limits import require_upload
from cifar_core.storage.atomic import temp_beside, write_atomic
from cifar_core.text import clock, size_text
from cifar_core.workspace import Workspace
from pages.ui.frame import guard
from pages.ui.redraw import draw_anew
from pages.ui.text import clean, plain, sentence
from pages.ui.upload import upload_limit
from pages.ui.upload_room import drop_uploads, field_key
from pages.ui.visitors import is_shared, typed_path
from pages.ui.words import Colour

ButtonKind = Literal["primary", "secondary"]
TICK = 1.0  # seconds between looks at a running job
GET = {"drawn10": ("Generate", ":material/brush:"), "cifar10": ("Download", ":material/download:")}
STATES: dict[str, tuple[str, Colour, str]] = {
    "ready": ("ready", "green", ":material/check_circle:"),
    "absent": ("not here yet", "gray", ":material/cloud_off:"),
    "preparing": ("preparing", "blue", ":material/hourglass_top:"),
    "failed": ("failed", "red", ":material/error:"),
    "broken": ("broken", "red", ":material/error:"),
}
ARCHIVES = ["zip", "tar", "gz", "tgz", "xz"]


def show_datasets(workspace: Workspace) -> list[DatasetState]:
    """A card for each dataset and one for importing; redrawn every second while something is being prepared."""
    states = list_datasets(workspace)
    busy = [state.name for state in states if state.state == "preparing"]

    def look() -> None:
        now = list_datasets(workspace)
        if [state.name for state in now if state.state == "preparing"] != busy:
            draw_anew()
        with st.grid("auto", min_column_width=300):
            for state in now:
                with st.container(border=True, height="stretch"):
                    _card(workspace, state, primary=not any(other.state == "ready" for other in now))

    st.fragment(look, run_every=TICK if busy else None)()
    return states


def heading(state: DatasetState) -> str:
    """A dataset's title, and below it its name where that is another."""
    return f"**{plain(state.title)}**" + (f"  \n`{state.name}`" if state.name != state.title else "")


def show_import(workspace: Workspace) -> None:
    """A copy that the person has: a path on this machine, or an archive through the browser."""
    with st.expander("Import pictures you have", icon=":material/drive_folder_upload:"):
        st.markdown(
            "A folder, .zip or .tar (.gz, .xz) of `train/<class>/*` and `test/<class>/*` pictures, "
            "or the official CIFAR-10 archive. All of it is imported, or nothing, as you say below."
        )
        with st.form("data_import", border=False, enter_to_submit=False):
            name = st.text_input(
                "Name",
                key="data_import_name",
                placeholder="my-pictures",
                max_chars=64,
                help="Small letters, digits and hyphens.",
            )
            where = (
                ("Path in the workspace", "data/pictures.zip")
                if is_shared()
                else ("Path on this machine", "/home/me/pictures.zip")
            )
            path = st.text_input(where[0], key="data_import_path", placeholder=where[1])
            upload = st.file_uploader("or an archive from your browser", ARCHIVES, key=field_key("data_import_file"),
                                      max_upload_size=upload_limit(workspace))  # fmt: skip
            leave_out = st.toggle("Leave out files that cannot be used", key="data_import_leave_out",
                                  help="Import the rest and list them; else one such file refuses the whole.")  # fmt: skip
            asked = st.form_submit_button("Import", icon=":material/drive_folder_upload:", key="data_import_start")
    if asked:
        with guard():
            _import(workspace, name.strip(), path.strip(), upload, leave_out=leave_out)


def _import(workspace: Workspace, name: str, path: str, upload: Any, *, leave_out: bool) -> None:
    if upload is not None:
        require_upload(workspace, upload.size, clean(upload.name))  # the browser may not have looked
        source = temp_beside(workspace.data / "upload")  # swept if this server dies before the import begins
        write_atomic(source, upload.getbuffer())
        try:
            start_import(workspace, source, name, remove_source=True, shown=clean(upload.name), leave_out=leave_out)
        except CifarCoreError:
            source.unlink(missing_ok=True)
            raise
        drop_uploads()  # it is on the disk now
    elif path:
        start_import(workspace, typed_path(workspace, path), name, leave_out=leave_out)
    else:
        st.warning("Give a path, or choose an archive.", icon=":material/info:")
        return
    st.rerun()


def _card(workspace: Workspace, state: DatasetState, *, primary: bool) -> None:
    job = read_job(workspace, state.name)
    failed = job is not None and job.state == "failed" and state.state == "absent"
    word, colour, icon = STATES["failed" if failed else state.state]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(heading(state), width="stretch")
        st.badge(word, color=colour, icon=icon)
    st.caption(sentence(state.description))
    if state.state == "preparing":
        _progress(workspace, state, job)
        return
    if state.state == "ready":
        st.markdown(f"{state.classes} classes · {state.train:,} train · {state.test:,} test · {size_text(state.bytes)}")
    else:
        if state.problem or (job is not None and failed):
            st.error(sentence(state.problem or (job.error if job else "")), icon=":material/error:")
        if state.state == "absent":
            st.markdown(sentence(state.how))
    _report(job)
    _buttons(workspace, state, primary=primary)
    if failed and st.button("Dismiss", key=f"data_forget_{state.name}", icon=":material/close:", type="tertiary"):
        with guard():
            dismiss_job(workspace, state.name)
            st.rerun()


def _buttons(workspace: Workspace, state: DatasetState, *, primary: bool) -> None:
    with st.container(horizontal=True):
        if state.state == "absent" and state.name in GET:  # what is broken is deleted first
            label, icon = GET[state.name]
            kind: ButtonKind = "primary" if primary and state.name == "drawn10" else "secondary"
            if st.button(label, key=f"data_get_{state.name}", icon=icon, type=kind):
                with guard():
                    start_get(workspace, state.name)
                    st.rerun()
        if state.state in ("ready", "broken"):
            with st.popover("Delete", icon=":material/delete:", type="tertiary", key=f"data_delete_{state.name}"):
                st.markdown(
                    f"Delete `{state.name}` from this machine ({size_text(state.bytes)})? {sentence(state.how)}"
                )
                if st.button("Delete the pictures", key=f"data_delete_{state.name}_sure"):
                    with guard():
                        delete_dataset(workspace, state.name)
                        st.rerun()


def _progress(workspace: Workspace, state: DatasetState, job: JobState | None) -> None:
    if job is None or job.state != "running":  # a training run makes it, or the job is just beginning
        st.progress(0.0, text="Preparing…")
        return
    if job.total <= 0:
        st.progress(0.0, text=f"{job.phase}…")
    else:
        amount = size_text(job.done) if job.unit == "bytes" else f"{job.done:,}"
        whole = size_text(job.total) if job.unit == "bytes" else f"{job.total:,} {job.unit}"
        left = f" · {clock(job.seconds_left)} left" if job.seconds_left is not None else ""
        st.progress(min(1.0, job.done / job.total), text=f"{job.phase} · {amount} of {whole}{left}")
    if st.button("Cancel", key=f"data_cancel_{state.name}", icon=":material/close:"):
        with guard():
            cancel_job(workspace, state.name)


def _report(job: JobState | None) -> None:
    """What an import left out, file by file."""
    if job is not None and job.report:
        with st.expander(f"Import report · {len(job.report)} lines"):
            st.code("\n".join(job.report), language=None, height=200)
