"""The table of B beside the answers of A: joined by id and name, filtered, and worded."""

import numpy as np
import pandas as pd
import pytest

from cifar_core.errors import ConfigError
from cifar_core.evaluate import VERDICTS, CheckedPredictions
from cifar_core.samples import (
    SHARED_BY_VERDICT,
    SampleFilter,
    filter_parts,
    sample_table,
    select_samples,
    shared_words,
    tile_caption,
    tile_lines,
    with_other_answers,
)

# id: true class, answer of A, answer of B; A knows "eel", and has ids and classes in another order.
ANSWERS = {
    "p": ("cat", "dog", "cat"),
    "q": ("cat", "cat", "dog"),
    "r": ("dog", "eel", "cat"),
    "s": ("dog", "dog", "dog"),
    "t": ("cat", "dog", "dog"),
}
BECAME = {"p": "fixed", "q": "broken", "r": "both wrong", "s": "both right", "t": "both wrong"}


def table_of(ids: list[str], side: int, names: tuple[str, ...]) -> pd.DataFrame:
    labels, answers = ([names.index(ANSWERS[each][place]) for each in ids] for place in (0, side))
    return sample_table(CheckedPredictions(np.array(labels), np.eye(len(names))[answers], names), ids)


@pytest.fixture
def joined() -> pd.DataFrame:
    a = table_of(["t", "s", "r", "q", "p"], 1, ("eel", "dog", "cat"))
    return with_other_answers(table_of(list(ANSWERS), 2, ("cat", "dog")), a)


def kept(table: pd.DataFrame, **wanted: tuple[str, ...]) -> list[str]:
    return sorted(select_samples(table, SampleFilter(outcome="all", **wanted), "id")["id"])  # type: ignore[arg-type]


def test_each_picture_has_the_other_answer_and_its_verdict(joined: pd.DataFrame) -> None:
    assert dict(zip(joined["id"], joined["verdict"], strict=True)) == BECAME
    assert joined["other_predicted"].tolist() == [answers[1] for answers in ANSWERS.values()]
    assert joined["other_predicted"].cat.categories.tolist() == ["cat", "dog", "eel"]
    own = joined.drop(columns=["verdict", "other_predicted"])
    fewer = with_other_answers(own, table_of(["s"], 1, ("cat", "dog")))
    assert fewer["verdict"].tolist()[3] == "both right" and fewer["verdict"].isna().sum() == 4
    nothing = with_other_answers(own, own.head(0))
    assert nothing["verdict"].isna().all() and nothing["other_predicted"].isna().all()


def test_pictures_are_kept_by_what_became_of_them(joined: pd.DataFrame) -> None:
    for verdict in VERDICTS:
        assert kept(joined, verdict=(verdict,)) == [each for each in ANSWERS if BECAME[each] == verdict]
    assert kept(joined, verdict=("fixed", "broken"), true=("cat",)) == ["p", "q"]
    assert kept(joined, other_predicted=("dog", "eel")) == ["p", "r", "s", "t"]
    assert kept(joined, true=("cat",), predicted_by_one=("dog",)) == ["p", "q"], "the cell of a difference"
    problem = "no class 'cot' .*no verdict 'fix' .did you mean 'fixed'"
    with pytest.raises(ConfigError, match=problem):
        kept(joined, other_predicted=("cot",), verdict=("fix",))
    with pytest.raises(ConfigError, match="no other run to compare with"):
        kept(joined.drop(columns=["verdict", "other_predicted"]), verdict=("fixed",))


def test_tiles_and_chips_say_who_answered_what(joined: pd.DataFrame) -> None:
    rows = {row["id"]: row for row in joined.to_dict("records")}
    assert tile_caption(rows["r"], "confidence") == "true dog, A eel, B cat, B 100.0\u00a0%"
    assert tile_lines(rows["t"], "confidence") == "true cat\nboth dog\nB 100.0\u00a0%"
    fixed = joined[joined["verdict"] == "fixed"]
    assert shared_words(fixed) == (), "a single picture says everything on its tile"
    assert shared_words(joined[joined["id"].isin(["p", "p2"])].sample(2, replace=True)) == ("true cat", "B right")
    assert tile_lines(rows["p"], "confidence", ("B right",)) == "true cat\nA dog\nB 100.0\u00a0%"
    assert shared_words(joined) == () and set(SHARED_BY_VERDICT) < set(VERDICTS)
    wanted = SampleFilter((), ("dog",), verdict=("fixed",), other_predicted=("cat",), predicted_by_one=("eel",))
    assert filter_parts(wanted, predicted="B predicts") == [
        ("verdict", "fixed"),
        ("predicted", "B predicts dog"),
        ("other_predicted", "A predicts cat"),
        ("predicted_by_one", "only A or only B predicts eel"),
    ]
