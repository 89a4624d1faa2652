"""What the presets reached when they were last measured: `measured.json`, which `bench --part ladder` wrote."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cifar_core.storage.json_files import read_json

MEASURED_FILE = Path(__file__).with_name("measured.json")


@dataclass(frozen=True)
class Expected:
    """Test accuracy of a preset on the dataset that was at hand: CIFAR-10's pictures as JPEG files."""

    mean: float
    seeds: int


def expected_accuracy(preset: str) -> Expected | None:
    """What a preset reached; None where it was not measured."""
    figures = _presets().get(preset)
    return Expected(figures["mean"], len(figures["test_accuracy"])) if figures else None


@cache
def _presets() -> dict[str, Any]:
    presets: dict[str, Any] = read_json(MEASURED_FILE)["ladder"]["presets"]
    return presets
