"""Data: datasets with their state and how to get them, and their pictures browsed, varied and normalised."""

import io
import re
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from PIL import Image

from cifar_core.config import make_config
from cifar_core.data import (
    DatasetState,
    Split,
    deleted_datasets,
    export_dataset,
    list_datasets,
    normalised_view,
    open_dataset,
    save_dataset,
)
from cifar_core.jobs.job import JobState
from cifar_core.limits import LIMITS_FILE
from cifar_core.runs import create_run
from cifar_core.text import can_be_shown, one_line
from cifar_core.workspace import Workspace
from pages.ui.data import imports
from pages.ui.data.picture_browser import classes_in_turn
from tests.conftest import save_tiny, tiny_pictures
from tests.nasty import FILE_NAMES
from tests.pages.support import OpenPage, primaries, said


def test_without_data_the_one_step_is_to_generate_it(
    open_page: OpenPage, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("pages.ui.data.dataset_cards.start_get", lambda _, name: asked.append(name))
    app = open_page(workspace, "data")
    assert primaries(app) == ["Generate"]
    app.button(key="data_get_cifar10").click().run()
    app.button(key="data_get_drawn10").click().run()
    assert asked == ["cifar10", "drawn10"]
    assert not app.exception


def test_a_job_on_its_way_shows_how_far_it_is_and_can_be_cancelled(
    open_page: OpenPage, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = JobState(
        "get", "running", phase="Downloading", done=85_000_000, total=170_000_000, unit="bytes", seconds_left=61
    )
    cancelled: list[str] = []
    monkeypatch.setattr(
        "pages.ui.data.dataset_cards.read_job", lambda folder: job if folder.path.name == "cifar10" else None
    )
    monkeypatch.setattr("pages.ui.components.job_view.cancel_job", lambda folder: cancelled.append(folder.path.name))
    monkeypatch.setattr("cifar_core.data.catalogue.is_alive", lambda folder: folder.path.name == "cifar10")
    app = open_page(workspace, "data")
    (bar,) = app.progress
    assert bar.value == 50
    assert bar.text == "Downloading · 81.1 MB of 162.1 MB · 1:01 left"
    app.button(key="data_cifar10_cancel").click().run()
    assert cancelled == ["cifar10"]


@pytest.mark.parametrize("job", [None, JobState("get", "done", phase="Drawing", done=9, total=10)])
def test_what_a_training_run_draws_is_not_a_job_to_cancel(
    open_page: OpenPage, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, job: JobState | None
) -> None:
    monkeypatch.setattr(
        "pages.ui.data.dataset_cards.read_job", lambda folder: job if folder.path.name == "drawn10" else None
    )
    monkeypatch.setattr("cifar_core.data.catalogue.is_alive", lambda folder: folder.path.name == "drawn10")
    app = open_page(workspace, "data")
    (bar,) = app.progress
    assert (bar.value, bar.text) == (0, "Preparing…")
    assert "Cancel" not in {button.label for button in app.button}


@pytest.mark.parametrize("name", ["drawn10", "cifar10"])
def test_a_broken_dataset_is_deleted_before_it_is_got_again(
    open_page: OpenPage, workspace: Workspace, name: str
) -> None:
    (workspace.data / name).mkdir()
    app = open_page(workspace, "data")
    assert len(app.error) == 1
    keys = {button.key for button in app.button}
    assert f"data_get_{name}" not in keys
    app.button(key=f"data_delete_{name}").click().run()
    assert not app.error
    assert f"data_get_{name}" in {button.key for button in app.button}


@pytest.mark.fault(86)
def test_a_dataset_is_deleted_with_a_way_back(
    open_page: OpenPage, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At one click; where runs use it, these are named before and after. Undo stands there, and the trash below."""
    fingerprint = save_tiny(workspace).fingerprint
    save_tiny(workspace, "other")
    run_id = create_run(workspace, make_config({"dataset": "tiny"}))
    app = open_page(workspace, "data", dataset="tiny")
    assert app.get("expander") and "data_undo" not in {button.key for button in app.button}
    app.button(key="data_delete_tiny").click().run()
    assert f"Waiting to train on it: {run_id}" in said(app).replace("\\", "") and not deleted_datasets(workspace)
    app.button(key="data_delete_not").click().run()
    assert not deleted_datasets(workspace) and "data_delete_sure" not in {button.key for button in app.button}
    app.button(key="data_delete_tiny").click().run()
    app.button(key="data_delete_sure").click().run()
    assert app.session_state["scroll_turn"] == 1, "Undo, at the top, comes into sight"
    assert "is in the trash" in said(app) and "tiny" not in {state.name for state in list_datasets(workspace)}
    assert f"Waiting to train on it: {run_id}" in said(app).replace("\\", "")
    assert not app.warning and "other · train" in said(app), "the next dataset is shown, and nothing is missed"
    app.button(key="data_undo").click().run()
    assert open_dataset(workspace, "tiny").fingerprint == fingerprint
    assert not deleted_datasets(workspace) and "is in the trash" not in said(app)
    shutil.rmtree(workspace.runs / run_id)
    app.button(key="data_delete_tiny").click().run()
    app.button(key="data_undo_close").click().run()
    (item,) = deleted_datasets(workspace)
    save_tiny(workspace)
    app.button(key=f"data_restore_{item.path.name}").click().run()
    assert ["here already" in toast.value for toast in app.toast] == [True], "the name is taken meanwhile"
    app.button(key="data_trash_empty_sure").click().run()
    assert not deleted_datasets(workspace) and not app.exception


def test_a_card_shows_pictures_and_what_one_does_next(
    open_page: OpenPage, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_tiny(workspace)
    (workspace.data / "odd").mkdir()
    app = open_page(workspace, "data")
    strips = [picture for picture in app.get("image") if ", cat, " in str(picture.proto)]
    assert len(strips) == 1 and "airplane, cat, frog, truck" in str(strips[0].proto), "a broken dataset has none"
    assert [error.value.startswith("The dataset odd is broken") for error in app.error] == [True]
    keys = {button.key for button in app.button}
    assert {"data_look_at_tiny", "data_train_tiny", "data_export_tiny", "data_delete_odd"} <= keys
    assert "data_train_odd" not in keys
    monkeypatch.setattr("pages.ui.data.dataset_actions.start_export", export_dataset)
    app.button(key="data_export_tiny").click().run()
    (download,) = [item for item in app.get("download_button") if item.proto.label.startswith("Download .zip")]
    assert not download.proto.disabled
    (workspace.root / LIMITS_FILE).write_text('{"export_mb": 1}')
    app.run()
    (download,) = [item for item in app.get("download_button") if item.proto.label.startswith("Download .zip")]
    assert download.proto.disabled and "more than the 1.0 MB" in download.proto.help


def test_what_begins_elsewhere_appears_by_itself(
    open_page: OpenPage, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fragment that looks at the disk reruns the page exactly where the datasets have changed."""
    save_tiny(workspace)
    app = open_page(workspace, "data")
    assert "data_look_at_mine" not in {button.key for button in app.button}
    found, calls = imports.list_datasets, []

    def concurrently(place: Workspace) -> list[DatasetState]:
        if not calls:
            save_tiny(workspace, "mine")  # an import of the command line is ready
        calls.append(place)
        return found(place)

    monkeypatch.setattr(imports, "list_datasets", concurrently)
    app.run()
    assert len(calls) == 2, "the page was drawn again, once"
    assert "data_look_at_mine" in {button.key for button in app.button}


def test_a_failed_job_says_why_and_what_to_do(
    open_page: OpenPage, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = JobState("get", "failed", error="There is no network: put the file here.")
    monkeypatch.setattr(
        "pages.ui.data.dataset_cards.read_job", lambda folder: job if folder.path.name == "cifar10" else None
    )
    app = open_page(workspace, "data")
    assert ["no network" in error.value for error in app.error] == [True]
    assert {"Download", "Dismiss"} <= {button.label for button in app.button}, "it can be tried again, or put away"


def test_browsing_by_split_and_class_is_in_the_address(open_page: OpenPage, workspace: Workspace) -> None:
    save_tiny(workspace)
    app = open_page(workspace, "data")
    assert "tiny · train, n = 300 · 300 match" in said(app)
    app.get_by_key("data_split").set_value("test").run()
    app.selectbox(key="data_class").select(3).run()
    assert "tiny · test, n = 100 · 10 match" in said(app)
    assert (app.query_params["split"], app.query_params["class"]) == ("test", "cat")
    assert "cat · test/00003" in said(app).replace("\\", ""), "the first picture that matches is varied below"
    app.get_by_key("data_split").set_value("train").run()
    app.selectbox(key="data_class").select(5).run()
    assert "tiny · train, n = 300 · 30 match" in said(app), "a second choice counts as the first did"
    again = open_page(workspace, "data", split="test", **{"class": "dog"})
    assert "tiny · test, n = 100 · 10 match" in said(again), "a reload shows the same"
    assert len(app.dataframe[-1].value) == 10, "the class counts as a table"


def test_a_class_may_have_any_name_and_no_pictures(open_page: OpenPage, workspace: Workspace) -> None:
    """For example the words that stand for all classes."""
    images, labels = tiny_pictures(4, classes=2)
    names = ("every class", "cat")
    parts = [
        Split(images[:count], labels[:count], np.array([f"{part}/{number}.png" for number in range(count)]))
        for part, count in (("train", 4), ("test", 1))
    ]
    save_dataset(workspace, "odd", *parts, title="Odd", class_names=names, source="Made by the tests.")
    app = open_page(workspace, "data", **{"class": "every class"})
    assert "odd · train, n = 4 · 2 match" in said(app)
    app.get_by_key("data_split").set_value("test").run()
    assert "odd · test, n = 1 · 1 match" in said(app)
    app.selectbox(key="data_class").select(1).run()
    assert not app.exception
    assert "odd · test, n = 1 · 0 match" in said(app)
    assert "One picture, varied" not in said(app), "there is none of that class"
    app.selectbox(key="data_class").select(-1).run()
    assert "odd · test, n = 1 · 1 match" in said(app)
    assert "class" not in app.query_params


def test_the_datasets_own_validation_pictures_are_a_part_of_their_own(
    open_page: OpenPage, workspace: Workspace
) -> None:
    save_tiny(workspace, "plain")
    save_tiny(workspace, validation=20)
    app = open_page(workspace, "data", dataset="tiny", split="validation")
    assert "tiny · validation, n = 20 · 20 match" in said(app)
    assert "airplane · train/00280.png" in said(app).replace("\\", "")
    assert app.dataframe[-1].value.iloc[0].tolist() == ["airplane", 28, 2, 10]
    app = open_page(workspace, "data", dataset="tiny", split="train", picture="train/00280.png")
    assert "airplane · train/00000.png" in said(app).replace("\\", ""), "the open picture is one of the part"
    app.get_by_key("data_split").set_value("train").run()
    assert "tiny · train, n = 280 · 280 match" in said(app)
    app.get_by_key("data_split").set_value("validation").run()
    app.selectbox(key="data_dataset").select("plain").run()
    assert not app.exception
    assert "plain · train, n = 300 · 300 match" in said(app), "it has no such part"
    assert app.dataframe[-1].value.iloc[0].tolist() == ["airplane", 30, 10]


def test_the_original_size_of_a_picture_is_shown(open_page: OpenPage, workspace: Workspace) -> None:
    """Of the opened one; older datasets do not know it."""
    save_two_classes(workspace, sizes=np.array([[640, 480], [1, 1], [1, 1], [1, 1]], np.int32))
    save_tiny(workspace)
    for dataset, size in (("pair", "640 x 480"), ("tiny", "not recorded")):
        text = said(open_page(workspace, "data", dataset=dataset)).replace("\\", "")
        assert f".png · Original size: {size}" in text


def test_another_dataset_is_browsed_by_its_own_classes(open_page: OpenPage, workspace: Workspace) -> None:
    save_tiny(workspace)
    save_two_classes(workspace)
    app = open_page(workspace, "data", dataset="tiny", **{"class": "cat"})
    assert "tiny · train, n = 300 · 30 match" in said(app)
    app.selectbox(key="data_dataset").select("pair").run()
    assert not app.exception
    assert "pair · train, n = 4 · 4 match" in said(app)
    assert "class" not in app.query_params


def test_a_path_is_looked_into_and_names_the_dataset(
    open_page: OpenPage, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(
        "pages.ui.data.import_pictures.start_look", lambda _, source, name, **more: asked.append((source, name, more))
    )
    save_tiny(workspace, "my-pictures")
    app = open_page(workspace, "data")
    app.text_input(key="data_import_path").set_value("'/somewhere/My Pictures.zip'").run()
    assert app.text_input(key="data_import_name").value == "my-pictures-2", "made from the file, and free"
    app.text_input(key="data_import_path").set_value("file:///somewhere/cats%20and%20dogs.zip").run()
    assert app.text_input(key="data_import_name").value == "cats-and-dogs"
    app.text_input(key="data_import_name").set_value("mine").run()
    app.text_input(key="data_import_path").set_value("/somewhere/pictures.zip").run()
    assert app.text_input(key="data_import_name").value == "mine", "a name that the person wrote stays"
    app.button(key="data_import_start").click().run()
    assert asked == [(Path("/somewhere/pictures.zip"), "mine", {})]


@pytest.mark.fault(55)
@pytest.mark.parametrize("name", [f"{name}.zip" for name in FILE_NAMES if can_be_shown(name)])
def test_an_uploaded_archive_is_handed_over_under_a_name_of_our_own(
    open_page: OpenPage, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    asked: list[tuple[Path, bytes, bool, str]] = []
    monkeypatch.setattr(
        "pages.ui.data.import_pictures.start_look",
        lambda _, source, name, *, upload, shown: asked.append((source, source.read_bytes(), upload, shown)),
    )
    app = open_page(workspace, "data")
    app.text_input(key="data_import_name").set_value("mine")
    app.file_uploader[0].upload(name, _zip())
    app.button(key="data_import_start").click().run()
    ((source, content, remove, shown),) = asked
    source.unlink()
    assert content == _zip()
    assert remove
    assert source.parent == workspace.data
    assert re.fullmatch(r"\.tmp-upload-\d+-[0-9a-f]{8}", source.name)
    assert shown == one_line(name, 200), "what is said of it names the file that the person chose"


@pytest.mark.parametrize("path", ["~no-such-user/pictures.zip", "/no/such/folder"])
def test_a_path_that_leads_nowhere_is_one_sentence(open_page: OpenPage, workspace: Workspace, path: str) -> None:
    app = open_page(workspace, "data")
    app.text_input(key="data_import_name").set_value("mine")
    app.text_input(key="data_import_path").set_value(path)
    app.button(key="data_import_start").click().run()
    assert not app.exception
    assert len(app.error) == 1


def test_a_refused_import_is_one_sentence_and_leaves_no_file(
    open_page: OpenPage, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    app = open_page(workspace, "data")
    app.text_input(key="data_import_name").set_value("Not Allowed")
    app.file_uploader[0].upload("pictures.zip", _zip())
    app.button(key="data_import_start").click().run()
    assert ["cannot be the name" in error.value for error in app.error] == [True]
    assert [item for item in tmp_path.iterdir() if item.is_file()] == []
    assert not app.exception


@given(
    some.lists(some.floats(0.02, 0.98), min_size=3, max_size=3),
    some.lists(some.floats(0.05, 0.5), min_size=3, max_size=3),
    some.integers(0, 2**32 - 1),
)
def test_a_normalised_picture_is_shown_without_clipping(mean: list[float], std: list[float], seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (3, 32, 32), dtype=np.uint8)
    pixels[:, 0, 0], pixels[:, 0, 1] = 0, 255
    view = normalised_view(pixels, (mean[0], mean[1], mean[2]), (std[0], std[1], std[2]))
    values = (pixels / 255 - np.array(mean)[:, None, None]) / np.array(std)[:, None, None]
    assert -view.bound <= view.low == values.min()
    assert view.high == values.max() <= view.bound
    shown_as = view.pixels / 127.5 * view.bound - view.bound
    assert np.abs(shown_as - values).max() <= view.bound / 255 + 1e-9, "a straight line, rounded to the nearest level"


@given(some.lists(some.integers(0, 3), max_size=40))
def test_pictures_are_shown_with_the_classes_in_turn(labels: list[int]) -> None:
    given = np.array(labels, np.int64)
    rows = classes_in_turn(given)
    assert sorted(rows) == list(range(len(labels)))
    kinds = len(set(labels))
    assert sorted(given[rows[:kinds]]) == sorted(set(labels)), "one of each class first"
    for kind in range(4):
        assert list(rows[given[rows] == kind]) == list(np.flatnonzero(given == kind)), "each class in its own order"


def test_a_channel_without_spread_is_still_shown() -> None:
    view = normalised_view(np.full((3, 32, 32), 128, np.uint8), (0.5, 0.5, 0.5), (0.0, 0.2, 0.2))
    assert np.isfinite(view.bound)


def save_two_classes(workspace: Workspace, sizes: np.ndarray | None = None) -> None:
    """A dataset `pair` of two classes that `tiny` does not have."""
    parts = [
        Split(*tiny_pictures(4, classes=2), np.array([f"{part}/{number}.png" for number in range(4)]), sizes)
        for part in ("train", "test")
    ]
    save_dataset(workspace, "pair", *parts, title="Pair", class_names=("left", "right"), source="Made by the tests.")


def _zip() -> bytes:
    buffer, picture = io.BytesIO(), io.BytesIO()
    Image.new("RGB", (32, 32)).save(picture, "PNG")
    with zipfile.ZipFile(buffer, "w") as archive:
        for part in ("train", "test"):
            for label in ("a", "b"):
                archive.writestr(zipfile.ZipInfo(f"{part}/{label}/0.png"), picture.getvalue())
    return buffer.getvalue()
