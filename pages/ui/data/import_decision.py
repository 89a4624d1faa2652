"""What a look inside a source has found, or why its import was refused, and the buttons that import it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np
import pandas as pd
import streamlit as st

from cifar_core.data import (
    FIT_TITLES,
    MAX_SEED,
    MAX_TEST_SHARE,
    MIN_TEST_SHARE,
    DatasetState,
    Findings,
    ImportOptions,
    continue_import,
    counts_of_test,
    dataset_job,
    forget_import,
    open_import,
    read_findings,
    unfinished_import,
)
from cifar_core.data.preparation import DataRequest
from cifar_core.errors import CifarCoreError
from cifar_core.text import counted
from cifar_core.workspace import Workspace
from pages.ui.error_messages import show_errors
from pages.ui.markdown import escaped, escaped_sentence

_LINES_SHOWN = 5  # of a list of sentences; more of them scroll
_LINES_HEIGHT = 220  # screen pixels
_ROWS_SHOWN = 7  # classes; more of them scroll
_TABLE_HEIGHT = 288  # screen pixels
_FIT_HELP = (
    "The network sees 32 x 32 pixels. **Central square** cuts the rest away: right where the subject is in the middle, "
    "as in most photographs. **Whole picture with borders** keeps everything, smaller and between black borders: right "
    "where the subject reaches the edges. **Stretched** keeps everything and fills the square, but changes shapes: "
    "right where shapes say little, as in textures, or where all pictures have about the same shape."
)


def show_import_decision(workspace: Workspace, state: DatasetState) -> None:
    """Show what was found for a dataset that is not imported yet, and what can be done about it."""
    request, findings = open_import(workspace, state.name), read_findings(dataset_job(workspace, state.name))
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{escaped(state.name)}**", width="stretch")
            if state.problem:
                st.badge("failed", color="red", icon=":material/error:")
            else:
                st.badge("ready to import", color="blue", icon=":material/search:")
        if state.problem:
            st.error(escaped_sentence(state.problem), icon=":material/error:")
        elif unfinished := unfinished_import(workspace, state.name):
            st.info(escaped_sentence(unfinished), icon=":material/hourglass_bottom:")
        with show_errors():
            if request is None:
                _show_dismiss(workspace, state.name)
            elif findings.encodings:
                _ask_for_encoding(workspace, state.name, request, findings)
            else:
                _show_findings(workspace, state, request, findings)


def show_lines(lines: list[str]) -> None:
    """Show sentences that may hold any name, one a line; many of them scroll."""
    height: int | Literal["content"] = _LINES_HEIGHT if len(lines) > _LINES_SHOWN else "content"
    st.code("\n".join(lines), language=None, wrap_lines=True, height=height)


def _show_findings(workspace: Workspace, state: DatasetState, request: DataRequest, findings: Findings) -> None:
    name, options = state.name, request.options
    left, right = st.columns([3, 2]) if findings.classes else (st.container(), None)
    with left:
        for sentence in findings.sentences:
            st.markdown(escaped_sentence(sentence))
        if findings.problem_count:
            with st.expander(f"{counted(findings.problem_count, 'file')} cannot be used", icon=":material/warning:"):
                show_lines(findings.problems)
        if findings.flat:
            options = _ask_for_test_part(name, options)
        if findings.classes:
            options = _ask_for_fit(name, options)
        counts, problem = _class_counts(findings, options)
        if problem:
            st.warning(escaped_sentence(problem), icon=":material/warning:")
        with st.container(horizontal=True):
            _show_import_buttons(workspace, state, request, findings, options, disabled=bool(problem))
            _show_dismiss(workspace, name)
    if right is not None:
        right.dataframe(
            counts,
            hide_index=True,
            height="content" if len(counts) <= _ROWS_SHOWN else _TABLE_HEIGHT,
            alt="Files of each class in each part",
        )


def _ask_for_test_part(name: str, options: ImportOptions) -> ImportOptions:
    with st.container(horizontal=True):
        share = st.slider(
            "Share of the test part",
            MIN_TEST_SHARE,
            MAX_TEST_SHARE,
            min(MAX_TEST_SHARE, max(MIN_TEST_SHARE, options.share)),
            0.01,
            key=f"data_share_{name}",
            width=260,
            help="Of each class this share is drawn for the test; at least one picture stays for training.",
        )
        seed = st.number_input(
            "Seed", 0, MAX_SEED, min(MAX_SEED, max(0, options.seed)), key=f"data_seed_{name}", width=140
        )
    return replace(options, test_share=share, seed=int(seed))


def _ask_for_fit(name: str, options: ImportOptions) -> ImportOptions:
    # A segmented control would hide what does not fit into a narrow column.
    fit = st.radio(
        "Pictures that are not square",
        list(FIT_TITLES),
        list(FIT_TITLES).index(options.fit),
        horizontal=True,
        format_func=lambda item: FIT_TITLES[item].capitalize(),
        key=f"data_fit_{name}",
        help=_FIT_HELP,
    )
    return replace(options, fit=fit)


def _class_counts(findings: Findings, options: ImportOptions) -> tuple[pd.DataFrame, str]:
    """Return the files of each class in each part, and a sentence where no test part can be drawn."""
    train, test, problem = np.array(findings.train), np.array(findings.test), ""
    if findings.flat:
        try:
            test = counts_of_test(train, options.share, options.seed)
        except CifarCoreError as error:
            problem = str(error)
        train = train - test
    columns = {"class": findings.classes, "train": train}
    if any(findings.valid):
        columns["validation"] = findings.valid
    return pd.DataFrame({**columns, "test": test}), problem


def _show_import_buttons(
    workspace: Workspace,
    state: DatasetState,
    request: DataRequest,
    findings: Findings,
    options: ImportOptions,
    *,
    disabled: bool,
) -> None:
    name, refused = state.name, findings.problem_count > 0
    rest = replace(options, leave_out=refused)
    if findings.usable or (findings.sentences and not findings.classes):
        label = f"Import the other {findings.usable:,}" if refused else "Import"
        _action(
            label,
            f"data_take_{name}",
            ":material/download_done:",
            lambda: continue_import(workspace, name, rest),
            primary=True,
            disabled=disabled,
        )
    if request.options.encoding and state.state == "found":
        _action(
            "Read the names differently",
            f"data_reread_{name}",
            ":material/translate:",
            lambda: continue_import(workspace, name, replace(options, encoding=""), look=True),
        )
    if (not request.is_upload and (state.problem or refused)) or not findings.sentences:
        _action(
            "Look again",
            f"data_look_{name}",
            ":material/restart_alt:",
            lambda: continue_import(workspace, name, options, look=True),
        )


def _ask_for_encoding(workspace: Workspace, name: str, request: DataRequest, findings: Findings) -> None:
    """Ask in which encoding the names of a zip are right."""
    st.markdown("The zip does not say how its names are encoded. Choose the reading that is right:")
    examples = dict(zip(findings.encodings, findings.examples, strict=True))
    encoding = st.radio(
        "Names",
        findings.encodings,
        format_func=lambda item: f"{escaped(examples[item])} ({item})" if examples[item] else item,
        key=f"data_names_{name}",
        label_visibility="collapsed",
    )
    options = replace(request.options, encoding=encoding)
    with st.container(horizontal=True):
        _action(
            "Read the names so",
            f"data_read_{name}",
            ":material/check:",
            lambda: continue_import(workspace, name, options, look=True),
            primary=True,
        )
        _show_dismiss(workspace, name)


def _show_dismiss(workspace: Workspace, name: str) -> None:
    _action("Dismiss", f"data_forget_{name}", ":material/close:", lambda: forget_import(workspace, name))


def _action(
    label: str, key: str, icon: str, do: Callable[[], None], *, primary: bool = False, disabled: bool = False
) -> None:
    kind: Literal["primary", "tertiary"] = "primary" if primary else "tertiary"
    if st.button(label, key=key, icon=icon, type=kind, disabled=disabled):
        do()
        st.rerun()
