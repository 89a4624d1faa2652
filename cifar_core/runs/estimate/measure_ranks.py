"""One of two processes that time training steps together: `python -m cifar_core.runs.estimate.measure_ranks PLAN`.

Started by `cifar_core.runs.estimate.ranks_speed` with the cases as JSON; rank 0 prints the seconds of a step of each.
The pictures are random, and their loading is part of a step, as in a training.
"""

import itertools
import json
import os
import signal
import sys
import time
from collections.abc import Iterator

import torch

from cifar_core.config import make_config
from cifar_core.lifecycle.ranks.guard import end_with_parent
from cifar_core.machine import keep_memory, lower_priority
from cifar_core.processes import kill_own_group
from cifar_core.runs.estimate.timed_cases import random_dataset
from cifar_core.train.batches import epoch_batches, load_training_data
from cifar_core.train.device import finish, pick_device
from cifar_core.train.ranks import join_ranks, rank_device
from cifar_core.train.trainer import Trainer

_ROUNDS = 3  # of which the best one counts
_WARM_UP = 2  # steps before the first round


def main() -> None:
    """Time each case together with the other process."""
    end_with_parent(os.getppid(), signal.SIGKILL, kill_own_group)
    plan, device, dataset = json.loads(sys.argv[1]), rank_device(pick_device("auto")), random_dataset()
    keep_memory()
    lower_priority()
    torch.set_num_threads(plan["threads"])
    ranks = join_ranks(device)
    found = []
    for settings, steps in plan["steps"]:
        config = make_config(settings)
        data = load_training_data(dataset, config.data, 0, device)
        found.append(_seconds_of_a_step(Trainer(config, data, device, ranks=ranks), steps))
    if ranks.rank == 0:
        print(json.dumps(found), flush=True)


def _seconds_of_a_step(trainer: Trainer, steps: int) -> float:
    """The best of several rounds of so many steps."""
    batches, rounds = _batches(trainer), []
    trainer.net.train()
    for count in (_WARM_UP, *[steps] * _ROUNDS):
        started = time.perf_counter()
        for images, labels, indices in itertools.islice(batches, count):
            trainer.train_step(images, labels, indices, step=0)
        finish(trainer.device)
        rounds.append((time.perf_counter() - started) / count)
    return min(rounds[1:])


def _batches(trainer: Trainer) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Batches without end."""
    data, size = trainer.config.data, trainer.config.optimizer.batch_size
    for epoch in itertools.count(1):
        yield from epoch_batches(trainer.data, data, size, seed=0, epoch=epoch, ranks=trainer.ranks)


if __name__ == "__main__":
    main()
    os._exit(0)  # unloading torch takes seconds, and the other process may be gone by now
