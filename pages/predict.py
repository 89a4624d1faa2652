"""Predict: give a picture to a trained network. A helper process runs it, so that the server never loads torch."""

import numpy as np
import pandas as pd
import streamlit as st

from cifar_core.data import conversion
from cifar_core.export import table_csv
from cifar_core.figures import probability_bars
from cifar_core.runs import Predictor, PredictorProcess
from pages.ui.components.images import enlarged
from pages.ui.error_messages import show_errors
from pages.ui.frame import PageFrame, setup_page
from pages.ui.markdown import escaped, escaped_sentence
from pages.ui.predict.picture_upload import InputPicture, test_pictures, uploaded_pictures
from pages.ui.run_focus import facts_line, require_result, run_in_focus
from pages.ui.wording import PERCENT_FORMAT, in_percent, percent

UPLOAD, TEST = "Your pictures", "A test picture"
SCALE = 6  # screen pixels of a picture's pixel: 192 wide


def main(page: PageFrame) -> None:
    """Take pictures, ask the network, and show the probabilities of each."""
    workspace = page.workspace
    run = run_in_focus(workspace, picker=page.head)
    if run is None:
        return
    require_result(run)
    if run.best is None:
        st.error(escaped_sentence(run.problem), icon=":material/broken_image:")
        return
    facts_line(run, n=run.dataset.test if run.dataset else None, epoch=run.best.epoch)
    source = st.segmented_control(
        "Pictures", [UPLOAD, TEST], default=UPLOAD, required=True, key="predict_source", label_visibility="collapsed"
    )
    with show_errors():
        pictures = uploaded_pictures(workspace, run) if source == UPLOAD else test_pictures(workspace, run)
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


main(setup_page("Predict", "Give the network a picture of your own and see which class it predicts.", compact=True))
