"""What the presets reached, as the Train page tells it."""

import pytest

from cifar_core.measured import MEASURED_FILE, expected_accuracy
from cifar_core.presets import PRESETS
from cifar_core.storage.json_files import read_json


def test_what_the_presets_reached_was_measured_with_these_presets() -> None:
    """The file is what `bench` wrote, for names that are there, and says with which command."""
    stored = read_json(MEASURED_FILE)
    assert "bench" in stored["command"] and stored["machine"]
    for name, figures in stored["ladder"]["presets"].items():
        assert name in PRESETS
        expected = expected_accuracy(name)
        assert expected is not None
        assert expected.mean == pytest.approx(sum(figures["test_accuracy"]) / expected.seeds)
    assert expected_accuracy("nothing") is None
