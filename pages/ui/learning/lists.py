"""The lists of pictures of the Learning page: which rows of the table they are, in which order."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from cifar_core.evaluate import pictures_of

LASSO = "lasso"
MOST = 96  # pictures of the ends of the map; the map and the table have all
_REGIONS = {"hardest": "hardest", "ambiguous": "most ambiguous", "easiest": "easiest"}


class PictureList(NamedTuple):
    """What a list is called ({known} is `KNOWN` of the part), and what it is."""

    title: str
    meaning: str


LISTS = {
    "hardest": PictureList("Hardest", f"the {MOST} with the lowest mean p(true class); look here for wrong labels"),
    "ambiguous": PictureList("Ambiguous", f"the {MOST} whose p(true class) went up and down the most"),
    "easiest": PictureList("Easiest", f"the {MOST} with the highest mean p(true class)"),
    "never": PictureList("Never {known}", "wrong at every epoch, the lowest mean p(true class) first"),
    "forgotten": PictureList("Forgotten", "right and then wrong again, the most often first"),
    LASSO: PictureList("Chosen", "chosen; the lowest mean p(true class) first"),
}


def rows_of(table: pd.DataFrame, name: str, wanted: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Return the rows of a list, int64 in its order.

    Args:
        table: of `learning_of`.
        name: of the list.
        wanted: bool [N], which pictures the filters leave.
        chosen: int64, the rows of the list of chosen pictures.
    """
    if name in _REGIONS:
        order = pictures_of(table, _REGIONS[name])
        return order[wanted[order]][:MOST]
    if name == LASSO:
        rows = chosen[wanted[chosen]]
    else:
        counts = table["never_learned" if name == "never" else "forgetting"].to_numpy()
        rows = np.flatnonzero((counts > 0) & wanted)
    confidence = table["confidence"].to_numpy()[rows]
    if name == "forgotten":
        return rows[np.lexsort((confidence, -table["forgetting"].to_numpy()[rows]))]
    return rows[np.argsort(confidence, kind="stable")]


def counts_of(table: pd.DataFrame, wanted: np.ndarray, chosen: np.ndarray) -> dict[str, int]:
    """Return how many pictures there are in each list whose size says something."""
    return {
        "never": int((table["never_learned"].to_numpy() & wanted).sum()),
        "forgotten": int(((table["forgetting"].to_numpy() > 0) & wanted).sum()),
        LASSO: int(wanted[chosen].sum()),
    }
