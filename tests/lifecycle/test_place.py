"""Where a run is computed, as its folder keeps it, and what everything else makes of it."""

from dataclasses import replace

import pytest

from cifar_core.config import make_config
from cifar_core.errors import ConfigError, RunError
from cifar_core.lifecycle.place import LOCAL, Place, read_place, write_place
from cifar_core.lifecycle.states import Status
from cifar_core.runs import create_run, duplicate_run, list_runs, queue_places, read_run, retry_run, verify_run
from cifar_core.runs.run_folder import run_folder
from cifar_core.sweeps.plan import SweepOptions, plan_sweep
from cifar_core.sweeps.space import parse_space
from cifar_core.workspace import Workspace
from tests.conftest import save_tiny
from tests.runs.conftest import TINY, ended_run

THERE = Place("ray", "10.0.0.5:6379", cpus=2, gpus=1)


@pytest.fixture
def tiny(workspace: Workspace) -> Workspace:
    save_tiny(workspace)
    return workspace


def test_a_run_keeps_its_place_and_one_of_this_machine_has_no_file(tiny: Workspace) -> None:
    here = create_run(tiny, make_config(TINY))
    assert read_run(tiny, here).place == LOCAL and not run_folder(tiny, here).place.exists()
    there = create_run(tiny, make_config(TINY), place=THERE)
    run = read_run(tiny, there)
    assert run.place == THERE and run.is_elsewhere and verify_run(tiny, there) == []
    assert run.place.words == "the cluster at 10.0.0.5:6379"
    write_place(run_folder(tiny, there), LOCAL)
    assert [each.place for each in list_runs(tiny)] == [LOCAL, LOCAL]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"backend": "mars"}', '{"backend": "ray", "cpus": -1}'])
def test_a_damaged_file_is_named_with_the_way_out(tiny: Workspace, content: str) -> None:
    run_id = create_run(tiny, make_config(TINY), place=THERE)
    run_folder(tiny, run_id).place.write_text(content)
    with pytest.raises(RunError, match=r"remove its place\.json"):
        read_place(run_folder(tiny, run_id))
    (problem,) = verify_run(tiny, run_id)
    assert "place.json" in problem and [run.problem for run in list_runs(tiny)] == [problem]
    run_folder(tiny, run_id).place.unlink()
    assert verify_run(tiny, run_id) == []


def test_a_run_that_is_made_from_another_one_trains_where_that_did(tiny: Workspace) -> None:
    old = ended_run(tiny, Status.STOPPED, make_config(TINY))
    write_place(run_folder(tiny, old), THERE)
    assert read_run(tiny, retry_run(tiny, old)).place == THERE
    assert read_run(tiny, duplicate_run(tiny, old, {"epochs": 1})).place == THERE


def test_a_run_elsewhere_needs_neither_the_queue_nor_the_memory_of_this_machine(
    tiny: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cifar_core.runs.control.admission.machine_memory", lambda: 1)
    with pytest.raises(ConfigError, match="memory"):
        create_run(tiny, make_config(TINY))
    run = read_run(tiny, create_run(tiny, make_config(TINY), place=THERE))
    assert run.waits and run.ticket is None and run.expected_seconds is None
    monkeypatch.undo()
    running = ended_run(tiny, Status.RUNNING, make_config(TINY))
    write_place(run_folder(tiny, running), THERE)
    assert queue_places(list_runs(tiny), 1) == {}


def test_each_process_of_a_run_needs_a_processor_there(tiny: Workspace) -> None:
    three = make_config({**TINY, "validation_share": 0.2, "processes": 3})
    settings = three.flat()
    with pytest.raises(ConfigError, match=r"asks for 2: ask for 3 \(--cpus 3\), or lower processes\."):
        create_run(tiny, three, place=THERE)
    with pytest.raises(ConfigError, match=r"asks for 2: ask for 3"):
        plan_sweep(tiny, settings, parse_space(["learning_rate=1e-3..1e-2"], settings), SweepOptions(place=THERE))
    assert read_run(tiny, create_run(tiny, three, place=replace(THERE, cpus=3))).place.cpus == 3
    create_run(tiny, three)  # here they share what the machine has


def test_a_sweep_does_not_go_to_slurm(tiny: Workspace) -> None:
    settings = make_config({**TINY, "validation_share": 0.2}).flat()
    with pytest.raises(ConfigError, match="not on Slurm, which takes single runs"):
        plan_sweep(
            tiny, settings, parse_space(["learning_rate=1e-3..1e-2"], settings), SweepOptions(place=Place("slurm"))
        )
