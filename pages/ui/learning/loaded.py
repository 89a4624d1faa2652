"""What the Learning page draws, made once from a kept result and shared: the table, the points, each epoch."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from cifar_core.analyse import KeptResult, inputs_of, kept_path
from cifar_core.analyse.learning import LEARNING, LearningFacts, LearningParameters, facts_of, learning_of
from cifar_core.evaluate import TERMS, LearningSummary, answers_to, summarise_learning
from cifar_core.runs import Run, class_accuracy_over_epochs, read_every_epoch
from cifar_core.runs.training_records.reading import read_training_answers
from cifar_core.samples.table import printable
from cifar_core.workspace import Workspace
from pages.ui.caches import file_identity
from pages.ui.components.scatter_map import (
    ScatterAxis,
    ScatterColours,
    ScatterPoints,
    category_colours,
    scatter_points,
    score_colours,
)

# Where the ends of a data map are, as Swayamdipta et al. (2020) name them, beside the points.
_REGIONS = ((0.3, 0.94, "easy to learn"), (0.42, 0.5, "ambiguous"), (0.3, 0.06, "hard to learn"))


@dataclass(frozen=True)
class Learned:
    """How each picture of a part was learned; row N of everything is one picture."""

    facts: LearningFacts
    table: pd.DataFrame  # of `learning_of`
    names: list[str]  # the ids as they are shown
    row_of: dict[str, int]  # by such a name
    summary: LearningSummary
    points: dict[str, ScatterPoints]  # by the name of the axes
    colours: dict[str, ScatterColours]  # by what they mean


@dataclass(frozen=True)
class EpochAnswers:
    """What the network answered at each epoch to the pictures of a part."""

    epochs: tuple[int, ...]  # E, ascending
    predicted: np.ndarray  # int16 [E, N]; -1 where the picture was not shown
    p_true: np.ndarray  # float32 [E, N]; NaN likewise


def load_learned(workspace: Workspace, run: Run, kept: KeptResult[LearningParameters]) -> Learned:
    """Return what is drawn of a kept result."""
    place = kept_path(workspace, run, LEARNING, kept.parameters)
    return _load_learned(kept, (run.id, run.created, file_identity(place)))


def load_epoch_answers(workspace: Workspace, run: Run, split: str) -> EpochAnswers:
    """Return what the network answered at each epoch.

    Raises:
        RunError: the run is gone, or what it kept of its epochs cannot be read.
    """
    identity = inputs_of(workspace, run, LEARNING, LearningParameters("train" if split == "train" else "test"))
    return _load_epoch_answers(workspace, run, split, (run.id, run.created, identity))


def load_class_accuracy(workspace: Workspace, run: Run) -> pd.DataFrame:
    """Return the accuracy of each class on the test part over the epochs, of `class_accuracy_over_epochs`.

    Raises:
        RunError: the run is gone.
    """
    identity = inputs_of(workspace, run, LEARNING, LearningParameters("test"))
    return _load_class_accuracy(workspace, run, (run.id, run.created, identity))


@st.cache_resource(max_entries=6, show_spinner=False)
def _load_learned(_kept: KeptResult[LearningParameters], identity: object) -> Learned:
    table, facts = learning_of(_kept), facts_of(_kept)
    names = [printable(name) for name in table["id"]]
    row_of = {name: row for row, name in enumerate(names)}
    return Learned(facts, table, names, row_of, summarise_learning(table), _points(table, names), _colours(table))


def _points(table: pd.DataFrame, names: list[str]) -> dict[str, ScatterPoints]:
    up = ScatterAxis(TERMS["mean_p_true"].title, 0.0, 1.0)
    widest = {"variability": (0.0, 0.5), "aum": _span(table["aum"])}
    titles = {"variability": TERMS["variability"].title, "aum": "AUM"}
    confidence = table["confidence"].to_numpy(np.float32)
    return {
        name: scatter_points(
            table[column].to_numpy(np.float32),
            confidence,
            names,
            (ScatterAxis(titles[column], *widest[column]), up),
            _REGIONS if name == "map" else (),
        )
        for name, column in (("map", "variability"), ("aum", "aum"))
    }


def _colours(table: pd.DataFrame) -> dict[str, ScatterColours]:
    classes, (low, high) = table["true"].cat, _span(table["aum"])
    aum, correctness = table["aum"].to_numpy(np.float64), table["correctness"].to_numpy(np.float64)
    ends = f"{low:.1f}".replace("-", "−"), f"{high:.1f}"
    return {
        "correctness": score_colours("Correctness", correctness, (0, 1), ("never right", "always"), "wrong to right"),
        "class": category_colours("True class", classes.codes.to_numpy(), classes.categories.tolist()),
        "aum": score_colours("AUM", aum, (low, high), ends),
    }


def _span(values: pd.Series) -> tuple[float, float]:
    """Return the range of the finite values, never empty."""
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


@st.cache_resource(max_entries=3, show_spinner=False)  # of 50,000 pictures and 30 epochs one takes 9 MB
def _load_epoch_answers(_workspace: Workspace, _run: Run, split: str, identity: object) -> EpochAnswers:
    if split == "train":
        answers = read_training_answers(_workspace, _run.id)
        return EpochAnswers(answers.epochs, answers.predicted, answers.p_true)
    found = [(epoch, each) for epoch, each in read_every_epoch(_workspace, _run) if each is not None]
    return EpochAnswers(
        tuple(epoch for epoch, _ in found),
        np.array([each.predicted for _, each in found], np.int16),
        np.array([answers_to(each).p_true for _, each in found], np.float32),
    )


@st.cache_resource(max_entries=8, show_spinner=False)
def _load_class_accuracy(_workspace: Workspace, _run: Run, identity: object) -> pd.DataFrame:
    return class_accuracy_over_epochs(_workspace, _run)
