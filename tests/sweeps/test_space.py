"""The space of a sweep: what text and forms give, conditions, the grid, and values that are filled in."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifar_core.config import hyperparameters, make_config, settings_in_effect, spec_of
from cifar_core.errors import ConfigError
from cifar_core.sweeps.space import (
    MOST_COMBINATIONS,
    NEVER_SWEPT,
    Dimension,
    combinations,
    contains,
    even_values,
    grid,
    in_effect,
    largest,
    parse_space,
    range_text,
    range_words,
    space_from,
    sweepable,
)

SETTINGS = make_config().flat()
SEARCHED = [name for _, name, _, _ in hyperparameters() if name not in NEVER_SWEPT]
NUMBERS = [name for name in SEARCHED if spec_of(name).kind in ("int", "float")]


def values_of(name: str) -> st.SearchStrategy[Any]:
    """Valid values of a setting, as a form gives them."""
    spec = spec_of(name)
    whole = st.integers(int(spec.low), int(spec.high)).map(lambda value: value | 1 if spec.step == 2 else value)
    match spec.kind:
        case "int":
            return whole
        case "float":
            return st.floats(spec.low, spec.high)
        case "ints":
            return st.lists(whole, min_size=len(spec.items), max_size=len(spec.items))
        case "bool":
            return st.booleans()
        case _:
            return st.sampled_from(spec.choices)


@st.composite
def dimensions(draw: st.DrawFn) -> tuple[str, Any]:
    """A setting with a range, as a tuple, or with a list of values."""
    name = draw(st.sampled_from(SEARCHED))
    several = draw(st.lists(values_of(name), min_size=2, max_size=5, unique_by=str))
    if name in NUMBERS and draw(st.booleans()):
        return name, (min(several), max(several))
    return name, several


def searched_alone(name: str, choice: Any) -> tuple[Dimension, dict[str, Any]]:
    """The dimension of one setting, beside settings with which it has an effect."""
    other, allowed = spec_of(name).only_with
    settings = {**SETTINGS, other: allowed[0]} if other else SETTINGS
    (dimension,) = space_from({name: choice}, settings)
    return dimension, settings


def test_text_gives_ranges_and_lists_in_the_order_of_the_table() -> None:
    texts = ["learning_rate=1e-4..1e-1", "channels=16,32|32,64", " batch_size = 32 .. 256", "kernel_size=1..7"]
    channels, kernel, rate, batch = parse_space([*texts[:2], *texts[2:]], SETTINGS)
    assert channels == Dimension("channels", values=((16, 32), (32, 64)))
    assert kernel == Dimension("kernel_size", 1, 7, step=2, whole=True)
    assert rate == Dimension("learning_rate", 1e-4, 1e-1, log=True)
    assert batch == Dimension("batch_size", 32, 256, log=True, whole=True)
    (dropout,) = parse_space(["dropout=0.1..0.5"], SETTINGS)
    assert dropout == Dimension("dropout", 0.1, 0.5) and dropout.is_range
    (flip,) = parse_space(["flip=yes|false"], SETTINGS)
    assert flip.values == (True, False) and not flip.is_range


def test_it_reads_as_people_say_it() -> None:
    space = parse_space(
        ["learning_rate=1e-4..1e-1", "channels=16,32|32,64", "optimizer=adam|sgd", "shift=0..4", "flip=true|false"],
        SETTINGS,
    )
    assert [range_words(item) for item in space] == [
        "Flip left to right on, off",
        "Shift at random 0 to 4 pixels",
        "Channels 16,32 / 32,64",
        "Optimiser Adam, SGD",
        "Learning rate 0.0001 to 0.1 (in powers)",
    ]


@given(dimensions())
def test_what_is_written_as_text_is_read_as_it_was(given_one: tuple[str, Any]) -> None:
    dimension, settings = searched_alone(*given_one)
    assert parse_space([range_text(dimension)], settings) == (dimension,)


@pytest.mark.parametrize(
    ("texts", "sentences"),
    [
        ([], ["A sweep needs a setting to search, as in learning_rate=1e-4..1e-1."]),
        (["learning_rate"], ["'learning_rate' does not say what to search: give NAME=LOW..HIGH"]),
        (["learning_rat=1|2"], ["There is no setting 'learning_rat' (did you mean 'learning_rate'?)."]),
        (["learning_rate=1e-9..1"], ["learning_rate is '1e-9', but must be a number from 1e-06 to 10."]),
        (["learning_rate=1..nan"], ["learning_rate is 'nan', but must be a number"]),
        (["learning_rate=0.1..0.01"], ["learning_rate is 0.1..0.01, but a range goes from a lower to a higher number"]),
        (["learning_rate=0.1..0.1"], ["a range goes from a lower to a higher number"]),
        (["kernel_size=2..7"], ["kernel_size is '2', but must be a whole number from 1 to 7 pixels, odd."]),
        (["channels=16,32..32,64"], ["channels has no range: list what to try, as in channels=8,8|16,16."]),
        (["optimizer=adam..sgd"], ["optimizer has no range: list what to try, as in optimizer=adam|adamw."]),
        (["optimizer=adam"], ["optimizer has one value, so nothing is searched"]),
        (["optimizer=adam|adam"], ["optimizer lists adam twice"]),
        (["dropout=0.1|0.10"], ["dropout lists 0.1 twice"]),
        (["dropout=" + "|".join(map(str, range(200)))], ["dropout lists 200 values; 100 are allowed."]),
        (["dropout=0|0.5", "dropout=0..1"], ["dropout is searched twice"]),
        (["momentum=0.5..0.9"], ["momentum has no effect unless optimizer is sgd or muon or averaged_sgd"]),
        (["mirror_edges=true|false", "shift=0|0"], ["shift lists 0 twice"]),
        (["epochs=0|x", "widths=1,2|3,4"], ["epochs is '0'", "epochs is 'x'", "widths is '1,2'", "widths is '3,4'"]),
        *(([f"{name}=1|2"], [f"{name} cannot be searched: "]) for name in NEVER_SWEPT),
    ],
)
def test_each_broken_rule_is_a_sentence(texts: list[str], sentences: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_space(texts, SETTINGS)
    assert len(caught.value.problems) == len(sentences)
    for problem, sentence in zip(caught.value.problems, sentences, strict=True):
        assert problem.startswith(sentence) or sentence in problem


@given(st.text(max_size=30), st.sampled_from(["", "learning_rate=", "channels=", "epochs="]))
def test_any_other_text_is_a_sentence_too(text: str, before: str) -> None:
    try:
        space = parse_space([before + text], SETTINGS)
    except ConfigError as error:
        assert error.problems and all(problem.endswith(".") for problem in error.problems)
    else:
        assert parse_space([range_text(space[0])], SETTINGS) == space


def test_a_condition_may_be_searched_too() -> None:
    texts = ["model=simple_cnn|fast_cnn", "widths=8,8,8|16,16,16", "channels=3,4|4,8", "shift=0..2"]
    space = parse_space([*texts, "mirror_edges=true|false"], SETTINGS)
    assert in_effect(space, {}, SETTINGS) == ["shift", "model"], "conditions that are not chosen yet"
    chosen = {"shift": 0, "model": "fast_cnn"}
    assert in_effect(space, chosen, SETTINGS) == ["shift", "model", "widths"]
    with pytest.raises(ConfigError, match="mirror_edges has no effect unless shift is 1 or 2 or 3 or 4"):
        parse_space(["mirror_edges=true|false"], SETTINGS)
    with pytest.raises(ConfigError, match="momentum has no effect unless optimizer is"):
        parse_space(["optimizer=adam|adamw", "momentum=0.5..0.9"], SETTINGS)


def test_every_condition_stands_before_what_depends_on_it() -> None:
    """So one pass over a space chooses all."""
    names = [name for _, name, _, _ in hyperparameters()]
    for name in names:
        other, _ = spec_of(name).only_with
        assert not other or names.index(other) < names.index(name)


@given(st.sets(st.sampled_from(SEARCHED), min_size=1, max_size=6), st.data())
def test_one_pass_chooses_what_the_table_says_has_an_effect(names: set[str], data: st.DataObject) -> None:
    space = tuple(
        Dimension(name, values=tuple(data.draw(st.lists(values_of(name), min_size=2, max_size=3, unique_by=str))))
        for name in SEARCHED
        if name in names
    )
    chosen: dict[str, Any] = {}
    for item in space:
        if item.name in in_effect(space, chosen, SETTINGS):
            chosen[item.name] = data.draw(st.sampled_from(item.values))
    beside = settings_in_effect({**SETTINGS, **chosen}, own=0)
    assert list(chosen) == [item.name for item in space if item.name in beside]


def test_a_form_is_offered_what_has_an_effect_and_can_be_compared() -> None:
    names = sweepable(SETTINGS, own=0)
    assert {"learning_rate", "channels", "train_share", "epochs", "flip_test"} <= set(names)
    assert not {"momentum", "widths", *NEVER_SWEPT} & set(names)
    assert "momentum" in sweepable({**SETTINGS, "optimizer": "sgd"}, own=5)


def test_the_grid_has_every_combination_once_without_what_has_no_effect() -> None:
    texts = ["optimizer=adam|sgd|muon", "momentum=0.5|0.9", "shift=0|2", "mirror_edges=true|false"]
    space = parse_space(texts, SETTINGS)
    found = grid(space, SETTINGS)
    naive = []
    for values in itertools.product(*(item.values for item in space)):
        chosen = dict(zip([item.name for item in space], values, strict=True))
        kept = settings_in_effect({**SETTINGS, **chosen}, own=0)
        naive.append({name: value for name, value in chosen.items() if name in kept})
    assert [dict(each) for each in {tuple(item.items()): item for item in naive}.values()] == found
    assert len(found) == (1 + 2 + 2) * (1 + 2)
    assert all(contains(space, each) for each in found)


def test_a_grid_of_ranges_or_of_too_many_values_is_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"learning_rate=0.001..1 is a range: as in learning_rate=0.001\|0.01\|0.1\|1"
    ):
        grid(parse_space(["learning_rate=1e-3..1", "flip=true|false"], SETTINGS), SETTINGS)
    many = "|".join(str(number / 200) for number in range(100))
    with pytest.raises(ConfigError, match=f"more than {MOST_COMBINATIONS:,} combinations"):
        grid(parse_space([f"dropout={many}", f"label_smoothing={many}", "shift=0|1"], SETTINGS), SETTINGS)


def test_what_lies_in_a_space() -> None:
    space = parse_space(
        ["optimizer=adam|sgd", "momentum=0.5..0.9", "kernel_size=3..7", "channels=3,4|4,8", "learning_rate=0.01..0.1"],
        SETTINGS,
    )
    inside = {"optimizer": "adam", "kernel_size": 5, "channels": [3, 4], "learning_rate": 0.01}
    assert contains(space, inside), "momentum has no effect beside Adam"
    assert contains(space, {**SETTINGS, **inside, "momentum": 0.1}), "nor a value of it, nor other settings"
    sgd = {**inside, "optimizer": "sgd"}
    assert contains(space, {**sgd, "momentum": 0.9})
    for outside in (
        sgd,
        {**sgd, "momentum": 0.95},
        {**inside, "kernel_size": 4},
        {**inside, "channels": [4, 4]},
        {**inside, "learning_rate": 0.0099},
        {**inside, "optimizer": "muon"},
        {},
    ):
        assert not contains(space, outside)


def test_combinations_are_counted() -> None:
    assert combinations(parse_space(["optimizer=adam|sgd", "kernel_size=1..7", "shift=0..2"], SETTINGS)) == 2 * 4 * 3
    assert combinations(parse_space(["optimizer=adam|sgd", "dropout=0..0.5"], SETTINGS)) == float("inf")


def test_the_largest_candidate_of_each_network() -> None:
    texts = ["model=simple_cnn|fast_cnn", "channels=16,32|8,256|32,32", "batch_size=16..512", "optimizer=adam|sgd"]
    assert largest(parse_space(texts, SETTINGS), SETTINGS) == [
        {"model": model, "channels": (8, 256), "batch_size": 512} for model in ("simple_cnn", "fast_cnn")
    ]


@given(st.sampled_from(NUMBERS), st.data(), st.integers(2, 12))
def test_even_values_are_valid_ordered_and_evenly_apart(name: str, data: st.DataObject, k: int) -> None:
    two = data.draw(st.lists(values_of(name), min_size=2, max_size=2, unique=True).map(sorted))
    found = even_values(name, *two, k)
    assert (found[0], found[-1]) == tuple(two)
    assert all(before < after for before, after in itertools.pairwise(found))
    assert len(found) == k if spec_of(name).kind == "float" else len(found) <= k
    searched_alone(name, found)  # each of them is valid


def test_even_values_as_a_form_shows_them() -> None:
    assert even_values("learning_rate", 1e-4, 1e-1, 4) == [1e-4, 1e-3, 1e-2, 1e-1]
    assert even_values("learning_rate", 1e-4, 1e-1, 5) == [1e-4, 5.62e-4, 3.16e-3, 1.78e-2, 1e-1]
    assert even_values("batch_size", 16, 256, 5) == [16, 32, 64, 128, 256]
    assert even_values("kernel_size", 1, 7, 7) == [1, 3, 5, 7]
    assert even_values("dropout", 0.0, 0.5, 6) == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]
    assert even_values("learning_rate", 0.1, 0.10001, 3) == pytest.approx([0.1, 0.100005, 0.10001], abs=1e-9)
