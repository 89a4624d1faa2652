"""Measures in a temporary folder how an epoch grows with the number of pictures, and a list with that of runs."""

import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cifar_core.bench.sides import Say, train
from cifar_core.config import make_config
from cifar_core.data import Dataset, Split, open_dataset, save_dataset
from cifar_core.runs import list_runs
from cifar_core.workspace import Workspace, open_workspace

_CLASSES = 10
_TEST = 1000  # pictures: few, so that the time depends on the training part
_NAME = "made-up"


def measure_growth(pictures: Sequence[int], runs: Sequence[int], *, say: Say) -> dict[str, Any]:
    """Measure an epoch for each number of pictures (time, peak memory) and the list for each number of runs (time).

    Args:
        pictures: sizes of the training part, which is noise; each picture needs 3 kB of temporary disk space.
        runs: numbers of runs in a workspace.
        say: called with a line of progress after each measurement.
    """
    with tempfile.TemporaryDirectory(prefix="cifar-bench-") as folder:
        epochs = [_epoch(Path(folder) / f"pictures-{count}", count, say) for count in pictures]
        lists = [_listing(Path(folder) / f"runs-{count}", count, say) for count in runs]
    return {"pictures": epochs, "runs": lists}


def _epoch(folder: Path, count: int, say: Say) -> dict[str, Any]:
    workspace = open_workspace(folder)
    _make_pictures(workspace, count)
    start = time.perf_counter()
    open_dataset(workspace, _NAME)
    opened = time.perf_counter() - start
    trained = train(workspace, make_config({"dataset": _NAME, "epochs": 2}, preset="original"))
    shutil.rmtree(folder)
    found = {
        "pictures": count,
        "open_seconds": opened,
        "epoch_seconds": trained.epochs[0],
        "microseconds_per_picture": trained.epochs[0] / count * 1e6,
        "peak_memory_bytes": trained.run.peak_memory,
    }
    say(
        f"{count:,} pictures: {found['epoch_seconds']:.2f} s an epoch, "
        f"{(found['peak_memory_bytes'] or 0) / 1e6:,.0f} MB"
    )
    return found


def _make_pictures(workspace: Workspace, count: int) -> Dataset:
    rng = np.random.default_rng(0)

    def split(part: str, size: int) -> Split:
        images = rng.integers(0, 256, (size, 3, 32, 32), dtype=np.uint8)
        return Split(images, np.arange(size) % _CLASSES, np.array([f"{part}/{number:07d}" for number in range(size)]))

    names = tuple(f"class {number}" for number in range(_CLASSES))
    return save_dataset(
        workspace,
        _NAME,
        split("train", count),
        split("test", _TEST),
        title="Made-up pictures",
        class_names=names,
        source="Noise, made to measure growth.",
    )


def _listing(folder: Path, count: int, say: Say) -> dict[str, Any]:
    """Time listing a workspace that has a real run and copies of it, `count` runs in all."""
    workspace = open_workspace(folder)
    _make_pictures(workspace, 100)
    original = train(workspace, make_config({"dataset": _NAME, "epochs": 5}, preset="original")).run
    for number in range(1, count):
        shutil.copytree(
            workspace.runs / original.id,
            workspace.runs / f"{original.id}-{number}",
            ignore=shutil.ignore_patterns("*.npz", "*.npy", "*.safetensors", "*.lock", "*.log"),
        )
    times = []
    for _ in range(3):
        start = time.perf_counter()
        assert len(list_runs(workspace)) == count
        times.append(time.perf_counter() - start)
    shutil.rmtree(folder)
    say(f"{count:,} runs: {times[0] * 1000:,.0f} ms the first time, {min(times[1:]) * 1000:,.0f} ms after")
    return {"runs": count, "first_seconds": times[0], "again_seconds": min(times[1:])}
