"""Hyperparameters: any input becomes a checked `RunConfig`, or one `ConfigError` that lists every problem."""

import dataclasses
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifar_core.config import (
    DataConfig,
    MachineConfig,
    ModelConfig,
    OptimizerConfig,
    RunConfig,
    changed_settings,
    differing,
    for_dataset,
    hyperparameters,
    make_config,
    nearest_preset,
    require_validation,
    settings_by_group,
    settings_in_effect,
    spec_of,
)
from cifar_core.errors import CifarCoreError, ConfigError
from cifar_core.presets import PRESETS
from cifar_core.spec import Spec, value_words
from cifar_core.text import is_folder_name

TABLE = list(hyperparameters())
NAMES = [name for _, name, _, _ in TABLE]
BY_KIND = {kind: [name for _, name, spec, _ in TABLE if spec.kind == kind] for kind in ("int", "float", "bool", "ints")}

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.complex_numbers(),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
LIKELY = st.sampled_from(
    ["1", "6,16", "0.5", "nan", "1e999", "true", "adam", "original", "drawn10", "²", "١٢", "1_0", ""]
)


def allowed(spec: Spec) -> st.SearchStrategy[Any]:
    """Any allowed value of one hyperparameter."""
    match spec.kind:
        case "bool":
            return st.booleans()
        case "choice":
            return st.sampled_from(spec.choices)
        case "name":
            return st.from_regex(r"[a-z0-9][a-z0-9-]{0,63}", fullmatch=True).filter(is_folder_name)
        case "float":
            return st.floats(spec.low, spec.high)
        case "int":
            return whole(spec)
        case "ints":
            return st.tuples(*[whole(spec) for _ in spec.items])


def whole(spec: Spec) -> st.SearchStrategy[int]:
    """A whole number in range; every second one where the step is 2."""
    return st.integers(0, int((spec.high - spec.low) // spec.step)).map(lambda n: int(spec.low + n * spec.step))


ALLOWED = st.fixed_dictionaries({}, optional={name: allowed(spec) for _, name, spec, _ in TABLE})


def problems_of(settings: dict[str, Any], **options: Any) -> list[str]:
    """The problems that `make_config` finds in these settings."""
    with pytest.raises(ConfigError) as caught:
        make_config(settings, **options)
    assert str(caught.value) == " ".join(caught.value.problems)
    assert isinstance(caught.value, CifarCoreError)
    return caught.value.problems


# The table


def test_every_field_is_in_the_table_once() -> None:
    owned = [
        item.name
        for group in (DataConfig, ModelConfig, OptimizerConfig, MachineConfig)
        for item in dataclasses.fields(group)
    ]
    assert owned == NAMES
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize(("group", "name", "spec", "default"), TABLE, ids=NAMES)
def test_a_row_is_complete_and_correct(group: str, name: str, spec: Spec, default: Any) -> None:
    assert spec.label
    assert spec.help.endswith(".")
    assert getattr(getattr(make_config(), group), name) == default, "the default breaks its own rule"
    assert spec_of(name) is spec
    if spec.kind in ("int", "float", "ints"):
        assert spec.low < spec.high
        assert not spec.log or spec.low > 0
    assert (spec.kind == "choice") == bool(spec.choices)
    assert (spec.kind == "ints") == bool(spec.items)


def test_the_table_has_no_row_of_another_name() -> None:
    with pytest.raises(KeyError):
        spec_of("learning-rate")


def test_configs_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        make_config().machine.seed = 1  # type: ignore[misc]


# Any input


@pytest.mark.fault(41)
@given(settings=st.dictionaries(st.sampled_from(NAMES) | st.text(), ANYTHING | LIKELY, max_size=8))
def test_anything_is_a_config_or_a_config_error(settings: dict[str, Any]) -> None:
    try:
        config = make_config(settings)
    except ConfigError as error:
        assert error.problems
        assert all(problem.endswith(".") and len(problem) < 400 for problem in error.problems)
    else:
        assert make_config(config.flat()) == config


@pytest.mark.fault(41)
@given(name=st.sampled_from(NAMES), value=ANYTHING | LIKELY)
def test_any_value_for_any_setting(name: str, value: object) -> None:
    """As above with one setting, so that most values reach the rule of their own field."""
    try:
        config = make_config({name: value})
    except ConfigError as error:
        assert len(error.problems) == 1
        assert name in error.problems[0]
    else:
        assert type(config.flat()[name]) is type(make_config().flat()[name])


@given(preset=st.sampled_from(sorted(PRESETS)) | st.text())
def test_any_preset_name(preset: str) -> None:
    if preset in PRESETS:
        assert isinstance(make_config(preset=preset), RunConfig)
    else:
        assert "There is no preset" in problems_of({}, preset=preset)[0]


@given(settings=ALLOWED)
def test_allowed_values_pass_and_come_back(settings: dict[str, Any]) -> None:
    if settings.get("patience"):
        settings["validation_share"] = 0.2
    config = make_config(settings)
    flat = config.flat()
    for name, value in settings.items():
        assert flat[name] == (list(value) if isinstance(value, tuple) else value)
    assert make_config(flat) == config
    assert make_config(json.loads(json.dumps(flat, allow_nan=False))) == config
    assert hash(make_config(flat)) == hash(config)


@given(settings=ALLOWED)
def test_what_is_typed_means_the_same(settings: dict[str, Any]) -> None:
    """The command line and text fields hand over text."""
    if settings.get("patience"):
        settings["validation_share"] = 0.2
    typed = {
        name: ",".join(map(str, value)) if isinstance(value, tuple) else str(value) for name, value in settings.items()
    }
    assert make_config(typed) == make_config(settings)


# Values that are not numbers


@pytest.mark.fault(41)
@pytest.mark.parametrize("name", BY_KIND["int"] + BY_KIND["float"])
@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        -math.inf,
        True,
        False,
        None,
        10**400,
        -(10**400),
        "nan",
        "inf",
        "0.1abc",
        "",
        "1" * 5000,
        [1],
        {},
        1j,
    ],
    ids=lambda value: f"{str(value)[:12]}-{type(value).__name__}",
)
def test_values_that_are_not_numbers_are_refused(name: str, value: object) -> None:
    (problem,) = problems_of({name: value})
    assert problem.startswith(f"{name} is ")
    assert f"must be a {'whole ' if name in BY_KIND['int'] else ''}number from" in problem
    assert len(problem) < 250


