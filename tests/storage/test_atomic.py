"""Atomic writes with injected failures, torn files, racing writers and killed processes."""

import errno
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cifar_core.errors import StorageError
from cifar_core.storage import atomic
from cifar_core.storage.atomic import (
    TEMP_MARK,
    append_line,
    new_file,
    new_folder,
    sweep_temp,
    whole_lines_end,
    write_atomic,
)
from cifar_core.storage.json_files import read_json, write_json
from tests.conftest import ROOT

FULL = (
    r"The disk is full while writing state.json \(it takes no more files, or a quota is used up\): free some "
    r"space and try again."
)
DISK_ERRORS = {
    "enospc": FULL,
    "edquot": FULL,
    "half": FULL,
    "eio": "The disk refused while writing state.json: Input/output error.",
    "erofs": "No permission to write while writing state.json: choose another workspace.",
    "eacces": r"No permission to write while writing state.json: let its owner allow it \(chmod -R g\+rwX\), or choose another "
    "workspace.",
}


def refuse(number: int) -> Callable[..., Any]:
    """A stand-in for a system call that always fails."""

    def call(*_args: object, **_options: object) -> None:
        raise OSError(number, os.strerror(number))

    return call


def names(folder: Path) -> list[str]:
    """The names in `folder`, with hidden files."""
    return sorted(item.name for item in folder.iterdir())


# Whole files


def test_write_atomic_replaces_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    write_atomic(path, b"a longer old content")
    write_atomic(path, b"new", durable=False)
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["state.json"]


@pytest.mark.fault(14, 15, 16)
@pytest.mark.parametrize("effect", DISK_ERRORS)
@pytest.mark.parametrize("point", ["write", "fsync", "replace"])
@pytest.mark.parametrize("existed", [True, False])
def test_a_failing_disk_leaves_the_old_file_whole(
    tmp_path: Path, arm: Callable[[str], None], point: str, effect: str, existed: bool
) -> None:
    path = tmp_path / "state.json"
    if existed:
        path.write_bytes(b"old")
    arm(f"{point}:1:{effect}")
    with pytest.raises(StorageError) as caught:
        write_atomic(path, b"new content")
    assert re.fullmatch(DISK_ERRORS[effect], str(caught.value))
    assert names(tmp_path) == (["state.json"] if existed else [])
    assert not existed or path.read_bytes() == b"old"


