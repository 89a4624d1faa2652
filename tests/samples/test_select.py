"""The table of pictures, its filters and its sorts."""

import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cifar_core.errors import ConfigError, DataError
from cifar_core.evaluate import CheckedPredictions, sample_scores
from cifar_core.samples import (
    COLUMNS,
    FILTERS,
    OUTCOMES,
    SORTS,
    SampleFilter,
    sample_table,
    score_range,
    select_samples,
    tag_texts,
    with_tags,
)

NAMES = ("airplane", "bird", "cat", "dog", "deer")
EVERYTHING = SampleFilter(outcome="all")


def make_table(count: int = 200, *, seed: int = 0, names: tuple[str, ...] = NAMES) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, len(names), count)
    logits = rng.normal(size=(count, len(names))) * 2
    logits[np.arange(count), labels] += 2
    probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    ids = [f"test/{names[label]}/{index:05d}.JPG" for index, label in enumerate(labels)]
    return sample_table(CheckedPredictions(labels, probs.astype(np.float32), names), ids)


def test_table_holds_every_picture_in_order() -> None:
    labels, probs = [2, 0], [[0.1, 0.2, 0.7], [0.25, 0.5, 0.25]]
    predictions = CheckedPredictions(labels, probs, ("x", "y", "z"))
    table = sample_table(predictions, ["b", "a"])
    assert tuple(table.columns) == COLUMNS
    assert table["id"].tolist() == ["b", "a"]
    assert table["true"].tolist() == ["z", "x"]
    assert table["predicted"].tolist() == ["z", "y"]
    assert table["correct"].tolist() == [True, False]
    assert table["true_rank"].tolist() == [1, 2]
    assert table["true"].cat.categories.tolist() == ["x", "y", "z"]
    for name, values in sample_scores(predictions).items():
        assert table[name].tolist() == values.tolist()


def test_table_of_nothing_and_broken_tables() -> None:
    empty = sample_table(CheckedPredictions(np.zeros(0, int), np.zeros((0, 3)), tuple("abc")), [])
    assert (len(empty), tuple(empty.columns)) == (0, COLUMNS)
    assert len(select_samples(empty, EVERYTHING)) == 0
    with pytest.raises(DataError, match="1 ids for 2 pictures"):
        sample_table(CheckedPredictions(np.arange(2), np.eye(2), tuple("ab")), ["a"])


def test_ids_that_are_not_valid_text_become_printable() -> None:
    assert sample_table(CheckedPredictions(np.zeros(1, int), np.eye(2)[:1], tuple("xy")), ["a\udcff.png"])[
        "id"
    ].tolist() == ["a?.png"]


@given(st.data())
@settings(max_examples=60)
def test_filter_equals_a_loop_in_plain_python(data: st.DataObject) -> None:
    table = make_table(60, seed=data.draw(st.integers(0, 99)))
    bounds = st.none() | st.tuples(st.floats(0, 2), st.floats(0, 2)).map(lambda pair: (min(pair), max(pair)))
    some = st.lists(st.sampled_from(NAMES), unique=True, max_size=3).map(tuple)
    chosen = SampleFilter(
        true=data.draw(some),
        predicted=data.draw(some),
        ranges={name: drawn for name in FILTERS if (drawn := data.draw(bounds))},
        text=data.draw(st.sampled_from(["", "cat", "CAT", " 0001", "nothing", "jpg"])),
        outcome=data.draw(st.sampled_from(OUTCOMES)),
    )
    expected = [row["index"] for _, row in table.iterrows() if passes(row, chosen)]
    assert sorted(select_samples(table, chosen)["index"]) == expected


def passes(row: pd.Series, chosen: SampleFilter) -> bool:
    """The reference: the filter in plain Python."""
    return (
        (chosen.outcome == "all" or row["correct"] == (chosen.outcome == "correct"))
        and (not chosen.true or row["true"] in chosen.true)
        and (not chosen.predicted or row["predicted"] in chosen.predicted)
        and all(low <= row[name] <= high for name, (low, high) in chosen.ranges.items())
        and chosen.text.strip().lower() in row["id"].lower()
    )


@pytest.mark.parametrize("column", FILTERS)
def test_ranges_include_both_ends(column: str) -> None:
    table = make_table(20)
    low, high = sorted(table[column])[3], sorted(table[column])[9]
    chosen = SampleFilter(outcome="all", ranges={column: (low, high)})
    assert len(select_samples(table, chosen)) == 7


@pytest.mark.parametrize("sort", SORTS)
def test_sorts_break_ties_by_index(sort: str) -> None:
    table = make_table()
    tied = pd.concat([table.assign(index=table["index"] + 1000), table], ignore_index=True)
    chosen = select_samples(tied, EVERYTHING, sort)
    values = chosen[SORTS[sort].column].tolist()
    assert values == sorted(values, reverse=SORTS[sort].descending)
    assert (chosen["index"].to_numpy()[::2] + 1000 == chosen["index"].to_numpy()[1::2]).all()


