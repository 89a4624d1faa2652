"""The page table, and nothing else. Start with `make run`."""

import streamlit as st

# Before the table: without an icon of its own the browser would fetch the page's icon from the internet.
st.set_page_config(page_icon="🔬")
st.navigation(
    {
        "Start": [
            st.Page("pages/home.py", title="Home", icon=":material/home:", default=True),
            st.Page("pages/data.py", title="Data", icon=":material/photo_library:"),
        ],
        "Learn": [
            st.Page("pages/train.py", title="Train", icon=":material/model_training:"),
            st.Page("pages/sweep.py", title="Sweep", icon=":material/tune:"),
            st.Page("pages/runs.py", title="Runs", icon=":material/list_alt:"),
            st.Page("pages/compare.py", title="Compare", icon=":material/compare_arrows:"),
            st.Page("pages/class_room.py", title="Class", icon=":material/groups:"),
        ],
        "Look": [
            st.Page("pages/confusion.py", title="Confusion", icon=":material/grid_on:"),
            st.Page("pages/misclassified.py", title="Misclassified", icon=":material/rule:"),
            st.Page("pages/picture.py", title="Picture", icon=":material/image_search:"),
            st.Page("pages/predict.py", title="Predict", visibility="hidden"),  # Picture's other entrance
        ],
        "Judge": [
            st.Page("pages/trust.py", title="Trust", icon=":material/balance:"),
            st.Page("pages/learning.py", title="Learning", icon=":material/school:"),
        ],
    },
    expanded=True,
).run()
