"""The accuracy of each class after each epoch: as scikit-learn counts it from the predictions of that epoch."""

import numpy as np
import pytest
from sklearn.metrics import recall_score

from cifar_core.errors import RunError
from cifar_core.runs import class_accuracy_over_epochs, delete_run, read_every_epoch, read_predictions
from cifar_core.runs.run_folder import RunFolder
from cifar_core.workspace import Workspace
from tests.runs.pictures.test_pictures import STORED, copied


def test_each_class_has_its_recall_after_each_epoch(workspace: Workspace) -> None:
    run = copied(STORED[-1], workspace)
    assert run.last is not None and run.dataset is not None
    table = class_accuracy_over_epochs(workspace, run)
    assert list(table) == ["epoch", "class", "accuracy", "n"]
    assert tuple(table["class"].cat.categories) == run.dataset.class_names
    assert len(table) == run.last.epoch * len(run.dataset.class_names)
    for epoch, rows in table.groupby("epoch"):
        predictions = read_predictions(workspace, run.id, int(str(epoch)))
        recalls = recall_score(predictions.labels, predictions.predicted, average=None, labels=range(10))
        assert np.allclose(rows["accuracy"], recalls)
        assert rows["n"].tolist() == np.bincount(predictions.labels, minlength=10).tolist()
        assert rows["class"].tolist() == list(predictions.class_names)


def test_a_damaged_epoch_is_left_out_and_a_class_without_pictures_has_no_accuracy(workspace: Workspace) -> None:
    run = copied(STORED[-1], workspace)
    folder = RunFolder(workspace.runs / run.id)
    folder.probs("test", 1).unlink()
    assert next(iter(read_every_epoch(workspace, run))) == (1, None)
    with np.load(folder.samples("test")) as stored:
        arrays = dict(stored)
    arrays["labels"] = np.where(arrays["labels"] == 3, 4, arrays["labels"])
    np.savez(folder.samples("test"), **arrays)
    table = class_accuracy_over_epochs(workspace, run)
    assert table["epoch"].min() == 2
    cats = table[table["class"] == table["class"].cat.categories[3]]
    assert len(cats) == table["epoch"].nunique() and cats["accuracy"].isna().all() and (cats["n"] == 0).all()


def test_no_epoch_gives_an_empty_table_and_no_run_one_sentence(workspace: Workspace) -> None:
    run = copied(STORED[-1], workspace)
    for path in RunFolder(workspace.runs / run.id).predictions.iterdir():
        path.unlink()
    table = class_accuracy_over_epochs(workspace, run)
    assert table.empty and list(table) == ["epoch", "class", "accuracy", "n"]
    delete_run(workspace, run.id)
    with pytest.raises(RunError, match="no run"):
        class_accuracy_over_epochs(workspace, run)
