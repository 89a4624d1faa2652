"""Importing pictures on the Data page: a look inside, a decision, and what is shown meanwhile and afterwards."""

import io
import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cifar_core.data import dataset_job, open_dataset, start_look
from cifar_core.data.import_findings import findings_file, preview_file
from cifar_core.data.preparation import DataRequest
from cifar_core.data.sources.archive import Member
from cifar_core.data.sources.own.reading import Reading
from cifar_core.data.store import dataset_lock, write_array
from cifar_core.jobs.job import JobState, write_request, write_state
from cifar_core.jobs.progress import CancelledError
from cifar_core.storage.locks import hold_lock
from cifar_core.workspace import Workspace
from tests.data.conftest import picture_bytes, raw_zip, small_set, write_folder, write_zip
from tests.jobs.support import do_imports_at_once
from tests.pages.support import OpenPage, primaries, said


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    do_imports_at_once(monkeypatch)


def labels(app: object) -> list[str]:
    return [button.label for button in app.button]  # type: ignore[attr-defined]


@pytest.mark.fault(77)
def test_class_folders_are_parted_as_the_person_chooses(
    open_page: OpenPage, workspace: Workspace, tmp_path: Path
) -> None:
    """The counts of each class are shown for the share that is chosen, before anything is imported."""
    files = {name.removeprefix("train/"): content for name, content in small_set(train=10, test=0).items()}
    app = open_page(workspace, "data")
    app.text_input(key="data_import_path").set_value(str(write_folder(files, tmp_path / "Pets"))).run()
    app.button(key="data_import_start").click().run()
    assert "The top folder holds 2 classes" in said(app)
    assert app.dataframe[0].value["test"].tolist() == [2, 2]
    app.slider(key="data_share_pets").set_value(0.5).run()
    assert app.dataframe[0].value.values.tolist() == [["cat", 5, 5], ["dog", 5, 5]]
    assert not (workspace.data / "pets").exists()
    app.button(key="data_take_pets").click().run()
    assert len(open_dataset(workspace, "pets").test.labels) == 10


@pytest.mark.fault(83)
def test_the_rest_of_a_refused_upload_is_one_click_away(open_page: OpenPage, workspace: Workspace) -> None:
    app = open_page(workspace, "data")
    source = write_zip({**small_set(), "train/cat/<b>.png": b"x"}, workspace.root / "upload.zip")
    app.file_uploader[0].upload("My pets.zip", source.read_bytes()).run()
    app.button(key="data_import_start").click().run()
    app.button(key="data_take_my-pets").click().run()
    assert ["1 of 11 files cannot be used" in error.value for error in app.error] == [True]
    assert "Import the other 10" in labels(app) and "Look again" not in labels(app), "an upload cannot change"
    app.button(key="data_take_my-pets").click().run()
    assert not app.error
    assert open_dataset(workspace, "my-pets").source == "Imported from My pets.zip."
    assert "1 file was left out:" in app.code[0].value


@pytest.mark.fault(79)
def test_the_person_chooses_how_names_read(open_page: OpenPage, workspace: Workspace, tmp_path: Path) -> None:
    names = [f"{part}/{name}/1.png".encode("gbk") for part in ("train", "test") for name in ("猫咪", "小狗")]
    packed = raw_zip(tmp_path / "old.zip", names)
    start_look(workspace, packed, "old")
    app = open_page(workspace, "data")
    first = app.radio(key="data_names_old").options[0]
    assert first.endswith(" (gbk)") and "猫咪" in first
    app.button(key="data_read_old").click().run()
    assert sorted(app.dataframe[0].value["class"]) == sorted(["猫咪", "小狗"])
    app.button(key="data_take_old").click().run()
    assert sorted(open_dataset(workspace, "old").class_names) == sorted(["猫咪", "小狗"])


def test_what_cannot_be_understood_says_why_and_can_be_put_away(
    open_page: OpenPage, workspace: Workspace, tmp_path: Path
) -> None:
    """A folder can be looked into again once it was mended; nothing offers an import that would fail again."""
    folder = write_folder({"1.png": picture_bytes(), "2.png": picture_bytes()}, tmp_path / "loose")
    start_look(workspace, folder, "loose")
    app = open_page(workspace, "data")
    assert ["in no class folders" in error.value for error in app.error] == [True]
    assert "data_take_loose" not in {button.key for button in app.button}
    write_folder(small_set(), folder)
    app.button(key="data_look_loose").click().run()
    assert not app.error and primaries(app) == ["Import"]
    app.button(key="data_forget_loose").click().run()
    assert "data_take_loose" not in {button.key for button in app.button}
    assert folder.exists()