def test_a_folder_that_cannot_be_synced_is_a_failed_save(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last step: the rename is done, but it may not survive a power cut."""
    monkeypatch.setattr(atomic, "sync_folder", refuse(errno.EIO))
    with pytest.raises(StorageError, match="Input/output error"):
        write_atomic(tmp_path / "state.json", b"new")
    assert names(tmp_path) == ["state.json"]


def test_writing_into_a_missing_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"^The disk refused while writing state.json: No such file or directory.$"):
        write_atomic(tmp_path / "gone" / "state.json", b"new")


def test_an_interrupt_leaves_no_temporary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomic(tmp_path / "state.json", b"new")
    assert names(tmp_path) == []


def test_a_name_near_the_limit_of_the_file_system_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("a" * 250)
    write_atomic(path, b"new")
    assert path.read_bytes() == b"new"
    with new_folder(tmp_path / ("b" * 255)) as folder:
        (folder / "file").touch()
    assert (tmp_path / ("b" * 255) / "file").exists()


def test_readers_never_see_a_half_written_file(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    write_json(path, {"n": 0, "tail": "x" * 50_000})
    stop = threading.Event()
    seen = []

    def read() -> None:
        while not stop.is_set():
            seen.append(len(read_json(path)["tail"]))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for n in range(200):
            write_json(path, {"n": n, "tail": "x" * 50_000}, durable=False)
    finally:
        stop.set()
        reader.join()
    assert set(seen) == {50_000}


def test_a_writer_killed_at_any_moment_leaves_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    code = (
        "import sys; from pathlib import Path; from cifar_core.storage.json_files import write_json\n"
        "path = Path(sys.argv[1]); n = 0\n"
        "while True:\n"
        "    n += 1; write_json(path, {'n': n, 'tail': 'x' * 100_000}, durable=False)\n"
        "    if n == 1: print('writing', flush=True)\n"
    )
    for pause in (0.0, 0.003, 0.01):
        writer = subprocess.Popen([sys.executable, "-c", code, path], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        assert writer.stdout.readline() == "writing\n"
        time.sleep(pause)
        writer.kill()
        writer.wait()
        writer.stdout.close()
        assert len(read_json(path)["tail"]) == 100_000
    sweep_temp(tmp_path, older_than=0)
    assert names(tmp_path) == ["state.json"]


@pytest.mark.fault(13)
def test_a_file_that_does_not_fit_is_not_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: types.SimpleNamespace(free=2000))
    with pytest.raises(StorageError, match=r"needs 3 kB, 2 kB are free\): free some space"):
        write_atomic(tmp_path / "state.json", b"x" * 1500, b"x" * 1500)
    assert names(tmp_path) == []
    write_atomic(tmp_path / "state.json", b"x" * 1000, b"x" * 1000)


@pytest.mark.fault(73)
def test_a_reader_on_windows_is_waited_for_a_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows refuses to replace a file that another process has open: ten tries with pauses, then an error."""
    path = tmp_path / "state.json"
    path.write_bytes(b"old")
    tries: list[float] = []
    real = os.replace
    monkeypatch.setattr(atomic, "_POSIX", False)
    monkeypatch.setattr(time, "sleep", tries.append)

    def held(source: Path, target: Path) -> None:
        if len(tries) < 3:
            raise PermissionError(errno.EACCES, "Permission denied")
        real(source, target)

    monkeypatch.setattr(os, "replace", held)
    write_atomic(path, b"new")
    assert path.read_bytes() == b"new" and len(tries) == 3
    monkeypatch.setattr(os, "replace", refuse(errno.EACCES))
    tries.clear()
    with pytest.raises(StorageError, match="No permission to write"):
        write_atomic(path, b"newer")
    assert path.read_bytes() == b"new" and names(tmp_path) == ["state.json"]
    assert len(tries) == 9 and sum(tries) < 5


def test_a_file_written_piece_by_piece_appears_at_its_end(tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError), new_file(path) as handle:
        handle.write(b"half")
        raise RuntimeError
    assert path.read_bytes() == b"old" and names(tmp_path) == ["export.zip"]
    with new_file(path) as handle:
        handle.write(b"one ")
        assert path.read_bytes() == b"old"
        handle.write(b"two")
    assert path.read_bytes() == b"one two" and names(tmp_path) == ["export.zip"]


# Lines


def test_lines_are_appended_whole(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    append_line(path, '{"epoch": 1}')
    append_line(path, '{"note": "größer"}')
    assert path.read_text(encoding="utf-8") == '{"epoch": 1}\n{"note": "größer"}\n'


@pytest.mark.parametrize("torn", [b'{"ep', b"\x00\x00\x00", b"x" * 200_000])
def test_a_torn_last_line_is_cut_before_the_next(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b"one\ntwo\n" + torn)
    assert whole_lines_end(path) == len(b"one\ntwo\n")
    append_line(path, "three")
    assert path.read_bytes() == b"one\ntwo\nthree\n"


@pytest.mark.parametrize(
    ("content", "end"), [(b"", 0), (b"torn", 0), (b"a\n", 2), (b"\n", 1), (b"x" * 70_000 + b"\ny", 70_001)]
)
def test_whole_lines_end(tmp_path: Path, content: bytes, end: int) -> None:
    path = tmp_path / "metrics.jsonl"
    assert whole_lines_end(path) == 0
    path.write_bytes(content)
    assert whole_lines_end(path) == end


def test_a_line_break_inside_a_line_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="line break"):
        append_line(tmp_path / "metrics.jsonl", "one\ntwo")
    assert names(tmp_path) == []


@pytest.mark.fault(14, 15)
@pytest.mark.parametrize("effect", ["enospc", "eio", "half"])
@pytest.mark.parametrize("point", ["write", "fsync"])
def test_a_failing_append_keeps_the_lines_before(
    tmp_path: Path, arm: Callable[[str], None], point: str, effect: str
) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b"one\n")
    arm(f"{point}:1:{effect}")
    with pytest.raises(StorageError, match=r"while writing metrics.jsonl"):
        append_line(path, "a second line")
    arm("")
    assert path.read_bytes() == b"one\n"
    append_line(path, "two")
    assert path.read_bytes() == b"one\ntwo\n"


# Whole folders


