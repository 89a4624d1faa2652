"""The training loop: `fit` -> `run_epoch` -> `train_step`, with one callback that observes and can stop it."""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Protocol

import torch
import torch.nn.functional as F

from cifar_core.config import Precision, RunConfig
from cifar_core.errors import DivergedError
from cifar_core.lifecycle.states import EndRequest
from cifar_core.models.network import create_model
from cifar_core.train.batches import Pictures, TrainingData, epoch_batches, shrink
from cifar_core.train.device import computing_in, make_repeatable, pick_precision
from cifar_core.train.epochs import LOWEST_LOSS, EpochLine, EpochPoint, EpochRule, should_stop_early
from cifar_core.train.optimizers import make_optimizer, prepare_for_averaging
from cifar_core.train.picture_records import PictureRecords
from cifar_core.train.predict import config_with_views, loss_and_accuracy, predict_probabilities
from cifar_core.train.pruning import Pruning
from cifar_core.train.ranks import ALONE, Ranks
from cifar_core.train.schedule import SMALL_SIDE, learning_rate_at, small_part, views_after
from cifar_core.train.splits import MeasuredSplit
from cifar_core.train.whitening import freeze_settled_bias, whiten
from cifar_core.train.within_epoch import WithinEpoch

CHECK_SECONDS = 1.0  # between two checks that the loss is finite: on a GPU each waits for the steps so far


@dataclass(frozen=True)
class Position:
    """How far the loop has come."""

    epoch: int  # 1-based, the current one
    epochs: int
    batch: int  # number of batches done in this epoch
    batches: int
    images_per_second: float  # of this epoch so far
    seconds: float  # of training and measuring, over all epochs and earlier sessions


class Callback(Protocol):
    """Observes the loop, which itself neither reads or writes files nor draws anything."""

    def on_batch(self, position: Position) -> EndRequest | None:
        """Called after each training step; at a request the loop ends at once."""

    def on_point(self, point: EpochPoint) -> None:
        """Called a few times within an epoch, before `on_batch`, with the accuracy on a few pictures."""

    def on_measure(self, position: Position) -> EndRequest | None:
        """Called before each batch of the measurement after an epoch; at a request the loop ends at once."""

    def on_epoch(self, trainer: "Trainer", line: EpochLine, probs: dict[MeasuredSplit, torch.Tensor]) -> None:
        """Called after each epoch with the predictions of its weights: float32 [N, K] for each part that is measured.

        The parts are `test` and, where the run has one, `validation`. `trainer.records` has the answers to the training
        pictures.
        """


class _MeasurementStoppedError(Exception):
    """The callback asked for the end during a measurement."""

    def __init__(self, request: EndRequest) -> None:
        super().__init__(request)
        self.request = request


