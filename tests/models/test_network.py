"""The layer table against the network that is built from it: torch counts parameters, shapes and FLOPs."""

import math
from dataclasses import dataclass

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from cifar_core.config import ModelConfig, make_config, spec_of
from cifar_core.errors import ConfigError
from cifar_core.models import layer_table, list_models, registry, tensors, totals
from cifar_core.models.layers import Layer, batch_norm, convolution, flat, linear, relu, residual
from cifar_core.models.model_config import _settings as own_settings
from cifar_core.models.network import build, create_model
from cifar_core.spec import setting


def models() -> st.SearchStrategy[ModelConfig]:
    return st.builds(
        ModelConfig,
        model=st.sampled_from(list_models()),
        channels=st.tuples(st.integers(1, 12), st.integers(1, 12)),
        kernel_size=st.sampled_from([1, 3, 5, 7]),
        padding=st.booleans(),
        hidden=st.tuples(st.integers(1, 40), st.integers(1, 40)),
        dropout=st.sampled_from([0.0, 0.3]),
        widths=st.tuples(st.integers(1, 12), st.integers(1, 12), st.integers(1, 12)),
        depths=st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4)),
        late_pooling=st.booleans(),
        dense_stem=st.booleans(),
        fine_stem=st.booleans(),
        activation=st.sampled_from(["relu", "gelu"]),
    )


@settings(max_examples=30)
@given(config=models(), classes=st.integers(2, 12))
def test_table_describes_the_network(config: ModelConfig, classes: int) -> None:
    net = create_model(config, classes).eval()
    layers = layer_table(config, classes)
    shapes = []
    for name, module in net.named_modules():
        if name:
            module.register_forward_hook(lambda _, _inputs, out, name=name: shapes.append((name, tuple(out.shape[1:]))))
    net(torch.zeros(2, 3, 32, 32))
    assert [(layer.name, layer.shape) for layer in layers] == shapes
    assert totals(layers).parameters == sum(item.numel() for item in net.parameters())
    expected = {name: shape for layer in layers for name, shape in tensors(layer).items()}
    assert expected == {name: tuple(tensor.shape) for name, tensor in net.state_dict().items()}


@pytest.mark.parametrize(("activation", "kind"), [("relu", torch.nn.ReLU), ("gelu", torch.nn.GELU)])
def test_the_chosen_activation_follows_every_normalisation(activation: str, kind: type[torch.nn.Module]) -> None:
    modules = list(create_model(make_config({"model": "fast_cnn", "activation": activation}).model, 10))
    after = [modules[index + 1] for index, module in enumerate(modules) if isinstance(module, torch.nn.BatchNorm2d)]
    assert len(after) == 6 and all(type(module) is kind for module in after)


@pytest.mark.parametrize(
    "chosen",
    [{}, {"channels": "6,16", "kernel_size": 5, "padding": False, "hidden": "120,84"}, {"model": "fast_cnn"}],
)
def test_flops_equal_torchs_count(chosen: dict[str, object]) -> None:
    """Torch's counter leaves out biases and elementwise layers, which the table counts.

    In float64 every convolution is the direct one, whose operations the FLOPs of a layer count.
    """
    config = make_config(chosen).model
    with FlopCounterMode(display=False) as counter:
        create_model(config, 10).double()(torch.zeros(1, 3, 32, 32, dtype=torch.float64))
    extra = 0
    for layer in layer_table(config, 10):
        biased = layer.kind in ("linear", "convolution", "whitening") and layer.bias
        extra += math.prod(layer.shape) * {True: 1, False: 0}[biased]
        extra += 2 * math.prod(layer.shape) if layer.kind == "batch-norm" else 0
    assert totals(layer_table(config, 10)).flops - extra == counter.get_total_flops()


@pytest.mark.parametrize("name", list_models())
def test_every_parameter_of_every_model_gets_a_gradient(name: str) -> None:
    torch.manual_seed(0)
    net = create_model(ModelConfig(model=name, dropout=0.0), 10)
    logits = net(torch.randn(64, 3, 32, 32))
    assert logits.shape == (64, 10)
    assert torch.isfinite(logits).all()
    torch.nn.functional.cross_entropy(logits, torch.arange(64) % 10).backward()
    for parameter_name, parameter in net.named_parameters():
        if parameter_name == "whiten.weight":
            assert not parameter.requires_grad, "the whitening filters come from data"
            continue
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, f"no gradient for {parameter_name}"


def test_the_settings_offer_all_networks() -> None:
    assert list(spec_of("model").choices) == list_models()


def test_pooling_before_relu_is_the_same_as_after() -> None:
    values = torch.randn(4, 3, 9, 9)
    pool, relu = torch.nn.MaxPool2d(2), torch.nn.ReLU()
    assert torch.equal(relu(pool(values)), pool(relu(values)))


