"""The accuracy within an epoch: what is measured and when. That it changes nothing is in `test_trainer.py`."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cifar_core.config import make_config
from cifar_core.data.sources.drawn10 import DRAWN10_TEST_PICTURES, DRAWN10_TRAIN_PICTURES
from cifar_core.train import MOST_POINTS, EpochPoint, within_epoch
from cifar_core.train.batches import normalise
from cifar_core.train.trainer import Trainer
from cifar_core.train.within_epoch import chosen_pictures, plan
from tests.train.test_trainer import CPU, TINY, RecordingCallback, data_for


@given(st.integers(1, 10**6), st.integers(0, 10**5))
def test_the_plan_keeps_its_budget(train: int, available: int) -> None:
    points, pictures = plan(train, available)
    assert points * pictures <= 0.04 * train and 0 <= points <= MOST_POINTS and pictures <= available
    assert (points == 0) == (pictures == 0)
    if train >= 10**4 and available >= 1000:
        assert points >= 4 and pictures >= 50


def test_an_epoch_of_drawn10_has_some_points() -> None:
    assert plan(DRAWN10_TRAIN_PICTURES, DRAWN10_TEST_PICTURES) == (5, 80)
    assert plan(50_000, 10_000) == (10, 200)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=60), st.data())
def test_the_pictures_are_an_equal_share_of_each_class(classes: list[int], data: st.DataObject) -> None:
    labels, count = np.array(classes), data.draw(st.integers(0, len(classes)))
    chosen = chosen_pictures(labels, count, 3)
    assert chosen.dtype == np.int64 and len(chosen) == count and (np.diff(chosen) > 0).all()
    wanted = np.bincount(labels, minlength=5) * count / len(labels)
    assert np.abs(np.bincount(labels[chosen], minlength=5) - wanted).max() < 2
    assert np.array_equal(chosen, chosen_pictures(labels, count, 3))


@pytest.mark.parametrize("validation_share", [0.0, 0.4])
def test_a_point_is_the_accuracy_of_these_pictures_then(
    monkeypatch: pytest.MonkeyPatch, validation_share: float
) -> None:
    monkeypatch.setattr(within_epoch, "_SHARE", 1.0)
    config = make_config(
        {**TINY, "epochs": 1, "batch_size": 20, "validation_share": validation_share, "flip_test": True}
    )
    trainer, callback = Trainer(config, data_for(config), CPU), RecordingCallback()
    part, name = (trainer.data.validation, "validation") if validation_share else (trainer.data.test, "test")
    chosen = chosen_pictures(part.labels.numpy(), trainer.within.pictures, config.machine.seed)
    expected = []

    def on_point(point: EpochPoint) -> None:
        callback.points.append(point)
        with torch.no_grad():
            guesses = trainer.net.eval()(normalise(part.take(chosen), trainer.data)).argmax(1)
        expected.append(float((guesses == part.labels[torch.from_numpy(chosen)]).double().mean()))
        trainer.net.train()

    callback.on_point = on_point  # type: ignore[method-assign]
    trainer.fit(callback)
    assert [point.accuracy for point in callback.points] == expected and len(expected) >= 3
    assert {(point.epoch, point.part, point.pictures) for point in callback.points} == {(1, name, len(chosen))}
    assert all(0 < point.batch < point.batches == trainer._most_batches for point in callback.points)
    assert len({point.place for point in callback.points}) == len(callback.points)
