"""Compares estimates with the truth: twelve runs of different presets and sizes, each estimated before its start."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from cifar_core.bench.sides import Say, train
from cifar_core.config import make_config
from cifar_core.data import Split, list_datasets, open_dataset, save_dataset
from cifar_core.data.store import is_saved
from cifar_core.errors import TrainingError
from cifar_core.runs import ensure_speed, estimate_run, list_runs, read_speed
from cifar_core.text import clock, range_words
from cifar_core.workspace import Workspace

SMALL = "few-pictures"
_SMALL_PARTS = {"train": 1500, "test": 300}  # pictures
_POLL_SECONDS = 0.5
CASES: Sequence[tuple[str, dict[str, Any]]] = (
    ("first-look", {}),
    ("default", {"epochs": 2}),
    ("quick", {}),
    ("original", {"epochs": 4}),
    ("standard", {"epochs": 1, "train_share": 0.1}),
    ("accurate", {"epochs": 1, "train_share": 0.1}),
    ("default", {"epochs": 6, "dataset": SMALL}),
    ("first-look", {"epochs": 8, "dataset": SMALL}),
    ("quick", {"epochs": 3, "widths": "16,48,96", "batch_size": 128, "train_share": 0.5}),
    ("default", {"epochs": 3, "channels": "16,32", "batch_size": 256}),
    ("original", {"epochs": 10, "batch_size": 128, "dataset": SMALL}),
    ("standard", {"epochs": 2, "widths": "24,64,128", "train_share": 0.3}),
)


def measure_estimates(workspace: Workspace, dataset: str, cases: int, *, say: Say) -> dict[str, Any]:
    """Estimate and train the first of `CASES`, one after the other; each may learn from those before it.

    Args:
        workspace: has the dataset and gets the runs.
        dataset: name of the dataset of those cases that name none.
        cases: how many.
        say: called with a line after each run.

    Returns:
        The runs, with the bounds of each estimate and the truth in seconds, from the start to the end of the run, and
        how many of them lay within.

    Raises:
        TrainingError: the speed of this machine could not be measured, or a run did not finish.
    """
    _save_small(workspace, dataset)
    started = time.monotonic()
    while (state := ensure_speed(workspace)) in ("measuring", "busy"):
        time.sleep(_POLL_SECONDS)
    if state == "failed":
        raise TrainingError("The speed of this machine could not be measured: see .jobs/speed in the workspace.")
    say(f"The machine is measured, after {clock(time.monotonic() - started)}.")
    rows = []
    for preset, settings in CASES[:cases]:
        config = make_config({"dataset": dataset, **settings}, preset=preset)
        estimate = estimate_run(config, read_speed(workspace), list_datasets(workspace), list_runs(workspace))
        assert estimate is not None  # measured, and the dataset is there
        begun = time.monotonic()
        train(workspace, config)
        truth = time.monotonic() - begun
        row = {"preset": preset, "settings": settings, "low": estimate.low, "expected": estimate.whole.middle}
        rows.append({**row, "high": estimate.high, "truth": truth, "within": estimate.low <= truth <= estimate.high})
        say(estimate_line(rows[-1]))
    return {"runs": rows, "within": sum(row["within"] for row in rows)}


def estimate_line(row: dict[str, Any]) -> str:
    """A run of `measure_estimates` as a line for people."""
    chosen = ", ".join(f"{name} {value}" for name, value in row["settings"].items())
    return (
        f"{row['preset']}{f' ({chosen})' if chosen else ''}: {range_words(row['low'], row['high'])} "
        f"[{row['low']:.1f} to {row['high']:.1f}], took {row['truth']:.1f} s, {'in' if row['within'] else 'out'}"
    )


def _save_small(workspace: Workspace, dataset: str) -> None:
    """Store the first pictures of a dataset as another one."""
    if is_saved(workspace, SMALL):
        return
    whole = open_dataset(workspace, dataset)
    parts = []
    for part, count in (("train", _SMALL_PARTS["train"]), ("test", _SMALL_PARTS["test"])):
        split: Split = getattr(whole, part)
        chosen = np.arange(min(count, len(split.labels)))
        parts.append(Split(split.images[chosen], split.labels[chosen], split.ids[chosen]))
    title, source = "Few pictures", f"The first pictures of {dataset}."
    save_dataset(workspace, SMALL, *parts, title=title, class_names=whole.class_names, source=source)
