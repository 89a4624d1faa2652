"""What a form fills in for a swept setting: the table allows it whatever the setting is, and it surrounds the value."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cifar_core.config import hyperparameters, make_config, spec_of
from cifar_core.spec import Spec
from cifar_core.sweeps.space import NEVER_SWEPT, parse_space
from cifar_core.sweeps.suggested import suggested_list, suggested_range, suggested_text

SWEPT = [name for _, name, _, _ in hyperparameters() if name not in NEVER_SWEPT]
NUMBERS = [name for name in SWEPT if spec_of(name).kind in ("int", "float")]
# Settings beside which each of them has an effect.
BESIDE = {"optimizer": "muon", "schedule": "one_cycle", "shift": 2, "validation_share": 0.1}


def one_number(spec: Spec) -> st.SearchStrategy[Any]:
    if spec.kind == "float":
        return st.floats(spec.low, spec.high)
    steps = st.integers(0, int((spec.high - spec.low) // spec.step))
    return steps.map(lambda count: int(spec.low + count * spec.step))


def some_value(name: str) -> st.SearchStrategy[Any]:
    spec = spec_of(name)
    match spec.kind:
        case "int" | "float":
            return one_number(spec)
        case "ints":
            return st.lists(one_number(spec), min_size=len(spec.items), max_size=len(spec.items))
        case "bool":
            return st.booleans()
        case _:
            return st.sampled_from(spec.choices)


@pytest.mark.parametrize("name", SWEPT)
@given(data=st.data())
@settings(max_examples=25)
def test_what_is_filled_in_can_be_swept_and_has_the_value_in_it(name: str, data: st.DataObject) -> None:
    value = data.draw(some_value(name))
    network = spec_of(name).only_with[1][0] if spec_of(name).only_with[0] == "model" else "simple_cnn"
    base = make_config({**BESIDE, "model": network}).flat()
    (item,) = parse_space([suggested_text(name, value)], base)
    assert item.name == name
    if item.is_range:
        within = item.low <= value <= item.high
        step = spec_of(name).step if not spec_of(name).log else 0.0
        assert within or min(abs(value - item.low), abs(value - item.high)) <= max(step, 1e-5 * abs(value))
    else:
        assert (tuple(value) if isinstance(value, list) else value) in item.values


@pytest.mark.parametrize(
    ("name", "value", "ends"),
    [
        ("learning_rate", 0.001, (0.0001, 0.01)),  # a decade to each side
        ("learning_rate", 5.0, (0.5, 10.0)),  # within what is allowed
        ("batch_size", 256, (64, 1024)),  # four times to each side
        ("batch_size", 1, (1, 4)),
        ("momentum", 0.9, (0.45, 0.99)),
        ("weight_decay", 0.0, (0.0, 0.01)),  # not half of what is allowed, which nobody wants
        ("label_smoothing", 0.0, (0.0, 0.25)),
        ("epochs", 10, (5, 20)),
        ("epochs", 1, (1, 2)),
        ("kernel_size", 3, (1, 5)),  # odd
        ("shift", 2, (1, 4)),
    ],
)
def test_the_range_around_a_value(name: str, value: float, ends: tuple[float, float]) -> None:
    assert suggested_range(name, value) == pytest.approx(ends, rel=1e-12)


def test_sizes_are_tried_at_half_and_twice() -> None:
    assert suggested_list("channels", [32, 64]) == [[16, 32], [32, 64], [64, 128]]
    assert suggested_list("depths", [1, 1, 1]) == [[1, 1, 1], [2, 2, 2]], "what is alike is listed once"
    assert suggested_list("channels", [512, 512]) == [[256, 256], [512, 512]]
