"""Hyperparameters: one table. Sliders, command-line options, validation and help are all made from it.

Each field of the four dataclasses carries its default here and, in `metadata["spec"]`, its kind, range, scale, unit and
one sentence of help; those of `ModelConfig` stand in the files of the models. Nothing else in the project repeats a
range. Reads and writes nothing.
"""

import functools
from collections.abc import Collection, Mapping
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

    dataset: str = setting("drawn10", "name", "Dataset", "The pictures to learn from and to be tested with.")
    train_share: float = setting(1.0, "float", "Share of the training pictures",
        "Learn from only this share of them, the same share of every class: faster, and shows what more pictures are worth. "
        "1 is all of them.", low=0.01, high=1.0, step=0.01)
    own_validation: bool = setting(True, "bool", "Use the dataset's own validation pictures", "Where the dataset has "
        "validation pictures of its own, they choose the best epoch and stop early; off, a share of the training pictures "
        "does.")
    validation_share: float = setting(0.1, "float", "Share kept for validation",
        "Training pictures the network never learns from; they choose the best epoch and stop early, so that the "
        "test set stays an honest exam. 0 keeps none: then the last epoch counts.", low=0.0, high=0.5, step=0.01,
        only_with=("own_validation", (False,)), zero="none")
    flip: bool = setting(True, "bool", "Flip left to right", "Mirror each picture left to right in every second epoch: a "
        "mirrored cat is still a cat.")
    shift: int = setting(0, "int", "Shift at random", "Move each picture by up to this many pixels sideways and up or down, "
        "so that it does not matter where a thing stands.", low=0, high=8, unit="pixels", zero="none")
    mirror_edges: bool = setting(False, "bool", "Mirror the edges", "Fill the edge that a shift leaves free with the pixels "
        "beside it, mirrored, as the shift when judging does; else the edge is black.",
        only_with=("shift", tuple(range(1, 9))))
    cutout: int = setting(0, "int", "Blank a square (cutout)", "Blank a square of this width at a random place, so that no "
        "single detail decides.", low=0, high=20, unit="pixels", zero="none")
    flip_test: bool = setting(False, "bool", "Judge the mirror image too", "After training, judge each picture together with "
        "its mirror image and average both answers (test-time augmentation): a little more accurate, twice the time of a "
        "measurement. Without a validation part only the last epoch counts, and only that one is judged so.")
    shift_test: int = setting(0, "int", "Judge shifted pictures too", "After training, judge each picture also moved by this "
        "much towards one corner and towards the opposite one, and average the answers (test-time augmentation): a little "
        "more accurate, three times the time of a measurement.", low=0, high=4, unit="pixels", zero="none")

    @property
    def views(self) -> int:
        """How many views of a picture the network judges and averages (test-time augmentation)."""
        return (2 if self.flip_test else 1) * (3 if self.shift_test else 1)


@dataclass(frozen=True)
class OptimizerConfig:
    """How the weights are changed."""

    epochs: int = setting(10, "int", "Epochs", "How often the network sees every training picture.", low=1, high=500)
    optimizer: str = setting("adam", "choice", "Optimiser", "The rule that turns errors (gradients) into changes of the "
        "weights. Adam and AdamW need little tuning. SGD and Muon use Nesterov momentum; Muon wants a learning rate of about "
        "0.1. Averaged SGD keeps a running mean of the weights (Lookahead) and is for "
        f"{_NORMALISED}.",
        choices=("adam", "adamw", "sgd", "muon", "averaged_sgd"),
        titles=("Adam", "AdamW", "SGD", "Muon", "Averaged SGD"))
    learning_rate: float = setting(1e-3, "float", "Learning rate", "How far the weights move at each step. Too high: the "
        "loss jumps about; too low: it hardly falls.", low=1e-6, high=10.0, log=True)
    batch_size: int = setting(64, "int", "Batch size", "Pictures that are looked at together before each step: small batches "
        "learn more from each picture, large ones run faster.", low=1, high=4096, log=True, unit="pictures")
    momentum: float = setting(0.9, "float", "Momentum", "How much of the last step SGD or Muon keeps: it smooths the way. "
        "Adam has its own.", low=0.0, high=0.99, step=0.01, only_with=("optimizer", ("sgd", "muon", "averaged_sgd")))
    schedule: str = setting("cosine", "choice", "Learning rate schedule", "Constant keeps it; cosine lets it fall "
        "smoothly to zero; one cycle raises it first (warm-up), then lets it fall.",
        choices=("constant", "cosine", "one_cycle"), titles=("constant", "cosine", "one cycle"))
    warmup_share: float = setting(0.2, "float", "Share of the run for warm-up",
        "Part of the run in which one cycle raises the learning rate.", low=0.0, high=0.9, step=0.05,
        only_with=("schedule", ("one_cycle",)), zero="none")
    weight_decay: float = setting(0.0, "float", "Weight decay", "Pulls all weights a little towards zero at each step, which "
        "favours simpler answers.", low=0.0, high=1.0, step=0.0001, zero="none")
    label_smoothing: float = setting(0.0, "float", "Label smoothing", "Aim this much below 100 % for the right class: the "
        "network becomes less over-confident.", low=0.0, high=0.5, step=0.01, zero="none")
    small_share: float = setting(0.0, "float", "Share of the run on small pictures", "In this part of the run, its beginning, "
        "the pictures are shrunk to 24 x 24 pixels: nearly half the work while the network still learns the rough shapes.",
        low=0.0, high=0.9, step=0.05, only_with=("model", _ANY_SIZE), zero="none")
    prune_share: float = setting(0.0, "float", "Share of easy pictures to skip", "Leave out, in most epochs, this part of the "
        "pictures that the network knows better than average; the rest of them count as much more (InfoBatch). Saves steps "
        "in long runs.", low=0.0, high=0.9, step=0.05, zero="none")
    patience: int = setting(0, "int", "Stop early", "Stop after this many epochs without a better validation accuracy; "
        "0 never stops early.", low=0, high=100, unit="epochs", zero="never")


