"""Checkpoints: all that an unfinished run needs to go on, the last two of them, each with its hash.

They hold tensors and plain JSON values and no pickle, so a stranger's is safe to open. One is written whole beside the
others and read back before an older one is removed. A damaged one is passed over for the one before, and that is said.
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
from cifar_core.runs.hashed_tensors import DamagedError, check_hashed, read_hashed, read_old, with_hash
from cifar_core.runs.results import read_lines
from cifar_core.runs.run_folder import RunFolder, checkpoint_files
from cifar_core.runs.tensor_limits import most_checkpoint
from cifar_core.runs.training.reproducibility import conditions, differences
from cifar_core.storage.atomic import make_folder, remove, write_atomic
from cifar_core.train import epoch_line
from cifar_core.train.trainer import Trainer

_KEPT = 2
_SHAPE = "state"  # the note that holds the state without its tensors
_REASON = 200  # characters
_MALFORMED = (  # what reading a state that nobody of us wrote may raise
    AssertionError, AttributeError, ArithmeticError, EOFError, ImportError, LookupError, MemoryError, RuntimeError,
    TypeError, ValueError, SafetensorError, pickle.UnpicklingError,
)  # fmt: skip


@dataclass(frozen=True)
class Loaded:
    """A training brought back."""

    trainer: Trainer
    changed: str  # what its numbers depend on and is not as before, in words; empty: it goes on bit by bit
    remarks: list[str]  # what a person should know, a sentence each


class Checkpoints:
    """The checkpoints of one run; only its computing process writes them."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._good: list[Path] = []  # those known to be whole, oldest first

    @property
    def epochs(self) -> list[int]:
        """Whole epochs behind each that is kept, oldest first."""
        return [int(path.name[:4]) for path in self._good if path != self._folder.old_checkpoint]

    def save(self, trainer: Trainer) -> None:
        """Write where the training stands; then, and only when that reads back whole, remove what is too old.

        Raises:
            StorageError: the disk refused; the checkpoints before are whole.
            TrainingError: the weights are no numbers any more, so there is nothing to go on from.
        """
        trainer.require_finite()
        path = self._folder.checkpoint(len(trainer.lines), trainer.batch)
        state = {**trainer.state(), "settings": trainer.config.flat(), "conditions": _conditions(trainer)}
        tensors: dict[str, torch.Tensor] = {}
        shape = json.dumps(_take_apart(state, tensors), allow_nan=False)
        make_folder(path.parent)
        write_atomic(path, *with_hash(safetensors.torch.save(tensors, {_SHAPE: shape})))
        try:
            check_hashed(path, _most(trainer))
        except DamagedError as error:
            raise StorageError(f"The disk did not keep the checkpoint that was written to it: {error}.") from error
        self._good = [*[item for item in self._good if item != path], path][-_KEPT:]
        for old in [item for item in self._all() if item not in self._good]:
            remove(old)

    def load(self, make: Callable[[], Trainer]) -> Loaded:
        """A trainer that stands where the newest usable checkpoint does, or at its beginning where there is none.

        Args:
            make: a trainer at its beginning.

        Raises:
            RunError: epochs have been logged, but no checkpoint can be used; nothing was changed.
        """
        remarks: list[str] = []
        for path in self._all():
            trainer = make()  # anew for each: a checkpoint that fails half-way leaves its trace
            try:
                state = _read(path, _most(trainer))
                _check_fit(state, trainer)
                trainer.load_state(state)
            except DamagedError as error:
                remarks.append(f"The checkpoint {path.name} was passed over: {error}.")
            except _MALFORMED as error:
                reason = (str(error).strip().splitlines() or [""])[0] or type(error).__name__
                remarks.append(f"The checkpoint {path.name} was passed over: it is none of ours ({reason[:_REASON]}).")
            else:
                self._good = [path]
                if not all(bool(value.isfinite().all()) for value in state["net"].values()):
                    remarks.append(f"The checkpoint {path.name} holds weights that are not numbers.")
                return Loaded(trainer, differences(state.get("conditions", {}), _conditions(trainer)), remarks)
        if read_lines(self._folder)[0]:
            raise RunError(f"{' '.join(remarks) or 'Its checkpoints are missing.'} So this run cannot go on: what it has "
                           "logged stays; start a new run with these settings.")  # fmt: skip
        return Loaded(make(), "", remarks)

    def clear(self) -> None:
        """Remove all of them, the newest last: the run has finished.

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
    """The state in a checkpoint; DamagedError or one of `_MALFORMED` where there is none."""
    if path.suffix != ".pt":
        content, notes = read_hashed(path, most)
        state = _put_together(json.loads(notes[_SHAPE]), safetensors.torch.load(content))
    else:
        content = read_old(path, most)
        _require_stored(content)
        state = torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")
    if not isinstance(state, dict):
        raise DamagedError("it holds no training")
    return state


def _require_stored(content: bytes) -> None:
    """Raise DamagedError where torch would unpack more than there is: its own files are zips of parts stored as they are."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            packed = not all(map(is_stored, archive.infolist()))
    except zipfile.BadZipFile as error:
        raise DamagedError("it is not as torch writes it") from error
    if packed:
        raise DamagedError("it is not as torch writes it")


