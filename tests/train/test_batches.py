"""Pictures in memory and on the disk, the flips of each epoch, and test-time augmentation."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from cifar_core.config import make_config
from cifar_core.data import open_dataset
from cifar_core.train import batches
from cifar_core.train.batches import alternating_flips, epoch_batches, load_training_data, normalise
from cifar_core.train.predict import predict_probabilities
from cifar_core.train.ranks import Together
from cifar_core.workspace import open_workspace
from tests.conftest import save_tiny

CPU = torch.device("cpu")


def test_a_part_too_large_for_memory_gives_the_same_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = open_workspace(tmp_path / "workspace")
    dataset = save_tiny(workspace)
    config = make_config({"dataset": dataset.name, "shift": 2}).data
    kept = load_training_data(dataset, config, 0, CPU)
    monkeypatch.setattr(batches, "RESIDENT_BYTES", 0)
    streamed = load_training_data(open_dataset(workspace, dataset.name), config, 0, CPU)
    for one, two in zip(
        epoch_batches(kept, config, 32, seed=0, epoch=1),
        epoch_batches(streamed, config, 32, seed=0, epoch=1),
        strict=True,
    ):
        assert torch.equal(one[0], two[0]) and one[0].is_contiguous(memory_format=torch.channels_last)
        assert torch.equal(one[1], two[1])
    assert np.array_equal(kept.test.take(slice(3, 9)), streamed.test.take(slice(3, 9)))


@pytest.mark.parametrize("world", [2, 3, 40])
@pytest.mark.parametrize("size", [7, 32, 4999])
def test_the_parts_of_ranks_are_the_batches_of_one_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, world: int, size: int
) -> None:
    """With every augmentation, in several chunks, begun in the middle; and each rank reads its own pictures alone."""
    monkeypatch.setattr(batches, "_CHUNK", 96)
    dataset = save_tiny(open_workspace(tmp_path / "workspace"))
    config = make_config({"dataset": dataset.name, "shift": 3, "cutout": 5, "mirror_edges": True}).data
    data, read = load_training_data(dataset, config, 0, CPU), 0
    taken = data.train.take
    monkeypatch.setattr(data.train, "take", lambda chosen: count(taken(chosen)))

    def count(pixels: np.ndarray) -> np.ndarray:
        nonlocal read
        read += len(pixels)
        return pixels

    shown = np.random.default_rng(0).random(len(data.train)) < 0.9
    way = {"seed": 0, "epoch": 2, "start": 1 if size < 100 else 0, "shown": shown}
    whole = list(epoch_batches(data, config, size, **way))
    read_by_one, read = read, 0
    ranks = [Together(rank, world) for rank in range(world)]
    parts = [list(epoch_batches(data, config, size, **way, ranks=rank)) for rank in ranks]
    for number, (images, labels, indices) in enumerate(whole):
        own = [parts[rank.rank][number] for rank in ranks]
        assert all(torch.equal(labels, part[1]) and torch.equal(indices, part[2]) for part in own)
        counted = [part[0] for rank, part in zip(ranks, own, strict=True) if rank.part(len(labels)).is_own]
        assert torch.equal(torch.cat(counted), images)
    count_shown = int(shown.sum())
    sizes = [min(size, count_shown - at) for at in range(0, count_shown, size)]  # also of the batch that is skipped
    borrowed = sum(not rank.part(pictures).is_own for pictures in sizes for rank in ranks)
    assert read == read_by_one + borrowed


def test_flips_alternate_from_epoch_to_epoch() -> None:
    first, second, third = (alternating_flips(10_000, seed=4, epoch=epoch) for epoch in (1, 2, 3))
    assert 0.48 < first.mean() < 0.52
    assert np.array_equal(second, ~first)
    assert np.array_equal(third, first)
    assert not np.array_equal(alternating_flips(10_000, seed=5, epoch=1), first)


def test_an_epoch_shows_each_picture_the_other_way_round_than_the_one_before(tmp_path: Path) -> None:
    dataset = save_tiny(open_workspace(tmp_path / "workspace"))
    config = make_config({"dataset": dataset.name}).data
    data = load_training_data(dataset, config, 0, CPU)

    def seen(epoch: int) -> set[bytes]:
        return {
            image.contiguous().numpy().tobytes()
            for images, *_ in epoch_batches(data, config, 32, seed=0, epoch=epoch)
            for image in images
        }

    mirrored = {
        image.contiguous().numpy().tobytes()
        for images, *_ in epoch_batches(data, config, 32, seed=0, epoch=2)
        for image in images.flip(3)
    }
    assert seen(1) == mirrored
    assert seen(1) == seen(3) != seen(2)


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("shift", [0, 1, 3])
def test_views_of_a_picture_are_averaged_before_the_softmax(tmp_path: Path, flip: bool, shift: int) -> None:
    """The reference is NumPy's padding and slicing: unmoved, moved up and left, moved down and right, each mirrored."""
    dataset = save_tiny(open_workspace(tmp_path / "workspace"))
    data = load_training_data(dataset, make_config({"dataset": dataset.name}).data, 0, CPU)
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 5), nn.Flatten(), nn.Linear(4 * 28 * 28, data.classes))
    images = normalise(data.test.take(slice(None)), data)
    padded = np.pad(images.numpy(), ((0, 0), (0, 0), (shift, shift), (shift, shift)), mode="reflect")
    at = [shift, 2 * shift, 0]
    views = [torch.from_numpy(np.ascontiguousarray(padded[:, :, y : y + 32, y : y + 32])) for y in at]
    if flip:
        views += [view.flip(3) for view in views]
    weights = torch.tensor([0.5, 0.25, 0.25] * (2 if flip else 1))[:, None, None]
    with torch.no_grad():
        answers = torch.stack([net(view) for view in views])
        expected = ((answers * weights).sum(0) / weights.sum()).softmax(1)
        plain = net(images).softmax(1)
    config = make_config({"dataset": dataset.name, "flip_test": flip, "shift_test": shift}).data
    assert config.views == len({view.numpy().tobytes() for view in views})
    torch.testing.assert_close(predict_probabilities(net, data.test, data, config, "float32"), expected)
    assert torch.allclose(expected, plain) == (not flip and not shift)
