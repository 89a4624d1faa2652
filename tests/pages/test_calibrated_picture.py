"""One picture with the temperature of the run's calibration: its numbers, the URL, and where there is none."""

from typing import Any

import numpy as np
import pytest
from scipy.special import softmax
from streamlit.testing.v1 import AppTest

from cifar_core.analyse.calibration import CALIBRATION, CalibrationParameters, calibration_of
from cifar_core.analyse.compute.keeping import compute_and_keep
from cifar_core.evaluate import SCORES
from cifar_core.runs import read_predictions, read_run
from cifar_core.workspace import Workspace
from tests.pages.support import OpenPage, components, said, shown_scores
from tests.pages.test_own_pictures import answers, picture, sure

__all__ = ["sure"]


def calibrate(workspace: Workspace, run_id: str = "late") -> float:
    """Keep the calibration of a run; returns its temperature."""
    kept = compute_and_keep(workspace, read_run(workspace, run_id), CALIBRATION, CalibrationParameters())
    return calibration_of(kept.values).temperature[0]


def bars(app: AppTest) -> dict[str, str]:
    """The percentages of the bars that are drawn, by class."""
    (drawn,) = [data["bars"] for data in components(app) if "bars" in data]
    return {bar["name"]: bar["text"] for bar in drawn}


@pytest.mark.parametrize(
    ("page", "key"), [("picture", "picture_calibrated"), ("misclassified", "misclassified_drawer_calibrated")]
)
def test_a_switch_shows_it_with_the_temperature(
    open_page: OpenPage, epochs_of_their_own: Workspace, page: str, key: str
) -> None:
    predictions, temperature = read_predictions(epochs_of_their_own, "late"), calibrate(epochs_of_their_own)
    at = int((predictions.predicted != predictions.labels).argmax())
    address: dict[str, str] = {"id" if page == "picture" else "image": str(predictions.ids[at])}
    app = open_page(epochs_of_their_own, page, run="late", **address)
    plain, verdict = bars(app), said(app)
    assert app.toggle(key=key).label == f"Calibrated (T = {temperature:.2f})" and not app.toggle(key=key).value
    app.toggle(key=key).set_value(True).run()
    assert not app.exception and not app.error
    scaled: Any = softmax(np.log(predictions.probs[at].astype(float)) / temperature)
    shown = bars(app)
    assert shown != plain
    assert shown[predictions.class_names[scaled.argmax()]] == SCORES["confidence"].text(scaled.max())
    assert shown_scores(app)["Confidence"] == SCORES["confidence"].text(scaled.max())
    assert f"predicted {predictions.class_names[scaled.argmax()]}" in verdict and "softmax(ln p / T)" in said(app)
    if page == "picture":
        assert app.query_params["calibrated"] in ("1", ["1"])
    else:
        links = [link.proto.query_string for link in app.get("page_link")]
        assert any("calibrated=1" in link and "id=" in link for link in links)


def test_only_the_epoch_of_the_temperature_has_it(open_page: OpenPage, epochs_of_their_own: Workspace) -> None:
    calibrate(epochs_of_their_own)
    wanted = str(read_predictions(epochs_of_their_own, "late").ids[3])
    app = open_page(epochs_of_their_own, "picture", run="late", id=wanted, epoch="1", calibrated="1")
    assert app.toggle(key="picture_calibrated").disabled and "T was fitted after epoch 2" in said(app)
    first = read_predictions(epochs_of_their_own, "late", 1).probs[3]
    assert shown_scores(app)["Confidence"] == SCORES["confidence"].text(float(first.max()))


def test_without_a_kept_calibration_a_link_leads_to_trust(open_page: OpenPage, epochs_of_their_own: Workspace) -> None:
    wanted = str(read_predictions(epochs_of_their_own, "late").ids[3])
    app = open_page(epochs_of_their_own, "picture", run="late", id=wanted, calibrated="1")
    assert not app.toggle and "softmax(ln p / T)" not in said(app)
    (link,) = [link.proto for link in app.get("page_link") if link.proto.label.startswith("Trust:")]
    assert link.query_string == "run=late"


@pytest.mark.usefixtures("sure")
def test_own_pictures_have_it_too(open_page: OpenPage, epochs_of_their_own: Workspace) -> None:
    temperature = calibrate(epochs_of_their_own)
    app = open_page(epochs_of_their_own, "predict", run="late")
    app.file_uploader[0].upload("dark.png", picture(10))
    app.run()
    assert answers(app) == ["class 0, 91.0\u00a0%"]
    app.toggle(key="picture_calibrated").set_value(True).run()
    scaled = softmax(np.log([0.91, *[0.01] * 9]) / temperature).max()
    assert not app.exception and answers(app) == [f"class 0, {SCORES['confidence'].text(scaled)}"]
    assert "softmax(ln p / T)" in said(app)
