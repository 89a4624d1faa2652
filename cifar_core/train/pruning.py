"""Data pruning: leaves out some pictures with a low loss, and those that would make an incomplete batch.

The first is InfoBatch (Qin et al. 2024, "InfoBatch: Lossless Training Speed Up by Unbiased Dynamic Data Pruning",
arXiv:2303.04947).
"""

from typing import Any

import numpy as np
import torch

from cifar_core.config import RunConfig
from cifar_core.train.schedule import WHOLE_FROM, only_whole_batches

_STREAM = 4  # keeps these random numbers independent of other uses of the seed


class Pruning:
    """The weight of each training picture in the current epoch, and its loss when it was last trained on."""

    def __init__(self, config: RunConfig, count: int, device: torch.device) -> None:
        self._share, self._batch_size = config.optimizer.prune_share, config.optimizer.batch_size
        self._whole = only_whole_batches(config)
        self.losses = torch.full((count,), torch.nan, device=device)  # float32 [N], nats; NaN: not trained on yet
        self.weights = torch.ones(count, device=device)  # float32 [N]; 0: left out

    @property
    def shown(self) -> np.ndarray:
        """Which pictures the current epoch uses: bool [N]."""
        return (self.weights > 0).cpu().numpy()

    def start_epoch(self, epoch: int, epochs: int, seed: int, *, earlier: int = 0) -> None:
        """Choose the pictures of an epoch (1-based) and their weights; call this before its first batch.

        Args:
            epoch: of this training, 1-based.
            epochs: of this training.
            seed: the run's.
            earlier: epochs of the trainings that this one continues.
        """
        if not self._whole:
            return
        rng = np.random.default_rng([seed, _STREAM, earlier + epoch])
        weights = np.ones(len(self.losses), np.float32)
        if self._share and 1 < epoch <= WHOLE_FROM * epochs:
            weights = epoch_weights(self.losses.cpu().numpy(), self._share, rng)
        self.weights.copy_(torch.from_numpy(whole_batches(weights, self._batch_size, rng)))

    def weights_of(self, indices: torch.Tensor) -> torch.Tensor:
        """The weights float32 [B] of a batch's pictures (int64 [B])."""
        # Without pruning all weights are 1, so that any slice of this length will do.
        return self.weights[indices] if self._whole else self.weights[: len(indices)]

    def note(self, indices: torch.Tensor, losses: torch.Tensor) -> None:
        """Store the losses float32 [B] of a batch's pictures (int64 [B]), if the choice of pictures depends on them."""
        if self._share:
            self.losses[indices] = losses

    def state(self) -> dict[str, Any]:
        """What the rest of the run depends on; empty where every epoch uses all pictures."""
        return {"losses": self.losses, "weights": self.weights} if self._whole else {}

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `state()` returned; checkpoints of earlier versions may lack entries."""
        for name, kept in self.state().items():
            if name in state:
                kept.copy_(state[name])


def epoch_weights(losses: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Leave out a random part of the easy pictures, those whose loss is below the mean, and weight the rest of them up.

    The weights keep the expected gradient and the expected mean loss the same as with all pictures.

    Args:
        losses: float [N], of each picture when it was last trained on; a picture with NaN does not count as easy.
        share: part of the easy pictures to leave out, at least 0 and below 1.
        rng: chooses the pictures.

    Returns:
        The weights, float32 [N]: 0 if left out, 1 / (1 - share) for the other easy pictures, 1 for the rest.
    """
    easy = losses < np.nanmean(losses, dtype=np.float64)
    out = easy & (rng.random(len(losses)) < share)
    weights = np.where(easy, np.float32(1 / (1 - share)), np.float32(1))
    return np.where(out, np.float32(0), weights)


def whole_batches(weights: np.ndarray, batch_size: int, rng: np.random.Generator) -> np.ndarray:
    """Leave out, at random, the pictures that would make an incomplete last batch.

    Args:
        weights: float32 [N]; returned unchanged if they use fewer pictures than one batch has.
        batch_size: pictures per batch.
        rng: chooses the pictures.
    """
    shown = np.flatnonzero(weights)
    if len(shown) < batch_size:
        return weights
    weights = weights.copy()
    weights[rng.choice(shown, len(shown) % batch_size, replace=False)] = 0
    return weights
