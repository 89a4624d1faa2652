"""The soak in miniature: a few people, three trainings, kills of workers and of the server; what must hold at any speed."""

from dataclasses import replace

import pytest

from cifar_core.bench.plan import QUICK
from cifar_core.bench.soak import measure_soak
from cifar_core.commands.bench import report
from cifar_core.workspace import Workspace
from tests.conftest import save_tiny

PLAN = replace(
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
    found = measure_soak(workspace, "tiny", PLAN, say=print)
    assert found["killed"]["server"] == PLAN.restarts
    assert sum(found["killed"].values()) == PLAN.restarts + PLAN.kills
    assert found["done"]["click"] > PLAN.sessions and found["done"]["upload"] > 0
    assert sum(found["runs"].values()) == 1 + PLAN.trainings
    for name in ("runs", "processes", "temp", "files"):  # the others are about speed, or need more time to show
        assert found["promises"][name]["kept"], found["promises"][name]
    assert any(
        f"kept   {found['promises']['runs']['promise']}" in line for line in report({"machine": "", "soak": found})
    )
