"""States of trainings and optimisers as files: tensors and JSON values, no pickle, with a SHA-256 of their own.

A file of unknown origin is safe to open. What it holds is checked against the training that is to load it.
"""

import json
import math
import pickle
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError

from cifar_core.runs.hashed_tensors import DamagedError, read_hashed, with_hash
from cifar_core.train.trainer import Trainer

_STRUCTURE = "state"  # the key of the file's metadata that holds the state without its tensors
MALFORMED = (  # what reading a state of unknown origin may raise
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


def state_content(state: dict[str, Any]) -> tuple[bytes, memoryview]:
    """The content of the file of a state, in two parts.

    Args:
        state: tensors, numbers, texts and flags, in dicts, lists and tuples.
    """
    tensors: dict[str, torch.Tensor] = {}
    structure = json.dumps(_separate_tensors(state, tensors), allow_nan=False)
    return with_hash(safetensors.torch.save(tensors, {_STRUCTURE: structure}))


def read_state(path: Path, most: int) -> dict[str, Any]:
    """The state in a file of at most so many bytes.

    Raises:
        DamagedError: the file is missing, is too large, or is not as it was written.
        Exception: one of `MALFORMED`, where this program did not write it.
    """
    content, notes = read_hashed(path, most)
    state = _restore_tensors(json.loads(notes[_STRUCTURE]), safetensors.torch.load(content))
    if not isinstance(state, dict):
        raise DamagedError("it does not hold the state of a training")
    return state


def check_network(net: dict[str, torch.Tensor], trainer: Trainer) -> None:
    """Raise DamagedError where a network's tensors have other names or shapes than those of `trainer`."""
    expected = {name: list(value.shape) for name, value in trainer.net.state_dict().items()}
    found = {name: list(value.shape) for name, value in net.items()}
    for name in [*expected, *found]:
        if expected.get(name) != found.get(name):
            raise DamagedError(
                f"it is of another network ({name} is {found.get(name, 'absent')} in the checkpoint, "
                f"{expected.get(name, 'absent')} in this run)"
            )


def check_optimizer(state: dict[str, Any], trainer: Trainer) -> None:
    """Raise DamagedError where an optimiser's state differs in structure from that of `trainer` after a step.

    Makes that step, with gradients of zero; its changes are overwritten when the state is loaded.
    """
    for group in trainer.optimizer.param_groups:
        for item in group["params"]:
            item.grad = torch.zeros_like(item)
    trainer.optimizer.step()
    trainer.optimizer.zero_grad()
    expected = trainer.optimizer.state_dict()
    fits = not state["state"] or has_structure_of(state["state"], expected["state"])  # empty before the first step
    for old, new in zip(state["param_groups"], expected["param_groups"], strict=True):
        fits &= old["params"] == new["params"]
        fits &= all(
            # A later version of torch may have added a flag.
            has_structure_of(old[name], value) if name in old else isinstance(value, bool | None)
            for name, value in new.items()
        )
    if not fits:
        raise DamagedError("it is of another optimiser")


def has_structure_of(value: Any, other: Any) -> bool:
    """Whether two values are alike but for their numbers: equal shapes and types of tensors, and equal flags."""
    if isinstance(other, torch.Tensor):
        return isinstance(value, torch.Tensor) and (value.shape, value.dtype) == (other.shape, other.dtype)
    if isinstance(other, dict):
        return (
            isinstance(value, dict)
            and value.keys() == other.keys()
            and all(has_structure_of(value[key], other[key]) for key in other)
        )
    if isinstance(other, list | tuple):
        return type(value) is type(other) and len(value) == len(other) and all(map(has_structure_of, value, other))
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
    """The value that `_separate_tensors` was given; raises one of `MALFORMED` for anything else."""
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
