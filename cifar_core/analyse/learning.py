"""The analysis `learning`: how each picture of a part was learned over the epochs of a run, as a table and in numbers.

Training pictures are judged by what the network answered to them each time they were shown (the training records),
test pictures by the predictions after each epoch.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from cifar_core.analyse.declaration import Analysis
from cifar_core.analyse.kept import KeptResult
from cifar_core.evaluate import LEARNING_COLUMNS
from cifar_core.spec import setting

LearningSplit = Literal["train", "test"]
# What a picture is called once it was right; test pictures are not learned from.
KNOWN: dict[str, str] = {"train": "learned", "test": "right"}


@dataclass(frozen=True)
class LearningParameters:
    """Of which part the pictures are."""

    split: Literal["train", "test"] = setting(
        "train",
        "choice",
        "Pictures",
        "Training pictures, judged each time they were shown, or test pictures, judged after each epoch.",
        choices=("train", "test"),
        titles=("training", "test"),
    )


LEARNING = Analysis(
    id="learning",
    title="data map",
    version=2,
    needs=(),
    parameters=LearningParameters,
    kind="job",
    variant="split",
    variant_needs={"train": ("training records",), "test": ("every epoch",)},
)


@dataclass(frozen=True)
class LearningFacts:
    """What a kept result says beside the table of pictures."""

    split: LearningSplit
    n: int  # pictures
    epochs: tuple[int, ...]  # that were looked at, ascending
    class_names: tuple[str, ...]
    note: str  # one sentence where not every epoch could be looked at; else empty


def facts_of(kept: KeptResult[LearningParameters]) -> LearningFacts:
    """What was looked at."""
    values = kept.values
    return LearningFacts(
        values["split"],
        len(kept.arrays["index"]),
        tuple(values["epochs"]),
        tuple(values["class_names"]),
        values["note"],
    )


def learning_of(kept: KeptResult[LearningParameters]) -> pd.DataFrame:
    """One row per picture, in the order of the part.

    Returns:
        the columns `index` (in the part of the dataset, from 0), `id`, `true` and `predicted` (categories: all K class
        names in order; predicted when it was shown last, NaN where it never was), `last_shown` (that epoch, or 0), and
        `LEARNING_COLUMNS`.
    """
    classes = pd.CategoricalDtype(pd.Index(kept.values["class_names"]))
    arrays = kept.arrays
    return pd.DataFrame(
        {
            "index": arrays["index"],
            "id": pd.Series(arrays["ids"].tolist(), dtype="str"),
            "true": pd.Categorical.from_codes(arrays["true"], dtype=classes),
            "predicted": pd.Categorical.from_codes(arrays["predicted"], dtype=classes),
            **{name: np.asarray(arrays[name]) for name in ("last_shown", *LEARNING_COLUMNS)},
        }
    )