def test_the_pictures_appear_while_they_are_read(open_page: OpenPage, workspace: Workspace) -> None:
    job = dataset_job(workspace, "pets")
    job.make()
    write_request(job, DataRequest("import", "/somewhere"))
    report = ["train is the training part (6 files) and test is the test part (4 files); 2 classes."]
    write_state(job, JobState("import", "running", "Reading pictures", 3, 10, "files", report=report))
    write_array(preview_file(job), np.zeros((5, 3, 32, 32), np.uint8), durable=False)
    with hold_lock(dataset_lock(workspace, "pets")):
        app = open_page(workspace, "data")
    assert app.progress[0].text == "Reading pictures · 3 of 10 files"
    assert "train is the training part" in said(app)
    assert len(app.get("image")) == 1, "all in one strip"


@pytest.mark.parametrize(
    "content", ["", "[]", '{"classes": ["a"], "train": []}', '{"encodings": ["gbk"]}', '{"usable": -1}']
)
def test_damaged_findings_break_no_page(
    open_page: OpenPage, workspace: Workspace, tmp_path: Path, content: str
) -> None:
    """They count as none; the look can be taken again."""
    start_look(workspace, write_folder(small_set(), tmp_path / "pets"), "pets")
    findings_file(dataset_job(workspace, "pets")).write_text(content)
    app = open_page(workspace, "data")
    assert not app.error and "Dismiss" in labels(app)


def test_a_fit_is_chosen_and_the_original_is_shown_beside_what_it_gave(
    open_page: OpenPage, workspace: Workspace, tmp_path: Path
) -> None:
    """A damaged file of originals is a sentence, and the picture is shown as before."""
    files = small_set()
    for name in [name for name in files if name.endswith("000.png")]:
        stream = io.BytesIO()
        Image.new("RGB", (640, 480), (9, 90, 200)).save(stream, "PNG")
        files[name] = stream.getvalue()
    app = open_page(workspace, "data")
    app.text_input(key="data_import_path").set_value(str(write_folder(files, tmp_path / "Pets"))).run()
    app.button(key="data_import_start").click().run()
    assert app.radio(key="data_fit_pets").options == ["Central square", "Whole picture with borders", "Stretched"]
    app.radio(key="data_fit_pets").set_value("pad").run()
    app.button(key="data_take_pets").click().run()
    assert not app.exception
    assert open_dataset(workspace, "pets").fit == "pad"

    def shown() -> tuple[bool, bool]:
        captions = [caption for image in app.get("image") for caption in image.captions]
        return "the original" in captions, "as stored" in captions

    assert "640 x 480, the whole picture with borders, shrunk to 32 x 32" in said(app).replace("\\", "")
    assert shown() == (True, True)
    (workspace.data / "pets" / "originals.bin").write_bytes(b"")
    app.run()
    assert not app.exception
    assert ["originals.bin is cut short" in error.value.replace("\\", "") for error in app.error] == [True]
    assert "Original size: 640 x 480" in said(app) and shown() == (False, True)


@pytest.mark.fault(60)
def test_an_import_that_the_machine_ended_goes_on_from_the_page(
    open_page: OpenPage, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it has read is said; Import goes on there, and Dismiss removes it."""
    source, true = write_folder(small_set(), tmp_path / "Pets"), Reading.read
    app = open_page(workspace, "data")
    app.text_input(key="data_import_path").set_value(str(source)).run()
    app.button(key="data_import_start").click().run()
    with monkeypatch.context() as patch:
        patch.setattr(Reading, "read", _ends_after(4, true))
        app.button(key="data_take_pets").click().run()
    assert ["4 of 10 files are read already" in info.value for info in app.info] == [True]
    with monkeypatch.context() as patch:
        patch.setattr(Reading, "read", _ends_after(7, true))
        app.button(key="data_take_pets").click().run()
    assert len(open_dataset(workspace, "pets").train.labels) == 6, "six files were left to read"


def _ends_after(files: int, true: Callable[[Reading, Member], None]) -> Callable[[Reading, Member], None]:
    reads = itertools.count()

    def read(reading: Reading, member: Member) -> None:
        if next(reads) == files:
            raise CancelledError("It was told to end.")
        true(reading, member)

    return read
