"""Resuming from checkpoints: bit-exact, past damaged checkpoints, and never from a checkpoint of another run."""

import gc
import hashlib
import io
import json
import os
import pickle
import shutil
import types
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cifar_core.config import make_config
from cifar_core.errors import RunError, StorageError
from cifar_core.lifecycle.states import Status
from cifar_core.runs import create_run, list_runs, read_metrics, read_predictions, resume_run, verify_run
from cifar_core.runs.hashed_tensors import DamagedError, check_hash, with_hash
from cifar_core.runs.run_folder import RunFolder, checkpoint_files, run_folder
from cifar_core.runs.training import reproducibility
from cifar_core.runs.training.state_files import _restore_tensors, _separate_tensors
from cifar_core.storage.json_files import write_json
from cifar_core.workspace import Workspace
from tests.conftest import save_tiny
from tests.mutations import VALUES, other_values
from tests.runs.in_process import TINY, checkpoint_at_every_batch, one_thread, train, weights_of

CLOCKS = ["seconds", "images_per_second"]
FAST = {
    "model": "fast_cnn",
    "widths": "3,4,5",
    "depths": "1,2,1",
    "prune_share": 0.4,
    "optimizer": "muon",
    "momentum": 0.6,
    "small_share": 0.4,
    "shift": 2,
}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    one_thread()
    checkpoint_at_every_batch(monkeypatch)


@pytest.fixture
def tiny(workspace: Workspace) -> Workspace:
    """A workspace whose runs have 3 batches an epoch."""
    save_tiny(workspace, train=100, test=40)
    return workspace


@pytest.fixture
def paused(tiny: Workspace) -> RunFolder:
    """A run that was paused after the first batch of its third epoch; checkpoints at 2-0 and 2-1."""
    run = train(tiny, create_run(tiny, make_config(TINY)), batches=7)
    assert run.status is Status.PAUSED
    folder = run_folder(tiny, run.id)
    assert [path.name for path in checkpoint_files(folder)] == ["0002-0000001.safetensors", "0002-0000000.safetensors"]
    return folder


def same(workspace: Workspace, one: str, other: str) -> None:
    """Check that two runs agree bit by bit: metrics without times, predictions and records of every epoch, weights."""
    runs = {run.id: run for run in list_runs(workspace)}
    lines = [read_metrics(workspace, run_id).drop(columns=CLOCKS) for run_id in (one, other)]
    assert lines[0].equals(lines[1]) and len(lines[0])
    for epoch in lines[0]["epoch"]:
        probs = [read_predictions(workspace, run_id, int(epoch)).probs for run_id in (one, other)]
        assert np.array_equal(*probs)
        records = [run_folder(workspace, run_id).record(int(epoch)).read_bytes() for run_id in (one, other)]
        assert records[0] == records[1]
    assert weights_of(workspace, runs[one]) == weights_of(workspace, runs[other])


@pytest.mark.fault(33)
@pytest.mark.parametrize("settings", [{}, {"optimizer": "sgd", "schedule": "one_cycle", "cutout": 6}, FAST,
                                      {**FAST, "optimizer": "averaged_sgd", "activation": "gelu", "weight_decay": 0.01}],
                         ids=["adam", "sgd", "muon", "averaged_sgd"])  # fmt: skip
def test_five_pauses_change_nothing(tiny: Workspace, settings: dict[str, object]) -> None:
    config = make_config({**TINY, "epochs": 6, **settings})
    straight = train(tiny, create_run(tiny, config))
    broken = create_run(tiny, config)
    for batches in np.random.default_rng(len(settings)).integers(1, 4, 5):
        run = train(tiny, broken, batches=int(batches))
        assert run.status is Status.PAUSED
        torch.manual_seed(99)  # the random state at the start of a process must not matter
    run = train(tiny, broken)
    assert run.status is straight.status is Status.FINISHED
    assert run.exact and run.warnings == ()
    same(tiny, straight.id, broken)


@pytest.mark.fault(34)
@pytest.mark.parametrize(
    ("name", "message"),
    [("torch", "with torch 9.9.9 instead of "), ("threads", "with 9.9.9 threads instead of 1"),
     ("precision", "in 9.9.9 instead of float32"),
     ("device", "on 9.9.9 instead of cpu"), ("code", "with another version of this program")],
)  # fmt: skip
def test_changed_conditions_are_a_warning(
    tiny: Workspace, paused: RunFolder, monkeypatch: pytest.MonkeyPatch, name: str, message: str
) -> None:
    real = reproducibility.conditions
    monkeypatch.setattr("cifar_core.runs.training.checkpoints.conditions", lambda *of: {**real(*of), name: "9.9.9"})
    run = train(tiny, paused.path.name, batches=1)
    assert not run.exact and run.status is Status.PAUSED
    assert len(run.warnings) == 1 and run.warnings[0].startswith(
        f"Not bit-exact: from epoch 3 on it was computed {message}"
    )
    run = train(tiny, paused.path.name)
    assert run.status is Status.FINISHED and not run.exact and len(run.warnings) == 1, (
        "the warning is given once and kept"
    )


