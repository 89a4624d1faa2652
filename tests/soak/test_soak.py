"""A small soak: three sessions and trainings, kills of workers and of the server; what must hold at any speed."""

from dataclasses import replace

import pytest

from cifar_core.workspace import Workspace
from tests.conftest import save_tiny
from tests.soak.report import report
from tests.soak.size import QUICK
from tests.soak.soak import measure_soak

SMALL = replace(
    QUICK,
    seconds=30,
    sessions=3,
    browsers=1,
    uploads=6,
    downloads=4,
    trainings=3,
    epochs=20,
    kills=2,
    restarts=1,
    think=0.7,
)


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.fault(71, 72)
def test_nothing_is_lost_and_nothing_is_left(workspace: Workspace, chromium: str) -> None:
    save_tiny(workspace)
    found = measure_soak(workspace, "tiny", SMALL, say=print)
    assert found["killed"]["server"] == SMALL.restarts
    assert sum(found["killed"].values()) == SMALL.restarts + SMALL.kills
    assert found["done"]["click"] > SMALL.sessions and found["done"]["upload"] > 0
    assert sum(found["runs"].values()) >= 1 + SMALL.trainings, "more where all ended before the last kill"
    for name in ("runs", "processes", "temp", "files"):  # the others are about speed, or need more time to show
        assert found["promises"][name]["kept"], found["promises"][name]
    assert any(f"kept   {found['promises']['runs']['promise']}" in line for line in report(found))
