"""Files of kept results: what was written is read, anything else is refused, named by verify, and never a crash."""

import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cifar_core.errors import StorageError
from cifar_core.runs import space_of, verify_run
from cifar_core.runs.analyses import files
from cifar_core.runs.analyses.files import KeptMeta, kept_file, read_kept_file, write_kept_file
from cifar_core.runs.run_folder import RunFolder, run_folder
from cifar_core.workspace import Workspace
from tests.runs.exported_runs import RUN, store

META = KeptMeta("counting", 2, {"limit": 3}, "a" * 64, {"mistakes": 3, "share": 0.1, "of": [1, {"x": None}], "ö": True})
ARRAYS = {"wrong": np.array([True, False]), "p": np.linspace(0, 1, 6).reshape(2, 3)}


@pytest.fixture
def folder(workspace: Workspace) -> RunFolder:
    store(workspace)
    found = run_folder(workspace, RUN)
    write_kept_file(found, "counting", META, ARRAYS)
    return found


def same(array: np.ndarray, other: np.ndarray) -> bool:
    return array.dtype == other.dtype and array.shape == other.shape and array.tobytes() == other.tobytes()


TYPES = ["<f2", "<f4", "<f8", "<i2", "<i4", "<i8", "|i1", "|u1", "|b1", "<U7"]


@given(array=st.sampled_from(TYPES).flatmap(lambda kind: hnp.arrays(kind, hnp.array_shapes(min_dims=0, min_side=0))))
def test_every_array_comes_back(array: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = RunFolder(tmp_path_factory.mktemp("run"))
    write_kept_file(folder, "a-1", META, {"x": array, "transposed": array.T})
    meta, arrays = read_kept_file(folder, "a-1")
    assert meta == META and same(arrays["x"], array) and same(arrays["transposed"], array.T)


@pytest.mark.parametrize("array", [np.array([1j]), np.array([object()]), np.zeros(2, ">f8"), np.array([b"x"])])
def test_what_no_file_may_hold_is_refused(folder: RunFolder, array: np.ndarray) -> None:
    before = kept_file(folder, "counting").read_bytes()
    with pytest.raises(TypeError, match=r"x .* cannot be kept"):
        write_kept_file(folder, "counting", META, {"x": array})
    assert kept_file(folder, "counting").read_bytes() == before


def test_what_is_too_large_is_refused(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    before = kept_file(folder, "counting").read_bytes()
    monkeypatch.setattr(files, "MAX_FILE", 400)
    with pytest.raises(StorageError, match="The result counting has"):
        write_kept_file(folder, "counting", META, {"x": np.zeros(100)})
    assert kept_file(folder, "counting").read_bytes() == before


@given(place=st.integers(0, 1500), value=st.integers(0, 255), cut=st.booleans())
def test_any_damage_is_no_result_or_no_change(
    place: int, value: int, cut: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = RunFolder(tmp_path_factory.mktemp("run"))
    write_kept_file(folder, "counting", META, ARRAYS)
    path = kept_file(folder, "counting")
    content = bytearray(path.read_bytes())
    place %= len(content)
    path.write_bytes(content[:place] if cut else content[:place] + bytes([value]) + content[place + 1 :])
    try:
        meta, arrays = read_kept_file(folder, "counting")
    except ValueError:
        return
    assert meta == META and all(same(arrays[name], array) for name, array in ARRAYS.items())


def rewritten(path: Path, change: Callable[[dict[str, bytes]], object]) -> None:
    with zipfile.ZipFile(path) as archive:
        found = {name: archive.read(name) for name in archive.namelist()}
    change(found)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in found.items():
            archive.writestr(name, content)


def npy(array: np.ndarray, claimed: tuple[int, ...] | None = None) -> bytes:
    """A .npy file, whose header may claim another shape."""
    buffer = io.BytesIO()
    header = np.lib.format.header_data_from_array_1_0(array) | ({"shape": claimed} if claimed else {})
    np.lib.format.write_array_header_1_0(buffer, header)
    return buffer.getvalue() + array.tobytes()


DAMAGES: list[tuple[Callable[[Path], object], str]] = [
    (lambda path: path.write_bytes(b""), "no file of arrays"),
    (lambda path: path.write_bytes(path.read_bytes()[:-40]), "no file of arrays"),
    (lambda path: rewritten(path, lambda found: found.pop("_sha256.npy")), "does not keep its SHA-256"),
    (lambda path: rewritten(path, lambda found: found.pop("_meta.npy")), "does not keep its SHA-256"),
    (lambda path: rewritten(path, lambda found: found.update({"p.npy": npy(np.ones((2, 3)))})), "does not keep"),
    (lambda path: rewritten(path, lambda found: found.update({"q.npy": npy(np.ones(3))})), "does not keep"),
    (
        lambda path: rewritten(path, lambda found: found.update({"p.npy": npy(np.ones((2, 3)), (999_999_999_999,))})),
        "cut short",
    ),
    (lambda path: rewritten(path, lambda found: found.update({"p.npy": npy(np.array([object()]))})), "plain numbers"),
    (lambda path: (path.unlink(), path.mkdir()), "no file of arrays|Is a directory|not a file"),
    (lambda path: path.rename(path.with_name("Other.txt")), "is no kept result"),
]


@pytest.mark.fault(89)
@pytest.mark.parametrize(("damage", "reason"), DAMAGES)
def test_verify_names_what_is_damaged(
    folder: RunFolder, workspace: Workspace, damage: Callable[[Path], object], reason: str
) -> None:
    assert verify_run(workspace, RUN) == []
    damage(kept_file(folder, "counting"))
    (fault,) = verify_run(workspace, RUN)
    assert fault.startswith("analyses/") and "Remove it: it is computed again when it is next needed." in fault
    assert re.search(reason, fault), fault
    with pytest.raises((OSError, ValueError)):
        read_kept_file(folder, "counting")


def test_a_hash_that_fits_does_not_make_it_a_result(folder: RunFolder, workspace: Workspace) -> None:
    """Whoever can write the file can write its hash."""
    for said in (b"[1]", b"{}", b"x" * 10, json.dumps({"analysis": 1}).encode()):
        digest = files._hash_of(said, {})
        with kept_file(folder, "counting").open("wb") as target:
            np.savez(target, _meta=np.frombuffer(said, np.uint8), _sha256=np.array(digest))
        with pytest.raises(ValueError, match=r"."):
            read_kept_file(folder, "counting")
        assert len(verify_run(workspace, RUN)) == 1


def test_a_link_is_not_followed(folder: RunFolder, workspace: Workspace, tmp_path: Path) -> None:
    folder.analyses.rename(tmp_path / "elsewhere")
    folder.analyses.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match="symbolic link"):
        read_kept_file(folder, "counting")
    assert len(verify_run(workspace, RUN)) == 1


def test_their_room_is_shown(folder: RunFolder, workspace: Workspace) -> None:
    assert space_of(workspace, RUN)["analyses"] == kept_file(folder, "counting").stat().st_size
