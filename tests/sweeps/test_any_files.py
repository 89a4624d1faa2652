"""Arbitrary content in the files of a sweep: a sweep or one sentence, and no other sweep is hidden."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cifar_core.runs import Run, delete_run, list_runs
from cifar_core.runs.trials.kept import kept_file
from cifar_core.sweeps.folder import SweepFolder
from cifar_core.sweeps.sweep import list_sweeps, sweep_facts
from cifar_core.sweeps.tables import effect_sentence, effect_table, gain_sentence, pareto_front, trials_table
from cifar_core.workspace import Workspace, open_workspace
from tests.mutations import other_bytes, other_values
from tests.sweeps.crafted_sweeps import SWEEP, add_trial, make_sweep

FILES = ("sweep.json", "trials/000001.json", "runs")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, SweepFolder, list[Run], Path]:
    """A sweep of two trials, of which the run of the first was deleted; and another sweep."""
    workspace = open_workspace(tmp_path_factory.mktemp("any"))
    folder = make_sweep(workspace, start_points=[{"learning_rate": 0.1}])
    (deleted,) = add_trial(folder, 1, {"learning_rate": 0.1}, [0.4, 0.5])
    add_trial(folder, 2, {"learning_rate": 0.2}, [0.6])
    delete_run(workspace, deleted)
    make_sweep(workspace, sweep_id="other-owl-1")
    return workspace, folder, list_runs(workspace), kept_file(workspace, SWEEP, deleted)


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_file_gives_a_sweep_or_a_sentence(
    shared: tuple[Workspace, SweepFolder, list[Run], Path], name: str, data: st.DataObject
) -> None:
    workspace, folder, runs, kept = shared
    path = kept if name == "runs" else folder.path / name
    whole = path.read_bytes()
    changed = data.draw(
        other_bytes(whole) | other_values(json.loads(whole)).map(lambda found: json.dumps(found).encode())
    )
    path.write_bytes(changed)
    try:
        sweeps = {sweep.id: sweep for sweep in list_sweeps(workspace, runs)}
        assert set(sweeps) == {SWEEP, "other-owl-1"} and not sweeps["other-owl-1"].problem
        found = sweeps[SWEEP]
        assert found.problem or len(found.trials) == 2
        json.dumps(sweep_facts(found, trials=True), allow_nan=False)
        for show in (trials_table, pareto_front, effect_table, effect_sentence, gain_sentence):
            show(found)
    finally:
        path.write_bytes(whole)
