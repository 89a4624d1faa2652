"""A run of the shared workspace with a kept data map of 50,000 pictures, for the tests of the Learning page."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from cifar_core.analyse import Result, inputs_of
from cifar_core.analyse.kept import keep
from cifar_core.analyse.learning import LEARNING, LearningParameters
from cifar_core.runs import Run, read_run
from cifar_core.workspace import Workspace

COUNT = 50_000
ID = "many-points"
EPOCHS = 8


@contextmanager
def many_points(workspace: Workspace, run: Run) -> Iterator[Run]:
    """A copy of a run whose kept data map has many pictures; it is gone afterwards, for others share the workspace."""
    shutil.copytree(workspace.runs / run.id, workspace.runs / ID)
    try:
        many, parameters = read_run(workspace, ID), LearningParameters("train")
        inputs = inputs_of(workspace, many, LEARNING, parameters)
        keep(workspace, many, LEARNING, parameters, inputs, _result(many))
        yield many
    finally:
        shutil.rmtree(workspace.runs / ID)


def many_numbers() -> dict[str, np.ndarray]:
    """The numbers of the pictures: those of a training that most of them were easy for."""
    rng = np.random.default_rng(21)
    confidence = rng.beta(4, 1.6, COUNT)
    correctness = rng.binomial(EPOCHS, confidence) / EPOCHS
    return {
        "confidence": confidence,
        "variability": np.sqrt(confidence * (1 - confidence)) * rng.uniform(0.3, 0.95, COUNT),
        "correctness": correctness,
        "aum": 8 * (confidence - 0.4) + rng.normal(size=COUNT),
        "first_right": np.where(correctness > 0, rng.integers(1, EPOCHS + 1, COUNT), 0),
        "forgetting": np.where(correctness > 0, rng.integers(0, 3, COUNT), 0),
        "never_learned": correctness == 0,
        "shown": np.full(COUNT, EPOCHS),
        "last_shown": np.full(COUNT, EPOCHS),
    }


def many_names() -> list[str]:
    """The ids of the pictures."""
    return [f"many/picture-{number:05d}" for number in range(COUNT)]


def _result(run: Run) -> Result:
    assert run.dataset is not None
    names = list(run.dataset.class_names)
    labels = np.arange(COUNT) % len(names)
    arrays = {
        "index": np.arange(COUNT) % 40,
        "ids": np.array(many_names()),
        "true": labels,
        "predicted": np.where(many_numbers()["correctness"] > 0.5, labels, (labels + 1) % len(names)),
    }
    values = {"split": "train", "epochs": list(range(1, EPOCHS + 1)), "class_names": names, "note": ""}
    return Result(values, arrays | many_numbers())
