"""The captions of pictures: on tiles, in contact sheets and in lists."""

from collections.abc import Collection, Mapping
from typing import Any

import pandas as pd

from cifar_core.errors import ConfigError
from cifar_core.evaluate import SCORES
from cifar_core.samples.select import SORTS

ALL_CORRECT = "correctly predicted"
# What all pictures of a verdict have in common; each tile of the others says what both predict.
SHARED_BY_VERDICT = {"fixed": "B right", "broken": "A right", "both right": "both right"}
_CLASSES = ("true", "predicted")


def tile_caption(row: Mapping[Any, Any] | pd.Series, sort: str = "loss") -> str:
    """The caption of one picture: "true cat, predicted dog, 98.2 %", then the score it is sorted by.

    Args:
        row: a row of `sample_table`.
        sort: a key of `SORTS`, or `wrong_in` where the row has it; `confidence` adds nothing, since the percentage is
            the score, and `wrong_in` takes its place.

    Raises:
        ConfigError: there is no such sort.
    """
    return ", ".join(_caption_parts(row, sort))


def shared_words(rows: pd.DataFrame) -> tuple[str, ...]:
    """What several pictures have in common and so need not stand on each tile, such as ("true cat", "predicted dog").

    Args:
        rows: of `sample_table`; of a single picture everything stands on its tile.

    Returns:
        at most two of "true CLASS", "predicted CLASS", `ALL_CORRECT` and `SHARED_BY_VERDICT`; `tile_lines` leaves
        them out.
    """
    if len(rows) < 2:
        return ()
    if "verdict" in rows:
        return _shared_beside_another(rows)
    true, predicted = (rows[name].iloc[0] if rows[f"{name}_index"].nunique() == 1 else None for name in _CLASSES)
    if true is None and predicted is None and rows["correct"].all():
        return (ALL_CORRECT,)
    return tuple(f"{word} {name}" for word, name in zip(_CLASSES, (true, predicted), strict=True) if name is not None)


def _shared_beside_another(rows: pd.DataFrame) -> tuple[str, ...]:
    """`shared_words` of a table that has the answers of another run."""
    true = [f"true {rows['true'].iloc[0]}"] if rows["true_index"].nunique() == 1 else []
    verdict = rows["verdict"].iloc[0] if rows["verdict"].nunique(dropna=False) == 1 else None
    return (*true, SHARED_BY_VERDICT[verdict]) if verdict in SHARED_BY_VERDICT else tuple(true)


def tile_lines(row: Mapping[Any, Any] | pd.Series, sort: str = "loss", shared: Collection[str] = ()) -> str:
    """`tile_caption` on some lines, true, predicted and numbers, without what is `shared` (`shared_words`).

    Where the picture has tags, they are a line more.
    """
    (true, *answers), numbers = _class_parts(row), _number_parts(row, sort)
    classes = [str(row["true"])] if ALL_CORRECT in shared else [true, *answers]
    lines = [*(words for words in classes if words not in shared), ", ".join(numbers)]
    return "\n".join([*lines, f"tagged {', '.join(row['tags'])}"] if row.get("tags") else lines)


def tile_label(lines: str, shared: Collection[str] = ()) -> str:
    """What a screen reader says of a tile: its `tile_lines` as they stand, for voice control, then what is `shared`."""
    return ", ".join([*filter(None, lines.split("\n")), *shared])


def _caption_parts(row: Mapping[Any, Any] | pd.Series, sort: str) -> list[str]:
    return [*_class_parts(row), *_number_parts(row, sort)]


def _class_parts(row: Mapping[Any, Any] | pd.Series) -> list[str]:
    """The true class, and what is predicted: beside another run, A and then B."""
    true, predicted, other = row["true"], row["predicted"], row.get("other_predicted")
    if "other_predicted" not in row or pd.isna(other):
        return [f"true {true}", f"predicted {predicted}"]
    if predicted == other:
        return [f"true {true}", "both right" if predicted == true else f"both {predicted}"]
    by_a, by_b = ("right" if name == true else name for name in (other, predicted))
    return [f"true {true}", f"A {by_a}", f"B {by_b}"]


def _number_parts(row: Mapping[Any, Any] | pd.Series, sort: str) -> list[str]:
    if sort == "wrong_in" and sort in row:
        return [f"wrong in {row['wrong_in']} of {row['wrong_of']}"]
    if sort not in SORTS:
        raise ConfigError([f"There is no sort {sort!r}; choose {', '.join(SORTS)}."])
    confidence = SCORES["confidence"].text(row["confidence"])
    if "other_predicted" in row:
        confidence = f"B {confidence}"
    if sort in SCORES and sort != "confidence":
        return [confidence, f"{SCORES[sort].title.lower()} {SCORES[sort].text(row[sort])}"]
    return [confidence, str(row["id"])] if sort == "id" else [confidence]
