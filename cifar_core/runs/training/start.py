"""The weights and the optimiser that a run begins with, where it goes on from another run."""

import json
from typing import Any

import numpy as np
import safetensors.torch
import torch

from cifar_core.errors import RunError
from cifar_core.runs.hashed_tensors import read_hashed
from cifar_core.runs.records import CreationRecord, read_training_record
from cifar_core.runs.run import GOES_ON
from cifar_core.runs.run_folder import RunFolder, run_folder
from cifar_core.runs.tensor_limits import head_tensors, most_optimizer, most_weights
from cifar_core.runs.training.state_files import MALFORMED, check_network, check_optimizer, read_state
from cifar_core.storage.json_types import MAX_CLASSES
from cifar_core.train.optimizers import make_optimizer
from cifar_core.train.trainer import Trainer

_STREAM = 6  # keeps these random numbers independent of other uses of the seed
Tensors = dict[str, torch.Tensor]


def begin_from_start(
    folder: RunFolder, creation: CreationRecord, trainer: Trainer, class_names: tuple[str, ...]
) -> tuple[str, ...]:
    """Load what a run begins with into its new trainer; one that has trained already is left as it is.

    Args:
        folder: of the run.
        creation: how the run was made.
        trainer: of the run.
        class_names: of its dataset, in the order of the outputs.

    Returns:
        Sentences on what a person should know about the beginning.

    Raises:
        RunError: the weights are missing or damaged.
    """
    if creation.origin not in GOES_ON or trainer.lines or trainer.batch:
        return ()
    optimizer, notes = None, []
    if folder.start_optimizer.exists():
        optimizer = _usable_optimizer(folder, trainer)
    if creation.origin == "continued" and optimizer is None:
        notes.append(
            f"It goes on from the weights of run {creation.parent} after epoch {creation.parent_epoch} with a new "
            "optimiser, because there is no state of that run's optimiser that could be used."
        )
    try:
        weights, names = _read_weights(folder, trainer)
        if creation.origin == "fine-tuned":
            names = names or _classes_of(folder, creation.parent)
            notes += _fit_head(weights, trainer, names, class_names)
        check_network(weights, trainer)
    except MALFORMED as error:
        raise RunError(
            f"The weights that run {folder.run_id} was to begin with cannot be used ({error}). "
            f"Go on from run {creation.parent} once more."
        ) from error
    trainer.net.load_state_dict(weights)
    if optimizer is not None:
        _load_optimizer(trainer, optimizer)
    # Else dropout would draw what it drew in the first epochs of the run before.
    draw = np.random.default_rng([trainer.config.machine.seed, _STREAM, trainer.earlier])
    torch.manual_seed(int(draw.integers(2**63)))
    return tuple(notes)


def _read_weights(folder: RunFolder, trainer: Trainer) -> tuple[Tensors, tuple[str, ...]]:
    """The tensors of the weights, and the classes of their outputs; none where an old file does not name them."""
    most = most_weights(trainer.config.model, MAX_CLASSES)
    content, notes = read_hashed(folder.start_weights, most, required=False)
    return safetensors.torch.load(content), tuple(json.loads(notes.get("class_names", "[]")))


def _classes_of(folder: RunFolder, parent: str) -> tuple[str, ...]:
    """The classes of the run whose weights these are, for a file of weights of schema 1 or 2, which names none."""
    try:
        record = read_training_record(run_folder(folder.workspace, parent))
    except RunError:  # it has been deleted
        record = None
    return record.dataset.class_names if record else ()


def _fit_head(weights: Tensors, trainer: Trainer, before: tuple[str, ...], now: tuple[str, ...]) -> list[str]:
    """Give the last layer an output for each class of the new dataset; returns a sentence where it is made anew.

    Of the same classes in another order the outputs change places.
    """
    if before == now:
        return []
    head, own = head_tensors(trainer.config.model), trainer.net.state_dict()
    if sorted(before) == sorted(now):
        order = [before.index(name) for name in now]
        weights.update({name: weights[name][order] for name in head})
        return []
    weights.update({name: own[name].clone() for name in head})
    if not before:
        return ["Its last layer was made anew, because nothing says any more for which classes the old one was."]
    return ["Its last layer was made anew, because its classes are not those of the run whose weights it began with."]


def _usable_optimizer(folder: RunFolder, trainer: Trainer) -> dict[str, Any] | None:
    """The state that the optimiser begins with; None where it is damaged or of another optimiser."""
    try:
        state = read_state(folder.start_optimizer, most_optimizer(trainer.config.model, trainer.data.classes))
        check_optimizer(state, trainer)
    except MALFORMED:  # a DamagedError is a ValueError
        state = None
    finally:  # the check makes a step; the weights that it changes are loaded later
        trainer.optimizer = make_optimizer(trainer.config.optimizer, trainer.net)
    return state


def _load_optimizer(trainer: Trainer, state: dict[str, Any]) -> None:
    """Let the optimiser go on from a state, with the settings of this run, which may have another weight decay."""
    groups = trainer.optimizer.state_dict()["param_groups"]
    for group, before in zip(groups, state["param_groups"], strict=True):
        if "steps" in before:  # which averaged SGD counts
            group["steps"] = before["steps"]
    trainer.optimizer.load_state_dict({"state": state["state"], "param_groups": groups})
