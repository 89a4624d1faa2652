"""The training loop compared with a plain one, its results after pauses, and what its docstrings promise."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from cifar_core.config import RunConfig, make_config
from cifar_core.data import Dataset, Split
from cifar_core.errors import DivergedError
from cifar_core.lifecycle.states import EndRequest
from cifar_core.models.network import create_model
from cifar_core.train import EARLIEST, LOWEST_LOSS, EpochLine, EpochPoint, EpochRule, MeasuredSplit, within_epoch
from cifar_core.train import trainer as trainer_module
from cifar_core.train.batches import TrainingData, epoch_batches, load_training_data, normalise
from cifar_core.train.predict import config_with_views, predict_probabilities
from cifar_core.train.trainer import Position, Trainer
from tests.conftest import tiny_pictures

CPU = torch.device("cpu")
TINY: dict[str, Any] = {"channels": (4, 6), "hidden": (16, 12), "batch_size": 32, "epochs": 3, "learning_rate": 3e-3}


class RecordingCallback:
    """A callback that records its calls and returns the signal of a given function."""

    def __init__(self, answer: Callable[[Position], EndRequest | None] = lambda position: None) -> None:
        self.answer = answer
        self.lines: list[EpochLine] = []
        self.positions: list[Position] = []
        self.probs: list[torch.Tensor] = []
        self.points: list[EpochPoint] = []

    def on_batch(self, position: Position) -> EndRequest | None:
        self.positions.append(position)
        return self.answer(position)

    def on_point(self, point: EpochPoint) -> None:
        self.points.append(point)

    def on_measure(self, position: Position) -> EndRequest | None:
        self.positions.append(position)
        return self.answer(position)

    def on_epoch(self, trainer: Trainer, line: EpochLine, probs: dict[MeasuredSplit, torch.Tensor]) -> None:
        self.lines.append(line)
        self.probs.append(probs["test"])


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
    """The lines without the fields that depend on the clock."""
    clock = ("seconds", "images_per_second")
    return [tuple(value for name, value in vars(line).items() if name not in clock) for line in lines]


NETS: dict[str, dict[str, Any]] = {
    "simple_cnn": {},
    "fast_cnn": {"model": "fast_cnn", "widths": (4, 6, 8), "batch_size": 30},  # 300 pictures in whole batches
}


def start_at_random(net: torch.nn.Module) -> None:
    """Initialise the convolutions as torch does by default.

    A convolution that starts as the identity cancels the scale of the normalisation before it, so that the gradient of
    that scale is nothing but rounding errors.
    """
    for item in net.modules():
        if isinstance(item, torch.nn.Conv2d) and item.weight.requires_grad:
            item.reset_parameters()


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
def test_loop_equals_a_plain_one(optimizer: str, net: str) -> None:
    """A textbook loop in float64, unfused and contiguous, gives the same weights from the same batches.

    Adam steps equally far for small and large gradients, which amplifies rounding errors, so its rate is lower here.
    """
    rate = 3e-3 if optimizer == "sgd" else 3e-4
    config = make_config({**TINY, **NETS[net], "epochs": 2, "dropout": 0.0, "optimizer": optimizer, "weight_decay": 0.01,
                          "learning_rate": rate,
                          "label_smoothing": 0.1, "validation_share": 0.0, "schedule": "cosine"})  # fmt: skip
    data = data_for(config)
    trainer = Trainer(config, data, CPU, "float32")
    start_at_random(trainer.net)
    start = {name: value.clone() for name, value in trainer.net.state_dict().items()}
    trainer.fit(RecordingCallback())

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
    """bfloat16 has eight significant bits, so each gradient is off by some hundredths; the gradients are float32."""
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
    first, second = RecordingCallback(), RecordingCallback()
    one = Trainer(config, data_for(config), CPU)
    one.fit(first)
    two = Trainer(config, data_for(config), CPU)
    two.fit(second)
    assert comparable(first.lines) == comparable(second.lines)
    for ours, theirs in zip(one.net.parameters(), two.net.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    other = make_config({**TINY, "shift": 2, "cutout": 8, "seed": 1})
    third = RecordingCallback()
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
        pytest.param(
            {"model": "fast_cnn", "widths": (64, 64, 64), "optimizer": "muon", "precision": "bfloat16"},
            marks=pytest.mark.slow,
        ),
    ],
)
def test_five_pauses_and_looks_within_the_epochs_change_nothing(
    settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights, lines and probabilities are bitwise equal; after each pause a new trainer loads the state."""
    settings, precision = {**settings}, settings.get("precision", "float32")
    settings.pop("precision", None)
    config = make_config({**TINY, **settings})
    straight = RecordingCallback()
    uninterrupted = Trainer(config, data_for(config), CPU, precision)
    uninterrupted.fit(straight)
    assert straight.points == [], "the training part is too small"

    monkeypatch.setattr(within_epoch, "_SHARE", 0.5)
    state = None
    callback = RecordingCallback()
    for pause in (2, 7, 9, 11, 20):  # batches of the whole run
        trainer = Trainer(config, data_for(config), CPU, precision)
        if state is not None:
            trainer.load_state(state)
        callback.answer = lambda at, wanted=pause: (
            EndRequest.PAUSE if (at.epoch - 1) * at.batches + at.batch >= wanted else None
        )
        assert trainer.fit(callback) is EndRequest.PAUSE
        state = {
            key: value.clone() if isinstance(value, torch.Tensor) else value for key, value in trainer.state().items()
        }
        torch.manual_seed(99)  # the next process starts with any seed, which must not matter
    last = Trainer(config, data_for(config), CPU, precision)
    assert state is not None
    last.load_state(state)
    callback.answer = lambda at: None
    assert last.fit(callback) is None
    assert comparable(callback.lines) == comparable(straight.lines)
    for ours, theirs in zip(last.net.parameters(), uninterrupted.net.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(callback.probs, straight.probs, strict=True))
    places = [point.place for point in callback.points]
    assert len(places) == 4 * config.optimizer.epochs and places == sorted(set(places)), "no point is there twice"


