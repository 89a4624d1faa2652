"""How each picture was learned, over all epochs of a run: the data map, AUM and forgetting as a table.

- confidence, variability, correctness: mean and standard deviation of p(true class) over the epochs, and the share of
  them at which the picture was right (Swayamdipta et al., "Dataset Cartography", 2020).
- aum, the area under the margin: the mean over the epochs of z_y - max other z, of the logits z (Pleiss et al.,
  "Identifying Mislabeled Data using the Area Under the Margin Ranking", 2020).
- first right at, forgetting events, never learned (Toneva et al., 2019; `forgetting.py`).

Reads and writes nothing.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cifar_core.errors import DataError
from cifar_core.evaluate.forgetting import forgetting_events
from cifar_core.evaluate.predictions import CheckedPredictions, Floats, Ints
from cifar_core.train import LOSS_CLIP

LEARNING_COLUMNS = (
    "confidence",  # 0 to 1
    "variability",  # 0 to 0.5
    "correctness",  # 0 to 1
    "aum",  # in nats, any sign
    "first_right",  # an epoch; 0: never right
    "forgetting",  # events
    "never_learned",  # shown, and never right
    "shown",  # at how many of the epochs
)
_BLOCK = 2**20  # values that are computed with at once


class Region(NamedTuple):
    """A part of the data map: the pictures at one end of a column."""

    column: str
    ascending: bool  # whether the lowest values come first


# Easy, ambiguous and hard-to-learn pictures, as Swayamdipta et al. name the ends of the map.
REGIONS: dict[str, Region] = {
    "easiest": Region("confidence", ascending=False),
    "most ambiguous": Region("variability", ascending=False),
    "hardest": Region("confidence", ascending=True),
}


class Answers(NamedTuple):
    """What a network answered to N pictures at one epoch."""

    p_true: NDArray[np.float32]  # [N], probability of the true class
    margin: NDArray[np.float32]  # [N], logit of the true class less the highest other one
    right: NDArray[np.bool_]  # [N]


def answers_to(predictions: CheckedPredictions) -> Answers:
    """What probabilities say of N pictures.

    ln p_y - max other ln p is z_y - max other z of the logits z, since softmax takes the same from each of them. A
    probability below `LOSS_CLIP` counts as that, so a margin lies within -27.7 and 27.7.
    """
    parts = []
    for labels, probs in predictions.blocks():
        of_true = np.arange(probs.shape[1]) == labels[:, None]  # [N, K]
        p_true, other = probs[of_true], np.where(of_true, 0.0, probs).max(axis=1)
        margin = np.log(np.maximum(p_true, LOSS_CLIP)) - np.log(np.maximum(other, LOSS_CLIP))
        parts.append((p_true.astype(np.float32), margin.astype(np.float32)))
    p_true, margin = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Answers(p_true, margin, predictions.predicted == predictions.labels)


def learning_table(
    p_true: NDArray[Any],
    margin: NDArray[Any],
    right: NDArray[np.bool_],
    shown: NDArray[np.bool_],
    epochs: Sequence[int],
) -> pd.DataFrame:
    """One row per picture, from what the network answered to it whenever it was shown.

    Args:
        p_true: float [E, N], the probability of its true class after or during each epoch.
        margin: float [E, N], the logit of its true class less the highest other one.
        right: bool [E, N], whether it was predicted correctly.
        shown: bool [E, N], whether it was shown at that epoch; where not, the other values are not looked at.
        epochs: their numbers [E], ascending; E is 1 or more.

    Returns:
        the columns of `LEARNING_COLUMNS`. A picture that was never shown has NaN as confidence, variability,
        correctness and AUM, and is neither learned nor never learned.

    Raises:
        DataError: the shapes differ, or there is no epoch.
    """
    shapes = {np.shape(values) for values in (p_true, margin, right, shown)}
    if len(shapes) != 1 or len(p_true) == 0 or p_true.ndim != 2 or len(epochs) != len(p_true):
        raise DataError(
            f"Records of {len(epochs)} epochs must be arrays [epochs, pictures] of one shape with an epoch or more, "
            f"but have the shapes {sorted(map(list, shapes))}."
        )
    count = p_true.shape[1]
    step = max(1, _BLOCK // len(epochs))
    parts = [slice(start, start + step) for start in range(0, max(1, count), step)]
    blocks = [_block(p_true[:, part], margin[:, part], right[:, part], shown[:, part], epochs) for part in parts]
    return pd.concat(blocks, ignore_index=True)


def _block(
    p_true: NDArray[Any],
    margin: NDArray[Any],
    right: NDArray[np.bool_],
    shown: NDArray[np.bool_],
    epochs: Sequence[int],
) -> pd.DataFrame:
    """`learning_table` of some pictures."""
    times = shown.sum(axis=0, dtype=np.int64)
    knew = right & shown
    ever = knew.any(axis=0)
    confidence = _mean(p_true.astype(np.float64), shown, times)
    variance = _mean((p_true - confidence) ** 2, shown, times)
    columns = (
        confidence,
        np.sqrt(variance),
        _mean(knew, shown, times),
        _mean(margin.astype(np.float64), shown, times),
        np.where(ever, np.asarray(epochs, np.int64)[knew.argmax(axis=0)], 0),
        forgetting_events(right, shown),
        ~ever & (times > 0),
        times,
    )
    return pd.DataFrame(dict(zip(LEARNING_COLUMNS, columns, strict=True)))


def _mean(values: NDArray[Any], shown: NDArray[np.bool_], times: Ints) -> Floats:
    """The mean of each column over the epochs at which it was shown; NaN where it never was."""
    with np.errstate(invalid="ignore"):  # infinite margins of a training that diverged
        total = np.sum(values, axis=0, where=shown, dtype=np.float64)
    return np.divide(total, times, out=np.full(len(times), np.nan), where=times > 0)


def pictures_of(table: pd.DataFrame, region: str, count: int | None = None) -> Ints:
    """The row numbers of the pictures of a region of the data map, the most extreme one first.

    Equal ones stay in the order of the table; pictures that were never shown are left out.

    Args:
        table: from `learning_table`, with any index and any further columns.
        region: a key of `REGIONS`.
        count: how many at most; None gives all.
    """
    column, ascending = REGIONS[region]
    values = table[column].to_numpy(np.float64)
    order = np.argsort(values if ascending else -values, kind="stable").astype(np.int64)
    return order[~np.isnan(values[order])][:count]


def unforgettable(table: pd.DataFrame) -> NDArray[np.bool_]:
    """Which pictures were learned and never forgotten after that: bool [N] (Toneva et al., 2019)."""
    return (table["first_right"].to_numpy() > 0) & (table["forgetting"].to_numpy() == 0)


class LearningSummary(NamedTuple):
    """How many of n pictures are of which kind, and the means of those that were shown (NaN where none was)."""

    n: int
    never_learned: int
    forgotten: int  # once or more
    unforgettable: int
    confidence: float
    variability: float
    correctness: float
    aum: float


def summarise_learning(table: pd.DataFrame) -> LearningSummary:
    """The rows of a `learning_table` as one."""
    counts = (table["never_learned"].sum(), (table["forgetting"] > 0).sum(), unforgettable(table).sum())
    means = (table[name].mean() for name in ("confidence", "variability", "correctness", "aum"))
    return LearningSummary(len(table), *map(int, counts), *map(float, means))


def learning_of_classes(table: pd.DataFrame) -> pd.DataFrame:
    """A row for each class, in the order of the classes: `class` and the fields of `LearningSummary`.

    Args:
        table: from `learning_table`, with the true class of each picture as categories in a column `true`.
    """
    groups = table.groupby("true", observed=False)
    rows = [(name, *summarise_learning(group)) for name, group in groups]
    return pd.DataFrame(rows, columns=["class", *LearningSummary._fields])