@dataclass(frozen=True)
class MachineConfig:
    """What makes the run repeatable, and where it runs."""

    seed: int = setting(0, "int", "Random seed", "Where all randomness starts: the same seed and settings give the same run "
        "on the same machine; another seed shows how much is chance.", low=0, high=2**31 - 1)
    device: str = setting("auto", "choice", "Device", "What computes: automatic takes an NVIDIA graphics card (CUDA), else "
        "that of a Mac (MPS), else the processor (CPU).", choices=("auto", "cpu", "cuda", "mps"),
        titles=("automatic", "CPU", "GPU (CUDA)", "GPU (Apple MPS)"))
    max_seconds: int = setting(0, "int", "Time limit", "Stop after training for this long and keep everything; a resumed "
        "run gets as long again. 0 sets no limit.", low=0, high=604_800, unit="seconds", zero="no limit")
    processes: int = setting(1, "int", "Processes", "Train with this many processes at once: each computes its part of every "
        "batch, and each graphics card takes one. Pictures and their order stay the same. Batch normalisation, as in "
        f"{_NORMALISED}, normalises each part by itself, so its results differ a little.", low=1, high=64, log=True)


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


# How people find a setting: group -> title. Augmentation is a part of the data's settings.
GROUP_TITLES = {
    "data": "Data",
    "model": "Network",
    "optimizer": "Optimiser",
    "augmentation": "Augmentation",
    "machine": "Run",
}
_AUGMENTATION = ("flip", "shift", "mirror_edges", "cutout", "flip_test", "shift_test")


def with_changes(config: RunConfig, changes: Mapping[str, Any]) -> RunConfig:
    """The same settings with some changed ones, as `make_config` takes and checks them; errors as there."""
    settings = config.flat()
    if "validation_share" in changes:
        del settings["own_validation"]  # a share that is given wins over it
    return make_config({**settings, **changes})


def settings_by_group(names: Collection[str]) -> dict[str, list[str]]:
    """These settings by group (a key of `GROUP_TITLES`), each in the order of the table; no group is empty."""
    found: dict[str, list[str]] = {group: [] for group in GROUP_TITLES}
    for group, name, _, _ in hyperparameters():
        if name in names:
            found["augmentation" if name in _AUGMENTATION else group].append(name)
    return {group: members for group, members in found.items() if members}


def settings_in_effect(settings: Mapping[str, Any], own: int) -> list[str]:
    """Names of the settings that mean something beside the others, in the order of the table.

    Args:
        settings: all of them, as `RunConfig.flat` gives them.
        own: how many validation pictures of its own the dataset has.
    """
    beside = {**settings, "own_validation": settings["own_validation"] and own > 0}

    def has_effect(name: str, spec: Spec) -> bool:
        other, values = spec.only_with
        return own > 0 if name == "own_validation" else not other or beside[other] in values

    return [name for _, name, spec, _ in hyperparameters() if has_effect(name, spec)]


def changed_settings(settings: Mapping[str, Any], preset: str, own: int) -> list[str]:
    """Names of the settings in effect that are not as the preset has them. The dataset is none of a preset's.

    Args:
        settings: all of them, as `RunConfig.flat` gives them.
        preset: a name of `PRESETS`.
        own: how many validation pictures of its own the dataset has.
    """
    basis = make_config(preset=preset).flat()
    return [name for name in settings_in_effect(settings, own) if name != "dataset" and settings[name] != basis[name]]


def nearest_preset(settings: Mapping[str, Any], own: int) -> str:
    """The preset from which the fewest settings in effect differ; the first of several."""
    return min(PRESETS, key=lambda preset: len(changed_settings(settings, preset, own)))


def differing(configs: list[RunConfig]) -> list[str]:
    """Names of the settings that are not the same in all `configs`, in the order of the table."""
    # Without `flat`, which would cost a list of a thousand runs 50 ms.
    return [
        name
        for group, name, _, _ in hyperparameters()
        if any(getattr(getattr(config, group), name) != getattr(getattr(configs[0], group), name) for config in configs)
    ]


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
