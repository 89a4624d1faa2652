"""Checkpoints: the whole state of an unfinished training; the last two are kept, each with its SHA-256.

They hold tensors and JSON values and no pickle, so a checkpoint of unknown origin is safe to open. A new one is written
beside the others and read back before an older one is removed. A damaged checkpoint is passed over for the one before,
and the run gets a warning. The hash is written and checked by `cifar_core.runs.hashed_tensors`.
"""

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from cifar_core.data.sources.zips import is_stored
from cifar_core.errors import RunError, StorageError
from cifar_core.runs.epoch_log import read_lines
from cifar_core.runs.hashed_tensors import DamagedError, check_hashed, read_old
from cifar_core.runs.run_folder import RunFolder, checkpoint_files
from cifar_core.runs.tensor_limits import most_checkpoint
from cifar_core.runs.training.reproducibility import conditions, differences
from cifar_core.runs.training.state_files import (
    MALFORMED,
    check_network,
    check_optimizer,
    has_structure_of,
    read_state,
    state_content,
)
from cifar_core.runs.training_records.files import check_values, record_of
from cifar_core.storage.atomic import make_folder, remove, write_atomic
from cifar_core.train import epoch_line
from cifar_core.train.trainer import Trainer

_KEPT = 2
_MAX_REASON = 200  # characters


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
        make_folder(path.parent)
        write_atomic(path, *state_content(state))
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
            except MALFORMED as error:
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
    return conditions(trainer.device, trainer.precision, trainer.ranks.world)


def _most(trainer: Trainer) -> int:
    """Bytes that a checkpoint of this training has at most."""
    return most_checkpoint(trainer.config.model, trainer.data.classes, len(trainer.data.train))


def _read(path: Path, most: int) -> dict[str, Any]:
    """The state in a checkpoint; raises DamagedError or one of `MALFORMED` where it has none."""
    if path.suffix != ".pt":
        return read_state(path, most)
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
    check_network(state["net"], trainer)
    before, now = state.get("settings", {}), trainer.config.flat()  # checkpoints of schema 1 have no settings
    if not isinstance(before, dict) or any(before[name] != now[name] for name in now if name in before):
        raise DamagedError("it was made with other settings")
    lines = [epoch_line(line) for line in state["lines"]]
    if [line.epoch for line in lines] != list(range(1, len(lines) + 1)) or not 0 <= state["batch"] <= trainer.batches:
        raise DamagedError("its epoch and batch do not exist in this training")
    if not all(has_structure_of(state[name], 0.0) and state[name] >= 0 for name in ("seconds", "epoch_seconds")):
        raise DamagedError("its training time is negative or not a number")
    pruning = state.get("pruning", {})
    if not has_structure_of(pruning, trainer.pruning.state()):
        raise DamagedError("its list of left-out pictures does not fit this dataset")
    if pruning and not (bool((pruning["weights"] >= 0).all()) and bool(pruning["weights"].any())):
        raise DamagedError("it leaves out every picture")
    if not all(isinstance(condition, str) for condition in state.get("conditions", {}).values()):
        raise DamagedError("it does not say what it was computed with")
    _check_records(state.get("records", {}), trainer)
    check_optimizer(state["optimizer"], trainer)


def _check_records(records: Any, trainer: Trainer) -> None:
    """Raise ValueError where the answers of the epoch that was interrupted cannot be those of `trainer`; loads them."""
    if not records:  # it stands between two epochs, or an earlier version wrote it
        return
    if not has_structure_of(records, trainer.records.state()):
        raise DamagedError("its answers to the training pictures do not fit this dataset")
    trainer.records.load_state(records)
    found = trainer.records.answers()
    if found is not None:
        check_values(record_of(*found), trainer.data.train.labels.cpu().numpy(), trainer.data.classes)
