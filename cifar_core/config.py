"""Hyperparameters: one table. Sliders, command-line options, validation and help are all made from it.

Each field of the four dataclasses carries its default here and, in `metadata["spec"]`, its kind, range, scale, unit and
one sentence of help. Nothing else in the project repeats a range. Reads and writes nothing.
"""

import contextlib
import functools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from cifar_core.errors import ConfigError
from cifar_core.presets import PRESETS
from cifar_core.text import FOLDER_NAME_RULE, did_you_mean, is_folder_name

SettingKind = Literal["int", "float", "bool", "choice", "name", "ints"]
Precision = Literal["float32", "bfloat16"]  # what a network computes in: the run's process chooses
MAX_TEXT = 64  # characters of a value that a sentence shows


@dataclass(frozen=True)
class Spec:
    """What one hyperparameter may be. `low` and `high` are inclusive; `items` names each number of an `ints`."""

    kind: SettingKind
    label: str
    help: str
    low: float = 0
    high: float = 0
    log: bool = False  # slider moves in powers of ten (or of two for whole numbers)
    step: float = 1
    unit: str = ""
    choices: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    only_with: tuple[str, tuple[Any, ...]] = ("", ())  # (setting, its values): has no effect with any other value of it


def setting(default: Any, kind: SettingKind, label: str, help: str, **more: Any) -> Any:  # noqa: A002
    """A field of a settings dataclass with its `Spec`."""
    return field(default=default, metadata={"spec": Spec(kind, label, help, **more)})


# A table: the formatter would give every argument a line of its own.
# fmt: off
@dataclass(frozen=True)
class DataConfig:
    """Which pictures train the network, and how they are varied."""

    dataset: str = setting("drawn10", "name", "Dataset", "The pictures to learn from.")
    train_share: float = setting(1.0, "float", "Share of the training pictures",
        "Use only this part of them, the same share of every class: faster, and shows what more data is worth.",
        low=0.01, high=1.0, step=0.01)
    validation_share: float = setting(0.1, "float", "Share kept for validation",
        "Training pictures the network never learns from; they choose the best epoch and stop early, so that the "
        "test set stays an honest exam.", low=0.0, high=0.5, step=0.01)
    flip: bool = setting(True, "bool", "Flip", "Mirror each picture left to right in every second epoch: a mirrored "
        "cat is still a cat.")
    shift: int = setting(0, "int", "Shift", "Move each picture by up to this many pixels in both directions.",
        low=0, high=8, unit="pixels")
    mirror_edges: bool = setting(False, "bool", "Mirror edges", "Fill the edge that a shift leaves free with the pixels beside "
        "it, mirrored, as the shift when judging does; else the edge is black.", only_with=("shift", tuple(range(1, 9))))
    cutout: int = setting(0, "int", "Cutout", "Blank a random square of this width, so that no single detail "
        "decides.", low=0, high=20, unit="pixels")
    flip_test: bool = setting(False, "bool", "Flip when judging", "Judge each picture together with its mirror image "
        "and average (test-time augmentation): a little more accurate, twice the time of a measurement. Without a validation "
        "part only the last epoch counts, and only that one is judged so.")
    shift_test: int = setting(0, "int", "Shift when judging", "Judge each picture also moved by this much towards one corner "
        "and towards the opposite one, and average: a little more accurate, three times the time of a measurement.",
        low=0, high=4, unit="pixels")

    @property
    def views(self) -> int:
        """How many views of a picture the network judges and averages (test-time augmentation)."""
        return (2 if self.flip_test else 1) * (3 if self.shift_test else 1)


