"""Estimates how long a run will take before it starts, as the Train page shows for each preset.

One basis for all: the time computed from the measured speed of this machine (`epoch_time.py`), corrected by what the
last runs really took (`correction.py`).
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from cifar_core.config import RunConfig
from cifar_core.data import DatasetState
from cifar_core.data.sources.drawn10 import DRAWN10_NAME
from cifar_core.runs.estimate.correction import MOST_RUNS, Correction, learn
from cifar_core.runs.estimate.epoch_time import epoch_seconds
from cifar_core.runs.estimate.span import Span, exactly
from cifar_core.runs.estimate.speed import MachineSpeed, measured_gain, step_key
from cifar_core.runs.run import Run, Status
from cifar_core.text import counted
from cifar_core.train import small_part, validation_count

_SHORTEST = 1.0  # seconds; what a shorter training took says nothing of the speed
_LEAST = 0.01  # seconds of a start
_WORKER = 0.5  # seconds until the worker of a run has started its training process
_UNMEASURED_GAIN = 0.3  # standard deviation of ln(time) of processes whose gain was not measured
_START_UP = ""  # stands for a model where none is trained


@dataclass(frozen=True)
class Estimate:
    """The expected time of a run, and what the expectation is based on."""

    training: Span  # seconds of training and measuring, as `Run.seconds` counts them
    start_up: float  # seconds from the start until it trains, drawing its pictures included
    whole: Span  # seconds from the start to the end, without the wait for its turn
    source: str  # in words

    @property
    def low(self) -> float:
        """The least seconds from the start to the end."""
        return self.whole.low

    @property
    def high(self) -> float:
        """The most seconds from the start to the end."""
        return self.whole.high


def estimate_run(
    config: RunConfig, speed: MachineSpeed | None, datasets: Sequence[DatasetState], runs: Sequence[Run] = ()
) -> Estimate | None:
    """How long a run will take on this machine; None while its network's speed or its dataset's size is unknown.

    With C = the computed seconds of training and measuring and E epochs, a run takes
    start-up * a + (C + E * write) * m * d seconds, where `write` is the measured time to write an epoch's results, and
    a (of starts), m (of this machine) and d (of the model) are the factors of `learn`. The bounds are those of
    `Correction.of`, for the start and the training each, put together by `Span`.

    Args:
        config: of the planned run.
        speed: of this machine, as far as it has been measured.
        datasets: of the workspace.
        runs: all runs, the newest first; what the last ones took corrects the measured speed.
    """
    epochs, model = config.optimizer.epochs, config.model.model
    state = next((item for item in datasets if item.name == config.data.dataset), None)
    if speed is None or model not in speed.costs or state is None or not state.train:
        return None
    validation = validation_count(config.data, state.train, state.validation)
    train = round((state.train - validation) * config.data.train_share)
    parts = {"train": train, "validation": validation, "test": state.test}
    computed = epochs * epoch_seconds(speed, config, classes=max(2, state.classes), **parts)
    learned = correction_by(speed, runs)
    more = 0.0 if step_key(config) in speed.known else speed.fit_error
    if config.machine.processes > 2 or (config.machine.processes == 2 and measured_gain(speed, config) is None):
        more = math.hypot(more, _UNMEASURED_GAIN)
    training = learned.of(computed, model, more=more)
    with_writing = learned.of(computed + epochs * speed.write, model, more=more)
    start_up = exactly(_WORKER) + _starting(state, speed, runs)
    return Estimate(training, start_up.middle, start_up + with_writing, _source(learned))


def correction_by(speed: MachineSpeed, runs: Sequence[Run]) -> Correction:
    """What the newest finished and running runs teach about the measured speed."""
    known = (ratio for run in runs if (ratio := run_ratio(speed, run)) is not None)
    return learn(list(itertools.islice(known, MOST_RUNS)), speed.slowdown, speed.deviation)


def run_ratio(speed: MachineSpeed, run: Run) -> tuple[str, float] | None:
    """The model of a run, and the time it took divided by the computed one; None where that says nothing.

    A run from a .zip, and one on a cluster, was timed on another machine; imported predictions were not timed at all.
    A trial of a sweep may share the cores with others. What several processes gain is a measurement of its own. A
    running run counts after its first epoch, where all its epochs are alike.
    """
    config, data = run.config, run.dataset
    is_usual = run.has_network and config.machine.processes == 1
    is_usual = is_usual and not (run.from_zip or run.is_elsewhere or run.sweep)
    if not is_usual or data is None or run.last is None:
        return None
    if config.model.model not in speed.costs:
        return None
    if run.seconds < _SHORTEST or not (run.status is Status.FINISHED or (run.status is Status.RUNNING and _even(run))):
        return None
    parts = {"train": data.train, "validation": data.validation, "test": data.test}
    epoch = epoch_seconds(speed, config, classes=len(data.class_names), **parts)
    done = run.last.epoch if run.status is Status.FINISHED else run.done * config.optimizer.epochs
    return (config.model.model, run.seconds / (done * epoch)) if done * epoch > 0 else None


def _even(run: Run) -> bool:
    """Whether each epoch of a run takes as long as any other."""
    config = run.config
    return small_part(config) == 0 and config.optimizer.prune_share == 0 and config.data.views == 1


def _starting(state: DatasetState, speed: MachineSpeed, runs: Sequence[Run]) -> Span:
    """The time until a run trains; it draws `drawn10` first where that is absent, and else waits for whoever does."""
    known = itertools.islice(
        (run.start_up for run in runs if run.start_up and not (run.from_zip or run.is_elsewhere or run.sweep)),
        MOST_RUNS,
    )
    usual = max(speed.start_up, _LEAST)
    learned = learn([(_START_UP, start / usual) for start in known], 1.0, speed.start_deviation)
    start, drawing = learned.of(usual, _START_UP), learned.of(speed.draw, _START_UP)
    if state.name != DRAWN10_NAME or state.state not in ("absent", "preparing"):
        return start
    return start + (drawing if state.state == "absent" else Span(0.0, drawing.middle / 2, drawing.high))


def _source(learned: Correction) -> str:
    """What an estimate rests on."""
    if learned.runs == 0:
        return "from the measured speed of this machine; no run has confirmed it yet"
    return f"from the measured speed of this machine and its last {counted(learned.runs, 'run')}".replace(
        "last 1 ", "last "
    )