def test_a_title_that_speaks_of_mistakes_is_not_said_of_correct_pictures() -> None:
    assert [SORTS["confidence"].title_for(outcome) for outcome in OUTCOMES] == [
        "Confidently wrong",
        "Most confident",
        "Most confident",
    ]
    for name, entry in SORTS.items():
        assert entry.is_of_mistakes == (name == "confidence")
        assert entry.is_of_mistakes or {entry.title_for(outcome) for outcome in OUTCOMES} == {entry.title}


@given(st.lists(st.floats(0, 28), min_size=1, max_size=5), st.booleans())
def test_the_range_of_a_score_holds_every_value_and_no_more_than_a_step_beyond(values: list[float], far: bool) -> None:
    table = pd.DataFrame({"loss": values if far else [value / 28 for value in values]})
    low, high = score_range(table, "loss")
    assert low <= table["loss"].min() and table["loss"].max() <= high and low >= 0
    assert 0 < high - low <= max(table["loss"].max() - table["loss"].min(), 0.005) + 0.0201


def test_sorts_are_clearly_different() -> None:
    table = make_table(1000)
    tops = {sort: frozenset(select_samples(table, SampleFilter(), sort).head(50)["index"]) for sort in SORTS}
    for sort, top in tops.items():
        for other, other_top in tops.items():
            assert sort == other or len(top & other_top) < 45, (sort, other)
    for entry in SORTS.values():
        assert entry.title and entry.help.endswith(".")


@given(st.integers(1, 5), st.sampled_from(list(SORTS)))
@settings(max_examples=20)
def test_cap_keeps_the_first_of_each_pair(cap: int, sort: str) -> None:
    table = make_table(300)
    everything = select_samples(table, SampleFilter(), sort)
    capped = select_samples(table, SampleFilter(per_pair=cap), sort)
    expected = [
        index for _, group in everything.groupby(["true", "predicted"], observed=True)["index"] for index in group[:cap]
    ]
    assert sorted(capped["index"]) == sorted(expected)
    ranks = {index: rank for rank, index in enumerate(everything["index"])}
    assert [ranks[index] for index in capped["index"]] == sorted(ranks[index] for index in capped["index"])


def test_the_input_is_not_changed_and_rows_are_numbered() -> None:
    table = make_table()
    before = table.copy()
    chosen = select_samples(table, replace(EVERYTHING, per_pair=2), "margin")
    pd.testing.assert_frame_equal(table, before)
    assert chosen.index.tolist() == list(range(len(chosen)))


@pytest.mark.parametrize(
    ("chosen", "sort", "message"),
    [
        (SampleFilter(true=("catt",)), "loss", r"no class 'catt' \(did you mean 'cat'\?\)"),
        (SampleFilter(predicted=("zebra", "bird")), "loss", "no class 'zebra'"),
        (SampleFilter(), "los", r"no sort 'los' \(did you mean 'loss'\?\)"),
        (SampleFilter(outcome="mistake"), "loss", r"did you mean 'mistakes'\?"),  # type: ignore[arg-type]
        (SampleFilter(ranges={"confidence": (0.9, 0.1)}), "loss", "confidence is .*low to high"),
        (SampleFilter(ranges={"loss": (float("nan"), 1)}), "loss", "loss is .*low to high"),
        (SampleFilter(ranges={"los": (0, 1)}), "loss", r"no filter 'los' \(did you mean 'loss'\?\)"),
        (SampleFilter(ranges={"p_true": (0, 1)}), "loss", "no filter 'p_true'"),
        (SampleFilter(per_pair=-1), "loss", "per_pair is -1"),
    ],
)
def test_wrong_filters_say_what_is_wrong(chosen: SampleFilter, sort: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        select_samples(make_table(5), chosen, sort)


def test_every_problem_is_listed() -> None:
    with pytest.raises(ConfigError) as caught:
        select_samples(make_table(5), SampleFilter(true=("x",), ranges={"margin": (1, 0)}, per_pair=-1), "nope")
    assert len(caught.value.problems) == 4


def test_ten_thousand_pictures_take_under_50_ms() -> None:
    names = tuple(f"class {number}" for number in range(10))
    table = make_table(10_000, names=names)
    chosen = SampleFilter(true=names[:9], ranges={"loss": (0, 20)}, text="class", outcome="all", per_pair=50)
    best = min(timed(table, chosen, sort) for sort in SORTS for _ in range(3))
    assert best < 0.05, f"{best * 1000:.0f} ms"


def timed(table: pd.DataFrame, chosen: SampleFilter, sort: str) -> float:
    """Processor time in seconds, which does not depend on the load of the machine."""
    start = time.process_time()
    select_samples(table, chosen, sort)
    return time.process_time() - start


def test_tags_keep_the_pictures_that_have_any_of_them() -> None:
    table = make_table(6)
    a, b, c = table["id"][:3]
    tagged = with_tags(table, {a: ("odd", "dark"), b: ("dark",), c: ("Odd",), "elsewhere": ("odd",)})
    assert "tags" not in table and tag_texts(tagged).tolist() == ["odd; dark", "dark", "Odd", "", "", ""]
    for words, wanted in ((("odd",), [a]), (("dark", "Odd"), [a, b, c]), (("none",), []), ((), table["id"].tolist())):
        kept = select_samples(tagged, replace(EVERYTHING, tags=words), "id")
        assert sorted(kept["id"]) == sorted(wanted)