@dataclass(frozen=True)
class ModelConfig:
    """The network. `simple_cnn`: two convolutions, each with ReLU and max-pooling, then three fully connected layers.

    `fast_cnn`: a fixed whitening layer, then three blocks of convolutions with batch normalisation.
    """

    model: str = setting("simple_cnn", "choice", "Network", "simple_cnn: two convolutions and three fully connected "
        "layers, to understand and to vary. fast_cnn: three blocks of normalised convolutions, most accuracy per second.",
        choices=("simple_cnn", "fast_cnn"))
    channels: tuple[int, ...] = setting((32, 64), "ints", "Channels", "Feature detectors in each convolution: more "
        "see more, and take longer.", low=1, high=512, log=True, items=("first convolution", "second convolution"),
        only_with=("model", ("simple_cnn",)))
    kernel_size: int = setting(3, "int", "Kernel size", "Width of the patch a feature detector looks at.", low=1,
        high=7, step=2, unit="pixels", only_with=("model", ("simple_cnn",)))
    padding: bool = setting(True, "bool", "Padding", "Add a border of zeros so that a convolution keeps the size of "
        "the picture.", only_with=("model", ("simple_cnn",)))
    hidden: tuple[int, ...] = setting((256, 128), "ints", "Hidden units", "Width of the fully connected layers that "
        "combine the features.", low=1, high=4096, log=True, items=("first hidden layer", "second hidden layer"),
        only_with=("model", ("simple_cnn",)))
    dropout: float = setting(0.3, "float", "Dropout", "Share of hidden units switched off at random while learning: "
        "keeps the network from learning pictures by heart.", low=0.0, high=0.9, step=0.05,
        only_with=("model", ("simple_cnn",)))
    widths: tuple[int, ...] = setting((24, 64, 128), "ints", "Widths", "Feature detectors in each block: more see "
        "more, and take longer.", low=1, high=512, log=True, items=("first block", "second block", "third block"),
        only_with=("model", ("fast_cnn",)))
    depths: tuple[int, ...] = setting((2, 2, 2), "ints", "Depths", "Convolutions in each block, one after the other: the "
        "first block sees four times the pixels of the second, so each there takes longest.", low=1, high=4,
        items=("first block", "second block", "third block"), only_with=("model", ("fast_cnn",)))
    late_pooling: bool = setting(False, "bool", "Pool later", "Halve the picture after the first convolution of a block, not "
        "before: that convolution sees four times the pixels, which takes longer and gets more right.",
        only_with=("model", ("fast_cnn",)))
    dense_stem: bool = setting(False, "bool", "Dense stem", "The first layer looks at the patch around every pixel, not every "
        "second one, and the first block halves the picture: takes longer and gets more right.",
        only_with=("model", ("fast_cnn",)))
    fine_stem: bool = setting(False, "bool", "Fine stem", "The first layer looks at patches of 2 x 2 pixels and keeps every "
        "detail of them, not at patches of 4 x 4, of which it keeps what is coarse.", only_with=("model", ("fast_cnn",)))
    activation: str = setting("relu", "choice", "Activation", "What lies between convolutions. relu keeps what is above zero; "
        "gelu does so without a kink: takes a little longer and gets a little more right.", choices=("relu", "gelu"),
        only_with=("model", ("fast_cnn",)))