def test_stop_is_obeyed_within_one_batch() -> None:
    config = make_config(TINY)
    callback = RecordingCallback(lambda at: EndRequest.STOP if at.batch == 3 else None)
    assert Trainer(config, data_for(config), CPU).fit(callback) is EndRequest.STOP
    assert [position.batch for position in callback.positions] == [1, 2, 3]


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


@pytest.mark.parametrize(
    ("rate", "rule", "stops"), [(1e-6, EARLIEST, True), (1e-6, LOWEST_LOSS, False), (1e-2, LOWEST_LOSS, True)]
)
def test_early_stopping_ends_the_run(rate: float, rule: EpochRule, stops: bool) -> None:
    """At the smallest rate the accuracy stays while the loss falls a little in each epoch."""
    config = make_config({**TINY, "epochs": 20, "patience": 2, "learning_rate": rate})
    callback = RecordingCallback()
    assert Trainer(config, data_for(config), CPU, rule=rule).fit(callback) is None
    assert (len(callback.lines) < 20) == stops


def test_it_learns_and_reports_the_accuracy_of_the_test_part() -> None:
    config = make_config({**TINY, "epochs": 6, "flip": False, "dropout": 0.0})
    callback = RecordingCallback()
    trainer = Trainer(config, data_for(config), CPU)
    trainer.fit(callback)
    last = callback.lines[-1]
    assert last.test_accuracy > 0.8
    assert last.test_accuracy == pytest.approx(
        float((callback.probs[-1].argmax(1) == trainer.data.test.labels).float().mean())
    )
    assert len(trainer.data.train) == 270 and len(trainer.data.validation) == 30


def test_divergence_is_one_sentence() -> None:
    config = make_config(TINY)
    trainer = Trainer(config, data_for(config), CPU)

    def poison(position: Position) -> EndRequest | None:
        if position.epoch == 2:
            next(iter(trainer.net.parameters())).data.fill_(float("nan"))
        return None

    with pytest.raises(DivergedError, match=r"diverged in epoch 2: .* rate of 0\.003 is probably too high: try again"):
        trainer.fit(RecordingCallback(poison))


