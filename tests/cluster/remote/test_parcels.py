"""What a run needs elsewhere: its own files, and what is read of the runs and datasets that it goes on from."""

import json

from cifar_core.cluster.remote.parcels import dataset_parcel, datasets_of, run_pieces, runs_before
from cifar_core.config import make_config
from cifar_core.lifecycle.place import Place
from cifar_core.runs import create_run
from cifar_core.runs.run_folder import RunFolder, run_folder
from cifar_core.workspace import Workspace
from tests.conftest import save_tiny


def make(workspace: Workspace, dataset: str = "tiny") -> RunFolder:
    """A run with some files of its own, which stay here or travel."""
    run_id = create_run(workspace, make_config({"dataset": dataset}), name="mine", place=Place("ray", "10.0.0.5:6379"))
    folder = run_folder(workspace, run_id)
    for name in ("predictions/test.npz", "predictions/test-0001.npy", "best/0001.safetensors", "analyses/a.npz"):
        (folder.path / name).parent.mkdir(exist_ok=True)
        (folder.path / name).write_bytes(b"x")
    (folder.path / "training.lock").touch()
    (folder.path / ".tmp-half.json").touch()
    return folder


def names(folder: RunFolder) -> set[str]:
    return {piece.name for piece in run_pieces(folder)}


def test_results_travel_and_what_belongs_to_this_machine_stays(workspace: Workspace) -> None:
    save_tiny(workspace)
    folder = make(workspace)
    own = ("config.json", "predictions/test.npz", "predictions/test-0001.npy", "best/0001.safetensors")
    assert names(folder) == {f"{folder.run_id}/{name}" for name in own}
    assert datasets_of(folder) == ["tiny"]


def test_a_run_that_goes_on_needs_what_is_read_of_the_runs_before(workspace: Workspace) -> None:
    save_tiny(workspace)
    save_tiny(workspace, "other", seed=9)
    before, folder = make(workspace), make(workspace, "other")
    content = json.loads(folder.config.read_text()) | {"origin": "fine-tuned", "parent": before.run_id}
    folder.config.write_text(json.dumps(content))
    assert [run.run_id for run in runs_before(folder)] == [before.run_id]
    assert datasets_of(folder) == ["other", "tiny"]  # of the run before, to know which pictures its weights have seen
    theirs = {name for name in names(folder) if name.startswith(before.run_id)}
    read = ("config.json", "status.json", "about.json", "predictions/test.npz")
    assert theirs == {f"{before.run_id}/{name}" for name in read}


def test_the_key_of_a_dataset_is_that_of_its_content(workspace: Workspace) -> None:
    save_tiny(workspace)
    key = dataset_parcel(workspace, "tiny").key
    (workspace.data / "tiny" / "check.json").write_text("{}")  # which a training makes itself
    assert dataset_parcel(workspace, "tiny").key == key
    save_tiny(workspace, "second", seed=3)
    assert dataset_parcel(workspace, "second").key != key
