"""The one table of scores: what a number of one picture is called, means, ranges over, and is computed by.

From `SCORES` are made the columns of the sample table, its filters and sorts, captions, exported tables, the widgets of
the app and the glossary. In the formulas, p are the probabilities of a picture. Scores are computed in float64.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cifar_core.evaluate.predictions import CheckedPredictions, Floats, Ints
from cifar_core.text import percent
from cifar_core.train import LOSS_CLIP


@dataclass(frozen=True)
class Score:
    """One score. Students read `plain`, `help` and `formula` in the glossary and behind the "?" of every place."""

    name: str  # its column, and its key in URLs and exported tables
    title: str
    plain: str  # what a student would call it
    help: str  # what it means, and its telling values, as whole sentences
    formula: str
    compute: Callable[[Ints, Floats], NDArray[Any]]  # from labels [N] and probabilities [N, K] to [N]
    bounds: Callable[[int], tuple[float, float]]  # its least and largest value with K classes
    order: Literal["ascending", "descending"] | None = None  # which brings the worst first; None: not to sort by
    sort_title: str = ""  # for the choice of a sort; "" where there is no order
    sort_title_of_any: str = ""  # where correct pictures are shown too, if `sort_title` speaks of mistakes alone
    filters: bool = True  # whether the pictures can be filtered by a range of it
    text: Callable[[float], str] = "{:.2f}".format  # a value of it, as it is shown everywhere

    @property
    def is_share(self) -> bool:
        """Whether it is a share from 0 to 1, shown in per cent."""
        return self.text is percent

    @property
    def explanation(self) -> str:
        """What it means and how it is computed."""
        return f"{self.help} {self.title} = {self.formula}."


def sample_scores(predictions: CheckedPredictions) -> dict[str, NDArray[Any]]:
    """Every score of N pictures, an array [N] each, by its name."""
    blocks = [[score.compute(*block) for score in SCORES.values()] for block in predictions.blocks()]
    return {name: np.concatenate(parts) for name, parts in zip(SCORES, zip(*blocks, strict=True), strict=True)}


def _p_true(labels: Ints, probs: Floats) -> Floats:
    return probs[np.arange(len(labels)), labels]


def _loss(labels: Ints, probs: Floats) -> Floats:
    """Cross-entropy of each picture ("top losses" of fastai)."""
    return -np.log(np.clip(_p_true(labels, probs), LOSS_CLIP, 1.0)) + 0.0  # + 0.0 turns -0.0 (p = 1) into 0.0


def _confidence(labels: Ints, probs: Floats) -> Floats:
    return probs.max(axis=1)


def _margin(labels: Ints, probs: Floats) -> Floats:
    """The margin of uncertainty sampling."""
    best_two = np.partition(probs, -2, axis=1)[:, -2:]
    return best_two[:, 1] - best_two[:, 0]


def _entropy(labels: Ints, probs: Floats) -> Floats:
    """ "Hardness" in fiftyone-brain. 0 ln 0 counts as 0."""
    logarithms = np.log(probs, out=np.zeros_like(probs), where=probs > 0)
    return np.maximum(-(probs * logarithms).sum(axis=1), 0.0)


def _true_rank(labels: Ints, probs: Floats) -> Ints:
    p_true = _p_true(labels, probs)[:, None]
    before = np.arange(probs.shape[1]) < labels[:, None]  # [N, K]: classes that win a tie against the true one
    return 1 + ((probs > p_true) | ((probs == p_true) & before)).sum(axis=1)


# In the order of the choice of a sort, of the columns of tables, and of the numbers beside an open picture.
_TABLE = (
    Score(
        name="loss",
        title="Loss",
        plain="How wrong it is",
        help="How little the network believed in the true class: 0 is perfect, 2.3 is a blind guess among ten classes, "
        "and the worst mistakes have the highest loss.",
        formula="−ln p(true class)",
        compute=_loss,
        bounds=lambda classes: (0.0, float(math.ceil(-math.log(LOSS_CLIP)))),
        order="descending",
        sort_title="Top losses",
    ),
    Score(
        name="confidence",
        title="Confidence",
        plain="How sure it is",
        help="How sure the network is of its prediction, whatever the true class got: a mistake with a high confidence "
        "is one that the network is sure of.",
        formula="highest probability",
        compute=_confidence,
        bounds=lambda classes: (0.0, 1.0),
        order="descending",
        sort_title="Confidently wrong",
        sort_title_of_any="Most confident",
        text=percent,
    ),
    Score(
        name="margin",
        title="Margin",
        plain="How clearly the first place won",
        help="How clearly the prediction won: near 0 two classes were almost equally likely, and 0 is a tie.",
        formula="highest − second highest probability",
        compute=_margin,
        bounds=lambda classes: (0.0, 1.0),
        order="ascending",
        sort_title="Closest calls",
        text=percent,
    ),
    Score(
        name="entropy",
        title="Entropy",
        plain="How undecided it is",
        help="How spread out the prediction is over the classes: 0 is sure, ln K (2.3 for ten classes) is no idea at "
        "all.",
        formula="−Σ p ln p over all classes",
        compute=_entropy,
        bounds=lambda classes: (0.0, math.log(classes)),
        order="descending",
        sort_title="Most undecided",
    ),
    Score(
        name="p_true",
        title="p(true class)",
        plain="How much it believed in the right answer",
        help="How much of its belief the network gave to the true class; the loss is made of it.",
        formula="probability of the true class",
        compute=_p_true,
        bounds=lambda classes: (0.0, 1.0),
        filters=False,
        text=percent,
    ),
    Score(
        name="true_rank",
        title="Rank of the true class",
        plain="The place of the right answer",
        help="The place of the true class among all classes: 1 is a correct prediction, 2 a near miss.",
        formula="1 + number of classes that are more probable",
        compute=_true_rank,
        bounds=lambda classes: (1.0, float(classes)),
        filters=False,
        text="{:.0f}".format,
    ),
)
SCORES: dict[str, Score] = {score.name: score for score in _TABLE}
