"""A filter of pictures in words, a part at a time: for the chips that show it, and where nothing matches."""

import math
from collections.abc import Sequence

from cifar_core.evaluate import SCORES
from cifar_core.samples.select import SampleFilter
from cifar_core.text import counted

_OUTCOMES = {"correct": "only correct ones", "all": "right and wrong ones"}


def filter_parts(sample_filter: SampleFilter, *, predicted: str = "predicted") -> list[tuple[str, str]]:
    """The parts of a filter that differ from its defaults, as (name, words), such as ("true", "true cat or dog").

    The name is the field of `SampleFilter`, or the score of a range. Class names and texts stand as they are.

    Args:
        sample_filter: what is kept.
        predicted: what stands before a predicted class; beside the answers of another run, `B predicts`.
    """
    parts = []
    if sample_filter.outcome in _OUTCOMES:
        parts.append(("outcome", _OUTCOMES[sample_filter.outcome]))
    if sample_filter.verdict:
        parts.append(("verdict", _either(sample_filter.verdict)))
    classes = {
        "true": ("true", sample_filter.true),
        "predicted": (predicted, sample_filter.predicted),
        "other_predicted": ("A predicts", sample_filter.other_predicted),
        "predicted_by_one": ("only A or only B predicts", sample_filter.predicted_by_one),
    }
    parts += [(name, f"{words} {_either(names)}") for name, (words, names) in classes.items() if names]
    for name, (low, high) in sample_filter.ranges.items():
        score = SCORES[name]
        parts.append((name, f"{score.title.lower()} {_range_words(low, high, share=score.is_share)}"))
    if sample_filter.wrong_in is not None:
        low, high = sample_filter.wrong_in
        span = f"{low:g} to {high:g}" if low < high else f"{low:g}"
        parts.append(("wrong_in", f"wrong with {span} seed{'' if low == high == 1 else 's'}"))
    if wanted := sample_filter.text.strip():
        parts.append(("text", f"id with “{wanted}”"))
    if sample_filter.tags:
        parts.append(("tags", f"tagged {_either(sample_filter.tags)}"))
    if sample_filter.ids is not None:
        parts.append(("ids", f"one of {counted(len(sample_filter.ids), 'chosen picture')}"))
    if sample_filter.per_pair:
        parts.append(("per_pair", f"at most {sample_filter.per_pair:,} of each pair"))
    return parts


def _either(names: Sequence[str]) -> str:
    """The names with "or" before the last one."""
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _range_words(low: float, high: float, *, share: bool) -> str:
    """A range of scores; an infinite end is none."""
    times, decimals, unit = (100, 1, "\u00a0%") if share else (1, 2, "")
    ends = [_bound(times * end, decimals) for end in (low, high) if math.isfinite(end)]
    limit = "" if len(ends) == 2 else "at least " if math.isfinite(low) else "at most "
    return f"{limit}{' to '.join(ends)}{unit}" if ends else "of any value"


def _bound(value: float, decimals: int) -> str:
    """A bound with so many decimals, or with all where it has more."""
    return f"{value:.{decimals}f}" if math.isclose(value, round(value, decimals)) else f"{value:g}"
