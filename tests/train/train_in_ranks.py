"""A program for tests: trains tiny pictures several times, each time as one of several ranks, and keeps what it found.

Several trainings in one process, since loading torch takes longer than all of them.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import torch

from cifar_core.config import make_config
from cifar_core.errors import LostRankError
from cifar_core.lifecycle.states import EndRequest
from cifar_core.lifecycle.supervise import LOST_RANKS
from cifar_core.train import ranks as ranks_module
from cifar_core.train.batches import load_training_data
from cifar_core.train.ranks import ALONE, Ranks, Together, join_ranks, lost_ranks
from cifar_core.train.trainer import Position, Trainer
from tests.train.test_trainer import CPU, RecordingCallback, comparable, tiny_dataset


class StepLosses(RecordingCallback):
    """Records the sum of the losses of each step, and asks for a pause after so many batches or measurements."""

    def __init__(self, trainer: Trainer, *, batches: int | None = None, measures: int | None = None) -> None:
        super().__init__()
        self.trainer, self.most_batches, self.most_measures = trainer, batches, measures
        self.losses: list[float] = []
        self.batches = self.measures = 0
        self.before = float(trainer._loss_sum)  # of the batches before, where it goes on

    def on_batch(self, position: Position) -> EndRequest | None:
        if not self.losses:
            print("trains", file=sys.stderr, flush=True)
        total = float(self.trainer._loss_sum)
        self.losses.append(total - (self.before if position.batch > 1 else 0.0))
        self.before, self.batches = total, self.batches + 1
        return EndRequest.PAUSE if self.most_batches is not None and self.batches >= self.most_batches else None

    def on_measure(self, position: Position) -> EndRequest | None:
        self.measures += 1
        return EndRequest.PAUSE if self.most_measures is not None and self.measures >= self.most_measures else None


def train(
    settings: dict[str, Any],
    ranks: Ranks = ALONE,
    state: dict[str, Any] | None = None,
    *,
    pictures: int = 300,
    batches: int | None = None,
    measures: int | None = None,
) -> dict[str, Any]:
    """Train to the end or until the pause; returns what was found, with the state under `state`."""
    config = make_config(settings)
    data = load_training_data(tiny_dataset(pictures), config.data, config.machine.seed, CPU)
    trainer = Trainer(config, data, CPU, "float32", ranks=ranks)
    if state:
        trainer.load_state(state)
    asks = ranks.rank == 0  # the others hear of the pause from it
    callback = StepLosses(trainer, batches=batches if asks else None, measures=measures if asks else None)
    request = trainer.fit(callback)
    return {
        "request": str(request),
        "batches": callback.batches,
        "losses": callback.losses,
        "lines": comparable(trainer.lines),
        "points": len(callback.points),
        "probs": callback.probs,
        "records": trainer.records.state(),
        "pruning": trainer.pruning.state(),
        "net": {name: value.clone() for name, value in trainer.net.state_dict().items()},
        "state": trainer.state(),
    }


def main() -> None:
    """Train each of the scenarios in the file of the first argument; write what rank R found to `found.R` beside it."""
    torch.set_num_threads(1)
    path, found = Path(sys.argv[1]), dict[str, Any]()
    ranks_module.STEP_SECONDS = float(os.environ.get("STEP_SECONDS", ranks_module.STEP_SECONDS))
    ranks = join_ranks(CPU)
    assert isinstance(ranks, Together)
    for name, scenario in json.loads(path.read_text()).items():
        goes_on = scenario.pop("goes_on", None)
        anew = Together(ranks.rank, ranks.world, ranks._group)  # it is made for one training
        found[name] = train(**scenario, ranks=anew, state=found[goes_on]["state"] if goes_on else None)
    torch.save(found, path.with_name(f"found.{ranks.rank}"))


if __name__ == "__main__":
    try:
        with lost_ranks():
            main()
    except LostRankError as error:
        print(error, file=sys.stderr, flush=True)
        os._exit(LOST_RANKS)
    os._exit(0)  # as a training process ends
