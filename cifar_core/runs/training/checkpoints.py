"""Checkpoints: the whole state of an unfinished training; the last two are kept, each with its SHA-256.

They hold tensors and JSON values and no pickle, so a checkpoint of unknown origin is safe to open. A new one is written
beside the others and read back before an older one is removed. A damaged checkpoint is passed over for the one before,
and the run gets a warning. The hash is written and checked by `cifar_core.runs.hashed_tensors`.
"""

import io
import json
import math
import pickle
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError

from cifar_core.data.sources.zips import is_stored
from cifar_core.errors import RunError, StorageError
from cifar_core.runs.epoch_log import read_lines
from cifar_core.runs.hashed_tensors import DamagedError, check_hashed, read_hashed, read_old, with_hash
from cifar_core.runs.run_folder import RunFolder, checkpoint_files
from cifar_core.runs.tensor_limits import most_checkpoint
from cifar_core.runs.training.reproducibility import conditions, differences
from cifar_core.storage.atomic import make_folder, remove, write_atomic
from cifar_core.train import epoch_line
from cifar_core.train.trainer import Trainer

_KEPT = 2
_STRUCTURE = "state"  # the key of the file's metadata that holds the state without its tensors
_MAX_REASON = 200  # characters
_MALFORMED = (  # what reading a state of unknown origin may raise
    AssertionError,
    AttributeError,
    ArithmeticError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
    SafetensorError,
    pickle.UnpicklingError,
)


@dataclass(frozen=True)
class Loaded:
    """A training that was restored from a checkpoint, or starts from the beginning where there is none."""

    trainer: Trainer
    changed: str  # which conditions its numbers depend on have changed, as text; empty where it is bit-exact
    warnings: list[str]  # what a person should know, a sentence each


class Checkpoints:
    """The checkpoints of one run; only its training process writes them."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._good: list[Path] = []  # the checkpoints known to be whole, oldest first

    @property
    def epochs(self) -> list[int]:
        """The number of whole epochs in each checkpoint that is kept, oldest first."""
        return [int(path.name[:4]) for path in self._good if path != self._folder.old_checkpoint]

    def save(self, trainer: Trainer) -> None:
        """Write the state of the training, read it back, and only then remove checkpoints that are no longer needed.

        Raises:
            StorageError: the disk refused; the earlier checkpoints are whole.
            DivergedError: the weights are no longer finite, so no training can continue from them.
        """
        trainer.require_finite()
        path = self._folder.checkpoint(len(trainer.lines), trainer.batch)
        state = {**trainer.state(), "settings": trainer.config.flat(), "conditions": _conditions(trainer)}
        tensors: dict[str, torch.Tensor] = {}
        structure = json.dumps(_separate_tensors(state, tensors), allow_nan=False)
        make_folder(path.parent)
        write_atomic(path, *with_hash(safetensors.torch.save(tensors, {_STRUCTURE: structure})))
        try:
            check_hashed(path, _most(trainer))
        except DamagedError as error:
            raise StorageError(f"The disk did not keep the checkpoint that was written to it: {error}.") from error
        self._good = [*[item for item in self._good if item != path], path][-_KEPT:]
        for old in [item for item in self._all() if item not in self._good]:
            remove(old)

    def load(self, new_trainer: Callable[[], Trainer]) -> Loaded:
        """A trainer with the state of the newest usable checkpoint, or at its beginning where there is none.

        Args:
            new_trainer: makes a trainer at its beginning.

        Raises:
            RunError: epochs have been logged, but no checkpoint can be used; nothing was changed.
        """
        warnings: list[str] = []
        for path in self._all():
            trainer = new_trainer()  # a new one for each checkpoint, because one that fails may be half loaded
            try:
                state = _read(path, _most(trainer))
                _check_fit(state, trainer)
                trainer.load_state(state)
            except DamagedError as error:
                warnings.append(f"The checkpoint {path.name} was passed over: {error}.")
            except _MALFORMED as error:
                reason = ((str(error).strip().splitlines() or [""])[0] or type(error).__name__)[:_MAX_REASON]
                warnings.append(
                    f"The checkpoint {path.name} was passed over: this program did not write it ({reason})."
                )
            else:
                self._good = [path]
                if not all(bool(value.isfinite().all()) for value in state["net"].values()):
                    warnings.append(f"The checkpoint {path.name} holds weights that are not numbers.")
                return Loaded(trainer, differences(state.get("conditions", {}), _conditions(trainer)), warnings)
        if read_lines(self._folder)[0]:
            raise RunError(
                f"{' '.join(warnings) or 'Its checkpoints are missing.'} So this run cannot be resumed: what it has "
                "logged stays; start a new run with these settings."
            )
        return Loaded(new_trainer(), "", warnings)

    def clear(self) -> None:
        """Remove all checkpoints of a run that has finished, the newest last.

        Raises:
            StorageError: the disk refused.
        """
        for path in reversed(self._all()):
            remove(path)
        self._good = []

    def _all(self) -> list[Path]:
        return checkpoint_files(self._folder)


def _conditions(trainer: Trainer) -> dict[str, str]:
    return conditions(trainer.device, trainer.precision)


def _most(trainer: Trainer) -> int:
    """Bytes that a checkpoint of this training has at most."""
    return most_checkpoint(trainer.config.model, trainer.data.classes, len(trainer.data.train))


def _read(path: Path, most: int) -> dict[str, Any]:
    """The state in a checkpoint; raises DamagedError or one of `_MALFORMED` where it has none."""
    if path.suffix != ".pt":
        content, notes = read_hashed(path, most)
        state = _restore_tensors(json.loads(notes[_STRUCTURE]), safetensors.torch.load(content))
    else:
        content = read_old(path, most)
        _require_stored(content)
        state = torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")
    if not isinstance(state, dict):
        raise DamagedError("it does not hold the state of a training")
    return state


def _require_stored(content: bytes) -> None:
    """Raise DamagedError where the file is compressed: PyTorch writes zips without compression, a zip bomb needs it."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            compressed = not all(map(is_stored, archive.infolist()))
    except zipfile.BadZipFile as error:
        raise DamagedError("it was not written by PyTorch") from error
    if compressed:
        raise DamagedError("it was not written by PyTorch")