@pytest.mark.fault(41)
@pytest.mark.parametrize("name", BY_KIND["int"] + BY_KIND["float"])
def test_the_ends_of_a_range_belong_to_it_and_what_lies_beyond_does_not(name: str) -> None:
    spec = spec_of(name)
    more = {"validation_share": 0.1} if name == "patience" else {}
    make_config({name: spec.low})
    make_config({name: spec.high, **more})
    for value in (spec.low - max(spec.step, 1e-9), spec.high + max(spec.step, 1e-9)):
        assert len(problems_of({name: value})) == 1


@pytest.mark.parametrize("value", [1.5, "1.5", "1e3", "²", "1_0", "--3", "+-3", " ", "3 4"])
def test_a_whole_number_is_whole(value: object) -> None:
    assert "must be a whole number from 1 to 500" in problems_of({"epochs": value})[0]


@pytest.mark.parametrize("value", [12, 12.0, "12", " 12 ", "+12"])
def test_a_whole_number_may_be_written_in_several_ways(value: object) -> None:
    epochs = make_config({"epochs": value}).optimizer.epochs
    assert epochs == 12
    assert type(epochs) is int


@pytest.mark.parametrize("value", [2, 4, "6", 0, 9])
def test_a_kernel_size_is_odd(value: object) -> None:
    assert "must be a whole number from 1 to 7 pixels, odd" in problems_of({"kernel_size": value})[0]


@pytest.mark.fault(41)
@pytest.mark.parametrize("value", [1, 0, 1.0, None, "maybe", "", [], 2])
def test_numbers_are_not_booleans(value: object) -> None:
    assert problems_of({"flip": value})[0].endswith("must be true or false.")


@pytest.mark.parametrize(
    "value", ["6", "6,16,32", "6;16", "", ",", "6,", "6,x", "6,1.5", [6], [6, True], 6, None, {6, 16}, "0,4", "6,513"]
)
def test_lists_have_their_length_and_their_numbers(value: object) -> None:
    assert "must be 2 whole numbers from 1 to 512, as in 8,8" in problems_of({"channels": value})[0]


@pytest.mark.parametrize("value", ["6,16", "6, 16", [6, 16], (6, 16), [6.0, "16"]])
def test_lists_may_be_written_in_several_ways(value: object) -> None:
    assert make_config({"channels": value}).model.channels == (6, 16)


