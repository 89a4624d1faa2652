"""A program for tests: trains the tiny dataset as one rank of several, and writes what rank 0 has found to a file."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import torch

from cifar_core.config import make_config
from cifar_core.lifecycle.states import EndRequest
from cifar_core.train.batches import load_training_data
from cifar_core.train.ranks import join_ranks
from cifar_core.train.trainer import Position, Trainer
from tests.train.test_trainer import CPU, RecordingCallback, comparable, tiny_dataset


class StepLosses(RecordingCallback):
    """Records the mean loss of every step, and asks for the end after so many batches."""

    def __init__(self, trainer: Trainer, batches: int | None) -> None:
        super().__init__(self.stop)
        self.trainer, self.limit, self.batches, self.losses, self.sum = trainer, batches, 0, [], 0.0

    def stop(self, position: Position) -> EndRequest | None:
        return EndRequest.PAUSE if self.limit is not None and self.batches >= self.limit else None

    def on_batch(self, position: Position) -> EndRequest | None:
        total = float(self.trainer._loss_sum)
        self.losses.append(total - (self.sum if position.batch > 1 else 0.0))
        self.sum, self.batches = total, self.batches + 1
        return super().on_batch(position)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("settings", type=json.loads)
    parser.add_argument("out", type=Path)
    parser.add_argument("--stop-after", type=int)
    parser.add_argument("--state", type=Path, help="go on from the state that an earlier one wrote here")
    parser.add_argument("--pictures", type=int, default=300)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    config = make_config(arguments.settings)
    ranks = join_ranks(CPU)
    data = load_training_data(tiny_dataset(arguments.pictures), config.data, config.machine.seed, CPU)
    trainer = Trainer(config, data, CPU, "float32", ranks=ranks)
    if arguments.state:
        trainer.load_state(torch.load(arguments.state, weights_only=True))
    callback = StepLosses(trainer, arguments.stop_after)
    request = trainer.fit(callback)
    state = trainer.state()
    found: dict[str, Any] = {
        "losses": callback.losses,
        "lines": comparable(trainer.lines),
        "request": request,
        "net": {name: value.clone() for name, value in state["net"].items()},
        "probs": callback.probs,
        "points": [point.accuracy for point in callback.points],
        "records": trainer.records.state(),
        "pruning": trainer.pruning.state(),
        "batches": callback.batches,
    }
    name = arguments.out if ranks.rank == 0 else arguments.out.with_suffix(f".{ranks.rank}")
    torch.save(found, name)
    torch.save(state, name.with_suffix(name.suffix + ".state"))


if __name__ == "__main__":
    main()
    sys.exit(0)
