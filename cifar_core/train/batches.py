"""Pictures as tensors: bytes kept in memory where they fit, shuffled, augmented and normalised batch by batch."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F

from cifar_core.config import DataConfig
from cifar_core.data import Dataset, Split, augment, draw_variation, read_pictures, usable_std
from cifar_core.train.ranks import ALONE, Ranks
from cifar_core.train.splits import ONE_OF_THREE, SplitRule, training_parts

_STREAM = 2  # keeps the random numbers of shuffling and augmentation independent of other uses of the seed
_FLIP_STREAM = 3  # likewise for the flips of the first epoch
_CHUNK = 4096  # pictures augmented at once, so that the overhead of a call is spread over many
RESIDENT_BYTES = 512 * 2**20  # a part up to this size is kept in memory; a larger one is read from disk at each use
_PICTURE_BYTES = 3 * 32 * 32


class Pictures:
    """The pictures of one part of a dataset with their labels. `len()` is the number of pictures."""

    def __init__(self, split: Split, positions: np.ndarray, device: torch.device) -> None:
        """Load the pictures at `positions` (int64 [N], ascending) into memory, or leave a large part on the disk."""
        self.labels = torch.from_numpy(np.asarray(split.labels)[positions].astype(np.int64)).to(device)  # int64 [N]
        self._split = split
        self.positions = positions
        self._resident: np.ndarray | None = None  # uint8 [N, 32, 32, 3]: convolutions are fastest with it
        if len(positions) * _PICTURE_BYTES <= RESIDENT_BYTES:
            self._resident = np.empty((len(positions), 32, 32, 3), np.uint8)
            # Reading in chunks avoids a second full copy in the layout of the file.
            for start in range(0, len(positions), _CHUNK):
                self._resident[start : start + _CHUNK] = self._read(slice(start, start + _CHUNK))

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, chosen: np.ndarray | slice) -> np.ndarray:
        """Return the pictures at these indices: uint8 [B, 3, 32, 32], the channels of a pixel adjacent in memory."""
        pixels = self._resident[chosen] if self._resident is not None else np.ascontiguousarray(self._read(chosen))
        return pixels.transpose(0, 3, 1, 2)

    def are(self, positions: np.ndarray, device: torch.device) -> bool:
        """Whether these are the pictures at `positions` of the same part, for the same device."""
        return self.labels.device == device and np.array_equal(self.positions, positions)

    def _read(self, chosen: np.ndarray | slice) -> np.ndarray:
        return read_pictures(self._split.images, self.positions[chosen]).transpose(0, 2, 3, 1)


@dataclass(frozen=True, eq=False)
class TrainingData:
    """The pictures of a run and the constants that normalise them."""

    train: Pictures
    validation: Pictures
    test: Pictures
    # A pixel value of 0..255 times `scale` plus `shift` has mean 0 and standard deviation 1 in each channel.
    scale: torch.Tensor  # float32 [3072], in the order of a picture's values in memory
    shift: torch.Tensor  # float32 [3072], likewise
    classes: int


def load_training_data(
    dataset: Dataset,
    config: DataConfig,
    seed: int,
    device: torch.device,
    rule: SplitRule = ONE_OF_THREE,
    *,
    before: TrainingData | None = None,
) -> TrainingData:
    """Split a dataset into training, validation and test pictures and load each part into memory once.

    The validation pictures are taken from the training set, so that the test set chooses nothing.

    Args:
        dataset: opened.
        config: decides the parts.
        seed: likewise.
        device: computes.
        rule: of the validation pictures.
        before: of the same dataset, loaded earlier; a part that is the same again is not loaded again.

    Raises:
        DataError: the dataset is too small for these parts.
    """
    for_training, for_validation = training_parts(dataset, config, seed, rule)
    mean, std = np.array(dataset.mean), np.array(usable_std(dataset.std))

    def part(split: Split, positions: np.ndarray, earlier: Pictures | None) -> Pictures:
        return earlier if earlier is not None and earlier.are(positions, device) else Pictures(split, positions, device)

    return TrainingData(
        train=part(dataset.train, for_training, before.train if before else None),
        validation=part(dataset.train, for_validation, before.validation if before else None),
        test=part(dataset.test, np.arange(len(dataset.test.labels)), before.test if before else None),
        scale=_for_all_pixels(1 / (255 * std), device),
        shift=_for_all_pixels(-mean / std, device),
        classes=len(dataset.class_names),
    )


def _for_all_pixels(values: np.ndarray, device: torch.device) -> torch.Tensor:
    """Repeat three values, one per channel, for each pixel of a picture: float32 [3072]."""
    return torch.from_numpy(np.tile(values, _PICTURE_BYTES // 3).astype(np.float32)).to(device)


def normalise(pixels: np.ndarray, data: TrainingData) -> torch.Tensor:
    """Turn bytes [B, 3, 32, 32] into floats on the run's device, with mean 0 and standard deviation 1 per channel.

    Each picture is treated as one row of values in the order of memory, which is five times as fast as normalising
    channel by channel.
    """
    rows = pixels.transpose(0, 2, 3, 1).reshape(len(pixels), _PICTURE_BYTES)
    values = torch.from_numpy(rows).to(data.scale.device).float()
    return torch.addcmul(data.shift, values, data.scale, out=values).view(-1, 32, 32, 3).permute(0, 3, 1, 2)


def shrink(images: torch.Tensor, side: int) -> torch.Tensor:
    """Shrink pictures [B, 3, 32, 32] by bilinear interpolation: [B, 3, side, side], channels last."""
    smaller = F.interpolate(images, size=(side, side), mode="bilinear", align_corners=False)
    return smaller.contiguous(memory_format=torch.channels_last)


def epoch_batches(  # noqa: PLR0913 - which batches, and whose part of them, each by its name
    data: TrainingData,
    config: DataConfig,
    batch_size: int,
    *,
    seed: int,
    epoch: int,
    start: int = 0,
    shown: np.ndarray | None = None,
    ranks: Ranks = ALONE,
) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Yield the batches of one epoch; their order and augmentation depend only on (seed, epoch, position, shown).

    Args:
        data: the run's data.
        config: which augmentations to apply.
        batch_size: pictures per batch; the last batch may be smaller.
        seed: the run's seed.
        epoch: 1-based.
        start: index of the first batch to yield, for a run that resumes in the middle of an epoch.
        shown: bool [N], the pictures to use; None uses all.
        ranks: that compute it together; this one reads, augments and normalises its own pictures alone.

    Yields:
        This rank's part of the batch's pictures, float32 [b, 3, 32, 32] (channels last); the labels of the whole batch,
        int64 [B]; their indices in the training part, int64 [B].
    """
    order = np.random.default_rng([seed, _STREAM, epoch]).permutation(len(data.train))
    order = order if shown is None else order[shown[order]]
    flips = alternating_flips(len(data.train), seed=seed, epoch=epoch) & config.flip
    per_chunk = max(1, _CHUNK // batch_size)
    for chunk in range(start // per_chunk, -(-len(order) // (per_chunk * batch_size))):
        chosen = order[chunk * per_chunk * batch_size : (chunk + 1) * per_chunk * batch_size]
        own, parts = _own_rows(len(chosen), batch_size, ranks)
        pixels = data.train.take(chosen[own])  # [c, 3, 32, 32]
        if config.flip or config.shift or config.cutout:
            rng = np.random.default_rng([seed, _STREAM, epoch, chunk])
            variation = replace(draw_variation(config, len(chosen), rng), flip=flips[chosen])
            pixels = augment(pixels, variation.of(own))
        indices = torch.from_numpy(chosen).to(data.train.labels.device)
        labels = data.train.labels[indices]
        skip = start - chunk * per_chunk if chunk == start // per_chunk else 0
        for number in range(skip, len(parts)):
            batch = slice(number * batch_size, (number + 1) * batch_size)
            yield normalise(pixels[parts[number]], data), labels[batch], indices[batch]


def _own_rows(count: int, batch_size: int, ranks: Ranks) -> tuple[np.ndarray | slice, list[slice]]:
    """Which rows of a chunk of `count` pictures a rank computes, and which of those belong to each batch."""
    starts = range(0, count, batch_size)
    if ranks.world == 1:
        return slice(None), [slice(at, at + batch_size) for at in starts]
    rows = [(at, ranks.part(min(batch_size, count - at)).rows) for at in starts]
    ends = np.cumsum([part.stop - part.start for _, part in rows]).tolist()
    own = np.concatenate([np.arange(at + part.start, at + part.stop) for at, part in rows])
    return own, [slice(begin, end) for begin, end in zip([0, *ends], ends, strict=False)]


def alternating_flips(count: int, *, seed: int, epoch: int) -> np.ndarray:
    """Return which pictures an epoch shows mirrored: bool [count].

    The first epoch mirrors each picture at random, and each later epoch does the opposite of the one before, so that no
    picture looks the same in two epochs in a row (Jordan 2024, "94% on CIFAR-10 in 3.29 seconds on a single GPU",
    section 3.6).
    """
    first = np.random.default_rng([seed, _FLIP_STREAM]).random(count) < 0.5
    return first ^ (epoch % 2 == 0)
