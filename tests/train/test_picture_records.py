"""The answers to the training pictures: compared with the logits themselves, free of side effects, and cheap."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch.utils._python_dispatch import TorchDispatchMode

from cifar_core.config import make_config
from cifar_core.lifecycle.states import EndRequest
from cifar_core.train import picture_records
from cifar_core.train.batches import epoch_batches
from cifar_core.train.picture_records import NOT_SHOWN, EpochAnswers, PictureRecords
from cifar_core.train.trainer import Trainer
from tests.train.test_trainer import CPU, TINY, RecordingCallback, comparable, data_for


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Quicker where several tests run at once."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def naive(indices: np.ndarray, labels: np.ndarray, logits: np.ndarray, count: int) -> tuple[np.ndarray, ...]:
    """The same answers picture by picture in float64."""
    p_true, margin, predicted = np.full(count, np.nan), np.full(count, np.nan), np.full(count, NOT_SHOWN)
    for index, label, row in zip(indices, labels, logits.astype(np.float64), strict=True):
        powers = np.exp(row - row.max())
        others = np.delete(row, label)
        p_true[index] = powers[label] / powers.sum()
        margin[index] = row[label] - (others.max() if len(others) else -np.inf)
        predicted[index] = row.argmax()
    return p_true, margin, predicted


def agree(found: EpochAnswers | None, expected: tuple[np.ndarray, ...]) -> None:
    """Equal but for the 11 bits of float16."""
    assert found is not None
    np.testing.assert_allclose(found.p_true, expected[0], rtol=2e-3, atol=1e-7)
    np.testing.assert_allclose(found.margin, np.clip(expected[1], -65504, 65504), rtol=1e-3, atol=1e-6)
    np.testing.assert_array_equal(found.predicted, expected[2])


@pytest.mark.parametrize("prune_share", [0.0, 0.5])
def test_the_answers_are_those_of_the_training_steps(prune_share: float) -> None:
    """A hook sees the logits of each step; the order of the pictures is made again from the seed."""
    config = make_config({**TINY, "epochs": 3, "prune_share": prune_share, "dropout": 0.3, "shift": 2})
    data = data_for(config)
    trainer, logits, order = Trainer(config, data, CPU), list[torch.Tensor](), list[torch.Tensor]()

    def keep(net: torch.nn.Module, _inputs: Any, output: torch.Tensor) -> None:
        if net.training:
            logits.append(output.detach().clone())

    trainer.net.register_forward_hook(keep)
    callback = RecordingCallback()
    for epoch in (1, 2):
        logits.clear()
        trainer.run_epoch(callback)
        shown = trainer.pruning.shown
        batches = epoch_batches(data, config.data, 32, seed=0, epoch=epoch, shown=shown)
        order = [indices for _, _, indices in batches]
        indices = torch.cat(order).numpy()
        labels = data.train.labels.numpy()[indices]
        expected = naive(indices, labels, torch.cat(logits).float().numpy(), len(data.train))
        found = trainer.records.answers()
        agree(found, expected)
        assert found is not None and np.array_equal(found.predicted != NOT_SHOWN, shown)
        if not prune_share:
            right = found.predicted == data.train.labels.numpy()
            assert right.mean() == pytest.approx(callback.lines[-1].train_accuracy, abs=1e-9)
    assert (prune_share > 0) == (not shown.all())


@settings(max_examples=20)
@given(
    st.integers(1, 12).flatmap(
        lambda classes: hnp.arrays(
            np.float32, st.tuples(st.integers(1, 30), st.just(classes)), elements=st.floats(-2e5, 2e5, width=32)
        )
    ),
    st.randoms(use_true_random=False),
    st.integers(1, 40),
)
def test_any_logits_in_any_blocks(logits: np.ndarray, random: Any, block: int) -> None:
    """Also with ties, one class, margins beyond float16, and pictures that no batch shows."""
    count = len(logits) + 3
    indices = np.array(random.sample(range(count), len(logits)))
    labels = np.array([random.randrange(logits.shape[1]) for _ in logits])
    records = PictureRecords(count, CPU)
    for at in range(0, len(logits), block):
        part = slice(at, at + block)
        batch = torch.from_numpy(logits[part])
        wanted = torch.from_numpy(labels[part])
        losses = torch.nn.functional.cross_entropy(batch, wanted, reduction="none")
        records.note(torch.from_numpy(indices[part]), wanted, batch, losses)
        if random.random() < 0.3:
            records.load_state({name: value.clone() for name, value in records.state().items()})
    agree(records.answers(), naive(indices, labels, logits, count))


@pytest.mark.parametrize("changes", [{}, {"prune_share": 0.5, "label_smoothing": 0.1}])
def test_recording_changes_no_bit_of_the_training(changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    config = make_config({**TINY, "dropout": 0.3, "shift": 2, **changes})

    def trained() -> tuple[Trainer, RecordingCallback, torch.Tensor]:
        trainer, callback = Trainer(config, data_for(config), CPU), RecordingCallback()
        trainer.fit(callback)
        return trainer, callback, torch.get_rng_state()

    ours, seen, rng = trained()
    monkeypatch.setattr(PictureRecords, "note", lambda *_: None)
    plain, expected, rng_without = trained()
    assert torch.equal(rng, rng_without)
    assert comparable(seen.lines) == comparable(expected.lines)
    assert all(torch.equal(one, other) for one, other in zip(seen.probs, expected.probs, strict=True))
    state, other = ours.net.state_dict(), plain.net.state_dict()
    assert all(torch.equal(state[name], other[name]) for name in state)
    found, none = ours.records.answers(), plain.records.answers()
    assert found is not None and none is not None
    assert (none.predicted == NOT_SHOWN).all() and (found.predicted != NOT_SHOWN).sum() > 180


class Counting(TorchDispatchMode):
    """Counts the operations of torch."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.calls += 1
        return func(*args, **(kwargs or {}))


def test_a_batch_costs_one_operation_and_a_block_few_more() -> None:
    """So the cost stays small whatever the batch size; `cifar_core.bench.records` measures it."""
    count, batch = 2 * picture_records._BLOCK, 64
    records = PictureRecords(count, CPU)
    logits = torch.randn(batch, 10, requires_grad=True)
    labels, losses = torch.zeros(batch, dtype=torch.int64), torch.zeros(batch)
    with Counting() as counted, torch.no_grad():
        for at in range(0, count, batch):
            records.note(torch.arange(at, at + batch), labels, logits, losses)
    batches = count // batch
    assert counted.calls <= 2 * batches + 2 * 40, "one of `arange`, one of `detach`, and those of two blocks"
    assert not records._waiting


def test_nothing_is_known_of_an_epoch_that_an_earlier_version_began() -> None:
    config = make_config(TINY)
    callback = RecordingCallback(lambda at: EndRequest.PAUSE if at.epoch == 2 and at.batch == 3 else None)
    begun = Trainer(config, data_for(config), CPU)
    begun.fit(callback)
    state = begun.state()
    assert state["records"].keys() == {"losses", "margins", "predicted"}
    del state["records"]
    trainer = Trainer(config, data_for(config), CPU)
    trainer.load_state(state)
    assert trainer.records.state() == {} and trainer.records.answers() is None
    callback.answer = lambda at: None
    trainer.run_epoch(callback)
    assert trainer.records.answers() is None, "not with holes that look like pruning"
    assert trainer.state()["records"] == {}, "between two epochs there are none"
    trainer.run_epoch(callback)
    found = trainer.records.answers()
    assert found is not None and (found.predicted != NOT_SHOWN).all()
