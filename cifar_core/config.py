"""Hyperparameters: one table. Sliders, command-line options, validation and help are all made from it.

Each field of the four dataclasses carries its default here and, in `metadata["spec"]`, its kind, range, scale, unit and
one sentence of help; those of `ModelConfig` stand in the files of the models. Nothing else in the project repeats a
range. Reads and writes nothing.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from cifar_core.errors import ConfigError
from cifar_core.models import ModelConfig, models
from cifar_core.presets import PRESETS
from cifar_core.spec import Spec, parse_settings, setting
from cifar_core.text import did_you_mean

Precision = Literal["float32", "bfloat16"]  # what a network computes in: the run's process chooses
_NORMALISED = ", ".join(item.name for item in models() if item.normalised)
_ANY_SIZE = tuple(item.name for item in models() if item.any_size)


# A table: the formatter would give every argument a line of its own.
# fmt: off
@dataclass(frozen=True)
class DataConfig:
    """Which pictures train the network, and how they are varied."""

    dataset: str = setting("drawn10", "name", "Dataset", "The pictures to learn from.")
    train_share: float = setting(1.0, "float", "Share of the training pictures",
        "Use only this part of them, the same share of every class: faster, and shows what more data is worth.",
        low=0.01, high=1.0, step=0.01)
    own_validation: bool = setting(True, "bool", "The dataset's own validation pictures", "Where the dataset has validation "
        "pictures of its own, they choose the best epoch and stop early; off, a share of the training pictures does.")
    validation_share: float = setting(0.1, "float", "Share kept for validation",
        "Training pictures the network never learns from; they choose the best epoch and stop early, so that the "
        "test set stays an honest exam.", low=0.0, high=0.5, step=0.01, only_with=("own_validation", (False,)))
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
class OptimizerConfig:
    """How the weights are changed."""

    epochs: int = setting(10, "int", "Epochs", "How often the network sees every training picture.", low=1, high=500)
    batch_size: int = setting(64, "int", "Batch size", "Pictures per step: small batches learn more per picture, "
        "large ones run faster.", low=1, high=4096, log=True, unit="pictures")
    optimizer: str = setting("adam", "choice", "Optimiser", "The rule that turns gradients into steps. SGD and "
        "Muon use Nesterov momentum; Muon wants a learning rate of about 0.1; averaged_sgd, SGD with a running mean of the "
        f"weights (Lookahead), is for {_NORMALISED}.",
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
        step=0.05, only_with=("model", _ANY_SIZE))
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
    model: ModelConfig = ModelConfig()  # noqa: RUF009 - it is frozen, as the others are
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

    A `validation_share` in `settings` wins over the dataset's own validation pictures, unless `own_validation` is there
    too.

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
    given = dict(settings or {})
    if "validation_share" in given:
        given.setdefault("own_validation", False)
    found, problems = parse_settings({**PRESETS[preset].settings, **given}, _specs())
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
    if not config.data.own_validation:  # else it depends on the dataset
        require_validation(config, own=0)
    return config


def differing(configs: list[RunConfig]) -> list[str]:
    """Names of the settings that are not the same in all `configs`, in the order of the table."""
    return [
        name
        for group, name, _, _ in hyperparameters()
        if any(getattr(getattr(config, group), name) != getattr(getattr(configs[0], group), name) for config in configs)
    ]  # without `flat`, which costs a list of a thousand runs 50 ms


def for_dataset(config: RunConfig, own: int) -> RunConfig:
    """The settings as a run keeps them: `own_validation` is on where it has no effect, so no two runs differ in it.

    Args:
        config: of the planned run.
        own: how many validation pictures of its own the run's dataset has.
    """
    return config if own else replace(config, data=replace(config.data, own_validation=True))


def require_validation(config: RunConfig, own: int) -> None:
    """Refuse early stopping without a validation part.

    Args:
        config: of the planned run.
        own: how many validation pictures of its own the run's dataset has.

    Raises:
        ConfigError: nothing would validate.
    """
    if config.optimizer.patience > 0 and not validates(config.data, own):
        raise ConfigError(
            ["patience (early stopping) needs a validation part: set validation_share above 0 or patience to 0."]
        )


def validates(data: DataConfig, own: int) -> bool:
    """Whether a run on a dataset with `own` validation pictures of its own has a validation part."""
    return data.validation_share > 0 or (data.own_validation and own > 0)
