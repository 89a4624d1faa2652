"""What the presets reached when they were last measured: `ladder.json` beside this file, written by `bench --part ladder`."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cifar_core.storage.json_files import read_json

LADDER_FILE = Path(__file__).with_name("ladder.json")


@dataclass(frozen=True)
class Expected:
    """Test accuracy of a preset on the dataset that was at hand: CIFAR-10's pictures as JPEG files."""

    mean: float
    seeds: int


def expected_accuracy(preset: str) -> Expected | None:
    """What a preset reached; None where it was not measured."""
    rung = _ladder().get(preset)
    return Expected(rung["mean"], len(rung["test_accuracy"])) if rung else None


@cache
def _ladder() -> dict[str, Any]:
    rungs: dict[str, Any] = read_json(LADDER_FILE)["ladder"]["presets"]
    return rungs
