"""`sweep.json`: read back as written; whatever else it holds is refused in one sentence."""

import json
from typing import Any

import pytest

from cifar_core.errors import SweepError
from cifar_core.sweeps.plan import SweepOptions, SweepPlan
from cifar_core.sweeps.plan_file import read_plan, write_plan
from cifar_core.sweeps.space import Dimension
from cifar_core.workspace import Workspace
from tests.sweeps.crafted_sweeps import CHANNELS, RATE, SETTINGS, SWEEP, make_sweep


def test_a_plan_reads_back_as_it_was_written(workspace: Workspace) -> None:
    folder = make_sweep(workspace)
    space = (
        RATE,
        CHANNELS,
        Dimension("batch_size", 16, 64, whole=True, step=8),
        Dimension("flip", values=(True, False)),
    )
    options = SweepOptions(40, 2, 1.5, "grid", "hyperband", "postgresql://host/x", ("a-b-1",), "Mine")
    points = ({"learning_rate": 0.01, "channels": (3, 4)}, {"learning_rate": 0.1})
    plan = SweepPlan(
        SWEEP, "2026-11-29T10:00:00+00:00", SETTINGS, space, options, "study", points, "f" * 64, "ada", "Rates"
    )
    write_plan(folder, plan)
    assert read_plan(folder) == plan and read_plan(folder).candidates == 20


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"space": []}, "its space is empty"),
        ({"space": [{"name": "evil"}]}, "there is no setting 'evil'"),
        ({"space": [{"name": "learning_rate", "low": 99, "high": 100}]}, "learning_rate is 99"),
        ({"options": {"runs": 0}}, "runs must be from seeds to 10,000"),
        ({"options": {"seeds": 0}}, "runs must be from seeds"),
        ({"options": {"runs": 2, "seeds": 3}}, "runs must be from seeds"),
        ({"options": {"sampler": "mine"}}, "sampler must be tpe or random or grid"),
        ({"settings": {"learning_rate": -1}}, "learning_rate is -1"),
        ({"settings": {"evil": 1}}, "There is no setting 'evil'"),
        ({"start_points": [{"channels": "x"}]}, "channels is"),
        ({"created": 7}, "created must be a text"),
        ({"lesson": "x" * 100}, "The lesson has 100 characters"),
        ({"schema_version": 2}, "a newer version of this program made it (schema 2): update it to open the sweep"),
    ],
)
def test_what_breaks_a_rule_is_named(workspace: Workspace, changes: dict[str, Any], problem: str) -> None:
    folder = make_sweep(workspace)
    folder.plan.write_text(json.dumps(json.loads(folder.plan.read_text()) | changes))
    with pytest.raises(SweepError, match=f"Sweep {SWEEP} cannot be read") as caught:
        read_plan(folder)
    assert problem in str(caught.value)


def test_a_sweep_of_an_earlier_version_belongs_to_no_lesson(workspace: Workspace) -> None:
    folder = make_sweep(workspace)
    content = json.loads(folder.plan.read_text())
    del content["lesson"]
    folder.plan.write_text(json.dumps(content))
    assert read_plan(folder).lesson == ""


def test_a_copied_sweep_has_the_id_of_its_folder(workspace: Workspace) -> None:
    folder, copy = make_sweep(workspace), make_sweep(workspace, sweep_id="copy-owl-1")
    copy.plan.write_bytes(folder.plan.read_bytes())
    assert read_plan(copy).id == "copy-owl-1"
    folder.plan.unlink()
    with pytest.raises(SweepError, match="No such file"):
        read_plan(folder)
