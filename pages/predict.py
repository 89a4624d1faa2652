"""Predict: the address that opens the Picture page at a person's own pictures."""

import streamlit as st

from pages.ui.frame import setup_page

setup_page("Predict", "Give the network a picture of your own and see which class it predicts.", compact=True)
st.switch_page("pages/picture.py", query_params={"source": "own", **st.query_params.to_dict()})
