"""The embedded dataset is worth exploring: a network learns it, with the confusions that CIFAR-10 has."""

import pytest

from cifar_core.config import make_config
from cifar_core.evaluate import confusion_matrix
from cifar_core.presets import PRESETS
from cifar_core.runs import Status, read_predictions
from cifar_core.workspace import Workspace
from tests.runs.conftest import begin, wait_for

pytestmark = pytest.mark.slow

EXPECTED = ({"cat", "dog"}, {"deer", "horse"}, {"automobile", "truck"})


def test_the_quick_preset_on_drawn10(workspace: Workspace) -> None:
    run_id = begin(workspace, make_config({**PRESETS["quick"].settings, "dataset": "drawn10"}))
    run = wait_for(workspace, run_id, lambda found: not found.active, timeout=900.0)
    assert run.status is Status.FINISHED and run.best is not None
    assert 0.75 <= run.best.test_accuracy <= 0.92
    found = read_predictions(workspace, run_id)
    matrix = confusion_matrix(found).counts
    both = matrix + matrix.T
    pairs = [({found.class_names[i], found.class_names[j]}, both[i, j]) for i in range(10) for j in range(i)]
    top = [pair for pair, _ in sorted(pairs, key=lambda item: -item[1])[:5]]
    assert all(pair in top for pair in EXPECTED), top
