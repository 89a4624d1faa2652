"""Locks of several users, and what may lie in the place of a lock."""

import os
import stat
from pathlib import Path

import pytest

from cifar_core.errors import StorageError
from cifar_core.storage.atomic import make_folder
from cifar_core.storage.locks import hold_lock, is_locked
from tests.rights import as_a_user


@pytest.mark.skipif(os.name != "posix", reason="there are no such permissions")
def test_a_lock_and_a_shared_folder_are_as_open_as_the_folder_around_them(tmp_path: Path) -> None:
    """Whatever the umask of who made them: in a workspace of several users all wait for the same locks."""
    tmp_path.chmod(0o770)
    before = os.umask(0o077)
    try:
        make_folder(tmp_path / "queue")
        with hold_lock(tmp_path / "queue" / "order.lock") as mine:
            assert mine
    finally:
        os.umask(before)
    modes = [stat.S_IMODE((tmp_path / place).stat().st_mode) for place in ("queue", "queue/order.lock")]
    assert modes == [0o770, 0o660]


def test_a_lock_that_can_only_be_read_can_be_held(tmp_path: Path) -> None:
    path = tmp_path / "new-run.lock"
    path.touch()
    path.chmod(0o444)

    def hold() -> None:
        with hold_lock(path) as mine:
            assert mine
            assert is_locked(path)

    as_a_user(hold)


@pytest.mark.parametrize("odd", ["closed", "a loop of links", "below a file"])
def test_a_lock_that_cannot_be_opened_is_named(tmp_path: Path, odd: str) -> None:
    path = tmp_path / "worker.lock"
    match odd:
        case "closed":
            path.touch()
            path.chmod(0)
        case "a loop of links":
            path.symlink_to(path.name)
        case "below a file":
            (tmp_path / "file").touch()
            path = tmp_path / "file" / "worker.lock"

    def ask() -> None:
        with pytest.raises(StorageError, match=r"while looking at worker\.lock"):
            is_locked(path)

    as_a_user(ask)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
def test_a_pipe_in_place_of_a_lock_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "worker.lock")
    assert not is_locked(tmp_path / "worker.lock")
