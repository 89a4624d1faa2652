"""NPZ files of unknown origin: arrays of numbers and texts are read, no object is unpickled, no claim is believed."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cifar_core.errors import DataError
from cifar_core.runs.imported.checks import check_rows
from cifar_core.runs.imported.given import Expected, Given
from cifar_core.runs.imported.importing import read_file

EXPECTED = Expected("pets", ("cat", "dog"), np.array([f"test/cat/{row}" for row in range(4)]))
PROBS = np.array([[0.25, 0.75], [1, 0], [0.5, 0.5], [0, 1]])


class Bomb:
    """Runs code when it is unpickled."""

    def __reduce__(self) -> Any:
        return pytest.fail, ("it was unpickled",)


def packed(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def with_member(name: str, content: bytes, *, compressed: bool = False) -> bytes:
    buffer = io.BytesIO(packed(index=np.arange(4)))
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED) as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


def claim(shape: str, kind: str = "<f8") -> bytes:
    """The header of an array, without the array."""
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


def read(content: bytes, folder: Path) -> Given:
    path = folder / "model.npz"
    path.write_bytes(content)
    return read_file(path, "model.npz", EXPECTED)


@pytest.mark.parametrize("kind", ["<f2", "<f4", "<f8", ">f4", "<i4", "|u1"])
def test_numbers_of_any_type_are_read(tmp_path: Path, kind: str) -> None:
    values = np.eye(2)[[0, 1, 1, 0]].astype(kind)
    for arrays in ({"probs": values}, {"probs": np.asfortranarray(values)}):
        found = check_rows(read(packed(index=np.arange(4, dtype="<u2"), **arrays), tmp_path), EXPECTED)
        assert found.probs.tolist() == np.eye(2)[[0, 1, 1, 0]].tolist()


def test_ids_and_labels_may_be_texts_or_bytes(tmp_path: Path) -> None:
    for ids, labels in ((EXPECTED.ids, ["cat", "dog"] * 2), (EXPECTED.ids.astype("S"), np.array([b"cat", b"dog"] * 2))):
        found = check_rows(read(packed(ids=ids, probs=PROBS, labels=np.array(labels)), tmp_path), EXPECTED)
        assert found.labels is not None and found.labels.tolist() == [0, 1, 0, 1]


def test_class_names_say_which_column_is_which(tmp_path: Path) -> None:
    named = packed(index=np.arange(4), probs=PROBS[:, ::-1], class_names=np.array(["dog", "cat"]))
    assert check_rows(read(named, tmp_path), EXPECTED).probs.tolist() == PROBS.tolist()


@pytest.mark.fault(88, 92)
@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (packed(probs=PROBS), "it has no array ids or index, which say of which picture a row is"),
        (packed(ids=EXPECTED.ids), "it has no array probs or logits"),
        (packed(ids=EXPECTED.ids), "make it with numpy.savez('model.npz', index=numpy.arange(4), probs=probs), or"),
        (packed(index=np.arange(4), probs=PROBS[:, :1]), "probs is float64 [4, 1], where numbers [pictures, 2] are"),
        (packed(index=np.arange(4), probs=PROBS[0]), "probs is float64 [2], where numbers [pictures, 2] are expected"),
        (packed(index=np.arange(3), probs=PROBS), "index is int64 [3], where whole numbers [4] are expected"),
        (packed(index=np.arange(4.0), probs=PROBS), "index is float64 [4], where whole numbers [4] are expected"),
        (packed(index=np.arange(4), probs=PROBS, labels=PROBS[:, 0]), "labels is float64 [4], where texts or whole"),
        (packed(ids=EXPECTED.ids.astype(object), probs=PROBS), "ids holds pickled Python objects, which are never"),
        (packed(index=np.arange(4), probs=np.array([[Bomb()] * 2] * 4)), "probs holds pickled Python objects"),
        (packed(index=np.arange(4), probs=PROBS.astype("c8")), "where numbers [pictures, 2] are expected"),
        (packed(index=np.arange(4), probs=PROBS, class_names=np.array(["cat", "lion"])), "other classes"),
        (with_member("probs.npy", claim("(4, 2)")), "probs is cut short or longer than its header says"),
        (with_member("probs.npy", claim("(999999999999, 2)")), "far more than the predictions take"),
        (with_member("probs.npy", claim("(2**70, 2)")), "probs cannot be read"),
        (with_member("probs.npy", claim("(4, 2)", "|O")), "probs holds pickled Python objects"),
        (with_member("probs.npy", claim("(4, 2)", "<U99999999")), "far more than the predictions take"),
        (with_member("probs.npy", b"garbage"), "probs cannot be read"),
        (with_member("readme.txt", b"hello"), "it has no array probs or logits"),
        (b"\x93NUMPY\x01\x00", "it is a single array and does not say of which pictures"),
    ],
)
def test_an_npz_file_that_breaks_a_rule_is_refused(tmp_path: Path, content: bytes, rule: str) -> None:
    with pytest.raises(ValueError) as caught:
        read(content, tmp_path)
    assert rule in str(caught.value)


@pytest.mark.fault(92)
def test_what_unpacks_to_far_more_is_refused(tmp_path: Path) -> None:
    bomb = with_member("probs.npy", claim("(4, 2)") + bytes(8 * EXPECTED.most_bytes), compressed=True)
    assert len(bomb) < 100_000
    with pytest.raises((ValueError, DataError)):
        read(bomb, tmp_path)
    large = tmp_path / "large.csv"
    with open(large, "wb") as file:
        file.truncate(EXPECTED.most_bytes + 1)
    with pytest.raises(ValueError, match=r"more than the 1.0 MB that predictions of 4 pictures may have"):
        read_file(large, "large.csv", EXPECTED)


@pytest.mark.fault(88)
@settings(max_examples=150)
@given(place=st.floats(0, 1, exclude_max=True), change=st.one_of(st.binary(max_size=4), st.none()))
def test_any_damage_is_a_sentence_or_still_valid(
    tmp_path_factory: pytest.TempPathFactory, place: float, change: bytes | None
) -> None:
    content = packed(ids=EXPECTED.ids, probs=PROBS)
    at = int(place * len(content))
    damaged = content[:at] if change is None else content[:at] + change + content[at + 1 :]
    try:
        found = check_rows(read(damaged, tmp_path_factory.getbasetemp()), EXPECTED)
    except (ValueError, DataError) as error:
        assert str(error) and "\n" not in str(error)
    else:
        assert np.allclose(found.probs.sum(axis=1), 1, atol=1e-3)
