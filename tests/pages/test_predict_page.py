"""Predict: pictures in, probabilities out; a file that is no picture gets a sentence, and the others are predicted."""

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cifar_core.config import make_config
from cifar_core.data import EXTENSIONS, FIT_TITLES, FORMATS, Fit, conversion, open_dataset
from cifar_core.runs import Predictor, PredictorProcess, Run, create_run
from cifar_core.runs.run_folder import RunFolder
from cifar_core.workspace import Workspace, open_workspace
from tests.conftest import save_tiny
from tests.pages.support import OpenPage, said


class Sure:
    """A network that is sure of one class: the brighter the picture, the later the class."""

    def __init__(self, workspace: Workspace, run_id: str, helper: PredictorProcess) -> None:
        self.class_names = tuple(f"class {index}" for index in range(10))

    def predict(self, images: np.ndarray) -> np.ndarray:
        probs = np.full((len(images), 10), 0.01, np.float32)
        probs[np.arange(len(images)), images.mean(axis=(1, 2, 3)).astype(int) // 26] = 0.91
        return probs


@pytest.fixture
def sure(monkeypatch: pytest.MonkeyPatch) -> None:
    """No helper process."""
    monkeypatch.setattr("cifar_core.runs.Predictor", Sure)


@pytest.mark.fault(48, 51)
@pytest.mark.usefixtures("sure")
def test_a_batch_with_a_file_that_is_no_picture(open_page: OpenPage, finished: Run, shared: Workspace) -> None:
    app = open_page(shared, "predict", run=finished.id)
    for name, content in (("dark.png", picture(10)), ("page.png", b"<html>"), ("light.jpg", picture(250, "JPEG"))):
        app.file_uploader[0].upload(name, content)
    app.run()
    assert not app.exception
    assert [f"is not a {FORMATS} picture" in error.value.replace("\\", "") for error in app.error] == [True]
    words = said(app).replace("\\", "")
    assert "dark.png: predicted **class 0**, confidence 91.0\u00a0%" in words
    assert "light.jpg: predicted **class 9**, confidence 91.0\u00a0%" in words
    assert conversion("crop") in words
    assert len(app.get("plotly_chart")) == 2
    assert app.dataframe[0].value.iloc[0].to_dict() == {"class": "class 0", "probability": pytest.approx(91)}


@pytest.mark.fault(84)
@pytest.mark.usefixtures("sure")
def test_formats_that_browsers_do_not_show(open_page: OpenPage, finished: Run, shared: Workspace) -> None:
    """Each is told by its content and shown as a PNG; a HEIC picture is named whatever it is called."""
    app = open_page(shared, "predict", run=finished.id)
    assert FORMATS in app.file_uploader[0].help
    assert [kind.lstrip(".") for kind in app.file_uploader[0].proto.type] == list(EXTENSIONS)
    levels = Image.fromarray(np.full((90, 30), 60_000, np.uint16))
    names = ("a.tif", "b.ppm", "c.gif", "d.jfif", "e.png", "f.jpg")
    contents = [picture(200, kind) for kind in ("TIFF", "PPM", "GIF", "JPEG")]
    contents += [encoded(levels), b"\0\0\0\x18ftypheic" + bytes(40)]
    for name, content in zip(names, contents, strict=True):
        app.file_uploader[0].upload(name, content)
    app.run()
    assert not app.exception
    assert [error.value.replace("\\", "") for error in app.error] == [
        "f.jpg is a HEIC picture, as phones make them: export it as JPEG or PNG."
    ]
    captions = [caption for image in app.get("image") for caption in image.captions if "uploaded" in caption]
    assert captions == ["as uploaded, 40 × 50 pixels"] * 4 + ["as uploaded, 30 × 90 pixels"]


@pytest.mark.fault(84)
@pytest.mark.usefixtures("sure")
@pytest.mark.parametrize(("grey_bits", "seen", "fit", "wide_seen"), [(16, 0, "crop", 9), (12, 9, "pad", 2)])
def test_pictures_are_read_and_fitted_as_those_of_the_dataset(
    grey_bits: int,
    seen: int,
    fit: Fit,
    wide_seen: int,
    open_page: OpenPage,
    finished: Run,
    shared: Workspace,
    tmp_path: Path,
) -> None:
    workspace = open_workspace(tmp_path / "copy")
    folder = RunFolder(workspace.runs / "twelve")
    shutil.copytree(shared.runs / finished.id, folder.path)
    facts = json.loads(folder.facts.read_text("utf-8"))
    facts["dataset"] |= {"grey_bits": grey_bits, "fit": fit}
    folder.facts.write_text(json.dumps(facts), "utf-8")
    app = open_page(workspace, "predict", run="twelve")
    app.file_uploader[0].upload("a.png", encoded(Image.fromarray(np.full((32, 32), 4_000, np.uint16))))
    wide = Image.new("L", (90, 30))
    wide.paste(255, (15, 0, 75, 30))
    app.file_uploader[0].upload("wide.png", encoded(wide))
    app.run()
    words = said(app).replace("\\", "")
    assert f"a.png: predicted **class {seen}**" in words and f"wide.png: predicted **class {wide_seen}**" in words
    assert conversion(fit) in words
    captions = [caption for image in app.get("image") for caption in image.captions if "network" in caption]
    assert captions == ["the 32 × 32 the network sees", f"the 32 × 32 the network sees: {FIT_TITLES[fit]}"]


@pytest.mark.fault(53)
@pytest.mark.usefixtures("sure")
def test_too_many_files_are_refused_with_their_count(open_page: OpenPage, finished: Run, shared: Workspace) -> None:
    app = open_page(shared, "predict", run=finished.id)
    for number in range(10_000):
        app.file_uploader[0].upload(f"{number}.png", b"tiny")
    app.run()
    assert not app.exception
    assert ["10,000 files were chosen; 24 at a time" in error.value.replace("\\", "") for error in app.error] == [True]
    assert app.file_uploader[0].value == []
    assert not app.get("plotly_chart")
    app.file_uploader[0].upload("one.png", picture(10))
    app.run()
    assert not app.error
    assert len(app.get("plotly_chart")) == 1


@pytest.mark.fault(52, 53)
@pytest.mark.usefixtures("sure")
def test_a_file_that_is_too_large_is_not_looked_at(open_page: OpenPage, finished: Run, shared: Workspace) -> None:
    """The browser would not send it; whoever writes their own requests gets a sentence."""
    app = open_page(shared, "predict", run=finished.id)
    app.file_uploader[0].upload("large.png", picture(10) + bytes(20 * 1024 * 1024))
    app.run()
    assert [
        error.value.replace("\\", "") == "large.png has 20.0 MB; a picture may have 20 MB." for error in app.error
    ] == [True]


@pytest.mark.fault(48, 50)
@pytest.mark.usefixtures("sure")
def test_no_part_of_a_damaged_picture_is_predicted(open_page: OpenPage, finished: Run, shared: Workspace) -> None:
    whole = picture(250, "JPEG")
    app = open_page(shared, "predict", run=finished.id)
    for name, content in (("half.jpg", whole[: len(whole) // 2]), ("none.png", b""), ("whole.jpg", whole)):
        app.file_uploader[0].upload(name, content)
    app.run()
    assert len(app.error) == 2
    assert len(app.get("plotly_chart")) == 1


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
    assert "no finished epoch yet" in said(app)
    assert not app.get("file_uploader")


def test_the_real_network_answers_as_when_it_was_measured(
    open_page: OpenPage, finished: Run, shared: Workspace
) -> None:
    helper = PredictorProcess()
    probs = Predictor(shared, finished.id, helper).predict(np.asarray(open_dataset(shared, "tiny").test.images[:1]))
    helper.close()
    app = open_page(shared, "predict", run=finished.id)
    app.get_by_key("predict_source").set_value("A test picture").run()
    assert not app.error
    assert app.dataframe[0].value["probability"].iloc[0] == pytest.approx(100 * float(probs.max()), abs=1e-3)


def picture(level: int, kind: str = "PNG") -> bytes:
    """A plain grey picture file, 40 x 50."""
    return encoded(Image.new("RGB", (40, 50), (level, level, level)), kind)


def encoded(image: Image.Image, kind: str = "PNG") -> bytes:
    """The image as a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()
