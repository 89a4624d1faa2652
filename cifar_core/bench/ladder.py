"""Measures the accuracy and the time of each preset, the time also in epochs of the plain tutorial loop."""

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
    """Measure test accuracy and seconds of each preset; plain epochs are timed just before and after each run.

    Args:
        workspace: has the dataset and gets the runs.
        dataset: name of the dataset.
        presets: names, in the order of the ladder.
        seeds: number of runs of each preset, with the seeds 0, 1, ...
        plain_epochs: number of epochs that the tutorial loop trains each time.
        say: called with a line of progress after each run.
        keep: called with all figures so far after each run, because a preset can take an hour: whoever stops the
            measurement keeps the figures of the finished runs.
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
            assert trained.run.best is not None  # the run has finished
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
    """Time the tutorial loop; return the mean seconds of an epoch including its measurement on the test set."""
    return float(train_plain(workspace, dataset, epochs, seed)["seconds"].mean())
