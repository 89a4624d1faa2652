"""The accuracy in the middle of an epoch, on a few fixed pictures, for who watches; the training does not depend on it.

It draws no random number of torch and changes no weight and no statistic, so a run has the same results with and
without it.
"""

import math

import numpy as np
import torch
from torch import nn

from cifar_core.config import Precision
from cifar_core.train.batches import TrainingData, normalise
from cifar_core.train.device import computing_in
from cifar_core.train.epochs import MOST_POINTS
from cifar_core.train.predict import BATCH
from cifar_core.train.splits import MeasuredSplit

_STREAM = 5  # keeps these random numbers independent of other uses of the seed
# Pictures measured within an epoch, for each one trained on. Training on a picture takes about three times as long as
# measuring it, and about 1.7 times while the pictures are shrunk, so this is 1.3 to 2 % of the time.
_SHARE = 0.04
_FEWEST_POINTS = 4  # of an epoch that is long enough
_FEWEST_PICTURES, _MOST_PICTURES = 50, 1000  # of a point


class WithinEpoch:
    """The pictures of a run that are measured within its epochs, and when."""

    def __init__(self, data: TrainingData, seed: int) -> None:
        """Choose the pictures from the validation part, or from the test part where the run has no validation part."""
        self.part: MeasuredSplit = "validation" if len(data.validation) else "test"
        source = data.validation if len(data.validation) else data.test
        self.points, self.pictures = plan(len(data.train), len(source))
        labels = source.labels.cpu().numpy()
        chosen = chosen_pictures(labels, self.pictures, seed)
        self._images = normalise(source.take(chosen), data).split(BATCH)  # float32 [<= BATCH, 3, 32, 32] each
        self._labels = source.labels[torch.from_numpy(chosen).to(source.labels.device)]  # int64 [pictures]

    def is_due(self, batch: int, batches: int) -> bool:
        """Whether it is measured after so many batches of an epoch; the end of the epoch is measured anyway."""
        places = {round(number * batches / (self.points + 1)) for number in range(1, self.points + 1)}
        return batch in places and 0 < batch < batches

    @torch.no_grad()
    def accuracy(self, net: nn.Module, precision: Precision) -> float:
        """The share of the pictures that the network gets right, by one view each; leaves it in training mode."""
        net.eval()
        with computing_in(precision, self._labels.device):
            guesses = torch.cat([net(images).argmax(1) for images in self._images])
        net.train()
        return float((guesses == self._labels).double().mean().item())


def plan(train: int, available: int) -> tuple[int, int]:
    """How often an epoch is measured within, and with how many pictures; 0 and 0 where that would take too long.

    Args:
        train: how many pictures the run trains on.
        available: how many pictures the measured part has.
    """
    budget = int(_SHARE * train)
    points = min(MOST_POINTS, max(_FEWEST_POINTS, round(math.sqrt(budget) / _FEWEST_POINTS)))
    pictures = min(max(budget // points, _FEWEST_PICTURES), _MOST_PICTURES, available)
    points = min(points, budget // pictures if pictures else 0)
    return (points, pictures) if points else (0, 0)


def chosen_pictures(labels: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Choose pictures at random, as large a share of each class as of all: ascending positions, int64 [count].

    Args:
        labels: int [N], N at least `count`.
        count: how many to choose.
        seed: the run's seed.
    """
    rng = np.random.default_rng([seed, _STREAM])
    turns = np.empty(len(labels))  # the classes spread evenly over these, so that the first `count` have equal shares
    for name in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == name))
        turns[members] = (np.arange(len(members)) + rng.random()) / len(members)
    return np.sort(np.argsort(turns, kind="stable")[:count])
