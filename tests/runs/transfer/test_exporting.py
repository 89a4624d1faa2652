"""Exported runs are whole in another workspace; a run that changes during the export, or is too large, is refused."""

import json
import shutil
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cifar_core.config import make_config
from cifar_core.errors import CifarCoreError, ConfigError, DataError, RunError, StorageError
from cifar_core.limits import LIMITS_FILE
from cifar_core.runs import (
    ImportedRun,
    Run,
    Status,
    delete_run,
    duplicate_run,
    export_bytes,
    export_run,
    import_run,
    list_runs,
    note_run,
    open_run_dataset,
    read_metrics,
    read_predictions,
    read_run,
    rename_run,
    restore_run,
    resume_run,
    verify_run,
)
from cifar_core.runs.control.admission import exclusive_run_changes
from cifar_core.runs.run_folder import run_folder
from cifar_core.runs.sample_files import Samples, samples_content
from cifar_core.runs.transfer import exporting
from cifar_core.storage import faults
from cifar_core.sweeps.folder import SweepFolder
from cifar_core.sweeps.sweep import list_sweeps, read_sweep
from cifar_core.sweeps.trial_file import TrialFile, trial_run_id, write_trial
from cifar_core.workspace import Workspace, open_workspace
from tests.runs.conftest import ended_run, snapshot
from tests.runs.exported_runs import RUN, members, npy, packed_run, store
from tests.runs.seeds.crafted_repeats import craft
from tests.sweeps.crafted_sweeps import SWEEP, make_sweep