@pytest.mark.parametrize("value", ["Adam", ["adam"], {"adam": 1}, 0, None, b"adam"])
def test_a_choice_is_one_of_its_values(value: object) -> None:
    assert "must be one of adam, adamw, sgd" in problems_of({"optimizer": value})[0]


@pytest.mark.parametrize("value", ["", "x" * 65, "Drawn10", "../../etc", "con", "-a", "a\n", 3, None, b"drawn10"])
def test_a_dataset_has_a_name(value: object) -> None:
    assert "must be a name of 1 to 64 small letters a-z, digits and hyphens" in problems_of({"dataset": value})[0]


# What people read


@pytest.mark.fault(41)
def test_all_problems_are_listed_at_once() -> None:
    problems = problems_of(
        {"epochs": 0, "learning_rate": "fast", "optimiser": "sgd", "dropout": 0.95, "flip": "maybe", "seed": 1}
    )
    assert problems == [
        "epochs is 0, but must be a whole number from 1 to 500.",
        "learning_rate is 'fast', but must be a number from 1e-06 to 10.",
        "There is no setting 'optimiser' (did you mean 'optimizer'?).",
        "dropout is 0.95, but must be a number from 0 to 0.9.",
        "flip is 'maybe', but must be true or false.",
    ]


def test_the_largest_seed_is_written_out() -> None:
    assert problems_of({"seed": 2**31}) == ["seed is 2147483648, but must be a whole number from 0 to 2147483647."]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("learning-rate", "learning_rate"),
        ("lr_schedule", "schedule"),
        ("batchsize", "batch_size"),
        ("Epochs", "epochs"),
    ],
)
def test_the_nearest_name_is_offered(typed: str, meant: str) -> None:
    assert problems_of({typed: 1}) == [f"There is no setting {typed!r} (did you mean {meant!r}?)."]


def test_nothing_is_offered_where_nothing_is_near() -> None:
    assert problems_of({"qqqqqqq": 1}) == ["There is no setting 'qqqqqqq'."]


def test_the_nearest_choice_and_preset_are_offered() -> None:
    assert "did you mean 'adamw'?" in problems_of({"optimizer": "adamW"})[0]
    assert problems_of({}, preset="orginal")[0].startswith("There is no preset 'orginal' (did you mean 'original'?)")


@pytest.mark.fault(41)
def test_names_that_are_not_text_are_refused() -> None:
    assert problems_of({3: 1, (7,): 3}) == [  # type: ignore[dict-item]
        "There is no setting '3'.",
        "There is no setting '(7,)'.",
    ]


def test_long_values_and_names_are_cut() -> None:
    assert all(
        len(problem) < 250
        for problem in problems_of({"x" * 10_000: 1, "epochs": "y" * 10_000, "channels": [1] * 10_000})
    )


def test_early_stopping_needs_a_validation_part() -> None:
    assert problems_of({"patience": 3, "validation_share": 0}) == [
        "patience (early stopping) needs a validation part: set validation_share above 0 or patience to 0."
    ]
    assert make_config({"patience": 3}).optimizer.patience == 3


def test_a_share_that_is_given_wins_over_the_validation_pictures_of_the_dataset() -> None:
    """By a person, not by a preset; where both are given, both are kept."""
    assert make_config(preset="quick").data.own_validation
    assert make_config({"epochs": 2}).data.own_validation
    assert not make_config({"validation_share": 0.2}).data.own_validation
    assert not make_config({"validation_share": "0"}, preset="quick").data.own_validation
    both = make_config({"validation_share": 0.2, "own_validation": True})
    assert (both.data.own_validation, both.data.validation_share) == (True, 0.2)
    assert make_config(both.flat()) == both


def test_early_stopping_may_rest_on_the_validation_pictures_of_the_dataset() -> None:
    """Only the dataset tells: a preset without a share is taken, and refused for a dataset that has none."""
    config = make_config({"patience": 3}, preset="quick")
    require_validation(config, own=1)
    with pytest.raises(ConfigError, match="needs a validation part"):
        require_validation(config, own=0)
    require_validation(make_config({"patience": 3}), own=0)


def test_a_run_keeps_no_choice_that_has_no_effect() -> None:
    config = make_config({"validation_share": 0.2})
    assert for_dataset(config, own=5) == config
    assert differing([for_dataset(config, own=0), make_config()]) == ["validation_share"]


# Presets and comparisons


