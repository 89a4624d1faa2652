"""The optimisers: those of torch, and two for networks that normalise the outputs of their convolutions."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn

from cifar_core.config import OptimizerConfig

_QUINTIC = (3.4445, -4.7750, 2.0315)  # coefficients of the Newton-Schulz iteration in Jordan 2024, "Muon"
_ROUNDS = 3  # of the iteration; five improved no network here
_BIASES, _LAST = 64.0, 1 / 81  # averaged SGD: learning rates of biases and last layer relative to that of filters
# Averaged SGD: factor of the last layer's initial weights. With `_LAST` it acts as if its outputs were divided by 9.
_LAST_START = 1 / 9
_EVERY, _KEPT = 5, 0.95**5  # averaged SGD: steps between averagings; the mean's weight in one at the end of a run
_HEAD = 0.5  # Muon: learning rate of the last layer relative to that of all other weights


def prepare_for_averaging(net: nn.Module) -> None:
    """Change a new network so that averaged SGD can train it; call this once, before `make_optimizer`.

    The scales of normalisations are frozen, because the next normalisation would undo them. The last layer's weights
    are shrunk, because averaged SGD takes small steps there.
    """
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.weight.requires_grad_(False)
    with torch.no_grad():
        for item in _last_layer(net).parameters():
            item.mul_(_LAST_START)


def make_optimizer(config: OptimizerConfig, net: nn.Module) -> torch.optim.Optimizer:
    """Create the optimiser of the settings for the trainable weights of `net`, without changing any of them.

    The caller sets the learning rate before each step: the schedule's value times the group's `share` (1 without one).
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
        case "averaged_sgd":
            return AveragedSGD(_parameter_groups(net, decay), lr=rate, momentum=config.momentum)
        case _:
            nesterov = config.momentum > 0  # torch refuses Nesterov without momentum
            return torch.optim.SGD(
                learned, lr=rate, momentum=config.momentum, weight_decay=decay, nesterov=nesterov, fused=True
            )


def _parameter_groups(net: nn.Module, decay: float) -> list[dict[str, Any]]:
    """The trainable weights of `net` as groups for `AveragedSGD`: filters, biases, last layer.

    Dividing the decay by the share gives all groups the same decay, although their learning rates differ.
    """
    filters: list[nn.Parameter] = []
    biases: list[nn.Parameter] = []
    last_layer = _last_layer(net)
    for module in net.modules():
        if module is not last_layer:
            learned = [item for item in module.parameters(recurse=False) if item.requires_grad]
            filters += [item for item in learned if item.ndim > 1]
            biases += [item for item in learned if item.ndim == 1]
    shares = ((1.0, filters), (_BIASES, biases), (_LAST, list(last_layer.parameters())))
    return [{"params": items, "share": share, "weight_decay": decay / share} for share, items in shares]


def _last_layer(net: nn.Module) -> nn.Linear:
    return [module for module in net.modules() if isinstance(module, nn.Linear)][-1]


class AveragedSGD(torch.optim.SGD):
    """SGD with Nesterov momentum whose weights are replaced, every few steps, by their exponential moving average.

    This is Lookahead (Zhang et al. 2019, arXiv:1907.08610) as in Jordan 2024 ("94% on CIFAR-10 in 3.29 seconds on a
    single GPU"): the average follows the weights more and more slowly. A group's `progress`, the part of the run that
    is done, decides how slowly; the caller of `step` keeps it up to date.
    """

    def __init__(self, groups: list[dict[str, Any]], *, lr: float, momentum: float) -> None:
        counted = [{**group, "steps": 0, "progress": 0.0} for group in groups if group["params"]]
        super().__init__(counted, lr=lr, momentum=momentum, nesterov=momentum > 0, fused=True)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Take one SGD step; every `_EVERY` steps, replace the weights by their moving average."""
        for group in self.param_groups:
            for item in group["params"]:
                if "mean" not in self.state[item]:
                    self.state[item]["mean"] = item.clone()
        super().step()
        for group in self.param_groups:
            group["steps"] += 1
            if group["steps"] % _EVERY == 0:
                kept = _KEPT * group["progress"] ** 3
                for item in group["params"]:
                    item.copy_(self.state[item]["mean"].lerp_(item, 1 - kept))


class Muon(torch.optim.Optimizer):
    """SGD with Nesterov momentum whose updates of convolution filters are orthogonalised.

    See Jordan 2024, "Muon: an optimizer for hidden layers in neural networks",
    https://kellerjordan.github.io/posts/muon/. Each layer's filters are rescaled to a norm of the square root of their
    number. That changes no output only where a normalisation follows, so Muon is for networks that have one. Weight
    decay is decoupled and applies to all weights but the filters.
    """

    def __init__(
        self, parameters: Iterable[nn.Parameter], *, lr: float, momentum: float = 0.6, weight_decay: float = 0.0
    ) -> None:
        by_share: dict[float, list[nn.Parameter]] = {1.0: [], _HEAD: []}
        for item in parameters:
            by_share[_HEAD if item.ndim == 2 else 1.0].append(item)
        groups = [{"params": items, "share": share} for share, items in by_share.items() if items]
        super().__init__(groups, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Take one step; weights without a gradient stay as they are."""
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
    """Orthogonalise a matrix approximately by a Newton-Schulz iteration.

    It keeps the singular vectors and brings the singular values to between about 0.5 and 1.3.

    Args:
        gradient: [out, ...]; treated as a matrix of `out` rows.
    """
    first, second, third = _QUINTIC
    matrix = gradient.reshape(len(gradient), -1)
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    wide = wide / (wide.norm() + 1e-7)
    # The rounds only multiply small square matrices; the large matrix is used once before and once after them.
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
