"""Files of arrays and tensors that are larger than those of any run, or claim to be: no reader loads them.

The peak memory of each reader is measured separately, in this process: Linux can reset it (`clear_refs`, see proc(5)).
"""

import hashlib
import io
import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from click.testing import CliRunner

from cifar_core.commands.results.analyze import analyze
from cifar_core.config import make_config
from cifar_core.errors import CifarCoreError
from cifar_core.evaluate import CheckedPredictions, class_report, confusion_matrix
from cifar_core.machine import peak_memory
from cifar_core.runs import (
    Predictor,
    PredictorProcess,
    create_run,
    epoch_ends,
    export_run,
    import_run,
    list_runs,
    read_metrics,
    read_predictions,
    verify_run,
    worker_log_tail,
)
from cifar_core.runs.hashed_tensors import DamagedError, with_hash
from cifar_core.runs.predict.recompute_process import recompute_best_epoch
from cifar_core.runs.predict.run_network import RunNetwork
from cifar_core.runs.run_folder import RunFolder, checkpoint_files, run_folder
from cifar_core.samples import prediction_table, sample_table
from cifar_core.text import MB
from cifar_core.workspace import Workspace, open_workspace
from tests.conftest import save_tiny
from tests.runs.conftest import snapshot
from tests.runs.exported_runs import Change, edit, members, npz, packed_run, rewrite
from tests.runs.in_process import TINY, one_thread, train

CLEAR = Path("/proc/self/clear_refs")
BIG = 512 * MB  # of a file, sparse: no disk is filled
MAX_MEMORY = 48 * MB  # that a reader may take; of an undamaged run each takes less than 20
WIDE = 2500  # pictures, whose ids have 100 MB unpacked

pytestmark = pytest.mark.skipif(not CLEAR.exists(), reason="only Linux tells the peak of a part of a process")


def taken(action: Callable[[], object]) -> int:
    """Bytes that an action takes at its peak, in addition to the memory before; it may raise an error of one line."""
    CLEAR.write_text("5")
    before = peak_memory() or 0
    try:
        action()
    except (CifarCoreError, DamagedError) as error:
        assert str(error) and "\n" not in str(error)
    return (peak_memory() or 0) - before


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with a run that was paused in its third epoch, so that it has every file that a run can have."""
    one_thread()
    workspace = open_workspace(tmp_path_factory.mktemp("large") / "workspace")
    save_tiny(workspace, train=100, test=40)
    run = train(workspace, create_run(workspace, make_config(TINY)), batches=7)
    folder = run_folder(workspace, run.id)
    folder.log.write_text("a line\n")
    assert len(checkpoint_files(folder)) == 2 and verify_run(workspace, run.id) == []
    return workspace


@pytest.fixture
def folder(held: Workspace) -> Iterator[RunFolder]:
    """The run's folder, restored after the test."""
    (run,) = list_runs(held)
    there, kept = held.runs / run.id, held.root.parent / "kept"
    shutil.copytree(there, kept)
    yield RunFolder(there)
    shutil.rmtree(there)
    kept.rename(there)


def readers(folder: RunFolder) -> dict[str, Callable[[], object]]:
    """All functions that read arrays or tensors of a run."""
    workspace, run_id, out = Workspace(folder.path.parents[1]), folder.run_id, folder.path.parents[2] / "out.zip"
    best = min(int(path.stem) for path in folder.path.glob("best/*"))

    def findings() -> None:
        found = read_predictions(workspace, run_id)
        prediction_table(found)

    return {
        "metrics": lambda: read_metrics(workspace, run_id),
        "ends": lambda: epoch_ends(workspace, run_id),
        "log": lambda: worker_log_tail(workspace, run_id),
        "findings": findings,
        "an epoch": lambda: read_predictions(workspace, run_id, 1),
        "verify": lambda: verify_run(workspace, run_id),
        "export": lambda: export_run(workspace, run_id, out),
        "analyze": lambda: CliRunner().invoke(analyze, [run_id, "--workspace", str(workspace.root)]),
        "predict": lambda: Predictor(workspace, run_id, PredictorProcess()),
        "network": lambda: RunNetwork(folder, best),
        # `start_recompute` checks that there is a best epoch before it starts the process.
        "recompute": lambda: recompute_best_epoch(folder) if list_runs(workspace)[0].best else None,
        "resume": lambda: train(workspace, run_id, batches=1),
    }


def sparse(path: Path) -> None:
    """Extend the file by half a gigabyte of zeros that take no room on the disk."""
    with open(path, "ab") as handle:
        handle.truncate(BIG)


