"""What a run still needs: its estimate before it trains, its own speed later."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifar_core.config import make_config
from cifar_core.runs import Run, Span, Status, TrainingProgress, time_left

RUN = Run(
    "x",
    "x",
    "",
    Status.QUEUED,
    make_config({"epochs": 10}),
    "",
    ticket=1,
    expected_seconds=100.0,
    expected_low=80.0,
    expected_high=125.0,
    expected_start_up=5.0,
)


def training(done: float, elapsed: float, **more: object) -> Run:
    """A run of ten epochs of which a share is done."""
    epoch, batch = divmod(round(done * 1000), 100)
    at = TrainingProgress("training", epoch + 1, 10, batch, 100, elapsed=elapsed)
    return replace(RUN, status=Status.RUNNING, ticket=None, progress=at, **more)  # type: ignore[arg-type]


def test_a_waiting_run_needs_what_was_estimated() -> None:
    new = time_left(RUN)
    assert new is not None and (new.low, new.middle, new.high) == pytest.approx((85, 105, 130))
    assert time_left(replace(RUN, expected_seconds=None)) is None
    old = time_left(replace(RUN, expected_low=None, expected_high=None))
    assert old is not None and (old.low, old.middle, old.high) == pytest.approx((55, 105, 205)), "no bounds in old runs"
    limited = time_left(replace(RUN, config=make_config({"max_seconds": 20})))
    assert limited == Span(20, 20, 20)


@given(done=st.floats(0.02, 0.98), factor=st.floats(0.1, 10.0))
def test_the_range_narrows_as_a_run_goes_on(done: float, factor: float) -> None:
    further = min(0.99, done + 0.05)
    early, late = (time_left(training(share, 100 * factor * round(share, 3))) for share in (done, further))
    assert early is not None and late is not None
    assert 0 <= early.low <= early.middle <= early.high
    widths = [
        (span.high + elapsed) / (span.middle + elapsed)  # of the whole time, which the rest is a part of
        for span, elapsed in ((early, 100 * factor * round(done, 3)), (late, 100 * factor * round(further, 3)))
    ]
    assert widths[1] <= widths[0] + 1e-6


def test_its_own_speed_soon_counts_more_than_the_estimate() -> None:
    left = time_left(training(0.5, 100.0))  # twice as slow as expected
    assert left is not None and left.middle == pytest.approx(100.0, rel=0.15) and left.low > 60
    nearly = time_left(training(0.99, 198.0))
    assert nearly is not None and nearly.high < 4.0
    unknown = time_left(training(0.5, 50.0, expected_seconds=None))
    assert unknown is not None and unknown.middle == pytest.approx(50.0) and unknown.low < 50.0 < unknown.high
