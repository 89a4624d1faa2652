"""Data pruning: the weights of the pictures, and that they keep the expected loss."""

from copy import deepcopy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from cifar_core.config import make_config
from cifar_core.train import shown_share
from cifar_core.train.batches import epoch_batches
from cifar_core.train.pruning import Pruning, epoch_weights, whole_batches
from cifar_core.train.trainer import Trainer
from tests.train.test_trainer import CPU, TINY, RecordingCallback, data_for


@given(losses=st.lists(st.floats(0, 20), min_size=1, max_size=50), share=st.floats(0, 0.9), seed=st.integers(0, 99))
def test_only_easy_pictures_are_left_out_and_the_other_easy_ones_count_more(
    losses: list[float], share: float, seed: int
) -> None:
    values = np.array(losses)
    weights = epoch_weights(values, share, np.random.default_rng(seed))
    easy = values < values.mean()
    assert (weights[~easy] == 1).all()
    assert np.isin(weights[easy], np.array([0, 1 / (1 - share)], np.float32)).all()


def test_the_expected_sum_is_that_of_all_pictures() -> None:
    losses = np.random.default_rng(0).exponential(1.0, 2_000)
    sums = [(epoch_weights(losses, 0.5, np.random.default_rng(seed)) * losses).sum() for seed in range(200)]
    assert np.mean(sums) == pytest.approx(losses.sum(), rel=0.003)


@given(count=st.integers(1, 60), batch_size=st.integers(1, 20), seed=st.integers(0, 99))
def test_every_batch_is_full_and_what_is_shown_keeps_its_weight(count: int, batch_size: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    weights = rng.choice(np.array([0, 1, 2], np.float32), count)
    trimmed, many = whole_batches(weights, batch_size, rng), np.count_nonzero(weights)
    assert np.count_nonzero(trimmed) == (many if many < batch_size else many - many % batch_size)
    assert ((trimmed == weights) | (trimmed == 0)).all()


def test_the_first_epoch_and_the_last_ones_show_all_that_fill_batches() -> None:
    pruning = Pruning(make_config({"prune_share": 0.5, "batch_size": 8}), 100, CPU)
    pruning.losses.copy_(torch.linspace(0, 1, 100))
    shown = []
    for epoch in range(1, 11):
        pruning.start_epoch(epoch, 10, seed=0)
        shown.append(int(pruning.shown.sum()))
    assert shown[0] == shown[8] == shown[9] == 96
    assert all(60 <= count <= 90 and count % 8 == 0 for count in shown[1:8]) and len(set(shown[1:8])) > 1


def test_pictures_without_a_loss_are_used_and_do_not_enter_the_mean() -> None:
    losses = np.array([0.1, 0.1, 0.1, 5.0, np.nan, np.nan])
    weights = np.stack([epoch_weights(losses, 0.5, np.random.default_rng(seed)) for seed in range(20)])
    assert (weights[:, 3:] == 1).all() and (weights[:, :3] == 0).any(axis=0).all()


@pytest.mark.slow
def test_a_normalised_network_sees_whole_batches_and_each_picture_in_some_epoch() -> None:
    """Otherwise one remaining picture would be the last batch of an epoch for its batch normalisations."""
    config = make_config({"model": "fast_cnn", "widths": (4, 8, 8), "batch_size": 16, "epochs": 4})
    trainer, sizes, seen = Trainer(config, data_for(config), CPU), [], set()
    train_step = trainer.train_step

    def recorded(images: torch.Tensor, labels: torch.Tensor, indices: torch.Tensor, *, step: float) -> None:
        sizes.append(len(images))
        seen.update(indices.tolist())
        train_step(images, labels, indices, step=step)

    trainer.train_step = recorded  # type: ignore[method-assign]
    trainer.fit(RecordingCallback())
    many = len(trainer.data.train)
    assert many % 16 and set(sizes) == {16} and len(sizes) == 4 * (many // 16)
    assert seen == set(range(many))


def test_nothing_is_left_out_without_prune_share() -> None:
    pruning = Pruning(make_config({"batch_size": 8}), 100, CPU)
    pruning.losses.copy_(torch.linspace(0, 1, 100))
    pruning.start_epoch(5, 10, seed=0)
    assert pruning.shown.all() and pruning.state() == {}
    assert shown_share(make_config().optimizer) == 1


def test_a_training_skips_pictures_and_ends_at_a_learning_rate_near_zero() -> None:
    config = make_config({**TINY, "epochs": 10, "prune_share": 0.8, "schedule": "one_cycle", "warmup_share": 0.0,
                          "validation_share": 0.0})  # fmt: skip
    data = data_for(config)
    callback = RecordingCallback()
    trainer = Trainer(config, data, CPU)
    trainer.fit(callback)
    batches = {position.epoch: position.batches for position in callback.positions}
    assert batches[1] == batches[10] == 9 > max(batches[epoch] for epoch in range(2, 9))
    rates = [line.learning_rate for line in callback.lines]
    assert rates == sorted(rates, reverse=True) and rates[-1] < 0.02 * config.optimizer.learning_rate
    assert all(0 <= line.train_accuracy <= 1 and line.train_loss > 0 for line in callback.lines)
    assert bool(trainer.pruning.losses.isfinite().all())


def test_rounding_lifts_no_accuracy_above_one() -> None:
    """The float32 sum of the correct pictures' weights can exceed the total weight by rounding."""
    trainer = Trainer(make_config({**TINY, "prune_share": 0.3}), data_for(make_config(TINY)), CPU)
    callback = RecordingCallback()
    trainer.fit(callback)
    counted = float(trainer.pruning.weights.sum())
    trainer._right.fill_(counted * (1 + 3e-7))
    trainer._loss_sum.fill_(1.0)
    trainer._finish_epoch(len(trainer.lines) + 1, callback)
    assert callback.lines[-1].train_accuracy == 1.0


def test_a_step_counts_each_picture_as_often_as_its_weight_says_and_keeps_its_loss() -> None:
    config = make_config({**TINY, "prune_share": 0.5, "dropout": 0.0})
    trainer = Trainer(config, data_for(config), CPU)
    trainer.pruning.weights.copy_(torch.arange(len(trainer.pruning.weights)) % 3)
    images, labels, indices = next(epoch_batches(trainer.data, config.data, 32, seed=0, epoch=1))
    net = deepcopy(trainer.net)
    losses = F.cross_entropy(net(images), labels, reduction="none")
    total = losses @ trainer.pruning.weights[indices]
    (total / len(indices)).backward()
    trainer.train_step(images, labels, indices, step=0)
    for one, two in zip(trainer.net.parameters(), net.parameters(), strict=True):
        torch.testing.assert_close(one.grad, two.grad)
    torch.testing.assert_close(trainer.pruning.losses[indices], losses.detach())
    assert int(trainer.pruning.losses.isfinite().sum()) == len(indices)
    assert float(trainer.state()["loss_sum"]) == pytest.approx(total.item(), rel=1e-5)


def test_an_epoch_uses_each_chosen_picture_once() -> None:
    config = make_config(TINY)
    data = data_for(config)
    shown = np.arange(len(data.train)) % 3 == 0
    seen = torch.cat([indices for *_, indices in epoch_batches(data, config.data, 32, seed=0, epoch=2, shown=shown)])
    assert np.array_equal(np.sort(seen.numpy()), np.flatnonzero(shown))
