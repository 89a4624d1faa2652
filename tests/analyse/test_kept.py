"""A kept result says why it is stale when its inputs, parameters or version change, and never when its run moves."""

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cifar_core.analyse import inputs_of, kept, kept_path, make_parameters, missing_needs, read_kept
from cifar_core.analyse.compute.keeping import compute_and_keep
from cifar_core.analyse.inputs import identity_of
from cifar_core.errors import ConfigError
from cifar_core.runs import Run, Status, delete_run, export_run, import_run, read_run, restore_run
from cifar_core.runs.old_schemas import carry_over
from cifar_core.runs.run_folder import RunFolder, run_folder
from cifar_core.workspace import Workspace, open_workspace
from tests.analyse.conftest import COUNTING, Counting, CountingParameters
from tests.runs.conftest import ended_run
from tests.runs.exported_runs import members
from tests.runs.test_stored_runs import each_stored

ALL = ("test predictions", "validation predictions", "every epoch", "training records")
FIRST, DEFAULT = CountingParameters("first"), CountingParameters()


def stale(workspace: Workspace, run: Run, parameters: CountingParameters = DEFAULT) -> str:
    found = read_kept(workspace, run, COUNTING, parameters)
    assert found is not None
    return found.stale


def test_what_was_computed_is_read_back(workspace: Workspace, run: Run, counting: Counting) -> None:
    assert read_kept(workspace, run, COUNTING, DEFAULT) is None
    made = compute_and_keep(workspace, run, COUNTING, DEFAULT)
    found = read_kept(workspace, run, COUNTING, DEFAULT)
    assert found is not None and not found.stale and not made.unkept and found.parameters == DEFAULT
    assert (
        found.values == made.values == {"mistakes": made.values["mistakes"], "epoch": 2, "unknown": None, "text": "ø"}
    )
    assert found.arrays.keys() == made.arrays.keys()
    for name, array in made.arrays.items():
        assert found.arrays[name].dtype == array.dtype and np.array_equal(found.arrays[name], array), name
    assert kept_path(workspace, run, COUNTING, DEFAULT).name == "counting-all.npz"
    assert read_kept(workspace, run, COUNTING, FIRST) is None, "each value of the variant has a result of its own"
    assert compute_and_keep(workspace, run, COUNTING, DEFAULT).values == found.values
    assert counting.calls == 1, "a fresh result is used again"


def of_other_bytes(path: Path) -> None:
    probs = np.load(path)
    np.save(path, probs[::-1])


def without_a_line(folder: RunFolder) -> None:
    lines = folder.metrics.read_text("utf-8").splitlines(keepends=True)
    folder.metrics.write_text("".join(lines[:2]), "utf-8")


CHANGES: list[tuple[Callable[[RunFolder], Any], tuple[str, ...]]] = [
    (lambda folder: of_other_bytes(folder.probs("test", 2)), ("test predictions", "every epoch")),
    (lambda folder: of_other_bytes(folder.probs("validation", 2)), ("validation predictions",)),
    (lambda folder: folder.probs("validation", 2).unlink(), ("validation predictions",)),
    (lambda folder: folder.samples("test").write_bytes(b"x"), ("test predictions", "every epoch")),
    (lambda folder: folder.probs("test", 1).unlink(), ("every epoch",)),
    (without_a_line, ("every epoch", "training records")),
    (lambda folder: (folder.training_records / "0001.npy").write_bytes(b"12"), ("training records",)),
    (lambda folder: (folder.training_records / "train.npz").write_bytes(b"b"), ("training records",)),
    (lambda folder: folder.about.write_text("{}"), ()),
]


@pytest.mark.parametrize(("change", "changed"), CHANGES)
def test_an_identity_follows_the_content(
    workspace: Workspace, run: Run, change: Callable[[RunFolder], Any], changed: tuple[str, ...]
) -> None:
    folder = run_folder(workspace, run.id)
    folder.training_records.mkdir()
    (folder.training_records / "train.npz").write_bytes(b"a")
    (folder.training_records / "0001.npy").write_bytes(b"1")
    before = {need: identity_of(workspace, run, [need]) for need in ALL}
    change(folder)
    assert {need for need in ALL if identity_of(workspace, run, [need]) != before[need]} == set(changed)


@pytest.mark.fault(89)
def test_a_change_of_what_it_was_computed_from_is_said(workspace: Workspace, run: Run, counting: Counting) -> None:
    for parameters in (DEFAULT, FIRST):
        compute_and_keep(workspace, run, COUNTING, parameters)
    run_folder(workspace, run.id).probs("test", 3).unlink()  # an epoch that only the second one reads
    assert stale(workspace, run) == ""
    assert stale(workspace, run, FIRST) == (
        "The run has changed since this count of mistakes was computed (its test predictions or every epoch or "
        "validation predictions)."
    )
    compute_and_keep(workspace, run, COUNTING, FIRST)
    assert stale(workspace, run, FIRST) == "" and counting.calls == 3


