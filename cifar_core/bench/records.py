"""Times what the training records add to an epoch of the preset `original`.

`python -m cifar_core.bench.records --workspace=DIR --dataset=NAME --rounds=N` prints one JSON line per round: the
seconds of an epoch with records and of one without, which change places from round to round, and `own_seconds`: those
of the added calls alone (noting each batch, the answers of the epoch, their file written as a run writes it).
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from cifar_core.config import make_config
from cifar_core.data import open_dataset
from cifar_core.lifecycle.states import EndRequest
from cifar_core.runs.training_records.files import record_content, record_of
from cifar_core.storage.atomic import write_atomic
from cifar_core.train.batches import load_training_data
from cifar_core.train.device import pick_device
from cifar_core.train.trainer import Trainer
from cifar_core.workspace import Workspace

T = TypeVar("T")


class Silent:
    """A callback that asks for nothing and keeps nothing."""

    def on_batch(self, *_: object) -> EndRequest | None:
        """Go on."""
        return None

    def on_point(self, *_: object) -> None:
        """Nothing is kept."""

    on_measure, on_epoch = on_batch, on_point


class Recording:
    """Epochs of one training, with and without records; adds up the time of the added calls."""

    def __init__(self, trainer: Trainer, file: Path) -> None:
        self.own_seconds = 0.0
        self._trainer = trainer
        self._file = file
        self._note, self._start = trainer.records.note, trainer.records.start_epoch

    def seconds_of_epoch(self, *, records: bool) -> float:
        """Train and measure one epoch; returns its seconds."""
        self.own_seconds, kept = 0.0, self._trainer.records
        kept.note = self._timed(self._note) if records else lambda *_: None  # type: ignore[method-assign]
        kept.start_epoch = self._timed(self._start) if records else lambda: None  # type: ignore[method-assign]
        started = time.perf_counter()
        self._trainer.run_epoch(Silent())
        if records:
            self._timed(self._write)()
        return time.perf_counter() - started

    def _write(self) -> None:
        answers = self._trainer.records.answers()
        if answers is not None:
            write_atomic(self._file, record_content(record_of(*answers)))

    def _timed(self, call: Callable[..., T]) -> Callable[..., T]:
        def timed(*arguments: object) -> T:
            started = time.perf_counter()
            result = call(*arguments)
            self.own_seconds += time.perf_counter() - started
            return result

        return timed


def main() -> int:
    """Train, and print each round's seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", required=True, type=Path)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--rounds", required=True, type=int)
    arguments = parser.parse_args()
    workspace = Workspace(arguments.workspace)
    config = make_config({"dataset": arguments.dataset, "epochs": 1 + 2 * arguments.rounds}, preset="original")
    device = pick_device(config.machine.device)
    data = load_training_data(open_dataset(workspace, arguments.dataset), config.data, config.machine.seed, device)
    with tempfile.TemporaryDirectory(dir=workspace.root) as folder:
        recording = Recording(Trainer(config, data, device), Path(folder) / "record.npy")
        recording.seconds_of_epoch(records=True)  # a warm-up
        for turn in range(arguments.rounds):
            order = (True, False) if turn % 2 else (False, True)
            taken, own = {}, 0.0
            for records in order:
                taken[records] = recording.seconds_of_epoch(records=records)
                own = recording.own_seconds or own
            line = {
                "with_records": taken[True],
                "without": taken[False],
                "own_seconds": own,
                "share": own / taken[True],
            }
            print(json.dumps({"pictures": len(data.train), **line}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
