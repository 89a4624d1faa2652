"""Computes the analysis `learning`: of the training part from its records, of the test part from every epoch."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cifar_core.analyse.declaration import Result
from cifar_core.analyse.learning import LearningParameters, LearningSplit
from cifar_core.errors import RunError
from cifar_core.evaluate import answers_to, learning_table
from cifar_core.jobs.progress import OnProgress
from cifar_core.runs import Run
from cifar_core.runs.pictures.every_epoch import read_every_epoch
from cifar_core.runs.training_records.reading import read_training_answers
from cifar_core.text import first_names
from cifar_core.workspace import Workspace


def compute_learning(workspace: Workspace, run: Run, parameters: LearningParameters, on_progress: OnProgress) -> Result:
    """How each picture of the part was learned.

    Returns:
        `values`: split, epochs, class_names, note; `arrays`: index, ids, true, predicted (class indices, -1 where
        it was never shown), last_shown and `LEARNING_COLUMNS`, each [N].

    Raises:
        RunError: the run has no training records, or no epoch whose predictions can be read.
    """
    compute = _of_training_part if parameters.split == "train" else _of_test_part
    return compute(workspace, run, on_progress)


def _of_training_part(workspace: Workspace, run: Run, on_progress: OnProgress) -> Result:
    on_progress("Reading the training records", 0, 0, "")
    answers = read_training_answers(workspace, run.id)
    on_progress("Counting", 0, 0, "")
    shown = answers.shown
    table = learning_table(answers.p_true, answers.margin, answers.right, shown, answers.epochs)
    last = len(shown) - 1 - shown[::-1].argmax(axis=0)  # [N], the last epoch at which each picture was shown
    arrays = {
        "index": answers.positions,
        "ids": answers.ids,
        "true": answers.labels,
        "predicted": answers.predicted[last, np.arange(len(last))],  # -1 where it never was
        "last_shown": np.where(shown.any(axis=0), np.asarray(answers.epochs)[last], 0),
    }
    return _result(run, "train", answers.epochs, answers.note, arrays, table)


def _of_test_part(workspace: Workspace, run: Run, on_progress: OnProgress) -> Result:
    count, epochs, found, left_out = run.last.epoch if run.last else 0, [], [], []
    for epoch, predictions in read_every_epoch(workspace, run):
        on_progress("Reading the predictions", epoch - 1, count, "epochs")
        if predictions is None:
            left_out.append(epoch)
            continue
        epochs.append(epoch)
        found.append(answers_to(predictions))
        last = predictions
    if not epochs:
        raise RunError(f"Run {run.id} has no epoch whose test predictions can be read: `runs verify` says why.")
    on_progress("Counting", 0, 0, "")
    p_true, margin, right = (np.array(part) for part in zip(*found, strict=True))
    table = learning_table(p_true, margin, right, np.ones_like(right), epochs)
    arrays = {
        "index": np.arange(len(last.labels)),
        "ids": last.ids,
        "true": last.labels,
        "predicted": last.predicted,
        "last_shown": np.full(len(last.labels), epochs[-1]),
    }
    return _result(run, "test", epochs, _note(left_out), arrays, table)


def _note(left_out: list[int]) -> str:
    """One sentence on epochs that are not counted; empty where there are none."""
    several = len(left_out) > 1
    names = first_names([str(epoch) for epoch in left_out])
    return (
        f"The test predictions of epoch{'s' if several else ''} {names} are missing or damaged: "
        f"{'they are' if several else 'it is'} not counted."
        if left_out
        else ""
    )


def _result(
    run: Run,
    split: LearningSplit,
    epochs: Sequence[int],
    note: str,
    arrays: Mapping[str, np.ndarray],
    table: pd.DataFrame,
) -> Result:
    assert run.dataset is not None  # it has been trained
    values = {"split": split, "epochs": list(epochs), "class_names": list(run.dataset.class_names), "note": note}
    return Result(values, dict(arrays) | {str(name): table[name].to_numpy() for name in table})
