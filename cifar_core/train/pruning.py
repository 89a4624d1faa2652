"""Leaving out pictures: those that the network knows already (InfoBatch, Qin et al. 2024, "InfoBatch: Lossless Training
Speed Up by Unbiased Dynamic Data Pruning", arXiv:2303.04947), and those that would make a batch that is not full.
"""

from typing import Any

import numpy as np
import torch

from cifar_core.config import RunConfig
from cifar_core.train.schedule import WHOLE_FROM, only_whole_batches

_STREAM = 4  # keeps this use of the seed apart from the others


class Pruning:
    """How much each training picture counts in the running epoch, and the loss that each had when it was last seen."""

    def __init__(self, config: RunConfig, count: int, device: torch.device) -> None:
        self._share, self._batch_size = config.optimizer.prune_share, config.optimizer.batch_size
        self._whole = only_whole_batches(config)
        self.losses = torch.full((count,), torch.nan, device=device)  # float32 [N], nats; NaN = not seen yet
        self.weights = torch.ones(count, device=device)  # float32 [N]; 0 = left out

    @property
    def shown(self) -> np.ndarray:
        """Which pictures the running epoch shows: bool [N]."""
        return (self.weights > 0).cpu().numpy()

    def start_epoch(self, epoch: int, epochs: int, seed: int) -> None:
        """Choose anew, before the first batch of an epoch (1-based)."""
        if not self._whole:
            return
        rng = np.random.default_rng([seed, _STREAM, epoch])
        weights = np.ones(len(self.losses), np.float32)
        if self._share and 1 < epoch <= WHOLE_FROM * epochs:
            weights = epoch_weights(self.losses.cpu().numpy(), self._share, rng)
        self.weights.copy_(torch.from_numpy(whole_batches(weights, self._batch_size, rng)))

    def weights_of(self, indices: torch.Tensor) -> torch.Tensor:
        """How much each of a batch's pictures (int64 [B]) counts: float32 [B]."""
        return self.weights[indices] if self._whole else self.weights[: len(indices)]  # then all count alike

    def note(self, indices: torch.Tensor, losses: torch.Tensor) -> None:
        """Remember the losses float32 [B] of a batch's pictures (int64 [B]), where the choice depends on them."""
        if self._share:
            self.losses[indices] = losses

    def state(self) -> dict[str, Any]:
        """What the rest of the run depends on; nothing where all pictures are always shown."""
        return {"losses": self.losses, "weights": self.weights} if self._whole else {}

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on where `state()` was taken; runs of earlier versions knew less."""
        for name, kept in self.state().items():
            if name in state:
                kept.copy_(state[name])


def epoch_weights(losses: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Leave out a part of the pictures whose loss is below the mean; the others of these count as much more.

    So the expected gradient, and the expected mean of the losses, stay those of all pictures.

    Args:
        losses: float [N], of each picture when it was last seen; one that never was (NaN) is not easy.
        share: of the easy pictures to leave out, 0 to below 1.
        rng: decides which.

    Returns:
        float32 [N]: 0 for what is left out, 1 / (1 - share) for the other easy pictures, 1 for the rest.
    """
    easy = losses < np.nanmean(losses, dtype=np.float64)
    out = easy & (rng.random(len(losses)) < share)
    weights = np.where(easy, np.float32(1 / (1 - share)), np.float32(1))
    return np.where(out, np.float32(0), weights)


def whole_batches(weights: np.ndarray, batch_size: int, rng: np.random.Generator) -> np.ndarray:
    """Leave out as many more pictures, any, as would make a batch that is not full.

    Args:
        weights: float32 [N]; where fewer than a batch are shown they stay as they are.
        batch_size: pictures.
        rng: decides which.
    """
    shown = np.flatnonzero(weights)
    if len(shown) < batch_size:
        return weights
    weights = weights.copy()
    weights[rng.choice(shown, len(shown) % batch_size, replace=False)] = 0
    return weights
