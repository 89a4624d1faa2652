"""The form that imports the predictions of a person's own model for a dataset that is here, and what became of them.

The only lasting write is the imported run. The session keeps the outcome of the last import; the URL says for which
dataset the form is open (`import=drawn10`), so that other pages lead to it.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

import streamlit as st
from streamlit.typing import UploadedFile

from cifar_core.data import DatasetState, list_datasets
from cifar_core.errors import CifarCoreError
from cifar_core.export import prediction_template
from cifar_core.limits import require_upload
from cifar_core.runs import import_predictions, read_run
from cifar_core.runs.run import MAX_RUN_NAME
from cifar_core.storage.atomic import temp_beside, write_atomic
from cifar_core.text import counted
from cifar_core.workspace import Workspace
from pages.ui.caches import load_dataset
from pages.ui.compare.links import show_compare_link
from pages.ui.components.scroll_here import ask_to_scroll, scroll_here
from pages.ui.error_messages import show_errors
from pages.ui.markdown import escaped, escaped_sentence, single_line
from pages.ui.run_focus import focus_on, show_result_links
from pages.ui.runs.import_link import ADDRESS, ICON, TITLE
from pages.ui.server.access import current_person
from pages.ui.server.upload_quota import drop_uploads, upload_field_key, upload_limit_mb
from pages.ui.url_state import free_text, url_to_widgets, widgets_to_url
from pages.ui.wording import accuracy_interval, percent

ENDINGS = ["csv", "npz", "parquet"]
_PAGE = "predictions"  # prefix of the widget keys
_DATASET_KEY = f"{_PAGE}_{ADDRESS}"
_BOX_KEY = f"{_PAGE}_box"
_OUTCOME_KEY = f"{_PAGE}_came"  # session: the `_Outcome` of the last import
_OUTCOME_ROOM = 150  # height in CSS pixels of what is said of an import, with the links


@dataclass
class _Outcome:
    """The outcome of an import. A second click draws the page again while the first one is at work, hence the lock."""

    file: str = ""  # id of the upload
    run: str = ""  # id of the run; empty where the file was refused
    message: str = ""
    shown: bool = True  # whether the page has been drawn since
    lock: threading.Lock = field(default_factory=threading.Lock)


def show_prediction_import(workspace: Workspace) -> None:
    """Show the form, folded unless the URL asks for it. The same file is imported once for each click on Import."""
    ready = [state for state in list_datasets(workspace) if state.state == "ready" and state.test]
    parameters = {ADDRESS: free_text()}
    url_to_widgets(_PAGE, parameters)
    if st.session_state[_DATASET_KEY] and _BOX_KEY not in st.session_state:  # a link leads here
        st.session_state[_BOX_KEY] = True
        ask_to_scroll(_PAGE)
    with st.container(gap=None):
        scroll_here(_PAGE)
        box = st.expander(TITLE, icon=ICON, key=_BOX_KEY, on_change=_on_fold)
    if box.open:
        with box, show_errors():
            _show_form(workspace, ready)
    widgets_to_url(_PAGE, parameters)


def _on_fold() -> None:
    """A folded form is in no URL."""
    if not st.session_state[_BOX_KEY]:
        st.session_state[_DATASET_KEY] = ""


def _show_form(workspace: Workspace, ready: Sequence[DatasetState]) -> None:
    st.markdown(
        "Whatever program your model was made with: bring its probabilities for the test pictures of a dataset that "
        "is here, and look at its confusion, its mistakes and its calibration, and compare it with other runs. "
        "The file is a CSV, NPZ or Parquet with a row for each test picture, named by `id` or `index`, and a column "
        "for each class, such as `p_cat` with probabilities, or `logit_cat`.",
        help="On the command line: `predictions import FILE --dataset NAME --name NAME`.",
    )
    if not ready:
        st.markdown("There is no dataset here yet: predictions are of the pictures of one.")
        st.page_link("pages/data.py", label="Get or import pictures", icon=":material/photo_library:")
        return
    outcome: _Outcome = st.session_state.setdefault(_OUTCOME_KEY, _Outcome())
    dataset = _show_dataset(workspace, ready)
    place = st.empty()
    with place.container(), st.form(f"{_PAGE}_form", border=False):
        name, upload, asked = _show_file_fields(workspace)
    if asked and upload is not None:
        # The field is removed meanwhile, because a file given to it now would be lost.
        with place, st.spinner("Checking every row…"), outcome.lock:
            if outcome.file != upload.file_id:
                _import(workspace, upload, dataset, name, outcome)
    if not outcome.shown:
        if outcome.run:
            focus_on(outcome.run)
        outcome.shown = True
        ask_to_scroll(_OUTCOME_KEY)
        st.rerun()
    if outcome.message and (not outcome.run or (workspace.runs / outcome.run).is_dir()):  # else it was deleted since
        _show_outcome(outcome)
    elif asked:
        st.warning("Choose a file first.", icon=":material/info:")


def _show_dataset(workspace: Workspace, ready: Sequence[DatasetState]) -> str:
    """Show the choice of the dataset with what the file must hold for it; return its name."""
    states = {state.name: state for state in ready}
    if st.session_state[_DATASET_KEY] not in states:
        st.session_state[_DATASET_KEY] = next(iter(states))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(
            "Dataset",
            list(states),
            key=_DATASET_KEY,
            width=300,
            format_func=lambda name: " · ".join(dict.fromkeys((name, single_line(states[name].title)))),
        )
        st.download_button(
            "Template (CSV)",
            lambda: prediction_template(load_dataset(workspace, name)),
            f"{name}-template.csv",
            "text/csv",
            key=f"{_PAGE}_template",
            icon=":material/download:",
            on_click="ignore",
            help=f"The ids of the {counted(states[name].test, 'test picture')} and an empty column for each class: "
            "fill in the probabilities.",
        )
        with st.popover("How to write it", icon=":material/code:", key=f"{_PAGE}_how"):
            _show_example(name, load_dataset(workspace, name).class_names, states[name].test)
    return name


def _show_example(name: str, class_names: Sequence[str], count: int) -> None:
    """Show the few lines of Python that write such a file."""
    st.markdown(
        f"`probs` has {count:,} rows, the test pictures in the order of the template, and {len(class_names)} columns, "
        "its classes; each row adds up to 1. With logits, begin the columns with `logit_` in place of `p_`. A `.npy` "
        "or `.pt` file does not say of which pictures it is: the last line makes an NPZ of it."
    )
    st.code(
        "import numpy as np\nimport pandas as pd\n\n"
        f'table = pd.read_csv("{name}-template.csv")\n'
        "table.iloc[:, 2:] = probs\n"
        'table.to_csv("my-model.csv", index=False)\n\n'
        "# or as NPZ, without the template, here from logits of PyTorch\n"
        f'np.savez("my-model.npz", index=np.arange({count}), logits=logits.cpu().numpy())',
        language="python",
    )
    st.caption("The pictures themselves: Export on the Data page, where the number in a file's name is the `index`.")


def _show_file_fields(workspace: Workspace) -> tuple[str, UploadedFile | None, bool]:
    """Show the fields for the file and the name; return what they hold, and whether Import was pressed."""
    upload = st.file_uploader(
        "File with predictions",
        ENDINGS,
        key=upload_field_key(f"{_PAGE}_file"),
        max_upload_size=upload_limit_mb(workspace),
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input(
            "Name of the model",
            key=f"{_PAGE}_name",
            max_chars=MAX_RUN_NAME,
            placeholder="that of the file",
            width=300,
            help="What it is called in lists. It can be changed later.",
        )
        asked = st.form_submit_button("Import predictions", icon=ICON, key=f"{_PAGE}_start")
    return name, upload, asked


def _import(workspace: Workspace, upload: UploadedFile, dataset: str, name: str, outcome: _Outcome) -> None:
    """Import predictions, or say why not; the file does not stay in memory either way."""
    shown = single_line(upload.name)
    source = temp_beside(workspace.runs / "upload")  # a temporary name is cleaned up even if this server dies
    try:
        require_upload(workspace, upload.size, shown)  # checked here too, because a browser may not have checked it
        write_atomic(source, upload.getbuffer())
        name = name.strip() or single_line(PurePath(upload.name).stem, MAX_RUN_NAME)
        came = import_predictions(workspace, source, dataset, name, shown=shown, person=current_person())
        outcome.run, outcome.message = came.run, _words(workspace, came.run)
    except CifarCoreError as error:
        outcome.run, outcome.message = "", escaped_sentence(error)
    finally:
        source.unlink(missing_ok=True)
    outcome.file, outcome.shown = upload.file_id, False
    drop_uploads()


def _words(workspace: Workspace, run_id: str) -> str:
    """Return what was imported, as Markdown: the accuracy with its interval and n, and what was noted of the file."""
    run = read_run(workspace, run_id)
    accuracy, n = (run.best.test_accuracy if run.best else None), (run.dataset.test if run.dataset else 0)
    interval = accuracy_interval(run, accuracy or 0.0)
    head = (
        f"**{escaped(run.name)}** is here now: {percent(accuracy)} of {counted(n, 'test picture')} of "
        f"{escaped(run.config.data.dataset)} right{f' ({interval})' if interval else ''}."
    )
    return " ".join([head, *map(escaped_sentence, run.warnings)])


def _show_outcome(outcome: _Outcome) -> None:
    """Show what was imported and where to look at it, or why nothing was."""
    with st.container(gap="xsmall"):
        scroll_here(_OUTCOME_KEY, _OUTCOME_ROOM)
        if not outcome.run:
            st.error(outcome.message, icon=":material/error:")
            return
        st.success(outcome.message, icon=":material/check_circle:")
        with st.container(horizontal=True, gap="medium"):
            show_result_links(outcome.run, "confusion", "misclassified", "trust")
            show_compare_link(outcome.run)
