"""Opening the workspace: where it lies, that it is created on first use, and the sentence where that fails."""

import os
import time
from pathlib import Path

import pytest

from cifar_core.config import make_config
from cifar_core.errors import StorageError
from cifar_core.runs import create_run
from cifar_core.storage.atomic import TEMP_MARK
from cifar_core.workspace import WORKSPACE_VARIABLE, Workspace, open_workspace
from tests.rights import as_a_user

FOLDERS = ("data", "runs", "exports", "trash")


def test_it_is_created_on_first_use_and_kept_on_the_next(tmp_path: Path) -> None:
    root = tmp_path / "deep" / "workspace"
    workspace = open_workspace(root)
    assert workspace == Workspace(root)
    assert sorted(item.name for item in root.iterdir()) == sorted(FOLDERS)
    (workspace.runs / "a-run").mkdir()
    assert open_workspace(root) == workspace
    assert (workspace.runs / "a-run").is_dir()


def test_where_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The argument wins over the variable, which wins over the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(WORKSPACE_VARIABLE, raising=False)
    assert open_workspace().root == tmp_path / "workspace"
    monkeypatch.setenv(WORKSPACE_VARIABLE, str(tmp_path / "by-variable"))
    assert open_workspace().root == tmp_path / "by-variable"
    assert open_workspace(tmp_path / "by-argument").root == tmp_path / "by-argument"
    monkeypatch.setenv(WORKSPACE_VARIABLE, "")
    assert open_workspace("").root == tmp_path / "workspace"


def test_the_home_folder_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert open_workspace("~/pictures").root == tmp_path / "pictures"


def test_moving_to_another_folder_later_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    workspace = open_workspace("relative")
    monkeypatch.chdir("/")
    assert workspace.runs.is_dir()


def test_a_link_to_a_folder_works(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    assert open_workspace(tmp_path / "link").root == tmp_path / "elsewhere"


def test_leftovers_of_crashed_writers_are_swept(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path)
    folders = (workspace.root, workspace.data, workspace.exports, workspace.sweeps, workspace.deleted_sweeps)
    workspace.deleted_sweeps.mkdir(parents=True)
    leftovers = [folder / f"{TEMP_MARK}{age}" for folder in folders for age in ("old", "new")]
    for leftover in leftovers:
        leftover.mkdir()
        if leftover.name.endswith("old"):
            os.utime(leftover, (time.time() - 7200,) * 2)
    open_workspace(tmp_path)
    assert [leftover.exists() for leftover in leftovers] == [False, True] * 5


def test_behind_a_link_nothing_is_swept(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    kept = elsewhere / f"{TEMP_MARK}of-others"
    kept.touch()
    os.utime(kept, (0, 0))
    workspace = open_workspace(tmp_path / "workspace")
    (workspace.data / "link").symlink_to(elsewhere)
    open_workspace(workspace.root)
    assert kept.exists()


@pytest.mark.fault(17)
@pytest.mark.parametrize("obstacle", ["a file", "a file inside", "a loop of links", "a dangling link", "a zero byte"])
def test_what_cannot_be_a_workspace_is_named_with_what_to_do(tmp_path: Path, obstacle: str) -> None:
    root = tmp_path / "workspace"
    match obstacle:
        case "a file":
            root.touch()
        case "a file inside":
            root.mkdir()
            (root / "runs").touch()
        case "a loop of links":
            root.symlink_to(tmp_path / "other")
            (tmp_path / "other").symlink_to(root)
        case "a dangling link":
            root.mkdir()
            (root / "runs").symlink_to(tmp_path / "nowhere" / "deep")
        case "a zero byte":
            root = tmp_path / "work\0space"
    with pytest.raises(StorageError, match="cannot be used") as caught:
        open_workspace(root)
    sentence = str(caught.value)
    assert f"The workspace {root}" in sentence
    assert "Errno" not in sentence
    assert f"give another folder with --workspace or the variable {WORKSPACE_VARIABLE}." in sentence


@pytest.mark.fault(17)
def test_a_workspace_that_can_only_be_read_is_opened(tmp_path: Path) -> None:
    """Such as the share of another person, or a copy on a DVD, which may lack empty folders."""
    workspace = open_workspace(tmp_path / "workspace")
    assert workspace.unwritable() is None
    workspace.exports.rmdir()
    for folder in (workspace.root, workspace.data, workspace.runs, workspace.trash):
        folder.chmod(0o500)

    def look() -> None:
        assert open_workspace(workspace.root) == workspace
        assert workspace.unwritable() == workspace.data
        with pytest.raises(StorageError, match=r"No permission to write while .*let its owner allow it"):
            create_run(workspace, make_config())

    as_a_user(look)
    for folder in (workspace.root, workspace.data, workspace.runs, workspace.trash):
        folder.chmod(0o700)
    assert not workspace.exports.exists()


@pytest.mark.fault(17)
@pytest.mark.parametrize("where", ["root", "runs"])
def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path, where: str) -> None:
    workspace = open_workspace(tmp_path / "workspace")
    getattr(workspace, where).chmod(0)

    def look() -> None:
        with pytest.raises(StorageError, match=rf"{workspace.root} cannot be used \(.*{getattr(workspace, where)}"):
            open_workspace(workspace.root)

    as_a_user(look)
    getattr(workspace, where).chmod(0o700)


def test_reading_its_paths_creates_no_folder(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "gone")
    assert [getattr(workspace, name) for name in FOLDERS] == [tmp_path / "gone" / name for name in FOLDERS]
    assert not workspace.root.exists()
