"""Several processes train one run: what the first one tells the others, and what those do. They write nothing.

The first process (rank 0) opens, checks and reads everything of the run. The others take from it what decides the
numbers, so they cannot disagree: the dataset's fingerprint, the precision, and the state that the training goes on
from.
"""

import io
import json
import sys
from typing import Any

import torch

from cifar_core.config import Precision, RunConfig
from cifar_core.data import Dataset, open_dataset
from cifar_core.errors import CifarCoreError, LostRankError, RunError
from cifar_core.lifecycle.states import EndRequest
from cifar_core.lifecycle.supervise import LOST_RANKS
from cifar_core.models import get_model
from cifar_core.runs.records import CreationRecord, read_creation, run_config
from cifar_core.runs.run_folder import RunFolder
from cifar_core.train import EpochLine, EpochPoint, MeasuredSplit
from cifar_core.train.batches import TrainingData, load_training_data
from cifar_core.train.device import pick_device
from cifar_core.train.ranks import Alone, Ranks, Together, join_ranks, lost_ranks, rank_device
from cifar_core.train.trainer import Position, Trainer


def new_trainer(
    config: RunConfig,
    data: TrainingData,
    device: torch.device,
    precision: Precision,
    creation: CreationRecord,
    ranks: Ranks,
) -> Trainer:
    """The trainer of a run at its beginning, the same in each of its processes."""
    rule, earlier = creation.epoch_rule, creation.earlier_epochs
    return Trainer(config, data, device, precision, rule=rule, earlier=earlier, ranks=ranks)


def said_of_ranks(trainer: Trainer) -> tuple[str, ...]:
    """What a person should know of a training of several processes, as sentences."""
    world = trainer.ranks.world
    if world == 1 or not get_model(trainer.config.model.model).normalised:
        return ()
    return (
        f"Each of its {world} processes normalised its own part of a batch, so its numbers differ a little from those "
        "of one process with the same settings.",
    )


def tell_beginning(ranks: Alone | Together, dataset: Dataset, precision: Precision) -> None:
    """Tell the others that the dataset is there and checked, and in which precision all compute."""
    if isinstance(ranks, Together):
        beginning = {"fingerprint": dataset.fingerprint, "precision": precision, "threads": torch.get_num_threads()}
        ranks.tell(json.dumps(beginning).encode())


def tell_state(trainer: Trainer) -> None:
    """Tell the others the state that the training goes on from."""
    if isinstance(trainer.ranks, Together):
        content = io.BytesIO()
        torch.save(trainer.state(), content)
        trainer.ranks.tell(content.getvalue())


def assist(folder: RunFolder) -> int:
    """Compute a part of every batch of a run whose first process is another one.

    Args:
        folder: of the run; nothing is written into it.

    Returns:
        The exit code: 0 where the training ended, by whichever request; `LOST_RANKS` where another process is gone.
    """
    try:
        with lost_ranks():
            _assist(folder)
    except CifarCoreError as error:
        print(error, file=sys.stderr)
        return LOST_RANKS if isinstance(error, LostRankError) else 1
    return 0


def _assist(folder: RunFolder) -> None:
    config, creation = run_config(folder), read_creation(folder)
    device = rank_device(pick_device(config.machine.device))
    ranks = join_ranks(device)
    assert isinstance(ranks, Together)  # `main` has found that it is not the only process
    beginning = json.loads(ranks.tell(b""))
    torch.set_num_threads(beginning["threads"])
    dataset = open_dataset(folder.workspace, config.data.dataset)
    if dataset.fingerprint != beginning["fingerprint"]:
        raise RunError(f"Process {ranks.rank} of this training sees another dataset under the name {dataset.name}.")
    data = load_training_data(dataset, config.data, config.machine.seed, device, creation.split_rule)
    trainer = new_trainer(config, data, device, beginning["precision"], creation, ranks)
    trainer.load_state(_read_state(ranks.tell(b"")))
    trainer.fit(_Silent())


def _read_state(content: bytes) -> dict[str, Any]:
    state: dict[str, Any] = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    return state


class _Silent:
    """The callback of the other processes: they write nothing, and hear requests from the first one."""

    def on_batch(self, position: Position) -> EndRequest | None:
        """Nothing is asked."""
        return None

    on_measure = on_batch

    def on_point(self, point: EpochPoint) -> None:
        """Nothing is written."""

    def on_epoch(self, trainer: Trainer, line: EpochLine, probs: dict[MeasuredSplit, torch.Tensor]) -> None:
        """Nothing is written."""