def test_what_changes_while_it_is_computed_makes_it_stale(workspace: Workspace, run: Run, counting: Counting) -> None:
    counting.meanwhile = lambda: of_other_bytes(run_folder(workspace, run.id).probs("test", 2))
    compute_and_keep(workspace, run, COUNTING, DEFAULT)
    assert stale(workspace, run).startswith("The run has changed since")


def test_other_parameters_and_versions_are_said(workspace: Workspace, run: Run, counting: Counting) -> None:
    compute_and_keep(workspace, run, COUNTING, DEFAULT)
    assert stale(workspace, run, CountingParameters(limit=7)) == (
        "This count of mistakes was computed with other settings (Limit: 50 pictures, not 7 pictures)."
    )
    found = read_kept(workspace, run, dataclasses.replace(COUNTING, version=2), DEFAULT)
    assert found is not None and found.of_other_version
    assert found.stale == "This count of mistakes was computed by another version of this program."
    compute_and_keep(workspace, run, COUNTING, CountingParameters(limit=7))
    assert counting.calls == 2 and stale(workspace, run, CountingParameters(limit=7)) == ""


def test_parameters_of_another_program_are_another_version(
    workspace: Workspace, run: Run, counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(kept, "asdict", lambda parameters: {"part": "all", "limit": 5000})
        compute_and_keep(workspace, run, COUNTING, DEFAULT)
    found = read_kept(workspace, run, COUNTING, DEFAULT)
    assert found is not None and found.of_other_version and found.parameters == DEFAULT


@pytest.mark.fault(89)
def test_a_run_that_moves_keeps_its_results(workspace: Workspace, run: Run, counting: Counting, tmp_path: Path) -> None:
    compute_and_keep(workspace, run, COUNTING, DEFAULT)
    before = inputs_of(workspace, run, COUNTING, FIRST)
    delete_run(workspace, run.id)
    restore_run(workspace, run.id)
    assert stale(workspace, run) == "", "the trash took it along"
    other = open_workspace(tmp_path / "other")
    shutil.copytree(run_folder(workspace, run.id).path, other.runs / run.id, copy_function=shutil.copy)
    assert stale(other, run) == "" and inputs_of(other, run, COUNTING, FIRST) == before
    third = open_workspace(tmp_path / "third")
    packed = export_run(workspace, run.id, tmp_path / "a.zip")
    assert not [name for name in members(packed) if "analys" in name], "a zip leaves it out"
    came = read_run(third, import_run(third, packed).run)
    assert read_kept(third, came, COUNTING, DEFAULT) is None and inputs_of(third, came, COUNTING, FIRST) == before
    assert counting.calls == 1


@each_stored
def test_runs_of_every_schema_have_results(stored: Path, workspace: Workspace, counting: Counting) -> None:
    shutil.copytree(stored, workspace.runs / stored.name)
    run = read_run(workspace, stored.name)
    made = compute_and_keep(workspace, run, COUNTING, FIRST)
    assert run.best is not None and made.values["epoch"] == run.best.epoch and stale(workspace, run, FIRST) == ""
    carry_over(run_folder(workspace, run.id))
    assert stale(workspace, run, FIRST) == "", "the predictions are the same ones under other names"


def test_what_a_run_lacks_is_said(workspace: Workspace, run: Run) -> None:
    assert missing_needs(workspace, run, COUNTING) == missing_needs(workspace, run, COUNTING, FIRST) == ""
    recorded = dataclasses.replace(COUNTING, needs=("validation predictions", "training records"))
    assert missing_needs(workspace, run, recorded).startswith(f"Run {run.id} kept no training records, as")
    run_folder(workspace, run.id).samples("validation").unlink()
    assert "kept no predictions of validation pictures" in missing_needs(workspace, run, recorded)
    queued = read_run(workspace, ended_run(workspace, Status.QUEUED))
    assert "no predictions yet" in missing_needs(workspace, queued, COUNTING)
    assert read_kept(workspace, queued, COUNTING, DEFAULT) is None


def test_parameters_are_checked() -> None:
    assert make_parameters(CountingParameters, {"limit": "7"}) == CountingParameters(limit=7)
    with pytest.raises(ConfigError) as caught:
        make_parameters(CountingParameters, {"limit": 0, "part": "last", "sort": 1})
    assert len(caught.value.problems) == 3 and "limit is 0, but must be a whole number from 1 to 1000" in str(
        caught.value
    )


def test_an_epoch_more_makes_it_stale(workspace: Workspace, run: Run, counting: Counting) -> None:
    """As a run that trains writes it: first the predictions, then the line."""
    folder = run_folder(workspace, run.id)
    compute_and_keep(workspace, run, COUNTING, FIRST)
    last = json.loads(folder.metrics.read_text("utf-8").splitlines()[-1])
    shutil.copy(folder.probs("test", 3), folder.probs("test", 4))
    with folder.metrics.open("a", encoding="utf-8") as log:
        log.write(json.dumps(last | {"epoch": 4})[:-1])
    assert stale(workspace, run, FIRST) == "", "a line that is still being written does not count"
    with folder.metrics.open("a", encoding="utf-8") as log:
        log.write("}\n")
    assert stale(workspace, run, FIRST).startswith("The run has changed")
