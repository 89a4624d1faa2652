"""The way to the form that imports predictions, from wherever a person may look for it."""

import streamlit as st

TITLE = "Import predictions of your own model"
ICON = ":material/upload_file:"
ADDRESS = "import"  # parameter of the Runs page: the dataset for which the form is open


def show_import_link(dataset: str, label: str = TITLE) -> None:
    """Show the link that opens the form on the Runs page for a dataset."""
    st.page_link("pages/runs.py", label=label, icon=ICON, query_params={ADDRESS: dataset})
