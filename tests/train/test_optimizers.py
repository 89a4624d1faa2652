"""Muon against a singular value decomposition and against torch's SGD."""

import pytest
import torch
from torch import nn

from cifar_core.train.optimizers import Muon, orthogonal


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
