"""A person imports pictures of their own on the Data page: six kinds of what people bring."""

import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from cifar_core.data import open_dataset
from cifar_core.workspace import Workspace
from tests.data.conftest import raw_zip, tree
from tests.e2e.screens import settle
from tests.e2e.serving import serve


class Importer:
    """The Data page of a person who imports one thing after another."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def look(self, source: Path, name: str) -> None:
        """Look inside a path, or upload an archive; the name is filled in."""
        if not self._page.get_by_label("Path on this machine").is_visible():
            self._page.get_by_text("Import pictures you have").click()
        if source.is_dir():
            self._page.get_by_label("Path on this machine").fill(str(source))
            self._page.get_by_label("Path on this machine").press("Enter")
        else:
            self._page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(source)
        expect(self._page.get_by_label("Name", exact=True)).to_have_value(name)
        self.press("data_import_start")

    def press(self, key: str) -> None:
        settle(self._page)
        self._page.locator(f".st-key-{key}").get_by_role("button").click()

    def says(self, text: str) -> None:
        expect(self._page.get_by_text(text).first).to_be_visible()

    def take(self, name: str) -> None:
        """Import what was found; its result is said in view, and the browser shows its pictures."""
        self.press(f"data_take_{name}")
        expect(self._page.get_by_text(f"{name} can be trained on")).to_be_in_viewport()
        expect(self._page.get_by_text(f"{name} · train, n =")).to_be_visible()


@pytest.mark.slow
@pytest.mark.fault(77, 79, 83)
def test_six_kinds_of_pictures(page: Page, workspace: Workspace, tmp_path: Path) -> None:
    with serve(workspace, tmp_path / "log") as app:
        page.goto(f"{app.url}/data")
        settle(page)
        person = Importer(page)

        person.look(tree(tmp_path / "Class Folders", [""], count=10), "class-folders")
        person.says("in one part: a test part is drawn from them")
        person.take("class-folders")
        assert len(open_dataset(workspace, "class-folders").test.labels) == 4

        names = [f"{part}/{name}/1.png".encode("gbk") for part in ("train", "test") for name in ("猫咪", "小狗")]
        person.look(raw_zip(tmp_path / "gbk.zip", names), "gbk")
        page.get_by_text("小狗 (gbk)").or_(page.get_by_text("猫咪 (gbk)")).first.click()
        person.press("data_read_gbk")
        person.take("gbk")
        assert sorted(open_dataset(workspace, "gbk").class_names) == sorted(["猫咪", "小狗"])

        windows = [f"pets\\{part}\\{name}\\1.png".encode() for part in ("Train", "Test") for name in ("cat", "dog")]
        person.look(raw_zip(tmp_path / "windows.zip", windows), "windows")
        person.says("pets/Train is the training part (2 files)")
        person.take("windows")

        person.look(tree(tmp_path / "three", ["train", "valid", "test"]), "three")
        person.says("valid is the validation part (8 files)")
        person.take("three")
        expect(page.get_by_role("radio", name="validation", exact=True)).to_be_attached()

        broken = tree(tmp_path / "broken", ["train", "test"])
        (broken / "train" / "cat" / "01.png").write_bytes(b"")
        person.look(broken, "broken")
        person.press("data_take_broken")
        person.says("1 of 16 files cannot be used")
        expect(page.get_by_role("button", name="Import the other 15")).to_be_visible()
        person.take("broken")

        twice = tmp_path / "twice.zip"
        with zipfile.ZipFile(twice, "w") as archive:
            for file in sorted(broken.rglob("0[02].png")):
                archive.write(file, file.relative_to(broken))
            with pytest.warns(UserWarning, match="Duplicate name"):
                archive.writestr("train/cat/00.png", (broken / "test" / "dog" / "02.png").read_bytes())
        person.look(twice, "twice")
        person.press("data_take_twice")
        person.says("train/cat/00.png occurs twice.")
        person.take("twice")
        assert len(open_dataset(workspace, "twice").train.labels) == 4
