"""Pictures as tensors: bytes kept in memory where they fit, shuffled, varied and normalised batch by batch."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F

from cifar_core.config import DataConfig
from cifar_core.data import Dataset, Split, augment, draw_variation, read_pictures, usable_std
from cifar_core.train.splits import split_training

_STREAM = 2  # keeps the shuffling's use of the seed apart from the others
_FLIP_STREAM = 3  # likewise, of the first flips
_CHUNK = 4096  # pictures varied at once: what a call costs by itself is spread over many
RESIDENT_BYTES = 512 * 2**20  # a part up to this size is kept in memory; a larger one is read from disk at each use
_PICTURE_BYTES = 3 * 32 * 32


class Pictures:
    """One part of a dataset, ready to be computed on. `len()` is its number of pictures."""

    def __init__(self, split: Split, positions: np.ndarray, device: torch.device) -> None:
        """Bring the pictures at `positions` (int64 [N], ascending) into memory, or leave a large part on the disk."""
        self.labels = torch.from_numpy(np.asarray(split.labels)[positions].astype(np.int64)).to(device)  # int64 [N]
        self._split = split
        self._positions = positions
        self._resident: np.ndarray | None = None  # uint8 [N, 32, 32, 3]: as convolutions like it best
        if len(positions) * _PICTURE_BYTES <= RESIDENT_BYTES:
            self._resident = np.empty((len(positions), 32, 32, 3), np.uint8)
            for start in range(0, len(positions), _CHUNK):  # so that the copy in the other layout is the only one
                self._resident[start : start + _CHUNK] = self._read(slice(start, start + _CHUNK))

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, chosen: np.ndarray | slice) -> np.ndarray:
        """Pictures by their indices: uint8 [B, 3, 32, 32], the channels of a pixel side by side in memory."""
        pixels = self._resident[chosen] if self._resident is not None else np.ascontiguousarray(self._read(chosen))
        return pixels.transpose(0, 3, 1, 2)

    def _read(self, chosen: np.ndarray | slice) -> np.ndarray:
        return read_pictures(self._split.images, self._positions[chosen]).transpose(0, 2, 3, 1)


@dataclass(frozen=True)
class TrainingData:
    """All that a run computes on."""

    train: Pictures
    validation: Pictures
    test: Pictures
    scale: (
        torch.Tensor
    )  # float32 [3072]: what a pixel's 0..255 is multiplied by, for a picture's values as they lie in memory
    shift: torch.Tensor  # float32 [3072]: what is added then, so that each channel has mean 0 and standard deviation 1
    classes: int


def load_training_data(dataset: Dataset, config: DataConfig, seed: int, device: torch.device) -> TrainingData:
    """Split a dataset honestly and bring it into memory once.

    Raises:
        DataError: too small for the wanted parts.
    """
    chosen, judges = split_training(
        np.asarray(dataset.train.labels),
        train_share=config.train_share,
        validation_share=config.validation_share,
        seed=seed,
    )
    mean, std = np.array(dataset.mean), np.array(usable_std(dataset.std))
    return TrainingData(
        train=Pictures(dataset.train, chosen, device),
        validation=Pictures(dataset.train, judges, device),
        test=Pictures(dataset.test, np.arange(len(dataset.test.labels)), device),
        scale=_for_all_pixels(1 / (255 * std), device),
        shift=_for_all_pixels(-mean / std, device),
        classes=len(dataset.class_names),
    )


def _for_all_pixels(values: np.ndarray, device: torch.device) -> torch.Tensor:
    """Three values, one a channel, for each pixel of a picture: float32 [3072]."""
    return torch.from_numpy(np.tile(values, _PICTURE_BYTES // 3).astype(np.float32)).to(device)


def normalise(pixels: np.ndarray, data: TrainingData) -> torch.Tensor:
    """Bytes [B, 3, 32, 32] to floats on the run's device, with mean 0 and standard deviation 1 over the training part.

    A picture is one row of values here, its channels side by side as in memory: five times as fast as channel by
    channel.
    """
    rows = pixels.transpose(0, 2, 3, 1).reshape(len(pixels), _PICTURE_BYTES)
    values = torch.from_numpy(rows).to(data.scale.device).float()
    return torch.addcmul(data.shift, values, data.scale, out=values).view(-1, 32, 32, 3).permute(0, 3, 1, 2)


def shrink(images: torch.Tensor, side: int) -> torch.Tensor:
    """Pictures [B, 3, 32, 32] made smaller by linear interpolation: [B, 3, side, side], channels last."""
    smaller = F.interpolate(images, size=(side, side), mode="bilinear", align_corners=False)
    return smaller.contiguous(memory_format=torch.channels_last)


def epoch_batches(
    data: TrainingData,
    config: DataConfig,
    batch_size: int,
    *,
    seed: int,
    epoch: int,
    start: int = 0,
    shown: np.ndarray | None = None,
) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """The batches of one epoch, in an order and with variations that depend on (seed, epoch, position, shown) alone.

    Args:
        data: the run's data.
        config: which variations to draw.
        batch_size: pictures; the last batch may be smaller.
        seed: of the run.
        epoch: 1-based.
        start: first batch wanted, for a run that goes on in the middle of an epoch.
        shown: bool [N], the pictures to show; all where it is not given.

    Yields:
        Pictures float32 [B, 3, 32, 32] (channels last), labels int64 [B], their indices in the training part int64 [B].
    """
    order = np.random.default_rng([seed, _STREAM, epoch]).permutation(len(data.train))
    order = order if shown is None else order[shown[order]]
    flips = alternating_flips(len(data.train), seed=seed, epoch=epoch) & config.flip
    per_chunk = max(1, _CHUNK // batch_size)
    for chunk in range(start // per_chunk, -(-len(order) // (per_chunk * batch_size))):
        chosen = order[chunk * per_chunk * batch_size : (chunk + 1) * per_chunk * batch_size]
        pixels = data.train.take(chosen)  # [C, 3, 32, 32]
        if config.flip or config.shift or config.cutout:
            rng = np.random.default_rng([seed, _STREAM, epoch, chunk])
            pixels = augment(pixels, replace(draw_variation(config, len(chosen), rng), flip=flips[chosen]))
        indices = torch.from_numpy(chosen).to(data.train.labels.device)
        labels = data.train.labels[indices]
        skip = start - chunk * per_chunk if chunk == start // per_chunk else 0
        for at in range(skip * batch_size, len(chosen), batch_size):
            part = slice(at, at + batch_size)
            yield normalise(pixels[part], data), labels[part], indices[part]


def alternating_flips(count: int, *, seed: int, epoch: int) -> np.ndarray:
    """Which pictures an epoch shows mirrored: bool [count].

    A coin decides for each picture in the first epoch, and every epoch after turns it round: no picture is seen the
    same way twice running (Jordan 2024, "94% on CIFAR-10 in 3.29 seconds on a single GPU", section 3.6).
    """
    first = np.random.default_rng([seed, _FLIP_STREAM]).random(count) < 0.5
    return first ^ (epoch % 2 == 0)