def test_presets_are_valid_and_described() -> None:
    for name, preset in PRESETS.items():
        config = make_config(preset=name)
        assert preset.title
        assert preset.help.endswith(".")
        assert {setting: config.flat()[setting] for setting in preset.settings} == {
            setting: list(value) if isinstance(value, tuple) else value for setting, value in preset.settings.items()
        }
    assert make_config(preset="default") == make_config() == RunConfig()


def test_a_setting_beside_a_preset_wins() -> None:
    config = make_config({"kernel_size": 3}, preset="original")
    assert config.model.kernel_size == 3
    assert config.model.channels == (6, 16)


def test_original_is_the_network_this_project_grew_from() -> None:
    """Every setting of it is listed: unpadded 5 x 5 convolutions, Adam, all pictures, nothing else."""
    expected = {
        "dataset": "drawn10",
        "train_share": 1.0,
        "own_validation": True,
        "validation_share": 0.0,
        "flip": False,
        "shift": 0,
        "mirror_edges": False,
        "cutout": 0,
        "flip_test": False,
        "shift_test": 0,
        "small_share": 0.0,
        "widths": [24, 64, 128],
        "depths": [2, 2, 2],
        "late_pooling": False,
        "dense_stem": False,
        "fine_stem": False,
        "activation": "relu",
        "model": "simple_cnn",
        "channels": [6, 16],
        "kernel_size": 5,
        "padding": False,
        "hidden": [120, 84],
        "dropout": 0.0,
        "epochs": 10,
        "batch_size": 64,
        "optimizer": "adam",
        "learning_rate": 1e-3,
        "momentum": 0.9,
        "schedule": "constant",
        "warmup_share": 0.2,
        "weight_decay": 0.0,
        "label_smoothing": 0.0,
        "prune_share": 0.0,
        "patience": 0,
        "seed": 0,
        "device": "auto",
        "max_seconds": 0,
        "processes": 1,
    }
    assert make_config(preset="original").flat() == expected


def test_differing_names_what_is_not_the_same() -> None:
    first, second = make_config(), make_config({"epochs": 3, "channels": "6,16", "seed": 4})
    assert differing([first, second]) == ["channels", "epochs", "seed"]
    assert differing([first, first]) == differing([first]) == differing([]) == []


# What means something beside the others


def test_a_setting_means_something_only_beside_the_others() -> None:
    """Those of another network or schedule do not; a share only where the dataset has no pictures of its own."""
    plain, fast = make_config().flat(), make_config({"shift": 2}, preset="quick").flat()
    with_adam = set(settings_in_effect(plain, own=0))
    assert with_adam >= {"dataset", "channels", "validation_share", "seed"}
    assert not with_adam & {"widths", "momentum", "warmup_share", "small_share", "mirror_edges", "own_validation"}
    assert {"widths", "momentum", "warmup_share", "small_share", "mirror_edges"} <= set(settings_in_effect(fast, own=0))
    own = settings_in_effect(plain, own=5)
    assert "own_validation" in own and "validation_share" not in own
    assert "validation_share" in settings_in_effect({**plain, "own_validation": False}, own=5)
    grouped = settings_by_group(own)
    assert "flip" in grouped["augmentation"] and "dataset" in grouped["data"]
    assert sorted(name for names in grouped.values() for name in names) == sorted(own)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_is_nearest_to_itself_and_names_what_was_changed(preset: str) -> None:
    settings = make_config(preset=preset).flat()
    assert nearest_preset(settings, own=0) == preset
    assert changed_settings({**settings, "dataset": "mine"}, preset, own=0) == []
    changed = {**settings, "seed": 3, "epochs": 400, "momentum" if preset == "default" else "dropout": 0.5}
    assert nearest_preset(changed, own=0) == preset
    in_effect = {"epochs", "seed"} | ({"dropout"} if preset == "original" else set())
    assert set(changed_settings(changed, preset, own=0)) == in_effect, "what has no effect is no change"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("flip", True, "on"),
        ("channels", [32, 64], "32 and 64"),
        ("widths", (8, 16, 32), "8, 16 and 32"),
        ("optimizer", "averaged_sgd", "Averaged SGD"),
        ("model", "fast_cnn", "fast_cnn"),
        ("max_seconds", 0, "no limit"),
        ("shift", 1, "1 pixel"),
        ("batch_size", 256, "256 pictures"),
        ("learning_rate", 1e-6, "1e-06"),
        ("dataset", "mine", "mine"),
    ],
)
def test_a_value_in_words(name: str, value: object, words: str) -> None:
    assert value_words(spec_of(name), value) == words
