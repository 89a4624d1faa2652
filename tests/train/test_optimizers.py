"""The optimisers compared with references: Muon with a singular value decomposition and torch's SGD, averaged SGD with
torch's SGD and a mean computed here, Adam from a stored state with its formulas.
"""

from copy import deepcopy

import pytest
import torch
from torch import nn

from cifar_core.config import make_config
from cifar_core.models.network import create_model
from cifar_core.train.optimizers import AveragedSGD, Muon, make_optimizer, orthogonal, prepare_for_averaging


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


def test_weights_that_are_not_filters_move_as_with_sgd() -> None:
    """The reference is torch's SGD with Nesterov momentum, at the group's share of the learning rate."""
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


def test_filters_keep_their_norm_and_lower_the_loss() -> None:
    torch.manual_seed(0)
    net = nn.Conv2d(3, 8, 3, bias=False)
    muon = Muon(net.parameters(), lr=0.01, momentum=0.0)
    images = torch.randn(4, 3, 8, 8)

    def loss() -> torch.Tensor:
        """Does not depend on the norm of the filters, as with a normalisation."""
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


def test_averaged_sgd_replaces_the_weights_by_a_running_mean() -> None:
    """Twelve steps average twice, at 0.5 and 0.9 of a run. The reference computes Lookahead on top of torch's SGD."""
    torch.manual_seed(0)
    ours, theirs = (create_model(FAST.model, 10) for _ in range(2))
    theirs.load_state_dict(ours.state_dict())
    prepare_for_averaging(ours)
    averaged = make_optimizer(FAST.optimizer, ours)
    kinds = {name: 64.0 for name, item in theirs.named_parameters() if item.ndim == 1}
    kinds |= {"fc.weight": 1 / 81, "fc.bias": 1 / 81}
    with torch.no_grad():
        for item in theirs.get_submodule("fc").parameters():
            item.div_(9)
    learned = {
        name: item for name, item in theirs.named_parameters() if item.requires_grad and "norm.weight" not in name
    }
    groups = []
    for name, item in learned.items():
        share = kinds.get(name, 1)
        groups.append({"params": [item], "lr": 0.2 * share, "weight_decay": 0.01 / share})
    sgd = torch.optim.SGD(groups, lr=0.2, momentum=0.9, nesterov=True)
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


def test_averaged_sgd_skips_the_scales_and_decays_all_other_weights_alike() -> None:
    net = create_model(FAST.model, 10)
    prepare_for_averaging(net)
    rule = make_optimizer(FAST.optimizer, net)
    assert isinstance(rule, AveragedSGD)
    assert [round(group["share"] * group["weight_decay"], 9) for group in rule.param_groups] == [0.01] * 3
    moved = {id(item) for group in rule.param_groups for item in group["params"]}
    still = {name for name, item in net.named_parameters() if id(item) not in moved}
    assert still == {"whiten.weight"} | {name for name, _ in net.named_parameters() if name.endswith("norm.weight")}


def test_only_the_preparation_changes_the_network() -> None:
    """Scales of normalisations are frozen and the last layer shrinks; making the optimiser changes nothing more."""
    torch.manual_seed(0)
    net = create_model(FAST.model, 10)
    before = deepcopy(net.state_dict())
    prepare_for_averaging(net)
    prepared = deepcopy(net.state_dict())
    changed = {name for name, value in prepared.items() if not torch.equal(value, before[name])}
    assert changed == {"fc.weight", "fc.bias"}
    torch.testing.assert_close(prepared["fc.weight"], before["fc.weight"] / 9)
    frozen = {name for name, item in net.named_parameters() if not item.requires_grad}
    make_optimizer(FAST.optimizer, net)
    assert all(torch.equal(value, prepared[name]) for name, value in net.state_dict().items())
    assert frozen == {name for name, item in net.named_parameters() if not item.requires_grad}


# A parameter group of Adam as earlier versions of this program stored it (torch 2.14).
STORED_GROUP = {
    "betas": (0.9, 0.999), "eps": 1e-8, "amsgrad": False, "maximize": False, "foreach": None, "capturable": False,
    "differentiable": False, "fused": True, "params": [0, 1],
}  # fmt: skip


@pytest.mark.parametrize(("name", "decoupled"), [("adam", False), ("adamw", True)])
def test_adam_goes_on_from_a_stored_state(name: str, decoupled: bool) -> None:
    """The reference computes the formulas of Kingma & Ba 2015, with the decoupled decay of Loshchilov & Hutter 2019."""
    torch.manual_seed(0)
    net = nn.Linear(6, 4)
    config = make_config({"optimizer": name, "learning_rate": 0.01, "weight_decay": 0.1}).optimizer
    rule = make_optimizer(config, net)
    state = {
        place: {"step": torch.tensor(7.0), "exp_avg": torch.randn_like(item), "exp_avg_sq": torch.rand_like(item)}
        for place, item in enumerate(net.parameters())
    }
    group = STORED_GROUP | {"lr": 0.01, "weight_decay": 0.1, "decoupled_weight_decay": decoupled}
    assert group.keys() <= rule.state_dict()["param_groups"][0].keys()
    rule.load_state_dict(deepcopy({"state": state, "param_groups": [group]}))
    expected = []
    for place, item in enumerate(net.parameters()):
        item.grad = torch.randn_like(item)
        value, slope = item.detach().clone(), item.grad + (0 if decoupled else 0.1 * item.detach())
        first = 0.9 * state[place]["exp_avg"] + 0.1 * slope
        second = 0.999 * state[place]["exp_avg_sq"] + 0.001 * slope**2
        step = 0.01 * (first / (1 - 0.9**8)) / ((second / (1 - 0.999**8)).sqrt() + 1e-8)
        expected.append(value * (1 - 0.01 * 0.1 * decoupled) - step)
    rule.step()
    for item, value in zip(net.parameters(), expected, strict=True):
        torch.testing.assert_close(item.detach(), value)
