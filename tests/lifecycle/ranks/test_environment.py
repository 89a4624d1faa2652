"""What a rank is told by its environment, and how many ranks a run has."""

import os
from pathlib import Path

import pytest

from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.ranks.environment import (
    RENDEZVOUS,
    RankHere,
    new_rendezvous,
    processes_of,
    rank_environment,
    rank_here,
    threads_of_rank,
)


@pytest.mark.parametrize(
    "given", [{}, {"RANK": "1"}, {"RANK": "2", "WORLD_SIZE": "2"}, {"RANK": "x", "WORLD_SIZE": "2"}]
)
def test_a_process_that_is_told_nothing_is_the_only_one(monkeypatch: pytest.MonkeyPatch, given: dict[str, str]) -> None:
    for name in ("RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert rank_here() == RankHere(0, 1, None)


def test_a_rank_finds_what_its_launcher_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in rank_environment(1, 3, "file:///there", 7).items():
        monkeypatch.setenv(name, value)
    assert rank_here() == RankHere(1, 3, "file:///there")
    monkeypatch.delenv(RENDEZVOUS)
    assert rank_here() == RankHere(1, 3, None), "torchrun sets no file"


@pytest.mark.parametrize(
    ("config", "processes"),
    [
        ('{"settings": {"processes": 4}}', 4),
        ('{"settings": {}}', 1),
        ('{"settings": {"processes": 0}}', 1),
        ('{"settings": {"processes": 1e9}}', 64),
        ('{"settings": {"processes": "many"}}', 1),
        ("nonsense", 1),
        (None, 1),
    ],
)
def test_how_many_processes_a_run_has(tmp_path: Path, config: str | None, processes: int) -> None:
    if config is not None:
        (tmp_path / "config.json").write_text(config)
    assert processes_of(LifeFolder(tmp_path)) == processes


def test_ranks_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """As timed with one process: 8 cores are faster with 4 threads, and two ranks have 4 each then, not 2."""
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    assert [threads_of_rank(4, here) for here in (1, 2, 3, 16)] == [4, 4, 2, 1]


def test_a_meeting_place_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with new_rendezvous() as first, new_rendezvous() as second:
        assert first.url != second.url
        handles = (*first.handles, *second.handles)
    assert not list(tmp_path.iterdir())
    for handle in handles:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(handle)


def test_a_meeting_place_is_a_file_where_there_is_no_memory_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.delattr("os.memfd_create", raising=False)
    with new_rendezvous() as found:
        assert Path(found.url.removeprefix("file://")).parent.is_dir()
    assert not list(tmp_path.iterdir())
