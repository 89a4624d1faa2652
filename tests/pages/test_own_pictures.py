"""Own pictures, from each entrance, and their answers; what is no picture gets a sentence, and the others count."""

import base64
import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from cifar_core.config import make_config
from cifar_core.data import EXTENSIONS, FIT_TITLES, FORMATS, conversion, fit_picture, open_dataset
from cifar_core.errors import DataError
from cifar_core.runs import Predictor, PredictorProcess, Run, create_run
from cifar_core.runs.run_folder import RunFolder
from cifar_core.text import MB
from cifar_core.workspace import Workspace, open_workspace
from pages.ui.predict import drawing_canvas, entrances, paste_zone, taken_pictures
from pages.ui.predict.answers import only_classes
from pages.ui.predict.sent_picture import sent_file
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
    monkeypatch.setattr("pages.ui.predict.own_pictures.Predictor", Sure)


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The state of a session without a page."""
    state: dict[str, Any] = {}
    monkeypatch.setattr(st, "session_state", state)
    return state


@pytest.mark.fault(48, 50, 51, 84)
@pytest.mark.usefixtures("sure")
def test_a_batch_of_files(open_page: OpenPage, finished: Run, shared: Workspace) -> None:
    """Each is told by its content; what is no whole picture gets a sentence, and the others are answered."""
    app = open_page(shared, "predict", run=finished.id)
    assert FORMATS in app.file_uploader[0].help
    assert [kind.lstrip(".") for kind in app.file_uploader[0].proto.type] == list(EXTENSIONS)
    whole = picture(250, "JPEG")
    files = {
        "dark.png": picture(10),
        "page.png": b"<html>",
        "light.jpg": whole,
        "half.jpg": whole[: len(whole) // 2],
        "none.png": b"",
        "large.png": bytes(21 * MB),
        "phone.jpg": b"\0\0\0\x18ftypheic" + bytes(40),
        "a.tif": encoded(Image.fromarray(np.full((90, 30), 60_000, np.uint16)), "TIFF"),
    }
    for name, content in files.items():
        app.file_uploader[0].upload(name, content)
    app.run()
    assert not app.exception
    assert app.file_uploader[0].value == [], "the list shows the pictures"
    told = "\n".join(error.value for error in app.error).replace("\\", "")
    for sentence in (
        f"page.png is not a {FORMATS} picture.",
        "half.jpg is damaged",
        "none.png",
        "phone.jpg is a HEIC",
        "large.png has 21.0 MB, more than the 20 MB that a picture may have: make it smaller.",
    ):
        assert sentence in told
    assert len(app.error) == 5
    assert answers(app) == ["class 8, 91.0\u00a0%", "class 9, 91.0\u00a0%", "class 0, 91.0\u00a0%"]
    words = said(app).replace("\\", "")
    assert words.index("a.tif · uploaded") < words.index("light.jpg · uploaded") < words.index("dark.png · uploaded")
    assert "It can only answer with its 10 classes: class 0, class 1" in words
    assert conversion("crop") in words
    captions = [caption for image in app.get("image") for caption in image.captions]
    assert captions[:2] == ["as given, 30 × 90", f"the 32 × 32 the network sees: {FIT_TITLES['crop']}"]
    assert app.dataframe[0].value.iloc[0].to_dict() == {"class": "class 8", "probability": pytest.approx(91)}


@pytest.mark.usefixtures("sure")
def test_pictures_stay_over_entrances_pages_and_runs(
    open_page: OpenPage, finished: Run, shared: Workspace, tmp_path: Path
) -> None:
    """Another run reads them as its own dataset does: 12 bits of grey, the whole picture with borders."""
    workspace = open_workspace(tmp_path / "copy")
    for name in ("sixteen", "twelve"):
        shutil.copytree(shared.runs / finished.id, workspace.runs / name)
    facts = RunFolder(workspace.runs / "twelve").facts
    known = json.loads(facts.read_text("utf-8"))
    facts.write_text(json.dumps(known | {"dataset": known["dataset"] | {"grey_bits": 12, "fit": "pad"}}), "utf-8")
    app = open_page(workspace, "predict", run="sixteen")
    app.file_uploader[0].upload("a.png", encoded(Image.fromarray(np.full((32, 32), 4_000, np.uint16))))
    wide = Image.new("L", (90, 30))
    wide.paste(255, (15, 0, 75, 30))
    app.file_uploader[0].upload("wide.png", encoded(wide))
    app.run()
    assert answers(app) == ["class 9, 91.0\u00a0%", "class 0, 91.0\u00a0%"]
    app.get_by_key("own_entrance").set_value("camera").run()
    assert app.query_params["entrance"] == "camera"
    app.camera_input[0].set_value(("shot.jpg", picture(128, "JPEG"), "image/jpeg")).run()
    assert "photo 1" in said(app)
    app.switch_page("pages/runs.py").run()
    app.switch_page("pages/picture.py")
    app.query_params["source"], app.query_params["run"] = "own", "twelve"
    app.run()
    assert answers(app) == ["class 4, 91.0\u00a0%", "class 2, 91.0\u00a0%", "class 9, 91.0\u00a0%"]
    assert conversion("pad") in said(app).replace("\\", "")
    app.button(key="own_remove_uploaded-1").click().run()
    assert len(answers(app)) == 2
    app.button(key="own_undo").click().run()
    assert len(answers(app)) == 3
    app.button(key="own_remove_all").click().run()
    assert answers(app) == []
    app.button(key="own_undo").click().run()
    assert len(answers(app)) == 3


@pytest.mark.fault(53)
@pytest.mark.usefixtures("sure")
def test_too_many_files_are_refused_with_their_count(open_page: OpenPage, finished: Run, shared: Workspace) -> None:
    app = open_page(shared, "predict", run=finished.id)
    for number in range(10_000):
        app.file_uploader[0].upload(f"{number}.png", picture(10) if number < 2 else b"tiny")
    app.run()
    assert not app.exception
    assert "Only 24 of 10,000 pictures were taken, because 24 can stand here" in app.error[0].value.replace("\\", "")
    assert len(app.error) == 23, "no more files are looked at than there is room for"
    assert app.file_uploader[0].value == []
    assert len(answers(app)) == 2


@pytest.mark.fault(53)
def test_the_list_has_an_end(session: dict[str, Any]) -> None:
    content = picture(10)
    for number in range(taken_pictures.MAX_PICTURES):
        taken_pictures.take_picture(content, "pasted", f"{number}.png")
    with pytest.raises(DataError, match="24 pictures stand here already"):
        taken_pictures.take_picture(content, "pasted", "one more")
    assert taken_pictures.room_for(3) == 0
    assert taken_pictures.told_sentences()[0].startswith("No picture was taken")
    assert taken_pictures.taken_pictures()[0].title == "23.png · pasted"
    taken_pictures.remove_pictures(["pasted-1"])
    for _ in range(2):  # a double click
        taken_pictures.undo_removal()
    assert len(taken_pictures.taken_pictures()) == 24


def test_only_small_arrays_are_kept(session: dict[str, Any]) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (900, 1600, 3), dtype=np.uint8))
    taken_pictures.take_picture(encoded(noise), "photo")
    (kept,) = taken_pictures.taken_pictures()
    assert (kept.title, kept.width, kept.height) == ("photo 1", 1600, 900)
    reading = kept.readings[16]
    assert reading is kept.readings[12]
    assert Image.open(io.BytesIO(reading.preview)).size == (256, 144)
    assert len(reading.preview) < 256 * 1024
    assert set(reading.pixels) == set(FIT_TITLES)
    for fit, pixels in reading.pixels.items():
        np.testing.assert_array_equal(pixels, fit_picture(noise, fit))


def test_a_drawing_that_goes_on_is_one_picture(session: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The same drawing is sent after each stroke; once its last stroke is undone, it is gone."""
    reports = sent_by(monkeypatch, session, drawing_canvas, "on_drawn_change")
    drawing_canvas.drawing_canvas(key="draw", on_draw=entrances._take_drawing)
    for drawn in ({"id": "ab1", "content": in_base64(picture(level))} for level in (10, 250)):
        reports(drawn)
    reports({"id": "cd2", "content": in_base64(picture(128))})
    assert [kept.title for kept in taken_pictures.taken_pictures()] == ["drawing 2", "drawing 1"]
    assert taken_pictures.taken_pictures()[1].readings[16].pixels["crop"].mean() == 250
    reports({"id": "ab1", "content": ""})
    assert [kept.title for kept in taken_pictures.taken_pictures()] == ["drawing 2"]
    for drawn in (None, 7, {"id": 7}, {"id": "../x", "content": in_base64(picture(1))}, {"id": "x" * 99}):
        reports(drawn)
    assert len(taken_pictures.taken_pictures()) == 1 and not taken_pictures.told_sentences()
    reports({"id": "ef3", "content": ["no text"]})
    assert taken_pictures.told_sentences() == ["The drawing is no picture: the browser sent no file."]


