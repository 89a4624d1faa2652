"""Axes of a sweep: places follow the values, in powers where a setting is searched so; who has no value lies below."""

import math
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as some

from cifar_core.config import hyperparameters
from cifar_core.figures.sweep import accuracy_axis, reached, setting_axis, setting_words, settings_words
from cifar_core.figures.sweep.axes import MOST_TICKS, NO_EFFECT, NO_RESULT, place_values
from cifar_core.sweeps.space import Dimension
from tests.figures.sweep.made_trials import trial

NUMBERS = [(name, spec) for _, name, spec, _ in hyperparameters() if spec.kind in ("int", "float")]


@given(some.sampled_from(NUMBERS), some.data())
def test_a_range_is_drawn_to_scale_whatever_the_setting(chosen: tuple[str, Any], data: some.DataObject) -> None:
    name, spec = chosen
    least = max(spec.low, 1e-6) if spec.log else spec.low
    number = some.integers(math.ceil(least), int(spec.high)) if spec.kind == "int" else some.floats(least, spec.high)
    low, high, *values = sorted(data.draw(some.lists(number, min_size=2, max_size=9, unique=True)))
    low, high = (low, values[-1]) if values else (low, high)
    assume(high > low * (1 + 1e-6) and high - low > 1e-9)
    inside = [low, *values, high]
    dimension = Dimension(name, low, high, log=spec.log, whole=spec.kind == "int")
    axis = setting_axis(dimension, [trial(at, {name: value}, 0.5) for at, value in enumerate(inside)])
    scale = math.log if spec.log and low > 0 else float
    wanted = [(scale(value) - scale(low)) / (scale(high) - scale(low)) for value in inside]
    assert axis.places == pytest.approx(wanted, abs=1e-6)
    assert 2 <= len(axis.ticks) <= MOST_TICKS + 3
    assert all(-1e-6 <= place <= 1 + 1e-6 for place, _ in axis.ticks)
    assert [place for place, _ in axis.ticks] == sorted(place for place, _ in axis.ticks)


def test_the_ticks_of_a_range_are_round_numbers_where_they_stand() -> None:
    rate = setting_axis(Dimension("learning_rate", 1e-4, 1e-1, log=True), [])
    assert rate.ticks == (
        (0.0, "0.0001"),
        (pytest.approx(1 / 3), "0.001"),
        (pytest.approx(2 / 3), "0.01"),
        (1.0, "0.1"),
    )
    near = setting_axis(Dimension("learning_rate", 0.002, 0.005, log=True), [])
    assert [text for _, text in near.ticks] == ["0.002", "0.003", "0.005"]
    batch = setting_axis(Dimension("batch_size", 16, 512, log=True, whole=True), [])
    assert [text for _, text in batch.ticks] == ["16", "32", "64", "128", "256", "512"]
    epochs = setting_axis(Dimension("epochs", 1, 3, whole=True), [])
    assert [text for _, text in epochs.ticks] == ["1", "2", "3"]


def test_listed_values_lie_evenly_and_lists_are_written_as_people_read_them() -> None:
    dimension = Dimension("channels", values=((16, 32), (32, 64)))
    axis = setting_axis(dimension, [trial(1, {"channels": (32, 64)}, 0.5), trial(2, {"channels": [16, 32]}, 0.5)])
    assert axis.ticks == ((0.25, "16 and 32"), (0.75, "32 and 64"))
    assert axis.places == (0.75, 0.25), "from a file a tuple comes as a list"


def test_a_setting_without_effect_lies_below_its_axis_and_says_so() -> None:
    dimension = Dimension("momentum", 0.0, 0.9)
    axis = setting_axis(
        dimension, [trial(1, {"momentum": 0.0}, 0.5), trial(2, {}, 0.5), trial(3, {"momentum": 0.9}, 0.5)]
    )
    assert axis.places[1] == 0.0 < axis.places[0] < axis.places[2] == 1.0
    assert axis.words == ("0", NO_EFFECT, "0.9")
    assert axis.ticks[0] == (0.0, NO_EFFECT) and axis.ticks[1][0] == pytest.approx(axis.places[0])


def test_accuracy_is_the_value_or_the_mean_of_the_best_epochs() -> None:
    pruned = trial(2, {}, None, (0.2, 0.5, 0.4), (0.3,))
    assert reached(pruned) == pytest.approx(0.4)
    assert reached(trial(1, {}, 0.8, (0.7, 0.9))) == 0.8
    assert reached(trial(3, {})) is None
    axis = accuracy_axis([trial(1, {}, 0.8), pruned, trial(3, {})])
    assert axis.places[2] == 0.0 < axis.places[1] < axis.places[0] == 1.0
    assert axis.words == ("80.0\u00a0%", "40.0\u00a0%", NO_RESULT)
    assert (axis.ticks[1][1], axis.ticks[-1][1]) == ("40\u00a0%", "80\u00a0%")


@pytest.mark.parametrize("values", [[], [0.5], [0.5, 0.5], [0.0, 0.0], [1.0]])
def test_accuracies_that_do_not_differ_have_an_axis(values: list[float]) -> None:
    axis = accuracy_axis([trial(at, {}, value) for at, value in enumerate(values)])
    assert all(0 <= place <= 1 for place in axis.places) and axis.ticks


def test_values_of_an_effect_keep_their_distances_and_choices_their_order() -> None:
    rates = place_values("learning_rate", [1e-3, 1e-2, 1e-1])
    assert rates.places == pytest.approx((0.0, 0.5, 1.0)) and [text for _, text in rates.ticks] == [
        "0.001",
        "0.01",
        "0.1",
    ]
    assert place_values("dropout", [0.0, 0.1, 0.4]).places == pytest.approx((0.0, 0.25, 1.0))
    assert place_values("optimizer", ["sgd", "adam"]).places == (0.25, 0.75)
    assert place_values("flip", [True, False]).words == ("on", "off")
    assert len(place_values("learning_rate", [10 ** (-n / 9) for n in range(30)]).ticks) <= MOST_TICKS


def test_settings_are_read_with_three_digits() -> None:
    assert setting_words("learning_rate", 0.0012345678) == "0.00123"
    assert settings_words({"learning_rate": 0.5, "optimizer": "adam"}) == "learning rate 0.5, optimiser Adam"