@pytest.mark.fault(34)
def test_more_threads_than_cores_are_not_taken(
    tiny: Workspace, paused: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = json.loads(paused.facts.read_text())
    write_json(paused.facts, {**facts, "threads": 64})
    run = train(tiny, paused.path.name)
    assert run.status is Status.FINISHED and json.loads(paused.facts.read_text())["threads"] == 1


@pytest.mark.fault(34)
def test_as_many_threads_as_the_run_began_with(tiny: Workspace, paused: RunFolder) -> None:
    torch.set_num_threads(2 if (os.cpu_count() or 1) > 1 else 1)
    run = train(tiny, paused.path.name)
    assert run.exact and torch.get_num_threads() == 1


@pytest.mark.fault(34)
def test_the_precision_that_the_run_began_with(
    tiny: Workspace, paused: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that began in float32 ends in it, also where the processor is fast at bfloat16; a new run uses bfloat16."""
    monkeypatch.setattr("cifar_core.runs.training.process.pick_precision", lambda model, device: "bfloat16")
    run = train(tiny, paused.path.name)
    assert run.exact and run.precision == "float32"
    assert train(tiny, create_run(tiny, run.config)).precision == "bfloat16"


@pytest.mark.fault(34)
def test_a_run_in_bfloat16_is_resumed_in_float32_where_that_is_faster(
    tiny: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on another machine; the run then has the warning that it is no longer bit-exact."""
    with monkeypatch.context() as other_machine:
        other_machine.setattr("cifar_core.runs.training.process.pick_precision", lambda model, device: "bfloat16")
        run = train(tiny, create_run(tiny, make_config(TINY)), batches=3)
    run = train(tiny, run.id)
    assert run.status is Status.FINISHED and run.precision == "float32" and not run.exact
    assert "in float32 instead of bfloat16" in run.warnings[0]


@pytest.mark.fault(35)
@pytest.mark.parametrize("change", [{"learning_rate": 0.5}, {"channels": [4, 4]}])
def test_edited_settings_are_refused(tiny: Workspace, paused: RunFolder, change: dict[str, object]) -> None:
    content = json.loads(paused.config.read_text())
    content["settings"] |= change
    write_json(paused.config, content)
    before = {path: path.read_bytes() for path in paused.path.rglob("*") if path.is_file()}
    (name,) = change
    with pytest.raises(RunError, match=rf"were changed after it began \({name} .* -> .*\): a run keeps its settings"):
        resume_run(tiny, paused.path.name)
    assert before == {path: path.read_bytes() for path in paused.path.rglob("*") if path.is_file()}
    assert any("were changed after it began" in problem for problem in verify_run(tiny, paused.path.name))


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "one byte short": lambda content: content[:-1],
    "one bit flipped": lambda content: content[:-9] + bytes([content[-9] ^ 1]) + content[-8:],
    "a flipped header": lambda content: content.replace(b'"shape": [3', b'"shape": [2', 1),
    "empty": lambda content: b"",
    "eight bytes": lambda content: content[:8],
    "another file": lambda content: b"PK\x03\x04" * 100,
}


@pytest.mark.fault(8)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_passed_over(tiny: Workspace, paused: RunFolder, damage: str) -> None:
    newest = checkpoint_files(paused)[0]
    content = newest.read_bytes()
    newest.write_bytes(DAMAGES[damage](content))
    assert newest.read_bytes() != content
    assert [newest.name in problem and "damaged" in problem for problem in verify_run(tiny, paused.path.name)] == [True]
    straight = train(tiny, create_run(tiny, make_config(TINY)))
    run = train(tiny, paused.path.name)
    assert run.status is Status.FINISHED and run.exact
    assert len(run.warnings) == 1 and f"The checkpoint {newest.name} was passed over: " in run.warnings[0]
    same(tiny, straight.id, run.id)


@pytest.mark.fault(8)
def test_without_a_usable_checkpoint_what_is_logged_stays(tiny: Workspace, paused: RunFolder) -> None:
    for path in checkpoint_files(paused):
        path.write_bytes(path.read_bytes()[:-1])
    before = {path: path.read_bytes() for path in paused.path.rglob("*") if path.is_file() and path != paused.status}
    run = train(tiny, paused.path.name)
    assert run.status is Status.FAILED and "So this run cannot be resumed: what it has logged stays" in run.error
    assert run.error.count("was passed over: its SHA-256 does not match") == 2
    assert before == {path: path.read_bytes() for path in before} and len(read_metrics(tiny, run.id)) == 2


@pytest.mark.fault(12)
@pytest.mark.parametrize("missing", [0, 1])
def test_a_missing_checkpoint_costs_a_few_batches(tiny: Workspace, paused: RunFolder, missing: int) -> None:
    """The newest is found by the names of the files: there is no pointer to a file that may be missing."""
    straight = train(tiny, create_run(tiny, make_config(TINY)))
    checkpoint_files(paused)[missing].unlink()
    run = train(tiny, paused.path.name)
    assert run.status is Status.FINISHED
    same(tiny, straight.id, run.id)


@pytest.mark.fault(12)
def test_without_checkpoints_the_logged_epochs_are_kept(tiny: Workspace, paused: RunFolder) -> None:
    shutil.rmtree(paused.checkpoints)
    run = train(tiny, paused.path.name)
    assert run.status is Status.FAILED and "Its checkpoints are missing." in run.error
    assert len(read_metrics(tiny, run.id)) == 2


class Evil:
    """A pickle that makes a folder when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


@pytest.mark.fault(9)
@pytest.mark.parametrize("old", [True, False])
def test_a_malicious_pickle_is_not_opened(tiny: Workspace, paused: RunFolder, tmp_path: Path, old: bool) -> None:
    trace = tmp_path / "trace"
    content = pickle.dumps(Evil(trace))
    if old:
        shutil.rmtree(paused.checkpoints)
        paused.old_checkpoint.write_bytes(hashlib.sha256(content).digest() + content)
    else:
        for path in checkpoint_files(paused):
            path.write_bytes(content)
    run = train(tiny, paused.path.name)
    assert run.status is Status.FAILED and "was passed over" in run.error and "Traceback" not in run.error
    assert not trace.exists()


@pytest.mark.fault(10)
@pytest.mark.parametrize(
    ("settings", "message"),
    [({"channels": "4,4"}, "conv1.weight is [4, 3, 3, 3] in the checkpoint, [3, 3, 3, 3] in this run"),
     ({**FAST, "batch_size": 30, "shift": 0, "small_share": 0.0}, "it is of another network (conv1.weight is absent in the checkpoint"),
     ({"optimizer": "sgd"}, "it was made with other settings"), ({"learning_rate": 0.5}, "it was made with other settings")],
)  # fmt: skip
def test_a_checkpoint_of_another_run_is_passed_over(
    tiny: Workspace, paused: RunFolder, settings: dict[str, object], message: str
) -> None:
    other = train(tiny, create_run(tiny, make_config({**TINY, **settings})), batches=8)
    foreign = checkpoint_files(run_folder(tiny, other.id))[0]
    shutil.copy(foreign, paused.checkpoints / foreign.name)
    run = train(tiny, paused.path.name)
    assert run.status is Status.FINISHED
    assert len(run.warnings) == 1 and message in run.warnings[0]


@pytest.mark.fault(10)
def test_a_checkpoint_with_another_number_of_classes_is_passed_over(tiny: Workspace, paused: RunFolder) -> None:
    tensors, notes = opened(checkpoint_files(paused)[0])
    names = [name for name, value in tensors.items() if list(value.shape) == [10, 8]]
    for name in names:
        tensors[name] = torch.zeros(7, 8)
    checkpoint_files(paused)[0].write_bytes(hashed(tensors, notes))
    run = train(tiny, paused.path.name)
    assert (
        run.status is Status.FINISHED
        and "fc3.weight is [7, 8] in the checkpoint, [10, 8] in this run" in run.warnings[0]
    )


@pytest.mark.fault(11, 40)
def test_weights_that_are_not_finite_are_a_warning_and_never_best(tiny: Workspace, paused: RunFolder) -> None:
    best = read_predictions(tiny, paused.path.name).epoch
    tensors, notes = opened(checkpoint_files(paused)[0])
    tensors["0"][0] = float("nan")
    checkpoint_files(paused)[0].write_bytes(hashed(tensors, notes))
    run = train(tiny, paused.path.name)
    assert run.status is Status.FAILED and "diverged in epoch 3" in run.error
    assert run.warnings == (f"The checkpoint {checkpoint_files(paused)[0].name} holds weights that are not numbers.",)
    assert run.best is not None and run.best.epoch == best and verify_run(tiny, run.id) == []


@pytest.mark.fault(40)
def test_a_training_that_diverges_says_where_and_keeps_the_best(tiny: Workspace) -> None:
    """It is noticed at the next checkpoint within the epoch; no checkpoint with such weights is kept."""
    run_id = create_run(tiny, make_config({**TINY, "optimizer": "sgd", "learning_rate": 0.01}))
    config = run_folder(tiny, run_id)
    run = train(tiny, run_id, after_batch=lambda batch: poison(batch, at=5))
    assert run.status is Status.FAILED and "Training diverged in epoch 2: the loss is no longer a number." in run.error
    for file in config.path.rglob("*.json*"):
        assert "NaN" not in file.read_text() and "Infinity" not in file.read_text()
    assert run.diverged and not run.resumable
    assert run.best is not None and run.best.epoch == 1 and verify_run(tiny, run_id) == []
    tensors = [value for path in checkpoint_files(config) for value in opened(path)[0].values()]
    assert all(value.isfinite().all() for value in tensors if value.shape != (90,)), "of pictures not shown yet: NaN"


def poison(batch: int, *, at: int) -> None:
    """Set the weights of every network in this process to NaN; the garbage collector lists the networks."""
    if batch == at:
        for item in gc.get_objects():
            if type(item) is torch.nn.Sequential:
                for value in item.parameters():
                    value.data.fill_(float("nan"))


@pytest.mark.fault(42)
@pytest.mark.parametrize(
    "settings",
    [{"batch_size": 4096}, {**FAST, "batch_size": 89, "validation_share": 0.1}, {"batch_size": 1, "train_share": 0.01}],
    ids=["one batch", "a last batch of one", "one picture a class"],
)
def test_odd_batches_are_trained(tiny: Workspace, settings: dict[str, object]) -> None:
    run = train(tiny, create_run(tiny, make_config({**TINY, "epochs": 1, **settings})))
    assert run.status is Status.FINISHED and verify_run(tiny, run.id) == []


@pytest.mark.fault(13)
def test_a_full_disk_ends_the_run_with_what_is_missing(
    tiny: Workspace, paused: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is room for the status with the reason, but not for a checkpoint."""
    before = checkpoint_files(paused)[0].read_bytes()
    real = shutil.disk_usage
    monkeypatch.setattr(shutil, "disk_usage", lambda path: types.SimpleNamespace(free=5000, total=real(path).total))
    run = train(tiny, paused.path.name)
    assert run.status is Status.FAILED
    assert (
        "The disk is full while writing 0002-0000002.safetensors (it needs " in run.error
        and "5 kB are free" in run.error
    )
    assert checkpoint_files(paused)[0].read_bytes() == before
    assert not list(paused.path.rglob(".tmp-*"))
    monkeypatch.undo()
    assert train(tiny, paused.path.name).status is Status.FINISHED


@pytest.mark.fault(15)
def test_a_disk_that_corrupts_a_checkpoint_is_noticed(
    tiny: Workspace, paused: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new checkpoint reads back differently: the run fails, and the older checkpoints are kept."""
    before = [path.name for path in checkpoint_files(paused)]
    real = os.replace

    def bad(source: Path, target: Path) -> None:
        if "0002-0000002" in str(target):
            source.write_bytes(source.read_bytes()[:-4] + b"\0\0\0\1")
        real(source, target)

    monkeypatch.setattr(os, "replace", bad)
    run = train(tiny, paused.path.name)
    assert run.status is Status.FAILED and "The disk did not keep the checkpoint" in run.error
    assert set(before) <= {path.name for path in checkpoint_files(paused)}
    monkeypatch.undo()
    run = train(tiny, paused.path.name)
    assert run.status is Status.FINISHED and "0002-0000002.safetensors was passed over" in run.warnings[0]


@pytest.mark.fault(16)
def test_a_folder_that_cannot_be_written_any_more_fails_the_run(
    tiny: Workspace, paused: RunFolder, arm: Callable[[str], None]
) -> None:
    run = train(tiny, paused.path.name, after_batch=lambda batch: arm("write:1+:eacces"))
    arm("")
    assert run.status is Status.INTERRUPTED, "its last status could not be written, but it is not shown as running"
    assert len(read_metrics(tiny, run.id)) == 2 and verify_run(tiny, run.id) == []


def test_the_weights_that_a_fallback_needs_are_kept(tiny: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Epoch 2 is the best; where its checkpoint is damaged, the run goes back to epoch 1 and needs its weights."""
    monkeypatch.setattr("cifar_core.runs.training.recorder.CHECKPOINT_SECONDS", 60.0)
    run_id = create_run(tiny, make_config({**TINY, "validation_share": 0.0}))  # the last epoch counts; 4 batches
    folder = run_folder(tiny, run_id)

    def crash(batch: int) -> None:
        if batch == 9:
            raise StorageError("a crash")

    run = train(tiny, run_id, after_batch=crash)
    assert [path.name for path in checkpoint_files(folder)] == ["0002-0000000.safetensors", "0001-0000000.safetensors"]
    assert run.best is not None and run.best.epoch == 2
    checkpoint_files(folder)[0].write_bytes(b"")
    run = train(tiny, run_id, batches=1)
    assert run.best is not None and run.best.epoch == 1 and verify_run(tiny, run_id) == []
    run = train(tiny, run_id)
    assert run.status is Status.FINISHED and verify_run(tiny, run_id) == []
    assert [path.name for path in (folder.path / "best").iterdir()] == ["0003.safetensors"]


def test_a_state_is_restored_with_values_types_and_memory_layout() -> None:
    images = torch.randn(2, 3, 4, 4).contiguous(memory_format=torch.channels_last)
    optimizer = {"state": {0: {"step": torch.tensor(1.0)}}, "betas": (0.9, 0.999), "none": None}
    value = {"net": {"a": images, "b": torch.tensor(3)}, "optimizer": optimizer, "list": [1, True]}
    tensors: dict[str, torch.Tensor] = {}
    structure = json.loads(json.dumps(_separate_tensors(value, tensors)))
    restored = _restore_tensors(structure, safetensors.torch.load(safetensors.torch.save(tensors)))
    assert torch.equal(restored["net"]["a"], images) and restored["net"]["a"].stride() == images.stride()
    assert restored["optimizer"]["betas"] == (0.9, 0.999) and restored["optimizer"]["state"][0]["step"] == 1.0
    assert restored["optimizer"]["none"] is None and restored["list"] == [1, True]


def test_every_bit_of_a_hashed_file_counts() -> None:
    content = hashed({"a": torch.arange(4.0)}, {"note": "x"})
    assert check_hash(io.BytesIO(content)) == {"note": "x"}
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 1
        with pytest.raises(DamagedError):
            assert check_hash(io.BytesIO(bytes(changed))) == {"note": "x"}, "padding"
            raise DamagedError


@pytest.mark.fault(8, 10)
@pytest.mark.parametrize("examples", [10, pytest.param(200, marks=pytest.mark.slow)])
def test_a_checkpoint_of_any_values_is_used_or_passed_over(
    tiny: Workspace, paused: RunFolder, tmp_path: Path, examples: int
) -> None:
    """Its hash matches, as in one that an attacker made."""
    kept = shutil.copytree(paused.path, tmp_path / "kept")

    @settings(max_examples=examples, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def check(data: st.DataObject) -> None:
        shutil.rmtree(paused.path)
        shutil.copytree(kept, paused.path)
        newest = checkpoint_files(paused)[0]
        tensors, notes = opened(newest)
        state = data.draw(other_values(json.loads(notes["state"])) | VALUES)
        newest.write_bytes(hashed(tensors, {"state": json.dumps(state)}))
        run = train(tiny, paused.path.name, batches=2)  # raises any error that is not one of this program
        assert run.status in (Status.PAUSED, Status.FAILED) and "\n" not in run.error

    check()


@pytest.mark.fault(10)
@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan")])
def test_a_checkpoint_that_leaves_no_picture_to_train_on_is_passed_over(tiny: Workspace, weight: float) -> None:
    """Of a run that leaves out easy pictures: its hash matches, but its epoch would have no batch."""
    config = make_config({**TINY, "prune_share": 0.5})
    straight = train(tiny, create_run(tiny, config))
    run = train(tiny, create_run(tiny, config), batches=5)
    newest = checkpoint_files(run_folder(tiny, run.id))[0]
    tensors, notes = opened(newest)
    for tensor in tensors.values():
        if tensor.shape == (90,) and tensor.dtype == torch.float32:  # of each training picture: losses and its weight
            tensor.fill_(weight)
    newest.write_bytes(hashed(tensors, notes))
    run = train(tiny, run.id)
    assert run.status is Status.FINISHED and "it leaves out every picture" in " ".join(run.warnings)
    same(tiny, straight.id, run.id)


def opened(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """The tensors and the metadata of a checkpoint."""
    content = path.read_bytes()
    return safetensors.torch.load(content), check_hash(io.BytesIO(content))


def hashed(tensors: dict[str, torch.Tensor], notes: dict[str, str]) -> bytes:
    """A file with a matching hash, as an attacker could make it."""
    return b"".join(with_hash(safetensors.torch.save(tensors, notes)))
