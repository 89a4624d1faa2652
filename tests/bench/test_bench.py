"""The measurements at a small size, and the report of their figures."""

import json
from typing import Any

import pytest

from cifar_core.bench.growth import measure_growth
from cifar_core.bench.ladder import measure_ladder
from cifar_core.bench.loop import measure_loop
from cifar_core.bench.screens import measure_screens
from cifar_core.bench.sides import train_plain
from cifar_core.commands.bench import report
from cifar_core.errors import TrainingError
from cifar_core.workspace import Workspace
from tests.conftest import save_tiny


def test_the_plain_loop_learns_and_a_failure_is_one_sentence(workspace: Workspace) -> None:
    save_tiny(workspace)
    epochs = train_plain(workspace, "tiny", 2)
    assert epochs["epoch"].tolist() == [1, 2]
    assert (epochs["seconds"] > 0).all() and epochs["test_accuracy"].between(0, 1).all()
    with pytest.raises(TrainingError, match=r"plain loop failed: .*DataError"):
        train_plain(workspace, "absent", 1)


@pytest.mark.slow
def test_loop_and_ladder_measure_both_sides(workspace: Workspace) -> None:
    save_tiny(workspace)
    lines: list[str] = []
    loop = measure_loop(workspace, "tiny", rounds=1, epochs=1, say=lines.append)
    assert loop["ratio"] == [loop["our_epoch_seconds"][0] / loop["plain_epoch_seconds"][0]]
    assert 0 < loop["extras_share"][0] < 1 and loop["peak_memory_bytes"] > 1e8
    assert 0 < loop["records_share"][0] < 1 and not list(workspace.root.glob("tmp*")), "its file is not left there"
    kept: list[str] = []
    ladder = measure_ladder(
        workspace,
        "tiny",
        ["first-look"],
        seeds=2,
        plain_epochs=1,
        say=lines.append,
        keep=lambda found: kept.append(json.dumps(found)),
    )
    rung = ladder["presets"]["first-look"]
    assert len(rung["test_accuracy"]) == len(rung["seconds"]) == len(rung["plain_epochs"]) == 2
    assert rung["mean"] == pytest.approx(sum(rung["test_accuracy"]) / 2)
    beside = [sum(rung["plain_epoch_seconds"][at : at + 2]) / 2 for at in (0, 1)]  # just before and just after
    assert rung["plain_epochs"] == pytest.approx(
        [ours / plain for ours, plain in zip(rung["seconds"], beside, strict=True)]
    )
    assert len(lines) == 3
    runs_kept = [len(json.loads(found)["presets"]["first-look"]["seconds"]) for found in kept]
    assert runs_kept == [1, 2], "a stopped measurement keeps the figures of the finished runs"


@pytest.mark.slow
def test_growth_is_measured_and_leaves_nothing(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    found = measure_growth((200, 400), (2, 3), say=lambda text: None)
    assert [row["pictures"] for row in found["pictures"]] == [200, 400]
    assert [row["runs"] for row in found["runs"]] == [2, 3]
    assert all(row["epoch_seconds"] > 0 and row["open_seconds"] < 1 for row in found["pictures"])
    assert list(tmp_path.iterdir()) == []


def test_without_a_browser_the_screens_are_skipped_with_the_reason(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.delenv("CHROMIUM", raising=False)
    assert "Chromium" in measure_screens(workspace, "tiny", clicks=1, turns=1, turn_seconds=1.0, say=print)["skipped"]


def test_the_report_has_every_figure() -> None:
    clicks = {"median": 81.2, "p95": 132.7, "n": 50}
    found = {
        "machine": "2 cores",
        "loop": {
            "dataset": "tiny",
            "plain_epoch_seconds": [10.0, 12.0, 11.0],
            "our_epoch_seconds": [2.5, 2.4, 2.6],
            "ratio": [0.25, 0.2, 0.24],
            "extras_share": [0.1],
            "augmentation_share": [0.05],
            "records_share": [0.004, 0.006],
            "peak_memory_bytes": 1.21e9,
        },
        "ladder": {
            "dataset": "tiny",
            "presets": {"quick": {"test_accuracy": [0.78, 0.79], "seconds": [40.0, 42.0], "plain_epochs": [4.0, 4.2]}},
        },
        "screens": {
            "cold_seconds": {"home": 1.5},
            "switch_seconds": {"runs": 0.25},
            "click_milliseconds": clicks,
            "click_milliseconds_while_training": clicks,
            "server_milliseconds": {"all": {"median": 60.0, "p95": 91.0, "n": 50}},
            "watching_slows_by": [0.02, 0.04],
            "watching_takes": {"server": [0.02], "browser": [0.05]},
            "leafed_pages": 53,
            "longest_blank_milliseconds": 12.0,
        },
        "growth": {
            "pictures": [
                {"pictures": 10_000, "epoch_seconds": 0.7, "microseconds_per_picture": 70.0, "peak_memory_bytes": 9e8}
            ],
            "runs": [{"runs": 1000, "first_seconds": 0.2, "again_seconds": 0.02}],
        },
    }
    text = "\n".join(report(found))
    for part in (
        "plain 11.00 (10.00 to 12.00)",
        "ratio 0.24 (0.20 to 0.25)",
        "10%",
        "5%",
        "training records take 0.60% at most",
        "1.21 GB",
        "0.7850 (0.7800 to 0.7900)",
        "4.10 (4.00 to 4.20) plain epochs",
        "home 1.50 s",
        "runs 0.25 s",
        "p95 133 ms",
        "nothing drawn: all p95 91 ms",
        "by 3% (2% to 4%)",
        "the server takes 2%, the browser takes 5%",
        "53 pages of tiles: 12 ms",
        "10,000 pictures: 0.70 s",
        "1,000 runs listed in 200 ms, again in 20 ms",
    ):
        assert part in text
    assert report({"machine": "2 cores", "screens": {"skipped": "no browser"}})[-1] == "Screens: skipped, no browser"
