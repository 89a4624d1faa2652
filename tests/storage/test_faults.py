"""Fault injection makes the named call fail, once or from then on, and no other."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cifar_core.errors import StorageError
from cifar_core.storage import faults
from cifar_core.storage.atomic import append_line, new_folder, remove, write_atomic
from tests.conftest import ROOT


@pytest.mark.parametrize(
    "plan", ["write", "write:x:eio", "read:1:eio", "write:1:explode", "write:1:eio ", "write:-1:eio"]
)
def test_an_invalid_plan_is_refused(plan: str) -> None:
    with pytest.raises(ValueError, match="must be POINT:N:EFFECT"):
        faults.arm(plan)


def test_only_the_call_that_is_named_fails(tmp_path: Path, arm: Callable[[str], None]) -> None:
    arm("write:2:eio")
    write_atomic(tmp_path / "one", b"1")
    assert not faults.was_injected()
    with pytest.raises(StorageError):
        write_atomic(tmp_path / "two", b"2")
    assert faults.was_injected()
    write_atomic(tmp_path / "three", b"3")
    assert sorted(item.name for item in tmp_path.iterdir()) == ["one", "three"]


def test_a_lasting_fault_stays(tmp_path: Path, arm: Callable[[str], None]) -> None:
    arm("fsync:2+:enospc")
    append_line(tmp_path / "lines", "one")
    for _ in range(2):
        with pytest.raises(StorageError, match="disk is full"):
            append_line(tmp_path / "lines", "more")
    assert (tmp_path / "lines").read_bytes() == b"one\n"


@pytest.mark.parametrize("point", ["write", "replace", "fsync"])
def test_folders_can_fail(tmp_path: Path, arm: Callable[[str], None], point: str) -> None:
    arm(f"{point}:1:eio")
    with pytest.raises(StorageError), new_folder(tmp_path / "folder") as folder:
        (folder / "file").touch()
    assert faults.was_injected()


def test_removing_can_fail(tmp_path: Path, arm: Callable[[str], None]) -> None:
    (tmp_path / "file").touch()
    arm("remove:1:eacces")
    with pytest.raises(StorageError, match="No permission to write while removing file"):
        remove(tmp_path / "file")
    remove(tmp_path / "file")
    remove(tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("effect", "left"), [("die", b""), ("half-die", b"first\nsec")])
def test_the_variable_makes_a_process_die_at_a_write(tmp_path: Path, effect: str, left: bytes) -> None:
    path = tmp_path / "lines"
    number = 1 if effect == "die" else 2
    code = (
        "import sys; from pathlib import Path; from cifar_core.storage.atomic import append_line\n"
        "for line in ('first', 'second'): append_line(Path(sys.argv[1]), line)"
    )
    environment = {**os.environ, faults.FAULT_VARIABLE: f"write:{number}:{effect}"}
    found = subprocess.run([sys.executable, "-c", code, path], cwd=ROOT, env=environment, check=False)
    assert found.returncode == faults.EXIT_CODE
    assert path.read_bytes() == left