def change_json(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a JSON file in place."""
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


@pytest.fixture
def elsewhere(tmp_path: Path) -> Workspace:
    """Another workspace."""
    return open_workspace(tmp_path / "elsewhere")


def test_an_imported_run_equals_the_exported_one(workspace: Workspace, elsewhere: Workspace) -> None:
    packed = packed_run(workspace)
    before = read_run(workspace, RUN)
    imported = import_run(elsewhere, packed)
    run = read_run(elsewhere, imported.run)
    assert imported.new and run.id != RUN and run.from_zip and not before.from_zip
    same = ("name", "note", "status", "config", "created", "error", "progress", "best", "last", "dataset", "device")
    assert [getattr(run, name) for name in same] == [getattr(before, name) for name in same]
    assert read_metrics(elsewhere, run.id).equals(read_metrics(workspace, RUN))
    for epoch in (None, 1, 2, 3):
        here, there = read_predictions(elsewhere, run.id, epoch), read_predictions(workspace, RUN, epoch)
        assert np.array_equal(here.probs, there.probs) and np.array_equal(here.ids, there.ids)
        assert (here.epoch, here.class_names) == (there.epoch, there.class_names)
    assert verify_run(elsewhere, run.id) == []
    assert [item.id for item in list_runs(elsewhere)] == [run.id]
    with pytest.raises(DataError, match="no dataset named tiny"):  # only this needs the dataset
        open_run_dataset(elsewhere, run)


def test_a_run_keeps_its_lesson_and_not_its_person(
    shared: Workspace, finished: Run, elsewhere: Workspace, tmp_path: Path
) -> None:
    """So a teacher may collect what students trained at home."""
    home = open_workspace(tmp_path / "home")
    shutil.copytree(shared.runs / finished.id, home.runs / finished.id)
    config = run_folder(home, finished.id).config
    config.write_text(json.dumps(json.loads(config.read_text()) | {"lesson": "Rates", "person": "ada"}))
    run = read_run(elsewhere, import_run(elsewhere, export_run(home, finished.id, tmp_path / "a.zip")).run)
    assert (run.lesson, run.person) == ("Rates", "") and verify_run(elsewhere, run.id) == []


def test_a_run_of_the_current_schema_is_imported_as_well(
    shared: Workspace, finished: Run, elsewhere: Workspace, tmp_path: Path
) -> None:
    packed = export_run(shared, finished.id, tmp_path / "a.zip")
    run = read_run(elsewhere, import_run(elsewhere, packed).run)
    assert (run.best, run.status, run.name) == (finished.best, Status.FINISHED, finished.id)
    assert verify_run(elsewhere, run.id) == []
    assert np.array_equal(read_predictions(elsewhere, run.id).probs, read_predictions(shared, finished.id).probs)


def test_the_same_run_twice_is_one_run(workspace: Workspace, elsewhere: Workspace, tmp_path: Path) -> None:
    """With another name, from another zip, by way of a third workspace, or back in its own workspace."""
    first = import_run(elsewhere, packed_run(workspace))
    rename_run(workspace, RUN, "another name")
    note_run(workspace, RUN, "and a note")
    again = export_run(workspace, RUN, tmp_path / "again.zip")
    assert import_run(elsewhere, again).run == first.run
    onwards = export_run(elsewhere, first.run, tmp_path / "onwards.zip")
    third = open_workspace(tmp_path / "third")
    assert import_run(third, onwards) == first  # the id is made from the run's origin
    before = snapshot(third.root)
    assert import_run(third, again) == ImportedRun(first.run, new=False)
    assert snapshot(third.root) == before
    assert import_run(workspace, onwards) == ImportedRun(RUN, new=False)
    assert len(list_runs(workspace)) == len(list_runs(elsewhere)) == len(list_runs(third)) == 1


def test_a_deleted_run_can_be_imported_again(workspace: Workspace, elsewhere: Workspace) -> None:
    packed = packed_run(workspace)
    first = import_run(elsewhere, packed)
    delete_run(elsewhere, first.run)
    assert import_run(elsewhere, packed) == first
    with pytest.raises(RunError, match="here already"):
        restore_run(elsewhere, first.run)


def test_the_person_and_the_log_are_not_exported(workspace: Workspace, elsewhere: Workspace) -> None:
    folder = workspace.runs / store(workspace)
    change_json(folder / "config.json", lambda content: content.update(person="ada@example.org", parent="old-otter-1"))
    for name in (
        "worker.log",
        "worker.lock",
        "control-stop",
        "checkpoint.pt",
        "checkpoints/0001-0000000.safetensors",
        ".jobs/save/job.json",
        "x",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("ada@example.org")
    (folder / "predictions" / "test-0009.npy").symlink_to(folder / "worker.log")
    packed = export_run(workspace, RUN)
    files = members(packed)
    assert sorted(files) == sorted(
        [
            "about.json",
            "best/0002.safetensors",
            "config.json",
            "facts.json",
            "manifest.json",
            "metrics.jsonl",
            "last/0003.safetensors",
            "status.json",
            *(f"predictions/{split}.npz" for split in ("test", "validation")),
            *(f"predictions/{split}-000{epoch}.npy" for split in ("test", "validation") for epoch in (1, 2, 3)),
        ]
    )
    assert not any(b"ada@" in content or b"old-otter" in content for content in files.values())
    run = read_run(elsewhere, import_run(elsewhere, packed).run)
    assert (run.person, run.parent) == ("", "")


@pytest.mark.parametrize("status", [Status.PAUSED, Status.STOPPED, Status.FAILED, Status.INTERRUPTED])
def test_an_unfinished_run_can_be_read_and_not_resumed(
    workspace: Workspace, elsewhere: Workspace, status: Status
) -> None:
    path = workspace.runs / store(workspace) / "status.json"
    change_json(path, lambda content: content.update(status=status.value, error="Why."))
    run = read_run(elsewhere, import_run(elsewhere, export_run(workspace, RUN)).run)
    assert (run.status, run.error, run.resumable) == (status, "Why.", False)
    assert read_run(workspace, RUN).resumable
    before = snapshot(elsewhere.root)
    with pytest.raises(RunError, match="without its checkpoint: it can be read, not resumed"):
        resume_run(elsewhere, run.id)
    assert snapshot(elsewhere.root) == before
    with pytest.raises(DataError, match="no dataset named tiny"):
        duplicate_run(elsewhere, run.id, {})


def test_a_run_whose_process_died_is_exported_as_interrupted(workspace: Workspace, elsewhere: Workspace) -> None:
    path = workspace.runs / store(workspace) / "status.json"
    change_json(path, lambda content: content.update(status="running", boot=""))  # of no boot that is over
    run = read_run(elsewhere, import_run(elsewhere, export_run(workspace, RUN)).run)
    assert run.status is Status.INTERRUPTED and "ended without giving a reason" in run.error


def test_a_run_without_an_epoch_is_exported(workspace: Workspace, elsewhere: Workspace) -> None:
    run_id = ended_run(workspace, Status.FAILED, make_config({"epochs": 3}))
    run = read_run(elsewhere, import_run(elsewhere, export_run(workspace, run_id)).run)
    assert (run.status, run.best, run.name) == (Status.FAILED, None, run_id)
    assert run.config == make_config({"epochs": 3})


def test_a_crash_before_the_line_of_an_epoch_is_no_damage(workspace: Workspace, elsewhere: Workspace) -> None:
    """There are predictions of an epoch that was never logged; only logged epochs count."""
    folder = workspace.runs / store(workspace)
    (folder / "predictions" / "test-0004.npy").write_bytes((folder / "predictions" / "test-0003.npy").read_bytes())
    packed = export_run(workspace, RUN)
    assert "predictions/test-0004.npy" not in members(packed)
    run = read_run(elsewhere, import_run(elsewhere, packed).run)
    assert read_predictions(elsewhere, run.id).epoch == 2


# Export


@pytest.mark.fault(66)
def test_the_zip_is_whole_and_the_same_each_time(workspace: Workspace, tmp_path: Path) -> None:
    packed = packed_run(workspace)
    with zipfile.ZipFile(packed) as archive:
        assert archive.testzip() is None
        assert {name.partition("/")[0] for name in archive.namelist()} == {RUN}
    assert export_run(workspace, RUN, tmp_path / "b.zip").read_bytes() == packed.read_bytes()


def before_writing(monkeypatch: pytest.MonkeyPatch, action: Callable[[], object]) -> None:
    """Call `action` after an export has checked the run and before it writes the zip."""
    write_zip = exporting._write_zip
    monkeypatch.setattr(exporting, "_write_zip", lambda *arguments: (action(), write_zip(*arguments)))


@pytest.mark.fault(66)
@pytest.mark.parametrize("what", ["deleted", "renamed", "resumed", "an epoch more", "a file gone"])
def test_a_run_that_changes_meanwhile_is_not_exported(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    folder = workspace.runs / store(workspace)
    actions: dict[str, Callable[[], object]] = {
        "deleted": lambda: delete_run(workspace, RUN),
        "renamed": lambda: rename_run(workspace, RUN, "other"),
        "resumed": lambda: (folder / "status.json").write_text(json.dumps({"status": "queued"})),
        "an epoch more": lambda: (folder / "predictions" / "test-0004.npy").write_bytes(b"x"),
        "a file gone": (folder / "predictions" / "test-0002.npy").unlink,
    }
    before_writing(monkeypatch, actions[what])
    with pytest.raises(RunError, match=f"Run {RUN} changed or was deleted while it was exported"):
        export_run(workspace, RUN)
    assert list(workspace.exports.iterdir()) == []


@pytest.mark.fault(66)
def test_an_active_run_is_not_exported(workspace: Workspace) -> None:
    run_id = ended_run(workspace, Status.FINISHED)
    (workspace.runs / run_id / "status.json").unlink()
    with pytest.raises(RunError, match="cannot be read"):
        export_run(workspace, run_id)
    from_now = ended_run(workspace, Status.QUEUED)
    with pytest.raises(RunError, match="is running: export it when it has ended"):
        export_run(workspace, from_now)
    assert list(workspace.exports.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("predictions/test-0002.npy", "predictions/test-0002.npy is missing"),
        ("predictions/test.npz", "predictions/test.npz is missing"),
        ("best/0002.safetensors", "safetensors is missing"),
        ("facts.json", "facts.json names no test pictures"),
    ],
)
def test_a_damaged_run_is_not_exported(workspace: Workspace, name: str, message: str) -> None:
    (workspace.runs / store(workspace) / name).unlink()
    with pytest.raises(RunError, match=f"Run {RUN} cannot be exported: .*{message}"):
        export_run(workspace, RUN)
    assert list(workspace.exports.iterdir()) == []


@pytest.mark.fault(45)
@pytest.mark.parametrize(
    "name", ["predictions/test.npz", "best/0002.safetensors", "predictions", "config.json", "metrics.jsonl"]
)
def test_links_are_not_followed_out_of_a_run(workspace: Workspace, tmp_path: Path, name: str) -> None:
    """Otherwise a run with a link to another person's file would export that file."""
    path = workspace.runs / store(workspace) / name
    path.rename(tmp_path / "outside")
    path.symlink_to(tmp_path / "outside")
    with pytest.raises(RunError, match="is a symbolic link"):
        export_run(workspace, RUN)
    assert list(workspace.exports.iterdir()) == []


@pytest.mark.fault(67)
def test_the_size_is_known_before_the_export_and_has_a_limit(workspace: Workspace, tmp_path: Path) -> None:
    store(workspace)
    expected_size = export_bytes(workspace, RUN)
    size = sum(len(content) for content in members(export_run(workspace, RUN, tmp_path / "a.zip")).values())
    assert abs(expected_size - size) < 3000  # the manifest, and spaces in the records
    big = workspace.runs / RUN / "predictions" / "test-0004.npy"
    with open(big, "wb") as handle:
        handle.truncate(2**31)  # sparse: it takes no room on the disk
    (workspace.root / LIMITS_FILE).write_text('{"export_mb": 1024}')
    with pytest.raises(RunError, match=r"has 2.0 GB, more than the 1.0 GB that one export may have \(export_mb"):
        export_run(workspace, RUN)
    assert list(workspace.exports.iterdir()) == []


@pytest.mark.fault(14, 67)
@pytest.mark.parametrize(
    "effect", ["enospc", *(pytest.param(word, marks=pytest.mark.slow) for word in ("half", "eio"))]
)
def test_a_disk_that_refuses_leaves_no_half_export(workspace: Workspace, effect: str) -> None:
    """At every write, fsync and rename in turn, until an export passes without one."""
    store(workspace)
    before = snapshot(workspace.root)
    for point in ("write", "fsync", "replace"):
        struck = 0
        while True:
            faults.arm(f"{point}:{struck + 1}:{effect}")
            try:
                export_run(workspace, RUN)
                break
            except StorageError as error:
                assert "disk" in str(error)
                struck += 1
                for whole in workspace.exports.iterdir():  # the folder's own fsync comes after the rename
                    assert point == "fsync" and whole.name == f"{RUN}.zip"
                    whole.unlink()
                assert snapshot(workspace.root) == before
            finally:
                faults.arm("")
        assert struck
        (workspace.exports / f"{RUN}.zip").unlink()


def test_the_target_is_never_overwritten_nor_its_folder_made(workspace: Workspace, tmp_path: Path) -> None:
    packed_run(workspace)
    with pytest.raises(RunError, match="exists already"):
        export_run(workspace, RUN)
    (tmp_path / "link.zip").symlink_to(tmp_path / "nowhere")
    with pytest.raises(RunError, match="exists already"):
        export_run(workspace, RUN, tmp_path / "link.zip")
    with pytest.raises(StorageError, match="There is no folder"):
        export_run(workspace, RUN, tmp_path / "gone" / "a.zip")


@pytest.mark.fault(67)
def test_memory_does_not_grow_with_the_run(workspace: Workspace, elsewhere: Workspace) -> None:
    """A run of 25 epochs and 20 MB is exported and imported with a third of that memory: it is never loaded whole."""
    epochs, count, folder = 25, 20_000, workspace.runs / store(workspace)
    probs = np.random.default_rng(0).dirichlet(np.ones(10), count).astype(np.float32)
    for epoch in range(1, epochs + 1):
        (folder / "predictions" / f"test-{epoch:04d}.npy").write_bytes(npy(probs))
    change_json(
        folder / "facts.json", lambda content: content["dataset"].update(test=count, test_hash="", validation=0)
    )
    change_json(folder / "config.json", lambda content: content["settings"].update(epochs=epochs))
    line = json.loads((folder / "metrics.jsonl").read_text().splitlines()[0]) | {"test_accuracy": 1.0}
    lines = [
        json.dumps(line | {"epoch": epoch, "validation_loss": abs(epoch - 2)}) + "\n" for epoch in range(1, epochs + 1)
    ]
    (folder / "metrics.jsonl").write_text("".join(lines))
    samples = Samples(probs.argmax(1), np.arange(count).astype("<U6"))
    (folder / "predictions" / "test.npz").write_bytes(samples_content(samples))
    assert export_bytes(workspace, RUN) > 20e6
    tracemalloc.start()
    try:
        import_run(elsewhere, export_run(workspace, RUN))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8e6


# Import


@pytest.mark.fault(14)
@pytest.mark.parametrize(
    "effect", ["enospc", *(pytest.param(word, marks=pytest.mark.slow) for word in ("half", "eio"))]
)
def test_a_disk_that_refuses_leaves_no_half_run(workspace: Workspace, elsewhere: Workspace, effect: str) -> None:
    packed = packed_run(workspace)
    with exclusive_run_changes(elsewhere):  # makes the lock file that the deletion below uses
        before = snapshot(elsewhere.root)
    for point in ("write", "replace"):
        struck = 0
        while True:
            faults.arm(f"{point}:{struck + 1}:{effect}")
            try:
                imported = import_run(elsewhere, packed)
                break
            except CifarCoreError as error:
                assert isinstance(error, StorageError)
                assert snapshot(elsewhere.root) == before
                struck += 1
            finally:
                faults.arm("")
        assert struck > 8
        assert verify_run(elsewhere, imported.run) == []
        delete_run(elsewhere, imported.run)
        for item in elsewhere.trash.iterdir():
            item.rename(workspace.root / f"{point}-{effect}")


def test_no_room_for_it(workspace: Workspace, elsewhere: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = packed_run(workspace)
    before = snapshot(elsewhere.root)
    (elsewhere.root / LIMITS_FILE).write_text('{"disk_share": "all"}')
    with pytest.raises(ConfigError, match="disk_share is 'all'"):
        import_run(elsewhere, packed)
    (elsewhere.root / LIMITS_FILE).unlink()
    monkeypatch.setattr("shutil.disk_usage", lambda _path: type("Disk", (), {"total": 10**9, "free": 10})())
    with pytest.raises(StorageError, match=r"The run needs \d+ kB, but the disk has 1 kB free"):
        import_run(elsewhere, packed)
    assert snapshot(elsewhere.root) == before


def test_a_file_that_is_not_a_zip_is_refused(elsewhere: Workspace, tmp_path: Path) -> None:
    for content in (b"", b"hello", bytes(1000)):
        (tmp_path / "a.zip").write_bytes(content)
        with pytest.raises(DataError, match=r"a\.zip is not a zip"):
            import_run(elsewhere, tmp_path / "a.zip")
    with pytest.raises(DataError, match=r"There is no file or folder b\.zip"):
        import_run(elsewhere, tmp_path / "b.zip")
    with pytest.raises(DataError, match="is not a file"):
        import_run(elsewhere, tmp_path)


def test_a_trial_comes_elsewhere_as_a_trial_of_a_sweep_that_is_not_there(
    workspace: Workspace, elsewhere: Workspace
) -> None:
    """Brought back to its own workspace it is another run, which does not count for the sweep."""
    make_sweep(workspace)
    write_trial(SweepFolder(workspace.sweeps / SWEEP), TrialFile(3, {"learning_rate": 0.01}, (0,)))
    trial = craft(workspace, trial_run_id(SWEEP, 3, 0), 0, [1, 2], origin="trial", sweep=SWEEP, trial=3)
    config = run_folder(workspace, trial).config  # `craft` edits the seed of the stored run
    record = run_folder(workspace, trial).facts
    change_json(record, lambda content: content.update(settings=json.loads(config.read_text())["settings"]))
    assert verify_run(workspace, trial) == []
    packed = export_run(workspace, trial)
    run = read_run(elsewhere, import_run(elsewhere, packed).run)
    assert (run.origin, run.sweep, run.trial, run.from_zip) == ("trial", SWEEP, 3, True)
    assert verify_run(elsewhere, run.id) == [] and list_sweeps(elsewhere) == []
    delete_run(elsewhere, run.id)
    assert not elsewhere.sweeps.exists()
    delete_run(workspace, trial)
    back = import_run(workspace, packed).run
    (found,) = read_sweep(workspace, SWEEP).trials
    assert [(each.run, each.deleted) for each in found.runs] == [(trial, True)] and back != trial
