"""A filter in words."""

import math

from cifar_core.samples import FILTERS, SampleFilter, filter_parts


def test_each_part_that_differs_from_the_default_has_one_entry() -> None:
    assert filter_parts(SampleFilter()) == []
    chosen = SampleFilter(
        true=("cat", "dog", "deer"),
        predicted=("dog",),
        ranges={"confidence": (0.9, 1.0), "loss": (0.125, 7.0), "margin": (0.1234, 0.5), "entropy": (1.5, math.inf)},
        text=" 0001 ",
        outcome="all",
        per_pair=1000,
        tags=("odd", "<b>"),
        ids=frozenset({"a", "b"}),
    )
    assert filter_parts(chosen) == [
        ("outcome", "right and wrong ones"),
        ("true", "true cat, dog or deer"),
        ("predicted", "predicted dog"),
        ("confidence", "confidence 90.0 to 100.0\u00a0%"),
        ("loss", "loss 0.125 to 7.00"),
        ("margin", "margin 12.34 to 50.0\u00a0%"),
        ("entropy", "entropy at least 1.50"),
        ("text", "id with “0001”"),
        ("tags", "tagged odd or <b>"),
        ("ids", "one of 2 chosen pictures"),
        ("per_pair", "at most 1,000 of each pair"),
    ]
    assert filter_parts(SampleFilter(outcome="correct")) == [("outcome", "only correct ones")]
    everywhere = SampleFilter(ranges=dict.fromkeys(FILTERS, (0.0, 1.0)))
    assert [name for name, _ in filter_parts(everywhere)] == list(FILTERS)
    ends = {"confidence": (-math.inf, 0.5), "loss": (-math.inf, math.inf)}
    assert [words for _, words in filter_parts(SampleFilter(ranges=ends))] == [
        "confidence at most 50.0\u00a0%",
        "loss of any value",
    ]
