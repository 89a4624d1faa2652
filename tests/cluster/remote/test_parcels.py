"""What a run needs elsewhere: its own files, and what a training reads of the runs and datasets that it goes on from."""

from cifar_core.cluster.remote.parcels import dataset_parcel, datasets_of, run_pieces, runs_before
from cifar_core.config import make_config
from cifar_core.lifecycle.place import Place
from cifar_core.runs import Run, create_run
from cifar_core.runs.going_on.new_run import fine_tune_run
from cifar_core.runs.run_folder import run_folder
from cifar_core.workspace import Workspace
from tests.conftest import save_tiny
from tests.runs.conftest import TINY


def names(workspace: Workspace, run_id: str) -> set[str]:
    return {piece.name for piece in run_pieces(run_folder(workspace, run_id))}


def test_a_new_run_needs_its_settings_alone(tiny: Workspace) -> None:
    run_id = create_run(tiny, make_config(TINY), name="mine", place=Place("ray", "10.0.0.5:6379"))
    assert names(tiny, run_id) == {f"{run_id}/config.json"}
    assert datasets_of(run_folder(tiny, run_id)) == ["tiny"]


def test_a_run_that_goes_on_needs_what_is_read_of_the_runs_before(shared: Workspace, finished: Run) -> None:
    if not (shared.data / "other").exists():
        save_tiny(shared, "other", seed=9)
    tuned = fine_tune_run(shared, finished.id, {"dataset": "other"}, place=Place())
    folder = run_folder(shared, tuned)
    assert [run.run_id for run in runs_before(folder)] == [finished.id]
    assert datasets_of(folder) == ["other", "tiny"]  # of the run before, to know which pictures its weights have seen
    sent = names(shared, tuned)
    assert {f"{tuned}/config.json", f"{tuned}/start/weights.safetensors", f"{finished.id}/facts.json"} <= sent
    assert f"{finished.id}/predictions/test.npz" in sent
    assert not any(name.startswith(f"{finished.id}/") and name.endswith((".npy", ".safetensors")) for name in sent)


def test_the_key_of_a_dataset_is_that_of_its_content(workspace: Workspace) -> None:
    save_tiny(workspace)
    key = dataset_parcel(workspace, "tiny").key
    (workspace.data / "tiny" / "check.json").write_text("{}")  # what a training makes itself
    assert dataset_parcel(workspace, "tiny").key == key
    save_tiny(workspace, "second", seed=3)
    assert dataset_parcel(workspace, "second").key != key
