"""Filters and sorts over the table of pictures."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cifar_core.errors import ConfigError
from cifar_core.evaluate import SCORES, VERDICTS, Score
from cifar_core.text import did_you_mean

Outcome = Literal["mistakes", "correct", "all"]
OUTCOMES: tuple[str, ...] = get_args(Outcome)
Range = tuple[float, float]


@dataclass(frozen=True)
class SampleFilter:
    """Which pictures to keep; a picture must pass every part. The defaults keep all mistakes."""

    true: tuple[str, ...] = ()  # class names, any of them; empty = every class
    predicted: tuple[str, ...] = ()
    ranges: Mapping[str, Range] = field(default_factory=dict)  # low and high of scores, inclusive at both ends
    text: str = ""  # part of the id, in upper or lower case
    outcome: Outcome = "mistakes"
    per_pair: int = 0  # at most this many pictures of each (true, predicted) pair, the first in the sort; 0 = no limit
    # Of a table beside another run's answers (`with_other_answers`):
    verdict: tuple[str, ...] = ()  # of `VERDICTS`
    other_predicted: tuple[str, ...] = ()  # class names that the other run, A, predicts
    predicted_by_one: tuple[str, ...] = ()  # class names that A or B predicts, and not both
    tags: tuple[str, ...] = ()  # words that a person gave, any of them; empty = whatever it has; see `with_tags`
    wrong_in: Range | None = None  # with how many seeds it is wrong, inclusive at both ends; None = any number
    ids: frozenset[str] | None = None  # of these pictures alone, whatever they have in common; None = of all


@dataclass(frozen=True)
class Sort:
    """One way to sort pictures."""

    title: str  # for the choice of a sort
    column: str  # of the table
    descending: bool
    help: str  # meaning and formula, for the "?"
    title_of_any: str = ""  # where correct pictures are shown too, if `title` speaks of mistakes alone

    ties: str = ""  # the score that decides between equal values, highest first; else they are in the dataset's order

    @property
    def is_of_mistakes(self) -> bool:
        """Whether its title speaks of mistakes alone: who chooses it wants to see no correct picture."""
        return bool(self.title_of_any)

    def title_for(self, outcome: Outcome) -> str:
        """Return what the pictures with this outcome are sorted by."""
        return self.title_of_any if self.is_of_mistakes and outcome != "mistakes" else self.title


def _sort_by(score: Score) -> Sort:
    descending = score.order == "descending"
    first = "Highest" if descending else "Lowest"
    help_text = f"{first} {score.title.lower()} first. {score.explanation}"
    return Sort(score.sort_title, score.name, descending, help_text, score.sort_title_of_any)


FILTERS: dict[str, Score] = {score.name: score for score in SCORES.values() if score.filters}
# Each exported list of pictures tells these scores.
EXPORTED_SCORES = tuple(score.name for score in SCORES.values() if score.order)
SORTS: dict[str, Sort] = {
    **{name: _sort_by(SCORES[name]) for name in EXPORTED_SCORES},
    "id": Sort("Picture id", "id", False, "By the name of the picture in the dataset, A to Z."),
}
# Of tables with the column alone: see `sorts_of`.
_JOINED_SORTS: dict[str, Sort] = {
    "wrong_in": Sort(
        "Wrong with most seeds",
        "wrong_in",
        True,
        "How many of the runs that differ from this one in the seed alone, itself among them, get the picture wrong: "
        "what is wrong with every seed is no bad luck of one training. Of equal ones, the highest loss first.",
        ties="loss",
    ),
}

RANGE_STEP = 0.01  # of a score, on a slider


def sorts_of(table: pd.DataFrame) -> dict[str, Sort]:
    """The sorts that a table can have: `SORTS`, and those by columns that only some tables have."""
    return SORTS | {name: sort for name, sort in _JOINED_SORTS.items() if sort.column in table}


def score_range(table: pd.DataFrame, score: str) -> Range:
    """The least and the largest value of a score in a table [N >= 1], rounded outwards to `RANGE_STEP`.

    They differ, as a slider needs, also where all values are equal.
    """
    steps = table[score].to_numpy() / RANGE_STEP
    low, high = math.floor(steps.min()), math.ceil(steps.max())
    if low == high:
        low, high = (low - 1, low) if low > 0 else (low, low + 1)
    return round(low * RANGE_STEP, 2), round(high * RANGE_STEP, 2)


def select_samples(table: pd.DataFrame, sample_filter: SampleFilter, sort: str = "loss") -> pd.DataFrame:
    """The pictures that pass the filter, sorted, then limited per pair; the input table is not changed.

    Args:
        table: from `sample_table`, or a part of it; with the column of `with_tags` where the filter names tags.
        sample_filter: what to keep.
        sort: a key of `sorts_of(table)`; ties are as that says, else in the order of the dataset.

    Returns:
        rows of `table` in sorted order, numbered from 0.

    Raises:
        ConfigError: lists every problem: an unknown class, filter, sort or outcome (with the nearest name), a range
            that is not low to high, a negative `per_pair`.
    """
    problems = _problems(table, sample_filter, sort)
    if problems:
        raise ConfigError(problems)
    kept = table[passing(table, sample_filter)]
    chosen_sort = sorts_of(table)[sort]
    keys = kept[chosen_sort.column].to_numpy()
    if chosen_sort.descending:
        keys = -keys
    ties = -kept[chosen_sort.ties].to_numpy() if chosen_sort.ties else np.zeros(len(kept))
    kept = kept.iloc[np.lexsort((kept["index"].to_numpy(), ties, keys))]
    if sample_filter.per_pair > 0:
        kept = kept[kept.groupby(["true_index", "predicted_index"]).cumcount() < sample_filter.per_pair]
    return kept.reset_index(drop=True)


def passing(table: pd.DataFrame, sample_filter: SampleFilter) -> NDArray[np.bool_]:
    """Whether each row passes, apart from `per_pair`: bool [N], in the order of the table. It trusts the filter."""
    passing = np.ones(len(table), dtype=bool)
    if sample_filter.outcome != "all":
        passing &= table["correct"].to_numpy() == (sample_filter.outcome == "correct")
    for column in ("true", "predicted"):
        classes = getattr(sample_filter, column)
        if classes:
            indices = [index for index, name in enumerate(table[column].cat.categories) if name in classes]
            passing &= np.isin(table[f"{column}_index"].to_numpy(), indices)
    for column, (low, high) in sample_filter.ranges.items():
        values = table[column].to_numpy()
        passing &= (values >= low) & (values <= high)
    if sample_filter.wrong_in is not None:
        passing &= table["wrong_in"].between(*sample_filter.wrong_in).to_numpy()
    if sample_filter.ids is not None:
        passing &= table["id"].isin(sample_filter.ids).to_numpy()
    passing &= _passing_beside_another(table, sample_filter)
    text = sample_filter.text.strip().casefold()
    if text:
        passing &= np.fromiter((text in name.casefold() for name in table["id"]), dtype=bool, count=len(table))
    if sample_filter.tags:
        wanted = set(sample_filter.tags)
        passing &= np.fromiter((not wanted.isdisjoint(words) for words in table["tags"]), dtype=bool, count=len(table))
    return passing


def _passing_beside_another(table: pd.DataFrame, sample_filter: SampleFilter) -> NDArray[np.bool_]:
    """Whether each row passes what is asked of the answers of another run."""
    passing = np.ones(len(table), dtype=bool)
    for column in ("verdict", "other_predicted"):
        wanted = getattr(sample_filter, column)
        if wanted:
            passing &= table[column].isin(wanted).to_numpy()
    if sample_filter.predicted_by_one:
        by_a, by_b = (table[name].isin(sample_filter.predicted_by_one) for name in ("other_predicted", "predicted"))
        passing &= (by_a ^ by_b).to_numpy()
    return passing


def _problems_beside_another(table: pd.DataFrame, sample_filter: SampleFilter) -> list[str]:
    """A sentence for each problem of what is asked of the answers of another run."""
    if not (sample_filter.verdict or sample_filter.other_predicted or sample_filter.predicted_by_one):
        return []
    if "verdict" not in table:
        return ["There is no other run to compare with: verdicts and its predictions need one."]
    names = table["other_predicted"].cat.categories
    wanted = (*sample_filter.other_predicted, *sample_filter.predicted_by_one)
    unknown = [f"There is no class {name!r}{did_you_mean(name, names)}." for name in wanted if name not in names]
    return unknown + [
        f"There is no verdict {name!r}{did_you_mean(name, VERDICTS)}; choose {', '.join(VERDICTS)}."
        for name in sample_filter.verdict
        if name not in VERDICTS
    ]


def _problems(table: pd.DataFrame, sample_filter: SampleFilter, sort: str) -> list[str]:
    """A sentence for each problem of the filter and the sort."""
    problems = []
    for column in ("true", "predicted"):
        known = list(table[column].cat.categories)
        problems += [
            f"There is no class {name!r}{did_you_mean(name, known)}."
            for name in getattr(sample_filter, column)
            if name not in known
        ]
    for column, bounds in sample_filter.ranges.items():
        if column not in FILTERS:
            problems.append(
                f"There is no filter {column!r}{did_you_mean(column, FILTERS)}; choose {', '.join(FILTERS)}."
            )
        elif len(bounds) != 2 or any(math.isnan(bound) for bound in bounds) or bounds[0] > bounds[1]:
            problems.append(f"{column} is {bounds!r}, but must be two numbers, low to high.")
    if sample_filter.outcome not in OUTCOMES:
        problems.append(
            f"There is no outcome {sample_filter.outcome!r}{did_you_mean(sample_filter.outcome, OUTCOMES)}; "
            f"choose {', '.join(OUTCOMES)}."
        )
    problems += _problems_beside_another(table, sample_filter)
    if sample_filter.per_pair < 0:
        problems.append(f"per_pair is {sample_filter.per_pair}, but must be 0 (no limit) or more.")
    problems += _wrong_in_problems(table, sample_filter.wrong_in)
    if sort not in (sorts := sorts_of(table)):
        problems.append(f"There is no sort {sort!r}{did_you_mean(sort, sorts)}; choose {', '.join(sorts)}.")
    return problems


def _wrong_in_problems(table: pd.DataFrame, wanted: Range | None) -> list[str]:
    if wanted is not None and "wrong_in" not in table:
        return ["These pictures have no count over seeds: the run has no finished repeat with another seed."]
    if wanted is not None and not wanted[0] <= wanted[1]:
        return [f"wrong_in is {wanted!r}, but must be two numbers, low to high."]
    return []
