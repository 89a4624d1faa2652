"""The whitening layer's filters, and how long its bias is trained."""

from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F

from cifar_core.config import make_config
from cifar_core.train.batches import normalise
from cifar_core.train.trainer import Trainer
from cifar_core.train.whitening import whitening_filters
from tests.train.test_trainer import CPU, TINY, RecordingCallback, data_for


def correlated(count: int) -> torch.Tensor:
    """Pictures whose neighbouring pixels and channels are correlated, as in photographs."""
    generator = torch.Generator().manual_seed(0)
    grey = torch.randn(count, 1, 32, 32, generator=generator)
    smooth = F.avg_pool2d(grey, 3, stride=1, padding=1) * 3
    return smooth + 0.3 * torch.randn(count, 3, 32, 32, generator=generator)


PATCHES = pytest.mark.parametrize(("patch", "components"), [(2, 12), (4, 16)])


@PATCHES
def test_answers_are_uncorrelated_with_variance_one(patch: int, components: int) -> None:
    images = correlated(400)
    filters = whitening_filters(images, patch=patch, components=components)
    answers = F.conv2d(images, filters, stride=2).transpose(0, 1).reshape(components, -1)
    covariance = answers @ answers.T / answers.shape[1]
    torch.testing.assert_close(covariance, torch.eye(components), atol=0.02, rtol=0)
    assert not torch.allclose(covariance, torch.eye(components), atol=1e-6), "a little is added to each variance"


@PATCHES
def test_the_network_starts_with_the_filters_of_its_own_pictures_and_keeps_them(patch: int, components: int) -> None:
    of_net = {"model": "fast_cnn", "widths": (4, 6, 8), "fine_stem": patch == 2}
    config = make_config({**TINY, **of_net, "optimizer": "sgd", "weight_decay": 0.01})
    data = data_for(config)
    trainer = Trainer(config, data, CPU)
    layer = trainer.net.get_submodule("whiten")
    weights = layer.get_parameter("weight").clone()
    expected = whitening_filters(normalise(data.train.take(slice(None)), data), patch=patch, components=components)
    torch.testing.assert_close(weights, torch.cat([expected, -expected]), rtol=1e-3, atol=1e-3)
    images, labels = data.train.take(slice(32)), data.train.labels[:32]
    trainer.train_step(normalise(images, data), labels, torch.arange(len(labels)), step=0)
    assert torch.equal(layer.get_parameter("weight"), weights)
    assert layer.get_parameter("bias").abs().sum() > 0


def test_the_bias_is_learned_in_the_first_part_of_a_run() -> None:
    config = make_config({**TINY, "model": "fast_cnn", "widths": (4, 6, 8), "batch_size": 30, "epochs": 2,
                          "validation_share": 0.0})  # fmt: skip
    data = data_for(config)
    trainer = Trainer(config, data, CPU)
    bias = trainer.net.get_submodule("whiten").get_parameter("bias")
    seen: list[torch.Tensor] = []
    trainer.net.register_forward_hook(lambda *_: seen.append(bias.detach().clone()) if trainer.net.training else None)
    trainer.fit(RecordingCallback())
    steps = 20
    changed = [not torch.equal(before, after) for before, after in pairwise(seen)]
    assert changed == [step < 3 / 8 * steps for step in range(steps - 1)]