@pytest.mark.parametrize(("seconds", "share"), [(0.0, 0.0), (1e9, 1.0)], ids=["a look each second", "a point"])
def test_divergence_is_found_within_the_epoch(monkeypatch: pytest.MonkeyPatch, seconds: float, share: float) -> None:
    monkeypatch.setattr(trainer_module, "CHECK_SECONDS", seconds)
    monkeypatch.setattr(within_epoch, "_SHARE", share)
    config = make_config({**TINY, "batch_size": 4})
    trainer = Trainer(config, data_for(config), CPU)

    def poison(position: Position) -> EndRequest | None:
        if position.batch == 20:
            next(iter(trainer.net.parameters())).data.fill_(float("nan"))
        return None

    callback = RecordingCallback(poison)
    with pytest.raises(DivergedError, match="diverged in epoch 1"):
        trainer.fit(callback)
    assert callback.positions[-1].batch <= (21 if share == 0 else 40) < trainer.batches
    assert all(point.batch <= 20 for point in callback.points), "nothing is measured of a network that is lost"


def test_a_constant_channel_does_not_diverge() -> None:
    config = make_config({**TINY, "epochs": 1})
    dataset = tiny_dataset()
    for split in (dataset.train, dataset.test):
        split.images[:, 2] = 0
    flat = replace(dataset, mean=(*dataset.mean[:2], 0.0), std=(*dataset.std[:2], 0.0))
    data = load_training_data(flat, config.data, 0, CPU)
    assert Trainer(config, data, CPU).fit(RecordingCallback()) is None


def test_weights_that_blow_up_at_the_last_step_are_never_kept() -> None:
    config = make_config(TINY)
    trainer = Trainer(config, data_for(config), CPU)

    def poison(position: Position) -> EndRequest | None:
        if position.batch == position.batches:  # after the epoch's last loss was taken
            next(iter(trainer.net.parameters())).data.fill_(float("nan"))
        return None

    callback = RecordingCallback(poison)
    with pytest.raises(DivergedError, match="diverged in epoch 1"):
        trainer.fit(callback)
    assert callback.lines == []


def test_logged_losses_are_plain_cross_entropies() -> None:
    """Label smoothing changes the training, not the scale of the logged losses."""
    plain, smooth = RecordingCallback(), RecordingCallback()
    for callback, smoothing in ((plain, 0.0), (smooth, 0.5)):
        config = make_config({**TINY, "epochs": 1, "learning_rate": 1e-6, "label_smoothing": smoothing, "dropout": 0.0})
        Trainer(config, data_for(config), CPU).fit(callback)
    assert smooth.lines[0].train_loss == pytest.approx(plain.lines[0].train_loss, rel=1e-4)


def test_the_first_part_of_a_run_sees_small_pictures() -> None:
    """The part counts in steps of the whole run, not of an epoch; measurements always use the full size."""
    config = make_config({**TINY, **NETS["fast_cnn"], "epochs": 2, "small_share": 0.25, "validation_share": 0.0})
    trainer = Trainer(config, data_for(config), CPU)
    seen: list[int] = []
    trainer.net[0].register_forward_hook(lambda _module, inputs, _output: seen.append(inputs[0].shape[-1]))
    trainer.fit(RecordingCallback())
    steps = 10  # in an epoch
    measured = 1  # batches of the test set
    assert seen == [24] * 5 + [32] * (steps - 5) + [32] * measured + [32] * (steps + measured)


def test_only_an_epoch_that_may_be_the_best_is_measured_with_all_views() -> None:
    config = make_config({**TINY, "epochs": 2, "flip_test": True, "shift_test": 1, "validation_share": 0.0})
    data, callback = data_for(config), RecordingCallback()
    trainer = Trainer(config, data, CPU)
    for _ in range(2):
        trainer.run_epoch(callback)
        line = callback.lines[-1]
        expected = predict_probabilities(
            trainer.net, data.test, data, config_with_views(config.data, line.looks), "float32"
        )
        other = predict_probabilities(
            trainer.net, data.test, data, config_with_views(config.data, 7 - (line.looks or 0)), "float32"
        )
        assert torch.equal(callback.probs[-1], expected)
        assert not torch.equal(expected, other)
    assert [line.looks for line in callback.lines] == [1, 6]
