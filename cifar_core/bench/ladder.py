"""The presets as a ladder of accuracy per second, each rung in epochs of the tutorial loop's own time."""

import statistics
from collections.abc import Callable, Sequence
from typing import Any

from cifar_core.bench.sides import Say, train, train_plain
from cifar_core.config import make_config
from cifar_core.workspace import Workspace


def measure_ladder(
    workspace: Workspace,
    dataset: str,
    presets: Sequence[str],
    *,
    seeds: int,
    plain_epochs: int,
    say: Say,
    keep: Callable[[dict[str, Any]], None],
) -> dict[str, Any]:
    """Test accuracy and seconds of each preset, between plain epochs measured just before and just after.

    Args:
        workspace: holds the dataset; the runs land in it.
        dataset: its name.
        presets: names, in the order of the ladder.
        seeds: runs of each preset, with the seeds 0, 1, ...
        plain_epochs: of the tutorial loop in each of its turns.
        say: told after each run.
        keep: given all figures so far after each run: a rung takes an hour, and whoever ends it keeps what there is.
    """
    rungs: dict[str, Any] = {}
    found = {"dataset": dataset, "presets": rungs}
    for preset in presets:
        accuracies: list[float] = []
        seconds: list[float] = []
        ratios: list[float] = []
        overruns: list[float | None] = []
        plain = [_plain_epoch(workspace, dataset, plain_epochs, seeds)]  # one more than runs: each lies between two
        for seed in range(seeds):
            trained = train(workspace, make_config({"dataset": dataset, "seed": seed}, preset=preset))
            assert trained.run.best is not None  # it has finished
            accuracies.append(trained.run.best.test_accuracy)
            seconds.append(trained.seconds)
            overruns.append(trained.run.overrun)
            plain.append(_plain_epoch(workspace, dataset, plain_epochs, seed))
            ratios.append(seconds[-1] / statistics.mean(plain[-2:]))
            say(
                f"{preset}, seed {seed}: accuracy {accuracies[-1]:.4f} in {seconds[-1]:.1f} s, "
                f"{ratios[-1]:.2f} plain epochs"
            )
            rungs[preset] = {
                "test_accuracy": accuracies,
                "mean": statistics.mean(accuracies),
                "std": statistics.stdev(accuracies) if seed else None,
                "seconds": seconds,
                "plain_epoch_seconds": plain,
                "plain_epochs": ratios,
                "against_estimate": overruns,
            }
            keep(found)
    return found


def _plain_epoch(workspace: Workspace, dataset: str, epochs: int, seed: int) -> float:
    """Seconds that one epoch of the tutorial loop takes now, with its test."""
    return float(train_plain(workspace, dataset, epochs, seed)["seconds"].mean())
