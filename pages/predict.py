"""Predict: the other address of the Picture page, at which a person's own pictures are chosen.

It shows them itself, because a page that only sends on would do so again at each step back.
"""

from pages.ui.frame import setup_page
from pages.ui.picture.screen import LEAD, TITLE, show_picture_screen

show_picture_screen(setup_page(TITLE, LEAD, compact=True), "own")
