"""Predict: pictures in, probabilities out; what is no picture is said, and the others of the batch go on."""

import io

import numpy as np
import pytest
from PIL import Image

from cifar_core.config import make_config
from cifar_core.data import CONVERSION, open_dataset
from cifar_core.runs import Predictor, Run, create_run
from cifar_core.workspace import Workspace
from tests.conftest import save_tiny
from tests.pages.support import OpenPage, said


class Sure:
    """A network that is sure of one class: the brighter the picture, the later the class."""

    def __init__(self, workspace: Workspace, run_id: str) -> None:
        self.class_names = tuple(f"class {index}" for index in range(10))

    def predict(self, images: np.ndarray) -> np.ndarray:
        probs = np.full((len(images), 10), 0.01, np.float32)
        probs[np.arange(len(images)), images.mean(axis=(1, 2, 3)).astype(int) // 26] = 0.91
        return probs

    def close(self) -> None:
        """Nothing to end."""


@pytest.fixture
def sure(monkeypatch: pytest.MonkeyPatch) -> None:
    """No helper process."""
    monkeypatch.setattr("cifar_core.runs.Predictor", Sure)


@pytest.mark.usefixtures("sure")
def test_a_batch_with_a_file_that_is_no_picture(open_page: OpenPage, finished: Run, shared: Workspace) -> None:
    app = open_page(shared, "predict", run=finished.id)
    for name, content in (("dark.png", picture(10)), ("page.png", b"<html>"), ("light.jpg", picture(250, "JPEG"))):
        app.file_uploader[0].upload(name, content)
    app.run()
    assert not app.exception
    assert ["is not a PNG, JPEG, WEBP or BMP picture" in error.value.replace("\\", "") for error in app.error] == [True]
    words = said(app).replace("\\", "")
    assert "dark.png: predicted **class 0**, confidence 91.0\u00a0%" in words
    assert "light.jpg: predicted **class 9**, confidence 91.0\u00a0%" in words
    assert CONVERSION in words
    assert len(app.get("plotly_chart")) == 2
    assert app.dataframe[0].value.iloc[0].to_dict() == {"class": "class 0", "probability": pytest.approx(0.91)}


@pytest.mark.usefixtures("sure")
def test_too_many_files_are_counted(
    open_page: OpenPage, finished: Run, shared: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pages.ui.upload.MAX_FILES", 2)
    app = open_page(shared, "predict", run=finished.id)
    for number in range(3):
        app.file_uploader[0].upload(f"{number}.png", picture(10))
    app.run()
    assert "3 files: the first 2 are shown." in said(app)
    assert len(app.get("plotly_chart")) == 2


@pytest.mark.usefixtures("sure")
def test_a_test_picture_needs_no_file(open_page: OpenPage, finished: Run, shared: Workspace) -> None:
    app = open_page(shared, "predict", run=finished.id)
    app.get_by_key("predict_source").set_value("A test picture").run()
    app.number_input(key="predict_row").set_value(7).run()
    assert not app.exception
    assert "true **class 7**" in said(app).replace("\\", "")


def test_a_run_without_a_network_says_what_to_do(open_page: OpenPage, workspace: Workspace) -> None:
    save_tiny(workspace)
    run_id = create_run(workspace, make_config({"dataset": "tiny"}))
    app = open_page(workspace, "predict", run=run_id)
    assert "no network to ask" in said(app)
    assert not app.get("file_uploader")


def test_the_real_network_answers_as_when_it_was_measured(
    open_page: OpenPage, finished: Run, shared: Workspace
) -> None:
    predictor = Predictor(shared, finished.id)
    try:
        probs = predictor.predict(np.asarray(open_dataset(shared, "tiny").test.images[:1]))
    finally:
        predictor.close()
    app = open_page(shared, "predict", run=finished.id)
    app.get_by_key("predict_source").set_value("A test picture").run()
    assert not app.error
    assert app.dataframe[0].value["probability"].iloc[0] == pytest.approx(float(probs.max()), abs=1e-5)


def picture(level: int, kind: str = "PNG") -> bytes:
    """A plain grey picture file, 40 x 50."""
    buffer = io.BytesIO()
    Image.new("RGB", (40, 50), (level, level, level)).save(buffer, kind)
    return buffer.getvalue()
