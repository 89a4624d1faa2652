"""The split has no overlap, gives every class its share and is the same for the same seed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifar_core.config import make_config
from cifar_core.data.stratified import apportion
from cifar_core.errors import DataError
from cifar_core.train import BY_SHARE, ONE_OF_THREE, SplitRule, set_aside, split_training


@given(
    counts=st.lists(st.integers(4, 60), min_size=2, max_size=6),
    train_share=st.floats(0.05, 1.0),
    validation_share=st.floats(0.1, 0.5),
    seed=st.integers(0, 2**31 - 1),
)
def test_split_is_stratified_and_disjoint(
    counts: list[int], train_share: float, validation_share: float, seed: int
) -> None:
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    try:
        train, validation = split_training(
            labels, train_share=train_share, validation_share=validation_share, seed=seed, rule=BY_SHARE
        )
    except DataError:
        assert sum(counts) * validation_share <= 0.5
        return
    assert not set(train) & set(validation)
    assert abs(len(validation) - sum(counts) * validation_share) <= 0.5 + 1e-6, "the nearest whole number of all"
    for name, count in enumerate(counts):
        held = int(np.sum(labels[validation] == name))
        assert abs(held - count * validation_share) < 1, "the same share of every class, up to less than one picture"
        assert np.sum(labels[train] == name) == max(1, round((count - held) * train_share))
    repeated = split_training(
        labels, train_share=train_share, validation_share=validation_share, seed=seed, rule=BY_SHARE
    )
    assert np.array_equal(train, repeated[0]) and np.array_equal(validation, repeated[1])


@pytest.mark.fault(81)
@given(
    counts=st.lists(st.integers(1, 30), min_size=2, max_size=8),
    share=st.floats(0.01, 0.5),
    seed=st.integers(0, 2**31 - 1),
)
def test_a_class_of_three_pictures_keeps_one_for_validation(counts: list[int], share: float, seed: int) -> None:
    """The others give up to as many as are needed, each all but one; only where that is too few the part grows."""
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    sizes, held = np.array(counts), {}
    for rule in (BY_SHARE, ONE_OF_THREE):
        try:
            parts = split_training(labels, train_share=1.0, validation_share=share, seed=seed, rule=rule)
        except DataError:
            parts = np.arange(len(labels)), np.array([], int)
        assert sorted(np.concatenate(parts)) == list(range(len(labels)))
        held[rule] = np.bincount(labels[parts[1]], minlength=len(counts))
    before, now = held[BY_SHARE], held[ONE_OF_THREE]
    needed = (sizes >= 3) | (before > 0)
    assert ((now > 0) == needed).all()
    assert now.sum() == max(before.sum(), needed.sum())
    assert (now <= np.maximum(before, 1)).all() and (now < sizes).all() | (sizes == 1).any()
    if needed.all() and (before > 0).all():
        assert (now == before).all()


@pytest.mark.parametrize("rule", [BY_SHARE, ONE_OF_THREE])
def test_the_parts_of_runs_made_before_there_was_a_rule(rule: SplitRule) -> None:
    """The positions were written down before; of classes of the same size both rules choose them."""
    even, rare = np.arange(40) % 4, np.repeat(np.arange(5), [2, 3, 9, 40, 7])
    found = [
        split_training(labels, train_share=1.0, validation_share=0.1, seed=1, rule=rule)[1] for labels in (even, rare)
    ]
    assert found[0].tolist() == [3, 28, 29, 38]
    assert (found[1].tolist() == [9, 33, 36, 46, 52, 58]) == (rule == BY_SHARE)
    assert np.bincount(rare[found[1]]).tolist() == ([0, 0, 1, 4, 1] if rule == BY_SHARE else [0, 1, 1, 3, 1])


@given(
    labels=st.lists(st.integers(0, 3), min_size=2, max_size=60).map(np.array),
    train_share=st.floats(0.01, 1.0),
    validation_share=st.floats(0.0, 0.5),
    seed=st.integers(0, 2**31 - 1),
    data=st.data(),
)
def test_a_given_validation_part_is_taken_as_it_is(
    labels: np.ndarray, train_share: float, validation_share: float, seed: int, data: st.DataObject
) -> None:
    """Whatever the share and the seed; each class trains with its share of the other pictures."""
    firsts = np.unique(labels, return_index=True)[1]
    others = sorted(set(range(len(labels))) - set(firsts.tolist()))
    own = np.array(sorted(data.draw(st.sets(st.sampled_from(others)))) if others else [], np.int64)
    train, validation = split_training(
        labels, train_share=train_share, validation_share=validation_share, seed=seed, own=own
    )
    assert validation.tolist() == own.tolist()
    assert not set(train.tolist()) & set(own.tolist()) and train.tolist() == sorted(set(train.tolist()))
    for name in np.unique(labels):
        rest = int(np.sum(labels == name)) - int(np.sum(labels[own] == name))
        assert np.sum(labels[train] == name) == max(1, round(rest * train_share))


@pytest.mark.parametrize(
    ("settings", "own", "sentence"),
    [
        ({"validation_share": 0.2}, 0, ""),
        ({}, 120, ""),
        (
            {"validation_share": 0.2},
            120,
            "A share of 0.2 of the training pictures validates, instead of the dataset's own 120 validation pictures.",
        ),
        ({"validation_share": 0}, 1, "Nothing validates, instead of the dataset's own 1 validation picture."),
    ],
)
def test_validation_pictures_that_are_set_aside_are_said(settings: dict[str, float], own: int, sentence: str) -> None:
    assert set_aside(make_config(settings).data, own) == sentence


def test_validation_part_does_not_depend_on_the_training_share() -> None:
    labels = np.arange(1000) % 10
    few = split_training(labels, train_share=0.1, validation_share=0.1, seed=3)
    whole = split_training(labels, train_share=1.0, validation_share=0.1, seed=3)
    assert np.array_equal(few[1], whole[1])
    assert set(few[0]) < set(whole[0])


def test_other_seed_other_split() -> None:
    labels = np.arange(1000) % 10
    one, other = (split_training(labels, train_share=1.0, validation_share=0.1, seed=seed)[1] for seed in (0, 1))
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("rule", [BY_SHARE, ONE_OF_THREE])
@pytest.mark.parametrize("each", [4, 5, 6, 15, 25])
def test_many_small_classes_keep_the_share_together(each: int, rule: SplitRule) -> None:
    """If each class were rounded separately, a tenth of 4 or 5 pictures would be none, and of 6 it would be one."""
    labels = np.repeat(np.arange(1000), each)
    train, validation = split_training(labels, train_share=1.0, validation_share=0.1, seed=0, rule=rule)
    assert len(validation) == (100 * each if rule == BY_SHARE else max(1000, 100 * each))
    assert len(train) + len(validation) == 1000 * each


def test_a_class_of_one_picture_is_learned_from() -> None:
    train, validation = split_training(np.array([0, 0, 0, 1]), train_share=1.0, validation_share=0.5, seed=0)
    assert 3 in train and 3 not in validation and len(validation) > 0


def test_one_picture_of_each_class_stays_in_training() -> None:
    """This holds whichever classes are chosen at random to give a picture to the validation part."""
    labels, sizes = np.array([0, 1, 2, 3, 4, 5, 6, 6, 6, 6]), np.array([1, 1, 1, 2, 4])
    for seed in range(20):
        train, validation = split_training(labels, train_share=0.1, validation_share=0.5, seed=seed)
        assert set(labels[train]) == set(range(7)) and set(labels[validation]) == {6}
        assert (apportion(sizes, 0.5, np.random.default_rng(seed)) < sizes).all()


def test_validation_part_that_would_be_empty_is_refused() -> None:
    with pytest.raises(DataError, match="too small for a validation part"):
        split_training(np.arange(4) % 2, train_share=1.0, validation_share=0.1, seed=0)