class Trainer:
    """Trains one network. `state()` and `load_state()` save and restore all that the rest of the run depends on."""

    def __init__(
        self,
        config: RunConfig,
        data: TrainingData,
        device: torch.device,
        precision: Precision | None = None,
        *,
        rule: EpochRule = LOWEST_LOSS,
        earlier: int = 0,
        ranks: Ranks = ALONE,
    ) -> None:
        """Create the network and its optimiser.

        Args:
            config: the settings.
            data: the pictures.
            device: computes.
            precision: of the network's computations; None takes the best one for the device.
            rule: which epoch is the best, and so when the training stops early.
            earlier: epochs of the trainings that this one continues; the pictures come in the order that follows.
            ranks: the processes that train it together; each of them has a trainer of the same state.
        """
        make_repeatable(config.machine.seed)
        self.config = config
        self.data = data
        self.device = device
        self.rule = rule
        self.earlier = earlier
        self.ranks = ranks
        self.net = create_model(config.model, data.classes).to(device).to(memory_format=torch.channels_last)
        whiten(self.net, data)
        if config.optimizer.optimizer == "averaged_sgd":
            prepare_for_averaging(self.net)
        self.optimizer = make_optimizer(config.optimizer, self.net)
        self._learned = [item for item in self.net.parameters() if item.requires_grad]
        self.pruning = Pruning(config, len(data.train), device)
        self.records = PictureRecords(len(data.train), device)
        self.within = WithinEpoch(data, config.machine.seed)
        self.shown = len(data.train)  # pictures that the current epoch uses
        self.batches = self._most_batches = math.ceil(self.shown / config.optimizer.batch_size)  # of an epoch
        self.lines: list[EpochLine] = []
        self.batch = 0  # number of batches done in the current epoch
        self.seconds = 0.0  # of training and measuring in all finished epochs
        self._epoch_seconds = 0.0  # of training steps in the current epoch, with the measurements among them
        self._checked_at = 0.0  # monotonic seconds when the loss was last seen to be finite
        self.precision = precision or pick_precision(config.model, device)
        precise = torch.float32 if device.type == "mps" else torch.float64  # MPS has no float64
        self._loss_sum = torch.zeros((), dtype=precise, device=device)
        self._right = torch.zeros((), dtype=precise, device=device)

    def fit(self, callback: Callback) -> EndRequest | None:
        """Train until the last epoch, early stopping, or a request of the callback, which is returned.

        Raises:
            DivergedError: the loss became NaN or infinite.
        """
        settings = self.config.optimizer
        while len(self.lines) < settings.epochs and not should_stop_early(self.lines, settings.patience, self.rule):
            request = self.run_epoch(callback)
            if request is not None:
                return request
        return None

    def run_epoch(self, callback: Callback) -> EndRequest | None:
        """Train on the remaining batches of the current epoch, then measure it; returns a request of the callback."""
        epoch, settings, seed = len(self.lines) + 1, self.config.optimizer, self.config.machine.seed
        before, started = self._epoch_seconds, time.monotonic()
        if self.batch == 0:
            self.pruning.start_epoch(epoch, settings.epochs, seed, earlier=self.earlier)
            self.ranks.share([self.pruning.weights])  # another processor may have rounded the mean of the losses
            self.records.start_epoch()
        shown = self.pruning.shown
        self.shown = int(shown.sum())
        self.batches = math.ceil(self.shown / settings.batch_size)
        batches = epoch_batches(
            self.data,
            self.config.data,
            settings.batch_size,
            seed=seed,
            epoch=self.earlier + epoch,
            start=self.batch,
            shown=shown,
            ranks=self.ranks,
        )
        self.net.train()
        for images, labels, indices in batches:
            # A pruned epoch has fewer batches but covers the same part of the run, so that each of them counts more.
            done = self.batch * self._most_batches / self.batches
            self.ranks.seed(seed, self.earlier + epoch, self.batch)
            self.train_step(images, labels, indices, step=(epoch - 1) * self._most_batches + done)
            self.batch += 1
            self._look_within(epoch, callback)
            self._epoch_seconds = before + time.monotonic() - started
            request = self.ranks.agreed(callback.on_batch(self._position(epoch)))
            if request is not None:
                return request
        try:
            self._finish_epoch(epoch, callback)
        except _MeasurementStoppedError as error:
            return error.request
        return None

    def train_step(self, images: torch.Tensor, labels: torch.Tensor, indices: torch.Tensor, *, step: float) -> None:
        """Train on one batch: forward pass, backward pass, one step of the optimiser.

        Args:
            images: float32 [b, 3, 32, 32], this rank's part of the batch: all of it where one process trains.
            labels: int64 [B], of the whole batch.
            indices: int64 [B], the indices of these pictures in the training part.
            step: progress of the run, in steps of epochs that use every picture; sets the learning rate.
        """
        settings = self.config.optimizer
        steps = settings.epochs * self._most_batches
        rate = learning_rate_at(settings, step, steps)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group.get("share", 1.0)
            if "progress" in group:
                group["progress"] = step / steps
        freeze_settled_bias(self.net, step / steps)
        if step < small_part(self.config) * steps:
            images = shrink(images, SMALL_SIDE)
        with computing_in(self.precision, self.device):
            logits = self.ranks.parallel(self.net)(images)  # [b, K]
        logits, weights, part = logits.float(), self.pruning.weights_of(indices), self.ranks.part(len(labels))
        own = labels[part.rows]
        losses = F.cross_entropy(logits, own, label_smoothing=settings.label_smoothing, reduction="none")  # [b]
        for item in self._learned:
            item.grad = None
        whole = self.ranks.whole(logits, part, len(labels))
        losses.backward(weights[part.rows] / part.over)
        with computing_in(self.precision, self.device):  # for the matrix products of Muon
            self.optimizer.step()
        # The logged loss has no label smoothing, so that it is comparable with the validation and test losses.
        with torch.no_grad():
            logits, plain = whole(), losses.detach()
            if settings.label_smoothing or len(plain) < len(labels):
                plain = F.cross_entropy(logits, labels, reduction="none")
            self.pruning.note(indices, plain)
            self.records.note(indices, labels, logits, plain)
            self._loss_sum += plain @ weights
            self._right += weights @ (logits.argmax(1) == labels).float()

    def require_finite(self) -> None:
        """Check that the weights and the current epoch's loss are finite.

        Raises:
            DivergedError: they are NaN or infinite.
        """
        weights = sum(float(value.sum()) for value in self.net.state_dict().values())
        self._check_finite(len(self.lines) + 1, float(self._loss_sum), weights)

    def _check_finite(self, epoch: int, *values: float) -> None:
        if not all(math.isfinite(value) for value in values):
            raise DivergedError(
                f"Training diverged in epoch {epoch}: the loss is no longer a number. The learning rate of "
                f"{self.config.optimizer.learning_rate:g} is probably too high: try again with a lower one."
            )

    def _look_within(self, epoch: int, callback: Callback) -> None:
        """After a batch: check now and then that the loss is finite, and a few times measure the accuracy.

        Rank 0 alone does so. The others wait for it in the next batch, or find it gone.
        """
        if self.ranks.rank:
            return
        is_due = self.within.is_due(self.batch, self.batches)
        now = time.monotonic()
        if is_due or now - self._checked_at >= CHECK_SECONDS:
            self._checked_at = now
            self._check_finite(epoch, float(self._loss_sum))
        if is_due:
            accuracy = self.within.accuracy(self.net, self.precision)
            point = EpochPoint(epoch, self.batch, self.batches, accuracy, self.within.pictures, self.within.part)
            callback.on_point(point)

    def _finish_epoch(self, epoch: int, callback: Callback) -> None:
        """Measure and log the epoch; if the callback stops this, the state stays that after the last batch."""
        counted = float(self.pruning.weights.sum(dtype=self._right.dtype))
        train_loss = float(self._loss_sum) / counted
        self._check_finite(epoch, train_loss)
        train_seconds, started = self._epoch_seconds, time.monotonic()
        self.ranks.share(self.net.state_dict().values())  # each has running statistics of its own parts
        before_batch = partial(_obey, callback, self._position(epoch), self.ranks)
        views = views_after(self.config, epoch, validates=len(self.data.validation) > 0)
        probs: dict[MeasuredSplit, torch.Tensor] = {}
        validation_loss = validation_accuracy = None
        if len(self.data.validation):
            probs["validation"] = self._predict(self.data.validation, views, before_batch)
            validation_loss, validation_accuracy = self._judge(probs["validation"], self.data.validation)
        probs["test"] = self._predict(self.data.test, views, before_batch)
        test_loss, test_accuracy = self._judge(probs["test"], self.data.test)
        self._check_finite(epoch, test_loss, validation_loss or 0.0)
        seconds = train_seconds + time.monotonic() - started
        line = EpochLine(
            epoch=epoch,
            train_loss=train_loss,
            train_accuracy=min(1.0, float(self._right) / counted),
            validation_loss=validation_loss,
            validation_accuracy=validation_accuracy,
            test_loss=test_loss,
            test_accuracy=test_accuracy,
            learning_rate=self.optimizer.param_groups[0]["lr"],
            seconds=seconds,
            images_per_second=self.shown / max(train_seconds, 1e-9),
            looks=views,
        )
        self.lines.append(line)
        self.seconds += seconds
        self._start_epoch()
        callback.on_epoch(self, line, probs)

    def _predict(self, pictures: Pictures, views: int, before_batch: Callable[[], None]) -> torch.Tensor:
        config = config_with_views(self.config.data, views)
        return predict_probabilities(
            self.net, pictures, self.data, config, self.precision, before_batch=before_batch, ranks=self.ranks
        )

    def _judge(self, probs: torch.Tensor, pictures: Pictures) -> tuple[float, float]:
        """Loss and accuracy, as rank 0 rounds them: all ranks must choose the same epoch to stop after."""
        found = torch.tensor(loss_and_accuracy(probs, pictures.labels), dtype=torch.float64)
        self.ranks.share([found])
        loss, accuracy = found.tolist()
        return loss, accuracy

    def _start_epoch(self) -> None:
        self.batch, self._epoch_seconds = 0, 0.0
        self._loss_sum.zero_()
        self._right.zero_()

    def _position(self, epoch: int) -> Position:
        pictures = min(self.batch * self.config.optimizer.batch_size, self.shown)
        return Position(
            epoch,
            self.config.optimizer.epochs,
            self.batch,
            self.batches,
            pictures / max(self._epoch_seconds, 1e-9),
            self.seconds + self._epoch_seconds,
        )

    def state(self) -> dict[str, Any]:
        """All that the rest of the run depends on: only tensors and plain values, for loading with `weights_only`."""
        return {
            "net": self.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "lines": [asdict(line) for line in self.lines],
            "batch": self.batch,
            "seconds": self.seconds,
            "epoch_seconds": self._epoch_seconds,
            "loss_sum": self._loss_sum,
            "right": self._right,
            "pruning": self.pruning.state(),
            "records": self.records.state() if self.batch else {},  # an epoch that begins starts new ones
            "rng": torch.get_rng_state(),
            "cuda_rng": torch.cuda.get_rng_state_all() if self.device.type == "cuda" else [],
            **({"mps_rng": torch.mps.get_rng_state()} if self.device.type == "mps" else {}),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `state()` returned."""
        self.net.load_state_dict(state["net"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.lines = [EpochLine(**line) for line in state["lines"]]
        self.batch, self.seconds, self._epoch_seconds = state["batch"], state["seconds"], state["epoch_seconds"]
        self._loss_sum.copy_(state["loss_sum"])
        self._right.copy_(state["right"])
        self.pruning.load_state(state.get("pruning", {}))  # early checkpoints of schema 2 lack it
        self.records.load_state(state.get("records", {}))  # checkpoints of earlier versions lack them
        if "mps_rng" in state and self.device.type == "mps":
            torch.mps.set_rng_state(state["mps_rng"].cpu())
        torch.set_rng_state(state["rng"].cpu())
        if state["cuda_rng"] and self.device.type == "cuda":
            torch.cuda.set_rng_state_all(state["cuda_rng"])


def _obey(callback: Callback, position: Position, ranks: Ranks) -> None:
    request = ranks.decide(callback.on_measure(position))
    if request is not None:
        raise _MeasurementStoppedError(request)
