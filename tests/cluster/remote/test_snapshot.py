"""A look at the files of a run: consistent, without what is not whole."""

from pathlib import Path

import pytest

from cifar_core.cluster.remote import snapshot as snapshots
from cifar_core.cluster.remote.snapshot import take_snapshot
from cifar_core.lifecycle.life_folder import LifeFolder


def test_a_half_line_is_left_out_and_each_change_gives_another_digest(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_bytes(b'{"epoch": 1}\n{"epo')
    (tmp_path / "facts.json").write_text("{}")
    first = take_snapshot(LifeFolder(tmp_path))
    assert first is not None
    assert first.logs == {"metrics.jsonl": b'{"epoch": 1}\n'}
    assert list(first.files) == ["facts.json"]
    (tmp_path / "facts.json").write_text("{ }")
    second = take_snapshot(LifeFolder(tmp_path))
    assert second is not None and second.digest != first.digest
    again = take_snapshot(LifeFolder(tmp_path))
    assert again is not None and again.digest == second.digest


def test_a_log_that_grows_during_every_look_gives_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "metrics.jsonl").write_bytes(b"")
    list_files = snapshots.travelling_files

    def epoch_ends(folder: Path) -> list[str]:
        with (folder / "metrics.jsonl").open("ab") as log:
            log.write(b'{"epoch": 1}\n')
        return list_files(folder)

    monkeypatch.setattr(snapshots, "travelling_files", epoch_ends)
    assert take_snapshot(LifeFolder(tmp_path)) is None
