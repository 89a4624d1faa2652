"""Each patch fits the Streamlit that is installed; where one does not, Streamlit stays as it is and the log says why.

When a new Streamlit makes a test here fail, its message names the part that changed. Read the patch of that part again
beside the new code, then correct its declaration.
"""

import dataclasses
import importlib
import logging
from typing import Any

import pytest
from streamlit import net_util
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.pages_manager import PagesManager

from pages.ui.server import patching
from pages.ui.server.internals import Absent
from pages.ui.server.kept_media import MEDIA_MANAGER, MEDIA_STORAGE, KeptMediaManager, KeptMediaStorage
from pages.ui.server.patching import Patch, patch_differences, patch_fits, replace_classes
from pages.ui.server.session import SESSION, WIDGET_VALUES
from pages.ui.server.startup import IP_LOOKUP, PAGE_DISCOVERY
from pages.ui.server.upload_quota import UPLOAD_MANAGER
from tests.conftest import ROOT

ROOM = ROOT / "pages" / "ui" / "server"


def declared() -> list[Patch]:
    """Every patch that a module of the room declares; a new one is found by itself."""
    modules = [importlib.import_module(f"pages.ui.server.{file.stem}") for file in sorted(ROOM.glob("*.py"))]
    return list(
        {value.name: value for each in modules for value in vars(each).values() if isinstance(value, Patch)}.values()
    )


@pytest.fixture(autouse=True)
def _nothing_said_yet() -> None:
    patching._log_once.cache_clear()


def test_the_patches_are_found() -> None:
    """Guards the tests below against reading an empty room."""
    known = (IP_LOOKUP, MEDIA_MANAGER, MEDIA_STORAGE, PAGE_DISCOVERY, SESSION, UPLOAD_MANAGER, WIDGET_VALUES)
    assert {patch.name for patch in declared()} >= {patch.name for patch in known}


@pytest.mark.parametrize("patch", declared(), ids=lambda patch: patch.name.rpartition(".")[2])
def test_the_installed_streamlit_is_as_the_patch_expects(patch: Patch) -> None:
    assert patch.of is not Absent, f"{patch.name} is not there any more"
    assert patch_differences(patch, patch.sample()) == []


@pytest.mark.parametrize("patch", declared(), ids=lambda patch: patch.name.rpartition(".")[2])
def test_the_patch_is_declared_under_its_own_name(patch: Patch) -> None:
    module, _, name = patch.name.rpartition(".")
    assert getattr(importlib.import_module(module), name) is patch.of


class Slotted:
    """A class whose objects cannot become those of another class."""

    __slots__ = ("size",)


class AddFileOfAnotherStreamlit:
    def add_file(self, session_id: str, file_id: str, file: object) -> None: ...


# A change of Streamlit: (what is changed, its attribute, the new value or None where it goes), the patch, what is said.
CHANGES = [
    (MediaFileManager, "clear_session_refs", lambda self, session: None, MEDIA_MANAGER,
     "MediaFileManager.clear_session_refs takes (self, session), not (self, session_id)."),
    (MediaFileManager, "remove_orphaned_files", None, MEDIA_MANAGER, "MediaFileManager has no method remove_orphaned_files any more."),
    (MemoryMediaFileStorage, "delete_file", lambda self: None, MEDIA_STORAGE,
     "MemoryMediaFileStorage.delete_file takes (self), not (self, file_id)."),
    (MemoryUploadedFileManager, "add_file", AddFileOfAnotherStreamlit.add_file, UPLOAD_MANAGER,
     "MemoryUploadedFileManager.add_file takes (self, session_id, file_id, file), not (self, session_id, file)."),
    (PagesManager, "uses_pages_directory", "yes", PAGE_DISCOVERY, "PagesManager.uses_pages_directory is of type str, not bool or NoneType."),
    (net_util, "_external_ip", None, IP_LOOKUP, "net_util has no attribute _external_ip any more."),
]  # fmt: skip


@pytest.mark.parametrize(("of", "name", "value", "patch", "told"), CHANGES, ids=[change[1] for change in CHANGES])
def test_a_change_of_streamlit_is_named(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    of: Any,
    name: str,
    value: Any,
    patch: Patch,
    told: str,
) -> None:
    """Shows the tests above failing, and that the server says it once."""
    if value is None:
        monkeypatch.delattr(of, name)
    else:
        monkeypatch.setattr(of, name, value)
    with caplog.at_level(logging.WARNING):
        assert not patch_fits(patch, patch.sample()) and not patch_fits(patch, patch.sample())
    (record,) = caplog.records
    assert told in record.message and patch.lost in record.message


def test_an_attribute_that_is_made_no_more_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    sample = MEDIA_MANAGER.sample()
    del sample._files_by_session_and_coord  # type: ignore[attr-defined]
    assert [
        "has no attribute _files_by_session_and_coord" in line for line in patch_differences(MEDIA_MANAGER, sample)
    ] == [True]


def test_a_class_that_was_moved_is_named() -> None:
    moved = dataclasses.replace(UPLOAD_MANAGER, of=Absent)
    assert patch_differences(moved, object()) == [f"{UPLOAD_MANAGER.name} is not there any more."]


def test_a_class_with_slots_is_named() -> None:
    patch = Patch("Slotted", "nothing is lost", of=Slotted, sample=Slotted, attributes={})
    assert patch_differences(patch, Slotted()) == ["Slotted has __slots__ now."]


def test_both_media_classes_are_replaced_or_neither(monkeypatch: pytest.MonkeyPatch) -> None:
    storage = MemoryMediaFileStorage("/media")
    manager = MediaFileManager(storage)
    both = ((MEDIA_STORAGE, storage, KeptMediaStorage), (MEDIA_MANAGER, manager, KeptMediaManager))
    with monkeypatch.context() as changed:
        changed.delattr(MediaFileManager, "remove_orphaned_files")
        assert not replace_classes(*both)
    assert (type(storage), type(manager)) == (MemoryMediaFileStorage, MediaFileManager)
    assert replace_classes(*both)
    assert (type(storage), type(manager)) == (KeptMediaStorage, KeptMediaManager)
