"""Faults of accessibility inside Streamlit's own elements, by rule of axe-core and element, each with its reason.

tests/e2e/test_accessibility.py fails when there is another one, and when one of these is gone.
"""

STREAMLIT_FAULTS: dict[tuple[str, str], str] = {
    ("list", "stSidebarNavItems"): "Streamlit puts each group of pages into a div of its own inside the list.",
    ("listitem", "stSidebarNavItems li"): "The same div stands between the list and its items.",
    ("color-contrast", "stBaseButton-primary p"): "Labels of primary buttons are white in every theme. In the dark one "
    "the primary colour is also that of the text of chosen segments, and no colour is 4.5 : 1 to both: segments have "
    "4.6, these buttons 3.8.",
    ("color-contrast", "stMultiSelectTagsContainer span"): "Chosen options are white on the primary colour in every "
    "theme, as the labels of primary buttons are.",
}
