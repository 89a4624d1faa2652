"""The card of a dataset: what is known of it, the words that a person gives it, and its download."""

import datetime
from collections.abc import Callable

import streamlit as st

from cifar_core.data import Dataset
from cifar_core.data.checks.about import (
    MAX_DESCRIPTION,
    MAX_LICENCE,
    MAX_SOURCE,
    DatasetAbout,
    read_about,
    write_about,
)
from cifar_core.data.checks.card import CardSection, card_sections, card_title, dataset_card, dataset_card_html
from cifar_core.data.checks.check import DatasetCheck
from cifar_core.workspace import Workspace
from pages.ui.error_messages import show_errors
from pages.ui.markdown import escaped, escaped_sentence

_ROWS_SHOWN = 12  # classes; more of them scroll
_TABLE_HEIGHT = 460  # screen pixels


def show_card(workspace: Workspace, dataset: Dataset, check: DatasetCheck) -> None:
    """Show the card with its downloads, and the form for the words of a person."""
    about = DatasetAbout()
    with show_errors():
        about = read_about(workspace, dataset.name)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(escaped(card_title(dataset)), anchor=False, width="stretch")
        _show_download(dataset, "Markdown", "md", "text/markdown", lambda: dataset_card(dataset, check, about))
        _show_download(dataset, "HTML", "html", "text/html", lambda: dataset_card_html(dataset, check, about))
    _show_form(workspace, dataset.name, about)
    for section in card_sections(dataset, check, about, datetime.date.today()):
        _show_section(section)


def _show_section(section: CardSection) -> None:
    st.markdown(f"##### {section.title}")
    for text in section.sentences:
        # Two spaces and a line feed break a line in Markdown.
        st.markdown("  \n".join(map(escaped_sentence, text.split("\n"))))
    if section.table is not None:
        st.dataframe(
            section.table,
            hide_index=True,
            height="content" if len(section.table) <= _ROWS_SHOWN else _TABLE_HEIGHT,
            width="content",
            alt=section.title,
            column_config={
                part: st.column_config.NumberColumn(format="localized") for part in section.table.columns[1:]
            },
        )


def _show_download(dataset: Dataset, label: str, ending: str, kind: str, make: Callable[[], str]) -> None:
    st.download_button(
        label,
        make,
        f"{dataset.name}-card.{ending}",
        kind,
        key=f"data_card_{ending}",
        icon=":material/download:",
        on_click="ignore",
    )


def _show_form(workspace: Workspace, name: str, about: DatasetAbout) -> None:
    with st.expander("Edit description, source and licence", icon=":material/edit:"):
        with st.form(f"data_about_{name}", border=False):
            description = st.text_area(
                "Description",
                about.description,
                key=f"data_description_{name}",
                max_chars=MAX_DESCRIPTION,
                placeholder="What is on the pictures? Who made them, when and what for? What are they no good for?",
            )
            source = st.text_area(
                "Source",
                about.source,
                key=f"data_source_{name}",
                max_chars=MAX_SOURCE,
                height=68,
                placeholder="Where do they come from?",
            )
            licence = st.text_area(
                "Licence",
                about.licence,
                key=f"data_licence_{name}",
                max_chars=MAX_LICENCE,
                height=68,
                placeholder="Who may use them, and how?",
            )
            asked = st.form_submit_button("Save", icon=":material/save:", key=f"data_about_save_{name}")
        if asked:
            with show_errors():
                write_about(workspace, name, DatasetAbout(description, source, licence))
                st.toast("Saved.", icon=":material/check:")
                st.rerun()