@dataclass(frozen=True)
class OptimizerConfig:
    """How the weights are changed."""

    epochs: int = setting(10, "int", "Epochs", "How often the network sees every training picture.", low=1, high=500)
    batch_size: int = setting(64, "int", "Batch size", "Pictures per step: small batches learn more per picture, "
        "large ones run faster.", low=1, high=4096, log=True, unit="pictures")
    optimizer: str = setting("adam", "choice", "Optimiser", "The rule that turns gradients into steps. SGD and "
        "Muon use Nesterov momentum; Muon wants a learning rate of about 0.1; averaged_sgd, SGD with a running mean of the "
        "weights (Lookahead), is for fast_cnn.",
        choices=("adam", "adamw", "sgd", "muon", "averaged_sgd"))
    learning_rate: float = setting(1e-3, "float", "Learning rate", "Size of a step. Too high: the loss jumps about; "
        "too low: it hardly falls.", low=1e-6, high=10.0, log=True)
    momentum: float = setting(0.9, "float", "Momentum", "How much of the last step SGD or Muon keeps; Adam has "
        "its own.", low=0.0, high=0.99, step=0.01, only_with=("optimizer", ("sgd", "muon", "averaged_sgd")))
    schedule: str = setting("cosine", "choice", "Schedule", "How the learning rate moves during the run: constant; "
        "cosine falls smoothly to zero; one_cycle warms up, then falls.", choices=("constant", "cosine", "one_cycle"))
    warmup_share: float = setting(0.2, "float", "Warm-up",
        "Part of the run in which one_cycle raises the learning rate.", low=0.0, high=0.9, step=0.05,
        only_with=("schedule", ("one_cycle",)))
    weight_decay: float = setting(0.0, "float", "Weight decay", "Pulls weights towards zero at each step, which "
        "favours simpler answers.", low=0.0, high=1.0, step=0.0001)
    label_smoothing: float = setting(0.0, "float", "Label smoothing", "Aim a little below 100 % for the right class: "
        "less over-confident.", low=0.0, high=0.5, step=0.01)
    small_share: float = setting(0.0, "float", "Small pictures first", "In this part of the run the pictures are shrunk "
        "to 24 x 24 pixels: nearly half the work while the network still learns the rough shapes.", low=0.0, high=0.9,
        step=0.05, only_with=("model", ("fast_cnn",)))
    prune_share: float = setting(0.0, "float", "Skip easy pictures", "Leave out, in most epochs, this part of the pictures "
        "that the network knows better than average; the rest of them count as much more (InfoBatch). Saves steps in "
        "long runs.", low=0.0, high=0.9, step=0.05)
    patience: int = setting(0, "int", "Early stopping", "Stop after this many epochs without a better validation "
        "accuracy; 0 never stops early.", low=0, high=100, unit="epochs")


@dataclass(frozen=True)
class MachineConfig:
    """What makes the run repeatable, and where it runs."""

    seed: int = setting(0, "int", "Seed", "Start of all randomness: the same seed and settings give the same run on "
        "the same machine.", low=0, high=2**31 - 1)
    device: str = setting("auto", "choice", "Device", "Where to compute; auto takes CUDA, else MPS, else the CPU.",
        choices=("auto", "cpu", "cuda", "mps"))
    max_seconds: int = setting(0, "int", "Time limit", "Stop after training for this long and keep everything; a resumed "
        "run gets as long again. 0 sets no limit.", low=0, high=604_800, unit="seconds")


# fmt: on
@dataclass(frozen=True)
class RunConfig:
    """All settings of a run. Every field name is unique over the four groups, so a flat mapping says the same."""

    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    machine: MachineConfig = MachineConfig()

    def flat(self) -> dict[str, Any]:
        """Field name -> value over all groups, ready for JSON (tuples become lists)."""
        values = {name: getattr(getattr(self, group), name) for group, name, _, _ in hyperparameters()}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


@functools.cache
def hyperparameters() -> tuple[tuple[str, str, Spec, Any], ...]:
    """The table: (group, field name, spec, default), in the order in which people read them."""
    return tuple(
        (group.name, item.name, item.metadata["spec"], item.default)
        for group in fields(RunConfig)
        for item in fields(getattr(RunConfig, group.name))
    )


def spec_of(name: str) -> Spec:
    """The spec of one hyperparameter.

    Raises:
        KeyError: there is no hyperparameter of that name.
    """
    return _specs()[name]


@functools.cache
def _specs() -> dict[str, Spec]:
    return {name: spec for _, name, spec, _ in hyperparameters()}


def make_config(settings: Mapping[str, Any] | None = None, *, preset: str = "default") -> RunConfig:
    """Check flat settings and build a `RunConfig`: the preset with `settings` on top.

    Args:
        settings: field name -> value; text (as typed) is accepted for numbers and lists, `"6,16"` for an `ints`.
        preset: a name of `PRESETS`.

    Raises:
        ConfigError: listing every problem with field, value, allowed range, and the nearest name for an unknown one.
    """
    if preset not in PRESETS:
        raise ConfigError(
            [f"There is no preset {preset!r}{did_you_mean(preset, PRESETS)}; choose {', '.join(PRESETS)}."]
        )
    found, problems = parse_settings({**PRESETS[preset].settings, **(settings or {})}, _specs())
    if problems:
        raise ConfigError(problems)
    groups: dict[str, dict[str, Any]] = {item.name: {} for item in fields(RunConfig)}
    for group, name, _, _ in hyperparameters():
        if name in found:
            groups[group][name] = found[name]
    config = RunConfig(
        DataConfig(**groups["data"]),
        ModelConfig(**groups["model"]),
        OptimizerConfig(**groups["optimizer"]),
        MachineConfig(**groups["machine"]),
    )
    problems = _cross_check(config)
    if problems:
        raise ConfigError(problems)
    return config


