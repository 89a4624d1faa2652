"""Rules that turn gradients into steps: torch's own, and Muon for the filters of normalised convolutions."""

from collections.abc import Callable, Iterable

import torch
from torch import nn

from cifar_core.config import OptimizerConfig

_QUINTIC = (3.4445, -4.7750, 2.0315)  # Jordan 2024, "Muon": the iteration that is steepest at 0
_ROUNDS = 3  # of the iteration: five made no network better here
_HEAD = 0.5  # the last layer's steps under Muon as a multiple of its learning rate; all other weights take the same


def make_optimizer(config: OptimizerConfig, net: nn.Module) -> torch.optim.Optimizer:
    """The optimiser of the settings for the weights of `net` that are learned.

    The learning rate is set anew at each step, to the schedule's value times a group's `share` (1 where it has none).
    """
    rate, decay = config.learning_rate, config.weight_decay
    learned = [item for item in net.parameters() if item.requires_grad]
    match config.optimizer:
        case "adam":
            return torch.optim.Adam(learned, lr=rate, weight_decay=decay, fused=True)
        case "adamw":
            return torch.optim.AdamW(learned, lr=rate, weight_decay=decay, fused=True)
        case "muon":
            return Muon(learned, lr=rate, momentum=config.momentum, weight_decay=decay)
        case _:
            nesterov = config.momentum > 0  # torch refuses Nesterov without momentum
            return torch.optim.SGD(
                learned, lr=rate, momentum=config.momentum, weight_decay=decay, nesterov=nesterov, fused=True
            )


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, made orthogonal for the filters of convolutions (Jordan 2024, "Muon: an optimizer for hidden
    layers in neural networks", https://kellerjordan.github.io/posts/muon/); plain for all other weights.

    Filters keep their norm, the square root of their number: before a normalisation it means nothing, so Muon is for networks
    that have one. Decay is decoupled and holds for what is not a filter.
    """

    def __init__(
        self, parameters: Iterable[nn.Parameter], *, lr: float, momentum: float = 0.6, weight_decay: float = 0.0
    ) -> None:
        kinds: dict[float, list[nn.Parameter]] = {1.0: [], _HEAD: []}
        for item in parameters:
            kinds[_HEAD if item.ndim == 2 else 1.0].append(item)
        groups = [{"params": items, "share": share} for share, items in kinds.items() if items]
        super().__init__(groups, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One step along the gradients there are."""
        for group in self.param_groups:
            for item in group["params"]:
                if item.grad is None:
                    continue
                state = self.state[item]
                if not state:
                    state["velocity"] = torch.zeros_like(item)
                velocity = state["velocity"].mul_(group["momentum"]).add_(item.grad)
                direction = item.grad.add(velocity, alpha=group["momentum"])
                if item.ndim == 4:
                    item.mul_(len(item) ** 0.5 / item.norm())
                    direction = orthogonal(direction)
                else:
                    item.mul_(1 - group["lr"] * group["weight_decay"])
                item.add_(direction, alpha=-group["lr"])


def orthogonal(gradient: torch.Tensor) -> torch.Tensor:
    """The nearest matrix whose rows (or columns, of which there are fewer) are orthogonal, roughly: singular values come
    to lie between about 0.5 and 1.3. Newton-Schulz iteration.

    Args:
        gradient: [out, ...]; read as a matrix of `out` rows.
    """
    first, second, third = _QUINTIC
    matrix = gradient.reshape(len(gradient), -1)
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    wide = wide / (wide.norm() + 1e-7)
    # Every round multiplies by a polynomial in the small square matrix, so the large one is touched only at the ends.
    gram = wide @ wide.T
    factor = torch.eye(len(gram), dtype=gram.dtype, device=gram.device)
    unit = factor
    for _ in range(_ROUNDS):
        step = first * unit + second * gram + third * gram @ gram
        factor = step @ factor
        gram = step @ gram @ step
    wide = factor @ wide
    matrix = wide if matrix.shape[0] <= matrix.shape[1] else wide.T
    return matrix.reshape(gradient.shape)
