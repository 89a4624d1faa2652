"""An import that ended early goes on where it was: the dataset is the same, byte for byte, as of one in one go."""

import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from cifar_core.data.sources.own import importing, reading
from cifar_core.data.sources.own.importing import ImportWatcher, import_pictures
from cifar_core.data.sources.own.options import ImportOptions
from cifar_core.data.sources.own.spool import FACT, read_so_far
from cifar_core.errors import StorageError
from cifar_core.storage import faults
from cifar_core.workspace import Workspace, open_workspace
from tests.conftest import ROOT
from tests.data.conftest import Packer, noise_bytes, picture_bytes, write_folder, write_tar, write_zip
from tests.data.originals.test_originals import encoded

LEAVE_OUT = ImportOptions(leave_out=True)
PACKERS: dict[str, Packer] = {"folder": write_folder, "zip": write_zip, "tar": write_tar}


def odd_files() -> dict[str, bytes]:
    """Everything that an import must take over from its earlier process: originals, both readings of grey, bad files,
    two files with one id, a class without training pictures."""
    files = {f"train/{name}/{number:02d}.png": noise_bytes(number) for name in "ab" for number in range(9)}
    files |= {f"test/{name}/{number:02d}.png": noise_bytes(50 + number) for name in "ab" for number in range(4)}
    files |= {f"train/a/large{number}.png": picture_bytes(size=90 + number) for number in range(3)}
    grey = [encoded(Image.fromarray(np.full((40, 60), 400 * number, np.uint16))) for number in range(4)]
    files |= {f"train/b/grey{number}.png": content for number, content in enumerate(grey)}
    files |= {f"train/b/bad{number:02d}.png": b"no picture" for number in range(23)}
    return files | {"train/a/images/00.png": noise_bytes(99), "test/only/1.png": noise_bytes(98)}


def content(workspace: Workspace, name: str) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted((workspace.data / name).iterdir())}


class EndedError(Exception):
    """The process ends here."""


