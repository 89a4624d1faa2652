"""A person's own pictures and what the network answers. A helper process asks it, so the server never loads torch."""

import numpy as np
import pandas as pd
import streamlit as st

from cifar_core.data import conversion
from cifar_core.export import table_csv
from cifar_core.figures import probability_bars
from cifar_core.runs import Predictor, PredictorProcess, Run
from cifar_core.workspace import Workspace
from pages.ui.components.images import enlarged
from pages.ui.error_messages import show_errors
from pages.ui.markdown import escaped
from pages.ui.predict.picture_upload import InputPicture, uploaded_pictures
from pages.ui.wording import PERCENT_FORMAT, in_percent, percent

SCALE = 6  # screen pixels of a picture's pixel: 192 wide


def show_own_pictures(workspace: Workspace, run: Run) -> None:
    """Take pictures, ask the network of the run's best epoch, and show the probabilities of each."""
    with show_errors():
        pictures = uploaded_pictures(workspace, run)
        if pictures:
            with st.spinner("Asking the network…"):
                network = Predictor(workspace, run.id, _helper())
                probs = network.predict(np.stack([picture.pixels for picture in pictures]))
            for place, (picture, row) in enumerate(zip(pictures, probs, strict=True)):
                _show(picture, row, network.class_names, place)
    st.caption(conversion(run.dataset.fit if run.dataset else "crop"))


def _show(picture: InputPicture, probs: np.ndarray, class_names: tuple[str, ...], place: int) -> None:
    best = int(np.argmax(probs))
    with st.container(border=True):
        verdict = f"predicted **{escaped(class_names[best])}**, confidence {percent(float(probs[best]))}"
        if picture.label is not None:
            verdict = f"true **{escaped(class_names[picture.label])}**, {verdict}"
        st.markdown(f"{escaped(picture.name)}: {verdict}")
        with st.container(horizontal=True, gap="medium"):
            if picture.preview is not None:
                with st.container(width=200):
                    st.image(
                        picture.preview,
                        caption=picture.preview_caption,
                        output_format="PNG",
                        alt=f"{picture.name} as uploaded",
                    )
            with st.container(width=200):
                st.image(
                    enlarged(picture.pixels, SCALE),
                    caption=picture.seen_caption,
                    output_format="PNG",
                    alt=f"{picture.name} as the network sees it, 32 by 32 pixels, enlarged",
                )
            with st.container(width=420):
                st.plotly_chart(
                    probability_bars(probs, class_names, picture.label, best),
                    key=f"predict_bars_{place}",
                    alt=f"Class probabilities of {picture.name}; the table says the same",
                )
        _show_probability_table(picture, probs, class_names, place)


def _show_probability_table(picture: InputPicture, probs: np.ndarray, class_names: tuple[str, ...], place: int) -> None:
    order = np.argsort(-probs, kind="stable")
    with st.expander("The probabilities as a table", icon=":material/table:"):
        table = pd.DataFrame({"class": [class_names[index] for index in order], "probability": probs[order]})
        st.dataframe(
            in_percent(table, ["probability"]),
            hide_index=True,
            width=360,
            alt=f"Class probabilities of {picture.name}",
            column_config={"probability": st.column_config.NumberColumn(format=PERCENT_FORMAT)},
        )
        st.download_button(
            "Download CSV",
            table_csv(table),
            "probabilities.csv",
            "text/csv",
            key=f"predict_csv_{place}",
            icon=":material/download:",
        )


@st.cache_resource(show_spinner=False, on_release=PredictorProcess.close)
def _helper() -> PredictorProcess:
    """Return the one helper process of this server. It serves every run, because a process takes seconds to start."""
    return PredictorProcess()