def parse_settings(settings: Mapping[str, Any], table: Mapping[str, Spec]) -> tuple[dict[str, Any], list[str]]:
    """Values in their own types, by name, and a sentence for each that breaks its spec or is not in the table."""
    found: dict[str, Any] = {}
    problems = []
    for name, value in settings.items():
        if name not in table:
            problems.append(f"There is no setting {str(name)[:MAX_TEXT]!r}{did_you_mean(name, table)}.")
            continue
        try:
            found[name] = _parse(table[name], value)
        except ValueError as error:
            problems.append(f"{name} is {_shown(value)}, but {error}.")
    return found, problems


def differing(configs: list[RunConfig]) -> list[str]:
    """Names of the settings that are not the same in all `configs`, in the order of the table."""
    flats = [config.flat() for config in configs]
    return [name for _, name, _, _ in hyperparameters() if any(flat[name] != flats[0][name] for flat in flats[1:])]


def _cross_check(config: RunConfig) -> list[str]:
    """Rules that tie two settings together."""
    problems = []
    if config.optimizer.patience > 0 and config.data.validation_share == 0:
        problems.append(
            "patience (early stopping) needs a validation part: set validation_share above 0 or patience to 0."
        )
    return problems


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + "…"


def _parse(spec: Spec, value: Any) -> Any:
    """The value in its own type; ValueError with the rule that it breaks."""
    match spec.kind:
        case "int":
            return _whole(spec, value)
        case "float":
            return _number(spec, value)
        case "bool":
            return _truth(value)
        case "choice":
            if value not in spec.choices:
                raise ValueError(f"must be one of {', '.join(spec.choices)}{did_you_mean(value, spec.choices)}")
            return value
        case "ints":
            return _several(spec, value)
        case "name":
            if not isinstance(value, str) or not is_folder_name(value):
                raise ValueError(f"must be a name of {FOLDER_NAME_RULE}")
            return value


def range_words(spec: Spec) -> str:
    """What a number may be: `from 1 to 4096 pictures`."""
    return f"from {spec.low:.10g} to {spec.high:.10g}" + (f" {spec.unit}" if spec.unit else "")


def _whole(spec: Spec, value: Any) -> int:
    if isinstance(value, str) and len(value) <= MAX_TEXT and re.fullmatch(r"[+-]?[0-9]+", value.strip()):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not spec.low <= value <= spec.high:
        raise ValueError(_whole_rule(spec))
    if spec.step == 2 and value % 2 == 0:
        raise ValueError(_whole_rule(spec))
    return value


def _whole_rule(spec: Spec) -> str:
    return f"must be a whole number {range_words(spec)}" + (", odd" if spec.step == 2 else "")


def _number(spec: Spec, value: Any) -> float:
    number = value if isinstance(value, float) else math.nan
    if isinstance(value, int | str) and not isinstance(value, bool):
        with contextlib.suppress(ValueError, OverflowError):
            number = float(value)
    if not math.isfinite(number) or not spec.low <= number <= spec.high:
        raise ValueError(f"must be a number {range_words(spec)}")
    return number


def _truth(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    words = {"true": True, "false": False, "yes": True, "no": False, "1": True, "0": False}
    if isinstance(value, str) and value.lower() in words:
        return words[value.lower()]
    raise ValueError("must be true or false")


def _several(spec: Spec, value: Any) -> tuple[int, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    if isinstance(parts, list | tuple) and len(parts) == len(spec.items):
        with contextlib.suppress(ValueError):
            return tuple([_whole(spec, part) for part in parts])
    example = ",".join(["8"] * len(spec.items))
    raise ValueError(f"must be {len(spec.items)} whole numbers {range_words(spec)}, as in {example}")