def test_a_folder_appears_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "export"
    with new_folder(target) as folder:
        (folder / "inner").mkdir()
        (folder / "inner" / "a.png").write_bytes(b"a")
        assert not target.exists()
        assert folder.name.startswith(TEMP_MARK)
    assert (target / "inner" / "a.png").read_bytes() == b"a"
    assert names(tmp_path) == ["export"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, OSError])
def test_a_failing_builder_leaves_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    with pytest.raises(error, match="in the builder"), new_folder(tmp_path / "export") as folder:
        (folder / "a.png").write_bytes(b"a")
        raise error("in the builder")
    assert names(tmp_path) == []


@pytest.mark.parametrize("kind", ["full folder", "empty folder", "file", "link to a folder", "dangling link"])
def test_what_has_the_name_already_is_not_changed(tmp_path: Path, kind: str) -> None:
    target, other = tmp_path / "export", tmp_path / "other"
    other.mkdir()
    match kind:
        case "full folder":
            target.mkdir()
            (target / "a.png").write_bytes(b"old")
        case "empty folder":
            target.mkdir()
        case "file":
            target.write_bytes(b"old")
        case "link to a folder":
            target.symlink_to(other)
        case "dangling link":
            target.symlink_to(tmp_path / "nowhere")
    before = (target.lstat().st_ino, names(tmp_path))
    with pytest.raises(FileExistsError), new_folder(target) as folder:
        (folder / "a.png").write_bytes(b"new")
    assert (target.lstat().st_ino, names(tmp_path)) == before
    if kind == "full folder":
        assert (target / "a.png").read_bytes() == b"old"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("point", ["mkdir", "rename", "fsync"])
def test_a_failing_disk_leaves_no_half_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str, number: int
) -> None:
    monkeypatch.setattr(os, point, refuse(number))
    with pytest.raises(StorageError, match="while making export"), new_folder(tmp_path / "export") as folder:
        (folder / "a.png").write_bytes(b"a")
    monkeypatch.undo()
    # After the rename the folder is there, whole; what failed is only the promise that it survives a power cut.
    assert names(tmp_path) == (["export"] if point == "fsync" else [])


def test_of_two_racing_builders_one_wins(tmp_path: Path) -> None:
    target = tmp_path / "run"
    barrier = threading.Barrier(2)
    outcomes: list[str] = []

    def build(name: str) -> None:
        try:
            with new_folder(target) as folder:
                (folder / "owner").write_text(name)
                (folder / name).touch()
                barrier.wait(timeout=10)
        except FileExistsError:
            outcomes.append("refused")
        else:
            outcomes.append(name)

    builders = [threading.Thread(target=build, args=(name,)) for name in ("first", "second")]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.join()
    assert outcomes.count("refused") == 1
    winner = next(name for name in outcomes if name != "refused")
    assert names(tmp_path) == ["run"]
    assert names(target) == sorted(["owner", winner])
    assert (target / "owner").read_text() == winner


# What crashed writers left


def test_only_old_leftovers_are_swept(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").touch()
    for name in ("old-file", "young-file"):
        (tmp_path / f"{TEMP_MARK}{name}").touch()
    (tmp_path / f"{TEMP_MARK}old-folder").mkdir()
    (tmp_path / f"{TEMP_MARK}old-folder" / "inner").touch()
    (tmp_path / f"{TEMP_MARK}old-link").symlink_to(precious)
    long_ago = time.time() - 7200
    for name in ("old-file", "old-folder", "old-link"):
        os.utime(tmp_path / f"{TEMP_MARK}{name}", (long_ago, long_ago), follow_symlinks=False)
    assert sweep_temp(tmp_path) == 3
    assert names(tmp_path) == [f"{TEMP_MARK}young-file", "precious"]
    assert names(precious) == ["file"]


def test_files_that_others_may_be_writing_stay(tmp_path: Path) -> None:
    for name in ("about.json-7-ab", "control-stop-7-ab", "status.json-7-ab"):
        (tmp_path / f"{TEMP_MARK}{name}").touch()
    assert sweep_temp(tmp_path, older_than=0, spare=(tmp_path / "about.json", tmp_path / "control-stop")) == 1
    assert names(tmp_path) == [f"{TEMP_MARK}about.json-7-ab", f"{TEMP_MARK}control-stop-7-ab"]


def test_sweeping_a_missing_folder_does_nothing(tmp_path: Path) -> None:
    assert sweep_temp(tmp_path / "gone") == 0