def long_array(path: Path) -> None:
    """Write an array that is as long as its header says, but longer than that of any epoch."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (BIG // 80, 10)})
    path.write_bytes(header.getvalue())
    with open(path, "ab") as handle:
        handle.truncate(len(header.getvalue()) + BIG // 2)


def long_header(path: Path) -> None:
    """Write a safetensors file that consists of a header."""
    path.write_bytes((BIG - 8).to_bytes(8, "little") + b"{")
    sparse(path)


def packed_ids(path: Path, count: int = WIDE) -> None:
    """Write an .npz of some hundred kB whose ids have 100 MB, and a facts.json that agrees."""
    np.savez_compressed(path, labels=np.arange(count) % 10, ids=np.arange(count).astype("<U9999"))
    facts = path.parents[1] / "facts.json"
    facts.write_bytes(edit(dataset__test=count)(facts.read_bytes()))


def many_lists(path: Path) -> None:
    """Write one line of 12 MB, which takes twenty times as much as lists of Python."""
    path.write_bytes(b"[" + b"[]," * (4 * MB) + b"0]\n")


def packed_torch(path: Path) -> None:
    """Write a checkpoint of schema 1 with a matching hash, whose only tensor unpacks to 128 MB."""
    stream, content = io.BytesIO(), io.BytesIO()
    torch.save({"net": torch.zeros(BIG // 16)[:1]}, stream)
    with zipfile.ZipFile(stream) as old, zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new:
        for info in old.infolist():
            new.writestr(info.filename, old.read(info))
    shutil.rmtree(path)
    path.with_name("checkpoint.pt").write_bytes(hashlib.sha256(content.getvalue()).digest() + content.getvalue())


def many_mentions(path: Path) -> None:
    """Write a checkpoint with a matching hash, whose state refers to one tensor of a megabyte two thousand times."""
    tensor = {"tensor": "0", "channels_last": True}
    shape = json.dumps({"dict": [["net", [tensor] * 2000]]})
    path.write_bytes(b"".join(with_hash(safetensors.torch.save({"0": torch.zeros(8, 8, 64, 64)}, {"state": shape}))))


DAMAGES = [
    ("predictions/test.npz", packed_ids),
    ("predictions/test.npz", sparse),
    ("predictions/test-*.npy", sparse),
    ("predictions/test-*.npy", long_array),
    ("best/*.safetensors", sparse),
    ("best/*.safetensors", long_header),
    ("checkpoints/*.safetensors", sparse),
    ("checkpoints/*.safetensors", long_header),
    ("checkpoints/*.safetensors", many_mentions),
    ("checkpoints", packed_torch),
    ("metrics.jsonl", sparse),
    ("metrics.jsonl", many_lists),
    ("worker.log", sparse),
]


@pytest.mark.fault(92)
@pytest.mark.parametrize(("name", "damage"), DAMAGES, ids=[f"{name} {damage.__name__}" for name, damage in DAMAGES])
def test_no_reader_takes_memory_for_a_claim(folder: RunFolder, name: str, damage: Callable[[Path], None]) -> None:
    for path in list(folder.path.glob(name)):
        damage(path)
    peaks = {reader: taken(action) / MB for reader, action in readers(folder).items()}
    assert {reader: peak for reader, peak in peaks.items() if peak > MAX_MEMORY / MB} == {}


@pytest.mark.fault(92)
@pytest.mark.parametrize(
    ("packed", "count", "message"),
    [(True, WIDE, r"holds '[a-z_]+\.npy' compressed"), (False, 1000, "texts of 9,999 characters")],
)
def test_a_zip_that_would_be_large_later_is_refused(
    workspace: Workspace, tmp_path: Path, packed: bool, count: int, message: str
) -> None:
    """Ids of 100 MB in a zip of some hundred kB: nothing is imported, and little memory is taken."""
    original = packed_run(open_workspace(tmp_path / "origin"))
    predictions, facts = tmp_path / "predictions" / "test.npz", tmp_path / "facts.json"
    predictions.parent.mkdir()
    files = members(original)
    predictions.write_bytes(files["predictions/test.npz"])
    facts.write_bytes(files["facts.json"])
    packed_ids(predictions, count)
    content = predictions.read_bytes()
    changes: dict[str, Change] = {
        "predictions/test.npz": content if packed else npz()(content),
        "facts.json": facts.read_bytes(),
    }
    path, before = rewrite(original, tmp_path / "a.zip", changes), snapshot(workspace.root)
    assert path.stat().st_size < MB

    def refused() -> None:
        with pytest.raises(CifarCoreError, match=message):
            import_run(workspace, path)

    assert taken(refused) < (MAX_MEMORY if packed else MAX_MEMORY / 2)
    assert snapshot(workspace.root) == before


@pytest.mark.fault(92)
def test_scoring_predictions_of_many_classes_takes_little_memory() -> None:
    """With the largest that are allowed, several copies at once would take gigabytes."""
    probs = np.full((4000, 1000), 1e-3, np.float32)  # 16 MB
    labels, ids, names = np.arange(4000) % 1000, [str(number) for number in range(4000)], tuple(map(str, range(1000)))
    predictions = CheckedPredictions(labels, probs, names)
    assert taken(lambda: CheckedPredictions(labels, probs, names)) < 4 * probs.nbytes
    assert taken(lambda: sample_table(predictions, ids)) < 4 * probs.nbytes
    assert taken(lambda: class_report(confusion_matrix(predictions))) < 4 * probs.nbytes
