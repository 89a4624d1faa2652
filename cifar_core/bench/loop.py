"""How fast the loop is: the preset `original` beside the same training as tutorials write it, alternately."""

import statistics
from typing import Any

from cifar_core.bench.sides import Say, train, train_plain
from cifar_core.config import make_config
from cifar_core.workspace import Workspace


def measure_loop(workspace: Workspace, dataset: str, *, rounds: int, epochs: int, say: Say) -> dict[str, Any]:
    """Seconds per epoch with its test measurement on both sides, and what our extras and augmentation cost.

    Args:
        workspace: holds the dataset; the runs land in it.
        dataset: its name.
        rounds: how often the sides take turns.
        epochs: of each side in a round; ours trains one more, since its first epoch warms up.
        say: told after each round.
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
    ratios = [mine / theirs for mine, theirs in zip(ours, plain, strict=True)]
    return {
        "dataset": dataset,
        "plain_epoch_seconds": plain,
        "our_epoch_seconds": ours,
        "ratio": ratios,
        "extras_share": extras,
        "augmentation_share": varied,
        "peak_memory_bytes": max(memory),
    }
