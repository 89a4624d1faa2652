"""Picture: one picture and what the network makes of it, from the test set or a person's own."""

from pages.ui.frame import setup_page
from pages.ui.picture.screen import LEAD, TITLE, show_picture_screen

show_picture_screen(setup_page(TITLE, LEAD, compact=True), "test")
