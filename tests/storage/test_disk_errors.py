"""What the disk refuses becomes one sentence; other errors are left as they are."""

import errno
from pathlib import Path

import pytest

from cifar_core.errors import StorageError
from cifar_core.storage.disk_errors import storage_errors


def test_a_permission_error_names_the_place(tmp_path: Path) -> None:
    with (
        pytest.raises(StorageError, match=r"No permission to write while saving \(.*place\): let its owner"),
        storage_errors("saving"),
    ):
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "place"))


def test_other_errors_pass_through() -> None:
    with pytest.raises(ValueError, match="not of the disk"), storage_errors("saving"):
        raise ValueError("not of the disk")
