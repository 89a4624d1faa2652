"""The learning rate schedules, the cosine one compared with torch's, and the other values that change in a run."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cifar_core.config import OptimizerConfig, make_config
from cifar_core.train.schedule import learning_rate_at, small_part, views_after


def test_cosine_equals_torchs() -> None:
    config = OptimizerConfig(schedule="cosine", learning_rate=0.1)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=50)
    for step in range(50):
        assert learning_rate_at(config, step, 50) == pytest.approx(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()


def test_one_cycle_rises_to_the_peak_then_falls_to_zero() -> None:
    config = OptimizerConfig(schedule="one_cycle", learning_rate=0.4, warmup_share=0.25)
    rates = [learning_rate_at(config, step, 100) for step in range(100)]
    assert rates.index(max(rates)) in (24, 25)
    assert max(rates) == pytest.approx(0.4)
    assert rates[:25] == sorted(rates[:25]) and rates[25:] == sorted(rates[25:], reverse=True)
    assert 0 < rates[-1] < 0.01


def test_one_cycle_warms_up_in_equal_steps_that_end_at_the_peak() -> None:
    """The first step has a rate above 0; the last step of the warm-up and the one after it have the peak."""
    config = OptimizerConfig(schedule="one_cycle", learning_rate=0.4, warmup_share=0.25)
    rates = [learning_rate_at(config, step, 16) for step in range(16)]
    assert rates[:4] == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert rates[4:] == pytest.approx([0.4 * left / 12 for left in range(12, 0, -1)])


@given(
    schedule=st.sampled_from(["constant", "cosine", "one_cycle"]),
    steps=st.integers(1, 500),
    warmup=st.floats(0, 0.9),
    at=st.floats(0, 1, exclude_max=True),
)
def test_rate_stays_between_zero_and_the_peak(schedule: str, steps: int, warmup: float, at: float) -> None:
    config = OptimizerConfig(schedule=schedule, learning_rate=0.1, warmup_share=warmup)
    assert 0 <= learning_rate_at(config, int(at * steps), steps) <= 0.1 * (1 + 1e-9)


def test_only_a_network_that_takes_any_size_sees_small_pictures() -> None:
    assert small_part(make_config({"model": "fast_cnn", "small_share": 0.4})) == 0.4
    assert small_part(make_config({"model": "simple_cnn", "small_share": 0.4})) == 0.0


@pytest.mark.parametrize(("validates", "views"), [(False, [1, 1, 2]), (True, [2, 2, 2])])
def test_epochs_that_cannot_be_the_best_are_measured_with_one_view(validates: bool, views: list[int]) -> None:
    config = make_config({"epochs": 3, "flip_test": True})
    assert [views_after(config, epoch, validates=validates) for epoch in (1, 2, 3)] == views