@pytest.mark.fault(48, 49, 52)
@pytest.mark.parametrize(
    ("pasted", "sentence"),
    [
        (None, "no picture: the browser sent no file"),
        ({"files": [7]}, "no picture: the browser sent no file"),
        ({"files": [{"name": "a.png", "content": "%%%"}]}, "a.png is no picture: the browser sent no file"),
        ({"files": [{"name": "b.png", "content": "A" * (100 * MB)}]}, "b.png has 75.0 MB, more than the 20 MB"),
        ({"files": [{"name": "c.svg", "content": "<svg xmlns='http://www.w3.org/2000/svg'/>"}]}, "c.svg is an SVG"),
        ({"files": [{"name": "image.png", "content": "just text"}]}, "The pasted picture is not a PNG"),
        ({"files": [{"name": "bomb.png", "content": "bomb"}]}, "bomb.png is too large"),
    ],
    ids=["nothing", "no file", "no base64", "100 MB", "svg", "text", "bomb"],
)
def test_a_hostile_paste_is_a_sentence(
    pasted: Any, sentence: str, session: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in pasted["files"] if pasted and pasted["files"] != [7] else []:
        if file["content"] == "bomb":
            file["content"] = in_base64(encoded(Image.new("1", (5_100, 5_100))))
        elif file["content"].startswith(("<", "just")):
            file["content"] = in_base64(file["content"].encode())
    reports = sent_by(monkeypatch, session, paste_zone, "on_pasted_change")
    paste_zone.paste_zone(key="paste", on_paste=entrances._take_pasted)
    reports(pasted)
    assert not taken_pictures.taken_pictures()
    (told,) = taken_pictures.told_sentences()
    assert sentence in told
    reports({"files": [{"name": "image.png", "content": in_base64(picture(9))}] * 2})
    assert [kept.title for kept in taken_pictures.taken_pictures()] == ["pasted picture 2", "pasted picture 1"]


def test_a_file_of_the_largest_size_is_taken() -> None:
    content = bytes(20 * MB)
    assert sent_file(in_base64(content), "large") == content
    with pytest.raises(DataError, match="more than the 20 MB"):
        sent_file(in_base64(content + bytes(3)), "large")


def test_it_names_the_classes_of_many(session: dict[str, Any]) -> None:
    names = tuple(f"a{number}" for number in range(100))
    assert only_classes(names[:2]).startswith("It can only answer with its 2 classes: a0, a1. A picture of something")
    assert "100 classes: a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11 and 88 others, which the table names." in (
        only_classes(names)
    )


def test_a_run_without_a_network_says_what_to_do(open_page: OpenPage, workspace: Workspace) -> None:
    save_tiny(workspace)
    run_id = create_run(workspace, make_config({"dataset": "tiny"}))
    app = open_page(workspace, "predict", run=run_id)
    assert "no finished epoch yet" in said(app)
    assert not app.get("file_uploader")


def test_the_real_network_answers_as_when_it_was_measured(
    open_page: OpenPage, finished: Run, shared: Workspace
) -> None:
    pixels = np.asarray(open_dataset(shared, "tiny").test.images[:1])
    helper = PredictorProcess()
    probs = Predictor(shared, finished.id, helper).predict(pixels)
    helper.close()
    app = open_page(shared, "predict", run=finished.id)
    app.file_uploader[0].upload("a.png", encoded(Image.fromarray(pixels[0].transpose(1, 2, 0)))).run()
    assert not app.error
    assert app.dataframe[0].value["probability"].iloc[0] == round(100 * float(probs.max()), 1)


def test_no_answer_leaves_the_pictures(
    open_page: OpenPage, finished: Run, shared: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PredictorProcess, "predict", lambda *_: (_ for _ in ()).throw(OSError("no memory")))
    app = open_page(shared, "predict", run=finished.id)
    app.file_uploader[0].upload("a.png", picture(10)).run()
    assert "did not answer (no memory)" in app.error[0].value.replace("\\", "")
    assert "1 picture" in said(app) and app.button(key="own_remove_all")


def answers(app: AppTest) -> list[str]:
    """What stands large over each answer, newest first."""
    return [str(header.value).replace("\\", "") for header in app.header]


def sent_by(monkeypatch: pytest.MonkeyPatch, state: dict[str, Any], module: Any, report: str) -> Any:
    """A stand-in for the browser's part of a component: call it with what the browser sends."""
    mounted: dict[str, Any] = {}
    monkeypatch.setattr(module, "_component", lambda **given: mounted.update(given))
    name = report.removeprefix("on_").removesuffix("_change")

    def send(value: Any) -> None:
        state[mounted["key"]] = {name: value}
        mounted[report]()

    return send


def in_base64(content: bytes) -> str:
    """A file as a component sends it."""
    return base64.b64encode(content).decode("ascii")


def picture(level: int, kind: str = "PNG") -> bytes:
    """A plain grey picture file, 40 x 50."""
    return encoded(Image.new("RGB", (40, 50), (level, level, level)), kind)


def encoded(image: Image.Image, kind: str = "PNG") -> bytes:
    """The image as a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()
