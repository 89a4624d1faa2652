"""What the network answered to each training picture in the running epoch, noted from the logits of the training steps.

No picture passes the network once more for it. So an answer is that of the weights at the picture's step, to an
augmented view, in training mode (with dropout), in the precision of the training: not what the network answers to the
picture as it is. Nothing here draws random numbers or changes what is trained.
"""

from typing import Any, NamedTuple

import numpy as np
import torch

NOT_SHOWN = -1
_BLOCK = 4096  # pictures whose logits wait until they are worked on together: few large operations cost least
_MOST_MARGIN = float(np.finfo(np.float16).max)


class EpochAnswers(NamedTuple):
    """The answers of one epoch to all N training pictures; NaN, NaN and -1 where it did not show the picture."""

    p_true: np.ndarray  # float16 [N], the probability of the label
    margin: np.ndarray  # float16 [N], the logit of the label minus the largest other one
    predicted: np.ndarray  # int16 [N], the class


class PictureRecords:
    """The answers of the current epoch so far: 8 bytes a picture on the device of the training."""

    def __init__(self, count: int, device: torch.device) -> None:
        self._losses = torch.empty(count, dtype=torch.float32, device=device)  # nats; -log of the probability
        self._margins = torch.empty(count, dtype=torch.float16, device=device)
        self._predicted = torch.empty(count, dtype=torch.int16, device=device)
        self._waiting: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]] = []
        self._rows = 0  # pictures among those that wait
        self.start_epoch()

    def start_epoch(self) -> None:
        """Forget the epoch before; call this before the first batch."""
        self._losses.fill_(torch.nan)
        self._margins.fill_(torch.nan)
        self._predicted.fill_(NOT_SHOWN)
        self._waiting, self._rows = [], 0
        self.whole = True  # False where the beginning of the epoch was trained by an earlier version

    def note(self, indices: torch.Tensor, labels: torch.Tensor, logits: torch.Tensor, losses: torch.Tensor) -> None:
        """Note the answers to a batch.

        Args:
            indices: int64 [B], of the pictures in the training part.
            labels: int64 [B].
            logits: float32 [B, K]; a gradient that they carry is not kept.
            losses: float32 [B], cross-entropies in nats without label smoothing.
        """
        self._waiting.append((indices, labels, logits.detach(), losses))
        self._rows += len(indices)
        if self._rows >= _BLOCK:
            self._store()

    def answers(self) -> EpochAnswers | None:
        """The answers of the epoch so far; None where its beginning is not known."""
        if not self.whole:
            return None
        self._store()
        p_true = self._losses.neg().exp_().half()  # all at once: so the same whenever a training was interrupted
        return EpochAnswers(p_true.cpu().numpy(), self._margins.cpu().numpy(), self._predicted.cpu().numpy())

    def state(self) -> dict[str, Any]:
        """What `answers` of this epoch depends on; empty where its beginning is not known."""
        self._store()
        kept = {"losses": self._losses, "margins": self._margins, "predicted": self._predicted}
        return kept if self.whole else {}

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `state()` returned; of an empty one, as earlier versions saved it, the epoch is not whole."""
        self.start_epoch()
        for name, kept in self.state().items():
            if name in state:
                kept.copy_(state[name])
        self.whole = bool(state)

    def _store(self) -> None:
        """Work on what waits."""
        if not self._waiting:
            return
        indices, labels, logits, losses = map(torch.cat, zip(*self._waiting, strict=True))
        self._waiting, self._rows = [], 0
        column = labels[:, None]
        margins = logits.gather(1, column)[:, 0] - logits.scatter(1, column, -torch.inf).amax(1)
        self._losses[indices] = losses
        self._margins[indices] = margins.clamp_(-_MOST_MARGIN, _MOST_MARGIN).half()
        self._predicted[indices] = logits.argmax(1).short()
