"""The loop against a plain one, against itself after a pause, and against what it promises."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from cifar_core.config import RunConfig, make_config
from cifar_core.data import Dataset, Split
from cifar_core.errors import TrainingError
from cifar_core.models.network import create_model
from cifar_core.train import EpochLine
from cifar_core.train.batches import TrainingData, epoch_batches, load_training_data, normalise
from cifar_core.train.predict import judged_by, predict_probabilities
from cifar_core.train.trainer import Ending, Position, Signal, Trainer
from tests.conftest import tiny_pictures

CPU = torch.device("cpu")
TINY: dict[str, Any] = {"channels": (4, 6), "hidden": (16, 12), "batch_size": 32, "epochs": 3, "learning_rate": 3e-3}


class Watcher:
    """Keeps what the loop tells, and answers as it is told to."""

    def __init__(self, answer: Callable[[Position], Signal] = lambda position: Signal.GO_ON) -> None:
        self.answer = answer
        self.lines: list[EpochLine] = []
        self.positions: list[Position] = []
        self.probs: list[torch.Tensor] = []

    def on_batch(self, position: Position) -> Signal:
        self.positions.append(position)
        return self.answer(position)

    def on_measure(self, position: Position) -> Signal:
        self.positions.append(position)
        return self.answer(position)

    def on_epoch(self, trainer: Trainer, line: EpochLine, test_probs: torch.Tensor) -> None:
        self.lines.append(line)
        self.probs.append(test_probs)


def tiny_dataset(train: int = 300, test: int = 100) -> Dataset:
    parts = []
    for count, seed in ((train, 0), (test, 1)):
        images, labels = tiny_pictures(count, seed=seed)
        parts.append(Split(images, labels, np.array([f"{seed}/{number}" for number in range(count)])))
    scaled = parts[0].images / 255
    mean, std = scaled.mean(axis=(0, 2, 3)), scaled.std(axis=(0, 2, 3))
    names = tuple("abcdefghij")
    return Dataset("tiny", "Tiny", names, *parts, tuple(mean.tolist()), tuple(std.tolist()), "f" * 64, "made here")


def data_for(config: RunConfig) -> TrainingData:
    return load_training_data(tiny_dataset(), config.data, config.machine.seed, CPU)


def comparable(lines: list[EpochLine]) -> list[tuple[object, ...]]:
    """All but the clock."""
    clock = ("seconds", "images_per_second")
    return [tuple(value for name, value in vars(line).items() if name not in clock) for line in lines]


NETS: dict[str, dict[str, Any]] = {
    "simple_cnn": {},
    "fast_cnn": {"model": "fast_cnn", "widths": (4, 6, 8), "batch_size": 30},  # 300 pictures in whole batches
}


def start_at_random(net: torch.nn.Module) -> None:
    """Let convolutions begin as torch has them.

    One that hands on its inputs cancels the scale of the normalisation before it: of that scale's gradient only
    rounding is left.
    """
    for item in net.modules():
        if isinstance(item, torch.nn.Conv2d) and item.weight.requires_grad:
            item.reset_parameters()


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
def test_loop_equals_a_plain_one(optimizer: str, net: str) -> None:
    """The same batches through torch's textbook loop, in float64, unfused and contiguous, give the same weights.

    Adam's steps are as long for the smallest gradient as for the largest, so rounding grows: its rate is lower.
    """
    rate = 3e-3 if optimizer == "sgd" else 3e-4
    config = make_config({**TINY, **NETS[net], "epochs": 2, "dropout": 0.0, "optimizer": optimizer, "weight_decay": 0.01,
                          "learning_rate": rate,
                          "label_smoothing": 0.1, "validation_share": 0.0, "schedule": "cosine"})  # fmt: skip
    data = data_for(config)
    trainer = Trainer(config, data, CPU, "float32")
    start_at_random(trainer.net)
    start = {name: value.clone() for name, value in trainer.net.state_dict().items()}
    trainer.fit(Watcher())

    reference = create_model(config.model, 10)
    reference.load_state_dict(start)
    reference = reference.double()
    learned = [item for item in reference.parameters() if item.requires_grad]
    kinds: dict[str, Any] = {
        "adam": lambda: torch.optim.Adam(learned, lr=rate, weight_decay=0.01),
        "adamw": lambda: torch.optim.AdamW(learned, lr=rate, weight_decay=0.01),
        "sgd": lambda: torch.optim.SGD(learned, lr=rate, weight_decay=0.01, momentum=0.9, nesterov=True),
    }
    plain, size = kinds[optimizer](), config.optimizer.batch_size
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(plain, T_max=2 * 10)
    for epoch in (1, 2):
        for batch, (images, labels, _) in enumerate(epoch_batches(data, config.data, size, seed=0, epoch=epoch)):
            plain.zero_grad()
            if net == "fast_cnn" and (epoch - 1) * 10 + batch >= 3 / 8 * 20:
                reference.get_submodule("whiten").get_parameter("bias").requires_grad_(False)
            F.cross_entropy(reference(images.double().contiguous()), labels, label_smoothing=0.1).backward()
            plain.step()
            schedule.step()
    for (name, ours), theirs in zip(trainer.net.state_dict().items(), reference.state_dict().values(), strict=True):
        torch.testing.assert_close(
            ours, theirs.to(ours.dtype), rtol=1e-3, atol=1e-4, msg=lambda text, n=name: f"{n}: {text}"
        )


@pytest.mark.parametrize("net", NETS)
def test_gradients_are_those_of_a_plain_network_in_float64(net: str) -> None:
    config = make_config({**TINY, **NETS[net], "dropout": 0.0, "shift": 2})
    data = data_for(config)
    trainer = Trainer(config, data, CPU, "float32")
    reference = create_model(config.model, 10)
    reference.load_state_dict(trainer.net.state_dict())
    reference = reference.double()
    images, labels, indices = next(epoch_batches(data, config.data, 32, seed=0, epoch=1))
    trainer.train_step(images, labels, indices, step=0)
    F.cross_entropy(reference(images.double().contiguous()), labels).backward()
    for ours, theirs in zip(trainer.net.parameters(), reference.parameters(), strict=True):
        if ours.grad is not None:
            torch.testing.assert_close(ours.grad.double(), theirs.grad, rtol=1e-3, atol=1e-5)


def test_gradients_in_bfloat16_point_where_those_in_float64_do() -> None:
    """Its numbers have eight bits, so each gradient is some hundredths off; what is stepped with is float32."""
    config = make_config({**TINY, "model": "fast_cnn", "widths": (64, 80, 96), "shift": 2})
    data = data_for(config)
    trainer = Trainer(config, data, CPU, "bfloat16")
    start_at_random(trainer.net)
    reference = create_model(config.model, 10)
    reference.load_state_dict(trainer.net.state_dict())
    reference = reference.double()
    images, labels, indices = next(epoch_batches(data, config.data, 32, seed=0, epoch=1))
    trainer.train_step(images, labels, indices, step=0)
    F.cross_entropy(reference(images.double().contiguous()), labels).backward()
    for (name, ours), theirs in zip(trainer.net.named_parameters(), reference.parameters(), strict=True):
        if ours.grad is not None and theirs.grad is not None:
            assert ours.grad.dtype == torch.float32, name
            assert F.cosine_similarity(ours.grad.flatten().double(), theirs.grad.flatten(), dim=0) > 0.95, name
            assert float(ours.grad.norm()) == pytest.approx(float(theirs.grad.norm()), rel=0.1), name


def test_same_seed_same_run_bit_for_bit() -> None:
    config = make_config({**TINY, "shift": 2, "cutout": 8})
    first, second = Watcher(), Watcher()
    one = Trainer(config, data_for(config), CPU)
    one.fit(first)
    two = Trainer(config, data_for(config), CPU)
    two.fit(second)
    assert comparable(first.lines) == comparable(second.lines)
    for ours, theirs in zip(one.net.parameters(), two.net.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    other = make_config({**TINY, "shift": 2, "cutout": 8, "seed": 1})
    third = Watcher()
    Trainer(other, data_for(other), CPU).fit(third)
    assert comparable(third.lines) != comparable(first.lines)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"optimizer": "sgd", "schedule": "one_cycle", "shift": 3, "cutout": 6},
        {**NETS["fast_cnn"], "optimizer": "muon", "momentum": 0.6, "flip_test": True},
        {**NETS["fast_cnn"], "optimizer": "averaged_sgd", "weight_decay": 0.01, "activation": "gelu"},
        {"prune_share": 0.5, "epochs": 6},
        {"model": "fast_cnn", "widths": (64, 64, 64), "optimizer": "muon", "precision": "bfloat16"},
    ],
)
def test_five_pauses_change_nothing(settings: dict[str, Any]) -> None:
    """Bitwise: weights, lines, probabilities; each pause in a new trainer that got its state as a checkpoint does."""
    settings, precision = {**settings}, settings.get("precision", "float32")
    settings.pop("precision", None)
    config = make_config({**TINY, **settings})
    straight = Watcher()
    uninterrupted = Trainer(config, data_for(config), CPU, precision)
    uninterrupted.fit(straight)

    state = None
    watcher = Watcher()
    for pause in (2, 7, 9, 11, 20):  # batches of the whole run
        trainer = Trainer(config, data_for(config), CPU, precision)
        if state is not None:
            trainer.load_state(state)
        watcher.answer = lambda at, wanted=pause: (
            Signal.PAUSE if (at.epoch - 1) * at.batches + at.batch >= wanted else Signal.GO_ON
        )
        assert trainer.fit(watcher) is Ending.PAUSED
        state = {
            key: value.clone() if isinstance(value, torch.Tensor) else value for key, value in trainer.state().items()
        }
        torch.manual_seed(99)  # what the next process starts with must not matter
    last = Trainer(config, data_for(config), CPU, precision)
    assert state is not None
    last.load_state(state)
    watcher.answer = lambda at: Signal.GO_ON
    assert last.fit(watcher) is Ending.FINISHED
    assert comparable(watcher.lines) == comparable(straight.lines)
    for ours, theirs in zip(last.net.parameters(), uninterrupted.net.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(watcher.probs, straight.probs, strict=True))


def test_stop_is_obeyed_within_one_batch() -> None:
    config = make_config(TINY)
    watcher = Watcher(lambda at: Signal.STOP if at.batch == 3 else Signal.GO_ON)
    assert Trainer(config, data_for(config), CPU).fit(watcher) is Ending.STOPPED
    assert [position.batch for position in watcher.positions] == [1, 2, 3]


def test_each_epoch_shows_every_picture_once_in_another_order() -> None:
    config = make_config({**TINY, "flip": False, "validation_share": 0.0})
    data = data_for(config)
    epochs = [
        torch.cat([labels for _, labels, _ in epoch_batches(data, config.data, 32, seed=0, epoch=epoch)])
        for epoch in (1, 2)
    ]
    assert not torch.equal(epochs[0], epochs[1])
    assert torch.equal(epochs[0].bincount(), data.train.labels.bincount())
    images = torch.cat([images for images, *_ in epoch_batches(data, config.data, 32, seed=0, epoch=1)])
    everything = normalise(data.train.take(slice(None)), data)
    assert torch.allclose(images.sum(), everything.sum(), rtol=1e-4, atol=1.0)
    assert torch.allclose(images.mean(dim=(0, 2, 3)), torch.zeros(3), atol=0.01)
    assert torch.allclose(images.std(dim=(0, 2, 3)), torch.ones(3), atol=0.01)


def test_early_stopping_ends_the_run() -> None:
    config = make_config({**TINY, "epochs": 50, "patience": 2, "learning_rate": 1e-6})
    watcher = Watcher()
    assert Trainer(config, data_for(config), CPU).fit(watcher) is Ending.FINISHED
    assert len(watcher.lines) < 50


def test_it_learns_and_says_which_part_is_which() -> None:
    config = make_config({**TINY, "epochs": 6, "flip": False, "dropout": 0.0})
    watcher = Watcher()
    trainer = Trainer(config, data_for(config), CPU)
    trainer.fit(watcher)
    last = watcher.lines[-1]
    assert last.test_accuracy > 0.8
    assert last.test_accuracy == pytest.approx(
        float((watcher.probs[-1].argmax(1) == trainer.data.test.labels).float().mean())
    )
    assert len(trainer.data.train) == 270 and len(trainer.data.validation) == 30


def test_divergence_is_one_sentence() -> None:
    config = make_config(TINY)
    trainer = Trainer(config, data_for(config), CPU)

    def poison(position: Position) -> Signal:
        if position.epoch == 2:
            next(iter(trainer.net.parameters())).data.fill_(float("nan"))
        return Signal.GO_ON

    with pytest.raises(TrainingError, match=r"diverged in epoch 2: .* Lower the learning rate"):
        trainer.fit(Watcher(poison))


def test_a_constant_channel_does_not_diverge() -> None:
    config = make_config({**TINY, "epochs": 1})
    dataset = tiny_dataset()
    for split in (dataset.train, dataset.test):
        split.images[:, 2] = 0
    flat = replace(dataset, mean=(*dataset.mean[:2], 0.0), std=(*dataset.std[:2], 0.0))
    data = load_training_data(flat, config.data, 0, CPU)
    assert Trainer(config, data, CPU).fit(Watcher()) is Ending.FINISHED


def test_weights_that_blow_up_at_the_last_step_are_never_kept() -> None:
    config = make_config(TINY)
    trainer = Trainer(config, data_for(config), CPU)

    def poison(position: Position) -> Signal:
        if position.batch == position.batches:  # after the epoch's last loss was taken
            next(iter(trainer.net.parameters())).data.fill_(float("nan"))
        return Signal.GO_ON

    watcher = Watcher(poison)
    with pytest.raises(TrainingError, match="diverged in epoch 1"):
        trainer.fit(watcher)
    assert watcher.lines == []


def test_logged_losses_are_plain_cross_entropies() -> None:
    """Label smoothing changes what is learnt, not the scale on which train, validation and test are compared."""
    plain, smooth = Watcher(), Watcher()
    for watcher, smoothing in ((plain, 0.0), (smooth, 0.5)):
        config = make_config({**TINY, "epochs": 1, "learning_rate": 1e-6, "label_smoothing": smoothing, "dropout": 0.0})
        Trainer(config, data_for(config), CPU).fit(watcher)
    assert smooth.lines[0].train_loss == pytest.approx(plain.lines[0].train_loss, rel=1e-4)


def test_the_first_part_of_a_run_sees_small_pictures() -> None:
    """In steps of the whole run, not of an epoch; measurements always see whole pictures."""
    config = make_config({**TINY, **NETS["fast_cnn"], "epochs": 2, "small_share": 0.25, "validation_share": 0.0})
    trainer = Trainer(config, data_for(config), CPU)
    seen: list[int] = []
    trainer.net[0].register_forward_hook(lambda _module, inputs, _output: seen.append(inputs[0].shape[-1]))
    trainer.fit(Watcher())
    steps = 10  # in an epoch
    measured = 1  # batches of the test set
    assert seen == [24] * 5 + [32] * (steps - 5) + [32] * measured + [32] * (steps + measured)


def test_the_epoch_that_counts_is_judged_by_all_views_and_the_others_by_one() -> None:
    config = make_config({**TINY, "epochs": 2, "flip_test": True, "shift_test": 1, "validation_share": 0.0})
    data, watcher = data_for(config), Watcher()
    trainer = Trainer(config, data, CPU)
    for _ in range(2):
        trainer.run_epoch(watcher)
        line = watcher.lines[-1]
        expected = predict_probabilities(trainer.net, data.test, data, judged_by(config.data, line.looks), "float32")
        other = predict_probabilities(
            trainer.net, data.test, data, judged_by(config.data, 7 - (line.looks or 0)), "float32"
        )
        assert torch.equal(watcher.probs[-1], expected)
        assert not torch.equal(expected, other)
    assert [line.looks for line in watcher.lines] == [1, 6]
