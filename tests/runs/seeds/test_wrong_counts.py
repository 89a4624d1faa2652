"""In how many of several runs each picture is wrong: crafted predictions give exactly the crafted counts."""

import io

import numpy as np
import pandas as pd
import pytest

from cifar_core.errors import ConfigError
from cifar_core.export import predictions_csv
from cifar_core.runs import list_runs, read_predictions, read_run, repeats_of, wrong_counts
from cifar_core.samples import (
    SampleFilter,
    filter_parts,
    prediction_table,
    select_samples,
    sorts_of,
    tile_caption,
    with_seeds,
)
from cifar_core.workspace import Workspace
from tests.runs.seeds.crafted_repeats import N, craft


@pytest.fixture
def crafted(workspace: Workspace) -> Workspace:
    for seed, wrong in enumerate([{1, 2, 3}, {2, 3}, {3, 0}]):
        craft(workspace, f"seed-{seed}", seed, wrong)
    return workspace


def test_the_counts_are_the_crafted_ones_and_a_damaged_run_is_left_out(crafted: Workspace) -> None:
    runs = repeats_of(list_runs(crafted), read_run(crafted, "seed-1"))
    counts = wrong_counts(crafted, runs)
    assert {run.id for run in runs} == {"seed-0", "seed-1", "seed-2"}
    expected = np.zeros(N, dtype=int)
    expected[[0, 1, 2, 3]] = 1, 1, 2, 3
    assert counts["wrong"].tolist() == expected.tolist() and set(counts["of"]) == {3}
    assert counts.index.tolist() == read_predictions(crafted, "seed-0").ids.tolist()
    (crafted.runs / "seed-2" / "predictions" / "test-0002.npy").write_bytes(b"damaged")
    left = wrong_counts(crafted, runs)
    assert set(left["of"]) == {2} and left["wrong"].iloc[[0, 1, 2, 3]].tolist() == [0, 1, 2, 2]
    assert wrong_counts(crafted, ()).empty


def test_a_filter_a_sort_a_caption_and_an_exported_column(crafted: Workspace) -> None:
    predictions = read_predictions(crafted, "seed-0")
    plain = prediction_table(predictions)
    table = with_seeds(crafted, read_run(crafted, "seed-0"), plain)
    assert "wrong_in" not in plain and "wrong_in" not in sorts_of(plain)
    chosen = select_samples(table, SampleFilter(outcome="all", wrong_in=(1, 3)), "wrong_in")
    assert chosen["index"].tolist() == [3, 2, 1, 0], "1 is wrong here and has the higher loss"
    only = SampleFilter(wrong_in=(2, 3))
    assert select_samples(table, only, "id")["index"].tolist() == [2, 3]
    assert filter_parts(only) == [("wrong_in", "wrong with 2 to 3 seeds")]
    assert tile_caption(chosen.iloc[0], "wrong_in").endswith("wrong in 3 of 3")
    counts = wrong_counts(crafted, repeats_of(list_runs(crafted), read_run(crafted, "seed-0")))
    exported = pd.read_csv(io.BytesIO(predictions_csv(predictions, {}, counts)))
    assert exported["wrong_in"].tolist() == counts["wrong"].tolist() and set(exported["wrong_of"]) == {3}
    for wanted, sort in ((only, "loss"), (SampleFilter(), "wrong_in")):
        with pytest.raises(ConfigError, match=r"no count over seeds|no sort 'wrong_in'"):
            select_samples(plain, wanted, sort)
    with pytest.raises(ConfigError, match="low to high"):
        select_samples(table, SampleFilter(wrong_in=(3, 1)))


def test_a_run_without_repeats_has_no_such_columns(workspace: Workspace) -> None:
    craft(workspace, "alone", 0, [1])
    table = prediction_table(read_predictions(workspace, "alone"))
    assert with_seeds(workspace, read_run(workspace, "alone"), table) is table
