"""Compares the speed of the training loop (preset `original`) with that of the same training in a plain loop."""

import statistics
from typing import Any

from cifar_core.bench.sides import Say, time_records, train, train_plain
from cifar_core.config import make_config
from cifar_core.workspace import Workspace


def measure_loop(workspace: Workspace, dataset: str, *, rounds: int, epochs: int, say: Say) -> dict[str, Any]:
    """Measure seconds per epoch, including the test measurement, of both loops, and what augmentation costs.

    `extras_share` is the part of an epoch of this program that is not spent on training steps, `records_share` that of
    the calls which note the answers to the training pictures.

    Args:
        workspace: has the dataset and gets the runs.
        dataset: name of the dataset.
        rounds: number of rounds; in each, both loops train once.
        epochs: number of epochs per round; this program trains one more, because its first epoch is a warm-up.
        say: called with a line of progress after each round.
    """
    plain, ours, varied, extras, memory = [], [], [], [], []
    settings = {"dataset": dataset, "epochs": epochs + 1}
    for turn in range(1, rounds + 1):
        plain.append(float(train_plain(workspace, dataset, epochs)["seconds"].median()))
        trained = train(workspace, make_config(settings, preset="original"))
        ours.append(statistics.median(trained.epochs))
        pictures = trained.run.dataset.train if trained.run.dataset else 0
        steps = pictures / trained.metrics["images_per_second"].iloc[1:].median()
        extras.append(1 - steps / ours[-1])
        memory.append(trained.run.peak_memory or 0)
        changed = train(workspace, make_config({**settings, "flip": True, "shift": 2}, preset="original"))
        varied.append(float(pictures / changed.metrics["images_per_second"].iloc[1:].median() / steps - 1))
        say(f"loop, round {turn} of {rounds}: plain {plain[-1]:.2f} s, ours {ours[-1]:.2f} s an epoch")
    ratios = [seconds / plain_seconds for seconds, plain_seconds in zip(ours, plain, strict=True)]
    return {
        "dataset": dataset,
        "plain_epoch_seconds": plain,
        "our_epoch_seconds": ours,
        "ratio": ratios,
        "extras_share": extras,
        "augmentation_share": varied,
        "records_share": time_records(workspace, dataset, rounds)["share"].tolist(),
        "peak_memory_bytes": max(memory),
    }