def _check_fit(state: dict[str, Any], trainer: Trainer) -> None:
    """Raise DamagedError where a state is of another training than `trainer` is."""
    here = {name: list(value.shape) for name, value in trainer.net.state_dict().items()}
    there = {name: list(value.shape) for name, value in state["net"].items()}
    for name in [*here, *there]:
        if here.get(name) != there.get(name):
            raise DamagedError(
                f"its network is another one ({name} is {there.get(name, 'absent')} there, {here.get(name, 'absent')} here)"
            )
    before, now = state.get("settings", {}), trainer.config.flat()  # schema 1 did not keep them here
    if not isinstance(before, dict) or any(before[name] != now[name] for name in now if name in before):
        raise DamagedError("it was made with other settings")
    lines = [epoch_line(line) for line in state["lines"]]
    if [line.epoch for line in lines] != list(range(1, len(lines) + 1)) or not 0 <= state["batch"] <= trainer.batches:
        raise DamagedError("it stands nowhere in this training")
    if not all(_alike(state[name], 0.0) and state[name] >= 0 for name in ("seconds", "epoch_seconds")):
        raise DamagedError("it has taken no time")
    pruning = state.get("pruning", {})
    if not _alike(pruning, trainer.pruning.state()):
        raise DamagedError("what it leaves out is of other pictures")
    if pruning and not (bool((pruning["weights"] >= 0).all()) and bool(pruning["weights"].any())):
        raise DamagedError("it shows no pictures")
    if not all(isinstance(word, str) for word in state.get("conditions", {}).values()):
        raise DamagedError("what it was computed with is not said")
    _check_optimizer(state["optimizer"], trainer)


def _check_optimizer(there: dict[str, Any], trainer: Trainer) -> None:
    """Raise DamagedError where an optimiser's state does not look as that of `trainer` does after a step.

    Makes that step, with gradients of zero: what it changes is overwritten when the state is loaded.
    """
    for group in trainer.optimizer.param_groups:
        for item in group["params"]:
            item.grad = torch.zeros_like(item)
    trainer.optimizer.step()
    trainer.optimizer.zero_grad()
    here = trainer.optimizer.state_dict()
    known = not there["state"] or _alike(there["state"], here["state"])  # before its first step it has none
    for old, new in zip(there["param_groups"], here["param_groups"], strict=True):
        known &= old["params"] == new["params"]
        known &= all(
            _alike(old[name], value) if name in old else isinstance(value, bool | None)  # a flag of a later torch
            for name, value in new.items()
        )
    if not known:
        raise DamagedError("its optimiser is another one")


def _alike(there: Any, here: Any) -> bool:
    """Whether a value is of the same kind as another one: tensors of one shape and type, numbers, the same flag."""
    if isinstance(here, torch.Tensor):
        return isinstance(there, torch.Tensor) and (there.shape, there.dtype) == (here.shape, here.dtype)
    if isinstance(here, dict):
        return (
            isinstance(there, dict)
            and there.keys() == here.keys()
            and all(_alike(there[key], here[key]) for key in here)
        )
    if isinstance(here, list | tuple):
        return type(there) is type(here) and len(there) == len(here) and all(map(_alike, there, here))
    if here is None or isinstance(here, bool):
        return there is here
    return isinstance(there, int | float) and not isinstance(there, bool) and math.isfinite(there)


def _take_apart(value: Any, tensors: dict[str, torch.Tensor]) -> Any:
    """The tensors of a nested value into `tensors`, by name; all else comes back as JSON."""
    if isinstance(value, torch.Tensor):
        name = str(len(tensors))
        tensors[name] = value.detach().cpu().contiguous()
        # the order in memory belongs to it: a step on another one would not be the same bit by bit
        channels_last = value.ndim == 4 and not value.is_contiguous()
        return {"tensor": name, "channels_last": channels_last}
    if isinstance(value, dict):
        return {"dict": [[key, _take_apart(item, tensors)] for key, item in value.items()]}
    if isinstance(value, tuple):
        return {"tuple": [_take_apart(item, tensors) for item in value]}
    if isinstance(value, list):
        return [_take_apart(item, tensors) for item in value]
    return value


def _put_together(shape: Any, tensors: dict[str, torch.Tensor]) -> Any:
    """The value that `_take_apart` was given; one of `_MALFORMED` where it was not."""
    if isinstance(shape, list):
        return [_put_together(item, tensors) for item in shape]
    if not isinstance(shape, dict):
        return shape
    if "tensor" in shape:
        tensor = tensors.pop(shape["tensor"])  # once: a copy for each mention would be many from a small file
        return tensor.contiguous(memory_format=torch.channels_last) if shape["channels_last"] else tensor
    if "tuple" in shape:
        return tuple(_put_together(item, tensors) for item in shape["tuple"])
    return {key: _put_together(item, tensors) for key, item in shape["dict"]}
