"""Muon against a singular value decomposition and torch's SGD; averaged SGD against torch's and a mean kept by hand; Adam against
torch's own.
"""

from copy import deepcopy

import pytest
import torch
from torch import nn

from cifar_core.config import make_config
from cifar_core.models.network import create_model
from cifar_core.train.optimizers import AveragedSGD, Muon, make_optimizer, orthogonal


@pytest.mark.parametrize("shape", [(8, 3, 3, 3), (40, 2, 3, 3), (16, 16, 3, 3)])
def test_orthogonal_keeps_the_directions_and_evens_out_their_lengths(shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    gradient = torch.randn(shape)
    matrix = gradient.reshape(len(gradient), -1)
    left, before, right = torch.linalg.svd(matrix, full_matrices=False)
    result = orthogonal(gradient)
    assert result.shape == shape
    inside = left.T @ result.reshape(matrix.shape) @ right.T  # in the gradient's own axes
    torch.testing.assert_close(inside, torch.diag(inside.diag()), atol=1e-4, rtol=0)
    after = inside.diag()
    assert after.min() > 0 and after.max() < 1.4
    assert after.max() / after.min() < before.max() / before.min()


def test_what_is_no_filter_moves_as_with_sgd() -> None:
    """Nesterov momentum with torch's own optimiser, at the group's share of the learning rate."""
    torch.manual_seed(0)
    ours, theirs = (nn.Linear(6, 4) for _ in range(2))
    theirs.load_state_dict(ours.state_dict())
    muon = Muon(ours.parameters(), lr=0.1, momentum=0.6)
    assert [group["share"] for group in muon.param_groups] == sorted(
        (g["share"] for g in muon.param_groups), reverse=True
    )
    sgd = torch.optim.SGD(theirs.parameters(), lr=0.1, momentum=0.6, nesterov=True)
    for _ in range(4):
        images = torch.randn(16, 6)
        for net, rule in ((ours, muon), (theirs, sgd)):
            rule.zero_grad()
            net(images).square().mean().backward()
            rule.step()
    for one, two in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one, two)


def test_filters_keep_their_norm_and_fall_along_the_gradient() -> None:
    torch.manual_seed(0)
    net = nn.Conv2d(3, 8, 3, bias=False)
    muon = Muon(net.parameters(), lr=0.01, momentum=0.0)
    images = torch.randn(4, 3, 8, 8)

    def loss() -> torch.Tensor:
        """Blind to the length of the filters, as a normalisation makes it."""
        return (net(images) / net.weight.norm()).square().mean()

    start = loss().item()
    for _ in range(20):
        muon.zero_grad()
        loss().backward()
        muon.step()
        assert net.weight.norm().item() == pytest.approx(8**0.5, rel=0.05)
    assert loss().item() < start


FAST = make_config(
    {"model": "fast_cnn", "widths": (4, 5, 6), "optimizer": "averaged_sgd", "learning_rate": 0.2, "weight_decay": 0.01}
)


def test_averaged_sgd_is_sgd_that_goes_back_to_a_running_mean() -> None:
    """Every fifth step; with twelve, at 0.5 and 0.9 of a run. Lookahead written out by hand over torch's own SGD."""
    torch.manual_seed(0)
    ours, theirs = (create_model(FAST.model, 10) for _ in range(2))
    theirs.load_state_dict(ours.state_dict())
    averaged = make_optimizer(FAST.optimizer, ours)
    kinds = {name: 64.0 for name, item in theirs.named_parameters() if item.ndim == 1}
    kinds |= {"fc.weight": 1 / 81, "fc.bias": 1 / 81}
    with torch.no_grad():
        for item in theirs.get_submodule("fc").parameters():
            item.div_(9)
    learned = {
        name: item for name, item in theirs.named_parameters() if item.requires_grad and "norm.weight" not in name
    }
    sgd = torch.optim.SGD([{"params": [item], "lr": 0.2 * kinds.get(name, 1), "weight_decay": 0.01 / kinds.get(name, 1)}
                           for name, item in learned.items()], lr=0.2, momentum=0.9, nesterov=True)  # fmt: skip
    mean = {name: item.detach().clone() for name, item in learned.items()}
    for step in range(1, 13):
        progress = 0.5 if step <= 5 else 0.9
        for group in averaged.param_groups:
            group["lr"], group["progress"] = 0.2 * group["share"], progress
        images = torch.randn(16, 3, 32, 32)
        for net, rule in ((ours, averaged), (theirs, sgd)):
            rule.zero_grad()
            (net(images).square().mean() * 1e-3).backward()
            rule.step()
        if step % 5 == 0:
            kept = 0.95**5 * progress**3
            with torch.no_grad():
                for name, item in learned.items():
                    mean[name] = kept * mean[name] + (1 - kept) * item
                    item.copy_(mean[name])
        for (name, one), two in zip(ours.named_parameters(), theirs.parameters(), strict=True):
            torch.testing.assert_close(one, two, rtol=1e-3, atol=1e-5, msg=lambda text, n=name: f"{n}: {text}")


def test_averaged_sgd_leaves_the_scales_and_lets_all_else_decay_alike() -> None:
    net = create_model(FAST.model, 10)
    rule = make_optimizer(FAST.optimizer, net)
    assert isinstance(rule, AveragedSGD)
    assert [round(group["share"] * group["weight_decay"], 9) for group in rule.param_groups] == [0.01] * 3
    moved = {id(item) for group in rule.param_groups for item in group["params"]}
    still = {name for name, item in net.named_parameters() if id(item) not in moved}
    assert still == {"whiten.weight"} | {name for name, _ in net.named_parameters() if name.endswith("norm.weight")}


@pytest.mark.parametrize(("name", "theirs"), [("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW)])
def test_adam_is_torchs_to_the_last_bit(name: str, theirs: type[torch.optim.Adam]) -> None:
    """Through changes of the learning rate, a weight without a gradient, and a state that was kept and loaded."""
    config = make_config({"optimizer": name, "weight_decay": 0.1}).optimizer
    nets = [nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3)) for _ in range(2)]
    nets[1].load_state_dict(nets[0].state_dict())
    rules = [
        make_optimizer(config, nets[0]),
        theirs(nets[1].parameters(), lr=config.learning_rate, weight_decay=0.1, fused=True),
    ]
    for step in range(6):
        images = torch.randn(8, 6)
        for place, net in enumerate(nets):
            rules[place].param_groups[0]["lr"] = 0.01 / (step + 1)
            net.zero_grad()
            net(images).square().mean().backward()
            if step in (0, 3):
                net[2].bias.grad = None
            rules[place].step()
        if step == 4:
            rules[0].load_state_dict(deepcopy(rules[1].state_dict()))
        for one, two in zip(nets[0].parameters(), nets[1].parameters(), strict=True):
            assert torch.equal(one, two)
