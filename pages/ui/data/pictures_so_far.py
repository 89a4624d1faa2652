"""The pictures of a dataset that is being drawn or imported, as they come: the caller redraws them."""

import numpy as np
import streamlit as st
from PIL import Image

from cifar_core.data import dataset_job, read_preview, to_image
from cifar_core.jobs.job import read_job
from cifar_core.workspace import Workspace

_TIMES = 2  # screen pixels of a picture's pixel
_GAP = 8  # screen pixels between two pictures
_IN_A_ROW = 6  # pictures of one image, so that the strip breaks in the middle on a phone


def show_pictures_so_far(workspace: Workspace, name: str) -> bool:
    """Show the pictures that were read or drawn last; return whether there are any, none once the job has ended."""
    folder = dataset_job(workspace, name)
    job = read_job(folder)
    if job is None or not job.active:
        return False
    pictures = read_preview(folder)
    if pictures is None:
        return False
    show_strip(pictures, f"Pictures that were {'drawn' if job.kind == 'get' else 'read'} just now")
    return True


def show_strip(pictures: np.ndarray, alt: str) -> None:
    """Show pictures, uint8 [N, 3, 32, 32], side by side, in two rows where there is little room."""
    with st.container(horizontal=True, gap="small"):
        for start in range(0, len(pictures), _IN_A_ROW):
            part = pictures[start : start + _IN_A_ROW]
            st.image(_side_by_side(part), output_format="PNG", width="content", alt=alt)


def _side_by_side(pictures: np.ndarray) -> Image.Image:
    """One image of pictures in a row, each pixel a square; nothing is drawn between them."""
    side = pictures.shape[-1] * _TIMES
    strip = Image.new("RGBA", (len(pictures) * (side + _GAP) - _GAP, side))
    for place, picture in enumerate(pictures):
        strip.paste(to_image(picture).resize((side, side), Image.Resampling.NEAREST), (place * (side + _GAP), 0))
    return strip