class HandWritten(torch.nn.Module):
    """What `RESIDUAL` says, as one would write it without a table."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = torch.nn.Conv2d(3, 4, 3, padding=1)
        self.conv = torch.nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.norm = torch.nn.BatchNorm2d(4)
        self.narrow = torch.nn.Conv2d(4, 4, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        before = self.stem(images)
        hidden = self.norm(self.conv(torch.relu(before)))
        return torch.relu(before + hidden + self.narrow(torch.relu(hidden)))


SHAPE = (4, 6, 6)
NESTED = residual("nested", SHAPE, [relu("relu", SHAPE), convolution("narrow", SHAPE, 4, 1, 0)])
BLOCK = residual(
    "block",
    SHAPE,
    [relu("relu", SHAPE), convolution("conv", SHAPE, 4, 3, 1, bias=False), batch_norm("norm", SHAPE), NESTED],
)
RESIDUAL = [convolution("stem", (3, 6, 6), 4, 3, 1), BLOCK, relu("relu", SHAPE)]


def test_residual_blocks_are_what_one_would_write_by_hand() -> None:
    """A block begins with a ReLU, which must not change the input that is added to its output."""
    torch.manual_seed(0)
    ours, theirs = build(RESIDUAL).double(), HandWritten().double()
    theirs.load_state_dict({".".join(name.split(".")[-2:]): value for name, value in ours.state_dict().items()})
    images = torch.randn(5, 3, 6, 6, dtype=torch.float64)
    ours(images).square().sum().backward()
    theirs(images).square().sum().backward()
    torch.testing.assert_close(ours(images), theirs(images))
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, other.grad)


def test_the_table_of_residual_blocks_sees_every_layer_inside() -> None:
    layers, net = flat(RESIDUAL), build(RESIDUAL).double()
    names = "stem block.relu block.conv block.norm block.nested.relu block.nested.narrow block.nested block relu"
    assert " ".join(layer.name for layer in layers) == names
    assert totals(layers).parameters == sum(item.numel() for item in net.parameters())
    expected = {name: shape for layer in layers for name, shape in tensors(layer).items()}
    assert expected == {name: tuple(tensor.shape) for name, tensor in net.state_dict().items()}
    with FlopCounterMode(display=False) as counter:
        net(torch.zeros(1, 3, 6, 6, dtype=torch.float64))
    # Elementwise: two biases, the normalisation with two operations a value, and the sums of two blocks.
    assert totals(layers).flops - 6 * math.prod(SHAPE) == counter.get_total_flops()


@pytest.mark.parametrize("inner", [[], [convolution("conv", SHAPE, 5, 3, 1)], [linear("fc", (4,), 3)]])
def test_a_block_of_another_shape_than_its_input_is_refused(inner: list[Layer]) -> None:
    with pytest.raises(ValueError, match="inside of 'block' must give what it takes"):
        residual("block", SHAPE, inner)


def test_two_models_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_MODELS", {})
    register = registry.model("twice.")

    def same(settings: object, classes: int) -> list[Layer]:
        return []

    register(same)
    with pytest.raises(ValueError, match="two models 'same'"):
        register(same)


def test_a_model_that_could_not_be_timed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measuring would end with an error at this model, and no other one would have an estimate."""
    monkeypatch.setattr(registry, "_MODELS", {})
    with pytest.raises(ValueError, match="'untimed' needs settings to time"):

        @registry.model("untimed.", timed=())
        def untimed(settings: object, classes: int) -> list[Layer]:
            return []


@pytest.mark.parametrize(("low", "alike"), [(1, True), (2, False)])
def test_models_may_share_a_setting_that_is_the_same_in_both(
    monkeypatch: pytest.MonkeyPatch, low: int, alike: bool
) -> None:
    @dataclass(frozen=True)
    class One:
        depth: int = setting(2, "int", "Depth", "Layers.", low=1, high=4)

    @dataclass(frozen=True)
    class Other:
        depth: int = setting(2, "int", "Depth", "Layers.", low=low, high=4)

    def one(settings: One, classes: int) -> list[Layer]:
        return []

    def other(settings: Other, classes: int) -> list[Layer]:
        return []

    monkeypatch.setattr(registry, "_MODELS", {})
    registry.model("one.", settings=One)(one)
    registry.model("other.", settings=Other)(other)
    if alike:
        _, (name, _, made) = own_settings()
        assert (name, made.metadata["spec"].only_with) == ("depth", ("model", ("one", "other")))
    else:
        with pytest.raises(ValueError, match="one and other disagree on the setting 'depth'"):
            own_settings()


def test_too_few_classes_are_refused() -> None:
    with pytest.raises(ConfigError, match="at least 2 classes"):
        layer_table(ModelConfig(), 1)
    with pytest.raises(ConfigError, match="no network 'resnet'"):
        layer_table(ModelConfig(model="resnet"), 10)


def test_convolutions_of_fast_cnn_first_copy_their_inputs() -> None:
    """Their other outputs are random at first."""
    net = create_model(make_config({"model": "fast_cnn", "widths": (8, 40, 20), "depths": (1, 1, 1)}).model, 10)
    for name, inputs, outputs in (("conv1a", 32, 8), ("conv2a", 8, 40), ("conv3a", 40, 20)):
        images, same = torch.randn(2, inputs, 6, 6), min(inputs, outputs)
        answer = net.get_submodule(name)(images)
        torch.testing.assert_close(answer[:, :same], images[:, :same])
        assert len(torch.unique(answer[0, same:].detach().sum((1, 2)).round(decimals=4))) == outputs - same