def stopping_after(files: int, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Make an import end when it reads one file more; the function that is returned says how many it has read."""
    true, read = reading.Reading.read, itertools.count()
    seen = [0]

    def stop(self: reading.Reading, member: object) -> None:
        seen[0] = next(read)
        if seen[0] == files:
            raise EndedError
        true(self, member)  # type: ignore[arg-type]

    monkeypatch.setattr(reading.Reading, "read", stop)
    return lambda: seen[0]


@pytest.fixture(scope="module", params=PACKERS)
def packed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    return PACKERS[request.param](odd_files(), folder / "odd")


@pytest.fixture(scope="module")
def whole(packed: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of the dataset of an import in one go."""
    workspace = open_workspace(tmp_path_factory.mktemp("whole"))
    import_pictures(workspace, packed, "mine", options=LEAVE_OUT)
    return content(workspace, "mine")


@pytest.mark.parametrize("stops", [(1,), (20, 31), (40, 3, 1), (49,)])
def test_it_goes_on_and_ends_as_if_in_one_go(
    packed: Path, whole: dict[str, bytes], workspace: Workspace, tmp_path: Path, stops: tuple[int, ...]
) -> None:
    """After one end or several, wherever they come; no file is read twice."""
    for stop in stops:
        with pytest.MonkeyPatch.context() as patch, pytest.raises(EndedError):
            stopping_after(stop, patch)
            import_pictures(workspace, packed, "mine", options=LEAVE_OUT, kept=tmp_path / "read")
    assert read_so_far(tmp_path / "read") == (sum(stops), len(odd_files()))
    said: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        count = stopping_after(1000, patch)
        watcher = ImportWatcher(say=said.append)
        import_pictures(workspace, packed, "mine", options=LEAVE_OUT, watcher=watcher, kept=tmp_path / "read")
    assert count() + 1 == len(odd_files()) - sum(stops)
    assert content(workspace, "mine") == whole
    assert any(f"goes on after {sum(stops)} file" in sentence for sentence in said)


@pytest.fixture(scope="module")
def half_read(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an import of the zip had read when it ended after 40 files, beside the zip."""
    folder = tmp_path_factory.mktemp("half")
    source = write_zip(odd_files(), folder / "odd")
    with pytest.MonkeyPatch.context() as patch, pytest.raises(EndedError):
        stopping_after(40, patch)
        workspace = open_workspace(folder / "w")
        import_pictures(workspace, source, "mine", options=LEAVE_OUT, kept=folder / "read")
    return folder


@given(st.sampled_from(["facts.bin", "pixels.bin", "originals.bin"]), st.integers(-5000, 5000))
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_a_kill_or_a_power_cut_leaves_is_cut_back(half_read: Path, file: str, change: int) -> None:
    """Facts or pixels that are not whole, or too long: as much of it is taken as is sound."""
    shutil.rmtree(half_read / "work", ignore_errors=True)
    shutil.copytree(half_read / "read", half_read / "work" / "read")
    torn = half_read / "work" / "read" / file
    size = torn.stat().st_size
    if file == "originals.bin":  # they reach the disk before the facts
        change = abs(change)
    os.truncate(torn, max(0, size + change))  # where it grows, with zeros
    workspace = open_workspace(half_read / "work")
    import_pictures(workspace, half_read / "odd", "mine", options=LEAVE_OUT, kept=half_read / "work" / "read")
    reference = open_workspace(half_read / "w")
    if not (reference.data / "mine").exists():
        import_pictures(reference, half_read / "odd", "mine", options=LEAVE_OUT)
    assert content(workspace, "mine") == content(reference, "mine")


def test_facts_that_were_never_written_do_not_count(half_read: Path, tmp_path: Path) -> None:
    shutil.copytree(half_read / "read", tmp_path / "read")
    with open(tmp_path / "read" / "facts.bin", "ab") as facts:
        facts.write(bytes(FACT.itemsize * 3))
    with pytest.MonkeyPatch.context() as patch:
        count = stopping_after(1000, patch)
        import_pictures(open_workspace(tmp_path), half_read / "odd", "mine", options=LEAVE_OUT, kept=tmp_path / "read")
    assert count() + 1 == len(odd_files()) - 40


def write(path: Path, content: bytes) -> None:
    before = path.stat() if path.exists() else None
    path.write_bytes(content)
    if before is not None:  # as some tools do; the time of the change of the file itself still tells
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


CHANGES: dict[str, tuple[Callable[[Path], None], ImportOptions]] = {
    "content": (lambda folder: write(folder / "train/a/03.png", noise_bytes(77)), LEAVE_OUT),
    "more": (lambda folder: write(folder / "train/a/new.png", noise_bytes(77)), LEAVE_OUT),
    "fewer": (lambda folder: (folder / "train/a/03.png").unlink(), LEAVE_OUT),
    "fit": (lambda _: None, replace(LEAVE_OUT, fit="pad")),
}


@pytest.mark.parametrize("change", CHANGES)
def test_another_source_or_choice_begins_anew(workspace: Workspace, tmp_path: Path, change: str) -> None:
    """What was read before is not used, which is said."""
    source = write_folder(odd_files(), tmp_path / "odd")
    with pytest.MonkeyPatch.context() as patch, pytest.raises(EndedError):
        stopping_after(40, patch)
        import_pictures(workspace, source, "mine", options=LEAVE_OUT, kept=tmp_path / "read")
    alter, options = CHANGES[change]
    alter(source)
    said: list[str] = []
    watcher = ImportWatcher(say=said.append)
    import_pictures(workspace, source, "mine", options=options, watcher=watcher, kept=tmp_path / "read")
    import_pictures(workspace, source, "other", options=options)
    assert any("begins anew" in sentence for sentence in said)
    mine, other = content(workspace, "mine"), content(workspace, "other")
    assert {file: mine[file] for file in mine if file != "meta.json"} == {
        file: other[file] for file in other if file != "meta.json"
    }


def test_a_choice_that_changes_no_picture_goes_on(workspace: Workspace, tmp_path: Path) -> None:
    """After a refusal, the other pictures are imported without reading any of them again."""
    source = write_zip(odd_files(), tmp_path / "odd")
    with pytest.raises(importing.ImportRefusedError):
        import_pictures(workspace, source, "mine", kept=tmp_path / "read")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading.Reading, "read", lambda *_: pytest.fail("a file was read again"))
        import_pictures(workspace, source, "mine", options=LEAVE_OUT, kept=tmp_path / "read")
    import_pictures(workspace, source, "other", options=LEAVE_OUT)
    assert content(workspace, "mine")["train_images.npy"] == content(workspace, "other")["train_images.npy"]


SCRIPT = """
import sys
from pathlib import Path
from cifar_core.data.sources.own.importing import import_pictures
from cifar_core.data.sources.own.options import ImportOptions
from cifar_core.data.sources.own import spool
from cifar_core.workspace import open_workspace
spool._SECONDS = 0.0  # every file is a piece of work by itself
workspace, source, kept = map(Path, sys.argv[1:])
import_pictures(open_workspace(workspace), source, "mine", options=ImportOptions(leave_out=True), kept=kept)
"""


@pytest.mark.fault(60)
def test_a_process_that_is_killed_while_it_writes(half_read: Path, tmp_path: Path) -> None:
    """With half a picture, or half a fact, on the disk."""
    arguments = [str(tmp_path), str(half_read / "odd"), str(tmp_path / "read")]
    for fault in ("write:9:half-die", "write:100:half-die"):
        killed = subprocess.run(
            [sys.executable, "-c", SCRIPT, *arguments], cwd=ROOT, env={**os.environ, faults.FAULT_VARIABLE: fault}
        )
        assert killed.returncode == faults.EXIT_CODE
    done, total = read_so_far(tmp_path / "read")
    assert 0 < done < total
    workspace, other = open_workspace(tmp_path), open_workspace(tmp_path / "other")
    import_pictures(workspace, half_read / "odd", "mine", options=LEAVE_OUT, kept=tmp_path / "read")
    import_pictures(other, half_read / "odd", "mine", options=LEAVE_OUT)
    assert content(workspace, "mine") == content(other, "mine")


def test_an_import_that_goes_on_needs_no_room_for_what_it_has_read(
    half_read: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(importing, "require_room", lambda _workspace, needed, _what: asked.append(needed))
    shutil.copytree(half_read / "read", tmp_path / "read")
    read = (tmp_path / "read" / "pixels.bin").stat().st_size
    workspace = open_workspace(tmp_path)
    import_pictures(workspace, half_read / "odd", "mine", options=LEAVE_OUT, kept=tmp_path / "read")
    import_pictures(workspace, half_read / "odd", "other", options=LEAVE_OUT)
    assert read > 20 * 3 * 32 * 32 and asked[1] - asked[0] == read


def test_a_disk_that_is_full(workspace: Workspace, half_read: Path, tmp_path: Path) -> None:
    """One sentence, no dataset; and a library's own import leaves no file."""
    for number in (3, 30, 70):
        faults.arm(f"write:{number}+:half")
        try:
            with pytest.raises(StorageError, match="disk is full"):
                import_pictures(workspace, half_read / "odd", "mine", options=LEAVE_OUT)
        finally:
            faults.arm("")
    assert list(workspace.data.iterdir()) == []
