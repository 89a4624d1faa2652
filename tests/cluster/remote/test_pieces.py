"""Files in pieces: what arrives is what was sent, and nothing else keeps the name."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cifar_core.cluster.remote import pieces
from cifar_core.cluster.remote.pieces import Piece, Receiver, batches, file_pieces
from cifar_core.errors import StorageError


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    files=st.dictionaries(st.sampled_from(["a.npy", "best/b.npy", "c.json"]), st.binary(max_size=40)),
    size=st.integers(1, 20),
)
def test_files_arrive_as_they_were_sent(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes], size: int
) -> None:
    monkeypatch.setattr(pieces, "PIECE_BYTES", size)
    here, there = tmp_path_factory.mktemp("here"), tmp_path_factory.mktemp("there")
    for name, content in files.items():
        (here / name).parent.mkdir(exist_ok=True)
        (here / name).write_bytes(content)
    receiver = Receiver(there, durable=False)
    for group in batches(piece for name in files for piece in file_pieces(here / name, name)):
        assert len(group) == 1 or sum(len(piece.content) for piece in group) <= size
        for piece in group:
            receiver.take(piece)
            receiver.take(piece)  # once more, as after an answer that was lost
    found = {path.relative_to(there).as_posix(): path.read_bytes() for path in there.rglob("*") if path.is_file()}
    assert found == files


def test_a_missing_piece_leaves_the_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "PIECE_BYTES", 4)
    (tmp_path / "new").write_bytes(b"0123456789")
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "a").write_bytes(b"old")
    receiver = Receiver(tmp_path / "there", durable=False)
    first, _, last = file_pieces(tmp_path / "new", "a")
    receiver.take(first)
    with pytest.raises(StorageError, match="was lost on its way"):
        receiver.take(last)
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["a"]
    assert (tmp_path / "there" / "a").read_bytes() == b"old"


@pytest.mark.parametrize(
    "name", ["../a", "/etc/a", "a/../../b", ".a", "a//b", "", "a\0", "a\\b", "a/b/c/d/e", "x" * 300]
)
def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(StorageError, match="which no file of a run has"):
        Receiver(tmp_path, durable=False).take(Piece(name, 0, b"", "x"))
    assert list(tmp_path.iterdir()) == []
