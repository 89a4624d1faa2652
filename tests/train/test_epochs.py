"""Which epoch is the best, and when to stop early."""

from dataclasses import asdict, replace

import pytest

from cifar_core.train import EARLIEST, LOWEST_LOSS, EpochLine, EpochRule, best_line, epoch_line, should_stop_early


def line(epoch: int, validation: float | None, test: float = 0.5) -> EpochLine:
    loss = None if validation is None else 1.0
    return EpochLine(epoch, 1.0, 0.5, loss, validation, 1.0, test, 1e-3, 1.0, 100.0)


@pytest.mark.parametrize(("accuracy", "loss"), [(1.0000003, 0.5), (1.0, -1.2e-7), (0.0, 1e30)])
def test_values_that_rounding_puts_out_of_range_are_read(accuracy: float, loss: float) -> None:
    """The weights of correct pictures may sum up to a little more than their number; old runs have such lines."""
    content = asdict(line(1, 0.5)) | {"train_accuracy": accuracy, "test_loss": loss}
    assert epoch_line(content).train_accuracy == accuracy
    for name, value in (("train_accuracy", 1.01), ("test_loss", -0.1), ("test_accuracy", -0.1)):
        with pytest.raises(ValueError, match=name):
            epoch_line(content | {name: value})


def test_validation_chooses_and_the_test_set_never_does() -> None:
    lines = [line(1, 0.5, test=0.9), line(2, 0.7, test=0.1), line(3, 0.6, test=0.99)]
    assert best_line(lines, LOWEST_LOSS) is lines[1]


@pytest.mark.fault(82)
@pytest.mark.parametrize(
    ("losses", "rule", "best"),
    [
        ([0.1, 0.5, 0.4, 0.6], LOWEST_LOSS, 3),
        ([0.1, 0.5, 0.4, 0.4], LOWEST_LOSS, 4),
        ([0.1, 0.4, 0.4, 0.5], LOWEST_LOSS, 3),
        ([0.1, 0.5, 0.4, 0.3], EARLIEST, 2),
    ],
)
def test_of_equally_accurate_epochs_the_rule_chooses(losses: list[float], rule: EpochRule, best: int) -> None:
    accuracies = [0.5, 0.7, 0.7, 0.7]
    lines = [
        replace(line(number, accuracy), validation_loss=loss)
        for number, (accuracy, loss) in enumerate(zip(accuracies, losses, strict=True), start=1)
    ]
    assert best_line(lines, rule) is lines[best - 1]


def test_without_validation_the_last_epoch_is_the_best() -> None:
    lines = [line(1, None, test=0.9), line(2, None, test=0.1)]
    assert best_line(lines, LOWEST_LOSS) is lines[1]
    assert best_line([], LOWEST_LOSS) is None


@pytest.mark.parametrize(
    ("scores", "patience", "stops"),
    [([0.5, 0.4, 0.4], 2, True), ([0.5, 0.4], 2, False), ([0.5, 0.4, 0.6], 2, False), ([0.5, 0.4, 0.3], 0, False)],
)
def test_early_stopping(scores: list[float], patience: int, stops: bool) -> None:
    lines = [line(number, score) for number, score in enumerate(scores, start=1)]
    assert should_stop_early(lines, patience, EARLIEST) is stops
