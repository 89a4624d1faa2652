"""The pictures of a dataset that is being prepared, as far as they are there."""

import streamlit as st

from cifar_core.data import dataset_job, read_preview
from cifar_core.workspace import Workspace
from pages.ui.components.images import enlarged

_TIMES = 2  # screen pixels of a picture's pixel


def show_pictures_so_far(workspace: Workspace, name: str) -> None:
    """Show the pictures that were read or drawn last; nothing while there are none."""
    pictures = read_preview(dataset_job(workspace, name))
    if pictures is not None:
        with st.container(horizontal=True, gap="small"):
            for picture in pictures:
                st.image(enlarged(picture, _TIMES), output_format="PNG", width="content", alt="A picture that was read")
