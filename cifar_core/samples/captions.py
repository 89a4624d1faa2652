"""The captions of pictures: on tiles, in contact sheets and in lists."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from cifar_core.errors import ConfigError
from cifar_core.evaluate import SCORES
from cifar_core.samples.select import SORTS


def tile_caption(row: Mapping[str, Any] | pd.Series, sort: str = "loss") -> str:
    """The caption of one picture: "true cat, predicted dog, 98.2 %", then the score it is sorted by.

    Args:
        row: a row of `sample_table`.
        sort: a key of `SORTS`; `confidence` adds nothing, since the percentage is the score.

    Raises:
        ConfigError: there is no such sort.
    """
    return ", ".join(_caption_parts(row, sort))


def tile_lines(row: Mapping[str, Any] | pd.Series, sort: str = "loss") -> str:
    """`tile_caption` on three lines: true, predicted, numbers."""
    true, predicted, *numbers = _caption_parts(row, sort)
    return f"{true}\n{predicted}\n{', '.join(numbers)}"


def _caption_parts(row: Mapping[str, Any] | pd.Series, sort: str) -> list[str]:
    if sort not in SORTS:
        raise ConfigError([f"There is no sort {sort!r}; choose {', '.join(SORTS)}."])
    parts = [f"true {row['true']}", f"predicted {row['predicted']}", SCORES["confidence"].text(row["confidence"])]
    if sort in SCORES and sort != "confidence":
        return [*parts, f"{SCORES[sort].title.lower()} {SCORES[sort].text(row[sort])}"]
    return [*parts, str(row["id"])] if sort == "id" else parts
