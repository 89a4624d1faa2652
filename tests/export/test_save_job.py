"""Pictures of a run are saved by a job: one at a time, whole or not at all."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from cifar_core.errors import ConfigError, RunError
from cifar_core.export import save_job, start_save
from cifar_core.export.pictures import MAX_EXPORTED
from cifar_core.export.save_job import SaveRequest
from cifar_core.export.save_process import save
from cifar_core.jobs import process, start
from cifar_core.jobs.job import JobState, cancel_job, read_job
from cifar_core.jobs.process import do_job
from cifar_core.runs import Run, delete_run, read_predictions
from cifar_core.samples import SampleFilter, prediction_table, select_samples, with_other_answers
from cifar_core.storage.locks import hold_lock
from cifar_core.workspace import Workspace
from tests.jobs.support import wait_for_end
from tests.runs.conftest import finished, shared

__all__ = ["finished", "shared"]
Begin = Callable[[int], None]


@pytest.fixture
def copy(shared: Workspace, finished: Run, workspace: Workspace) -> Workspace:
    """A workspace of one test with a copy of the finished run and its dataset."""
    shutil.copytree(shared.runs / finished.id, workspace.runs / finished.id)
    shutil.copytree(shared.data, workspace.data, dirs_exist_ok=True)
    return workspace


@pytest.fixture
def table(copy: Workspace, finished: Run) -> pd.DataFrame:
    """All pictures, the highest loss first."""
    return select_samples(prediction_table(read_predictions(copy, finished.id, 1)), SampleFilter(outcome="all"))


@pytest.fixture
def begin(copy: Workspace, finished: Run, table: pd.DataFrame) -> Begin:
    """Starts to save so many pictures."""
    return lambda count: start_save(copy, finished.id, 1, table.head(count), label="top", enlarge=2)


@pytest.fixture
def no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """No process comes: the test does its work."""
    monkeypatch.setattr(start, "spawn", lambda *_: None)
    monkeypatch.setattr(start, "_hand_over", lambda process, lock, starting: starting.close())


def test_a_process_of_its_own_saves_the_rows_in_their_order(
    copy: Workspace, finished: Run, table: pd.DataFrame, begin: Begin
) -> None:
    """Of the epoch that was asked for; a second click on the way is not a second save."""
    begin(7)
    begin(7)
    state = wait_for_end(save_job(copy, finished.id))
    (folder,) = copy.exports.iterdir()
    assert state == JobState("save", "done", "Saving", report=["7 pictures", str(folder)])
    written = pd.read_csv(folder / "pictures.csv", keep_default_na=False)
    assert written["id"].tolist() == table["id"].tolist()[:7] and len(list(folder.glob("*.png"))) == 7 + 1
    assert written["loss"].to_numpy() == pytest.approx(table["loss"].to_numpy()[:7])


@pytest.mark.fault(97)
@pytest.mark.usefixtures("no_process")
def test_other_pictures_wait_for_those_that_are_being_saved(copy: Workspace, finished: Run, begin: Begin) -> None:
    begin(7)
    with hold_lock(save_job(copy, finished.id).lock):
        begin(7)
        with pytest.raises(RunError, match=r"Other pictures .* are being saved"):
            begin(8)


@pytest.mark.fault(97)
@pytest.mark.usefixtures("no_process")
@pytest.mark.parametrize("pictures", [0, 5])
def test_a_cancelled_save_leaves_nothing(
    copy: Workspace, finished: Run, begin: Begin, monkeypatch: pytest.MonkeyPatch, pictures: int
) -> None:
    """Before its first picture, and between two."""
    begin(7)
    job = save_job(copy, finished.id)
    monkeypatch.setattr(process.Reporter, "EVERY", 0)
    call = process.Reporter.__call__

    def cancel_at(reporter: process.Reporter, phase: str, done: int, total: int, unit: str) -> None:
        if done == pictures:
            cancel_job(job)
        call(reporter, phase, done, total, unit)

    monkeypatch.setattr(process.Reporter, "__call__", cancel_at)
    assert do_job(job, SaveRequest, save) == 0
    state = read_job(job)
    assert state is not None and state.state == "cancelled" and not list(copy.exports.iterdir())


@pytest.mark.usefixtures("no_process")
def test_too_many_are_refused_before_a_process_starts(copy: Workspace, finished: Run, table: pd.DataFrame) -> None:
    for rows in (table.head(0), table.iloc[[0] * (MAX_EXPORTED + 1)]):
        with pytest.raises(ConfigError, match="one export takes 1 to 10,000"):
            start_save(copy, finished.id, 1, rows, label="x")
    assert read_job(save_job(copy, finished.id)) is None


@pytest.mark.usefixtures("no_process")
def test_a_run_that_was_deleted_meanwhile(copy: Workspace, finished: Run, begin: Begin, tmp_path: Path) -> None:
    delete_run(copy, finished.id)
    with pytest.raises(RunError, match="There is no run"):
        begin(7)
    assert not (copy.runs / finished.id).exists()


@pytest.mark.usefixtures("no_process")
def test_the_answers_of_another_epoch_stand_beside_those_that_are_saved(
    copy: Workspace, finished: Run, table: pd.DataFrame
) -> None:
    start_save(copy, finished.id, 1, table.head(5), label="fixed", against=f"{finished.id}@2")
    assert do_job(save_job(copy, finished.id), SaveRequest, save) == 0
    saved = pd.read_csv(next(copy.exports.glob("*/*.csv")))
    joined = with_other_answers(table.head(5), prediction_table(read_predictions(copy, finished.id, 2)))
    assert saved["id"].tolist() == joined["id"].tolist()
    for name in ("other_predicted", "verdict"):
        assert saved[name].tolist() == joined[name].tolist()