def _check_fit(state: dict[str, Any], trainer: Trainer) -> None:
    """Raise DamagedError where a state does not belong to the training of `trainer`."""
    _check_network(state["net"], trainer)
    before, now = state.get("settings", {}), trainer.config.flat()  # checkpoints of schema 1 have no settings
    if not isinstance(before, dict) or any(before[name] != now[name] for name in now if name in before):
        raise DamagedError("it was made with other settings")
    lines = [epoch_line(line) for line in state["lines"]]
    if [line.epoch for line in lines] != list(range(1, len(lines) + 1)) or not 0 <= state["batch"] <= trainer.batches:
        raise DamagedError("its epoch and batch do not exist in this training")
    if not all(_has_structure_of(state[name], 0.0) and state[name] >= 0 for name in ("seconds", "epoch_seconds")):
        raise DamagedError("its training time is negative or not a number")
    pruning = state.get("pruning", {})
    if not _has_structure_of(pruning, trainer.pruning.state()):
        raise DamagedError("its list of left-out pictures does not fit this dataset")
    if pruning and not (bool((pruning["weights"] >= 0).all()) and bool(pruning["weights"].any())):
        raise DamagedError("it leaves out every picture")
    if not all(isinstance(condition, str) for condition in state.get("conditions", {}).values()):
        raise DamagedError("it does not say what it was computed with")
    _check_optimizer(state["optimizer"], trainer)


def _check_network(net: dict[str, torch.Tensor], trainer: Trainer) -> None:
    """Raise DamagedError where a network's tensors have other names or shapes than those of `trainer`."""
    expected = {name: list(value.shape) for name, value in trainer.net.state_dict().items()}
    found = {name: list(value.shape) for name, value in net.items()}
    for name in [*expected, *found]:
        if expected.get(name) != found.get(name):
            raise DamagedError(
                f"it is of another network ({name} is {found.get(name, 'absent')} in the checkpoint, "
                f"{expected.get(name, 'absent')} in this run)"
            )


def _check_optimizer(state: dict[str, Any], trainer: Trainer) -> None:
    """Raise DamagedError where an optimiser's state differs in structure from that of `trainer` after a step.

    Makes that step, with gradients of zero; its changes are overwritten when the state is loaded.
    """
    for group in trainer.optimizer.param_groups:
        for item in group["params"]:
            item.grad = torch.zeros_like(item)
    trainer.optimizer.step()
    trainer.optimizer.zero_grad()
    expected = trainer.optimizer.state_dict()
    fits = not state["state"] or _has_structure_of(state["state"], expected["state"])  # empty before the first step
    for old, new in zip(state["param_groups"], expected["param_groups"], strict=True):
        fits &= old["params"] == new["params"]
        fits &= all(
            # A later version of torch may have added a flag.
            _has_structure_of(old[name], value) if name in old else isinstance(value, bool | None)
            for name, value in new.items()
        )
    if not fits:
        raise DamagedError("it is of another optimiser")


def _has_structure_of(value: Any, other: Any) -> bool:
    """Whether two values are alike but for their numbers: equal shapes and types of tensors, and equal flags."""
    if isinstance(other, torch.Tensor):
        return isinstance(value, torch.Tensor) and (value.shape, value.dtype) == (other.shape, other.dtype)
    if isinstance(other, dict):
        return (
            isinstance(value, dict)
            and value.keys() == other.keys()
            and all(_has_structure_of(value[key], other[key]) for key in other)
        )
    if isinstance(other, list | tuple):
        return type(value) is type(other) and len(value) == len(other) and all(map(_has_structure_of, value, other))
    if other is None or isinstance(other, bool):
        return value is other
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _separate_tensors(value: Any, tensors: dict[str, torch.Tensor]) -> Any:
    """Move the tensors of a nested value into `tensors`; returns the rest as JSON values that refer to them by name."""
    if isinstance(value, torch.Tensor):
        name = str(len(tensors))
        tensors[name] = value.detach().cpu().contiguous()
        # The memory layout is kept, because a step on another layout would not be bit-exact.
        channels_last = value.ndim == 4 and not value.is_contiguous()
        return {"tensor": name, "channels_last": channels_last}
    if isinstance(value, dict):
        return {"dict": [[key, _separate_tensors(item, tensors)] for key, item in value.items()]}
    if isinstance(value, tuple):
        return {"tuple": [_separate_tensors(item, tensors) for item in value]}
    if isinstance(value, list):
        return [_separate_tensors(item, tensors) for item in value]
    return value


def _restore_tensors(structure: Any, tensors: dict[str, torch.Tensor]) -> Any:
    """The value that `_separate_tensors` was given; raises one of `_MALFORMED` for anything else."""
    if isinstance(structure, list):
        return [_restore_tensors(item, tensors) for item in structure]
    if not isinstance(structure, dict):
        return structure
    if "tensor" in structure:
        tensor = tensors.pop(structure["tensor"])  # only once: many copies of one tensor could fill the memory
        return tensor.contiguous(memory_format=torch.channels_last) if structure["channels_last"] else tensor
    if "tuple" in structure:
        return tuple(_restore_tensors(item, tensors) for item in structure["tuple"])
    return {key: _restore_tensors(item, tensors) for key, item in structure["dict"]}
